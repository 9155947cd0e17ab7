import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Recipe } from '../../../src/recipe/contract.ts'
import { chooseHolders, type Owner } from '../../../src/recipe/shelf/holders.ts'
import { artifactTest, parseSurvey } from '../../../src/recipe/shelf/survey.ts'

const root = resolve(import.meta.dirname, '../../..')
/** Recipes about the machine and its disks. */
const ids = [
  ...['bootstrap-uv', 'cap-threads', 'china-mirrors', 'cuda-check', 'free-disk', 'free-inodes', 'gpu-preflight'],
  ...['host-memory', 'move-caches', 'noisy-neighbour', 'reap-vram', 'rescue-disk', 'rotate-logs', 'stage-data'],
  ...['sync-environment', 'warm-volume', 'weekly-housekeeping'],
]

const rulesText = ['src/patrol/rules', 'src/audit/items']
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => readFileSync(join(root, folder, name), 'utf8')))
  .join('\n')

describe('each recipe about a machine', () => {
  for (const id of ids)
    it(`${id} says what it is, asks in words, and plans what it changes`, async () => {
      const { recipe } = (await import(join(root, 'recipes', `${id}.ts`))) as { recipe: Recipe }
      expect(recipe.id).toBe(id)
      for (const text of Object.values(recipe.runbook)) expect(text.length).toBeGreaterThan(30)
      for (const [name, field] of Object.entries(recipe.parameters.shape))
        expect((field as { description?: string }).description, `${id}: ${name} is not described`).toBeTruthy()
      for (const { rule } of recipe.serves ?? []) {
        const [kind = ''] = rule.split('/')
        expect(
          new RegExp(`['\`]${kind.replaceAll('.', '\\.')}['\`/]`).test(rulesText),
          `${id} serves ${rule}, which nobody opens`,
        ).toBe(true)
      }
      for (const cell of recipe.cells) {
        expect(cell.timeoutSeconds).toBeLessThanOrEqual(24 * 3600)
        if (cell.risk === 'read') continue
        expect(cell.plan, `${id}: ${cell.name} has no plan`).toBeDefined()
        expect(
          cell.undo === undefined && cell.probe === undefined && cell.retry === undefined,
          `${id}: ${cell.name}`,
        ).toBe(false)
        if (cell.risk === 'destroy')
          expect(cell.undo, `${id}: ${cell.name} destroys and has no way back`).toBeUndefined()
      }
    })
})

describe('what a look at files tells', () => {
  const whole = Buffer.from('R\0/x\0C\x00100\0O\x001 2\n\0H\x000\0M\x007\n\0L\0\0F\x001 5 10 50 50 1 8\n\0/x/a\nb\0E\0')

  it('is read whole or not at all', () => {
    expect(parseSurvey(whole)).toMatchObject({
      root: '/x',
      clockSeconds: 100,
      files: [{ path: '/x/a\nb', inode: '5', takenBytes: 4096 }],
    })
    for (let length = 0; length < whole.length; length += 1) expect(parseSurvey(whole.subarray(0, length))).toBeNull()
  })

  it('never does anything to a name that is no UTF-8', () => {
    const odd = Buffer.concat([
      whole.subarray(0, -2),
      Buffer.from('F\x001 6 1 1 1 1 8\n\0'),
      Buffer.from([0x2f, 0xff, 0]),
      Buffer.from('E\0'),
    ])
    expect(parseSurvey(odd)).toMatchObject({ oddNames: 1, files: [{ inode: '5' }] })
  })

  it('knows artifacts by the list that the launch wrote, and takes an unreadable line for all', () => {
    const test = artifactTest('1 1 plain units/*/result.json\n1 1 loose best*.pt\n1 0 plain out\n')
    expect(['units/u1/result.json', 'best/x/y.pt', 'best.pt', 'out/deep/file'].map(test)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['units/u1/u2/result.json', 'units/u1/result_json', 'other.pt', 'outer'].map(test)).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(artifactTest('what is this\n')('anything')).toBe(true)
    expect(artifactTest('')('anything')).toBe(false)
  })
})

describe('who may be ended for holding a card', () => {
  const stat = (pid: number, more: object = {}) => ({
    ...{ pid, command: 'python', state: 'S', parent: 1, group: pid, session: pid, cpuTicks: 0, startTicks: 100 },
    ...more,
  })
  const known = <T>(value: T) => ({ isKnown: true, value }) as const
  const choose = (more: { found: object[]; listed?: object[]; isFirst?: boolean; pids?: number[]; owner?: Owner }) =>
    chooseHolders(
      {
        uptimeSeconds: known(1000),
        ticksPerSecond: known(100),
        gpuProcesses: known(more.listed ?? []),
        wide: {
          holders: known({ found: more.found.map((each) => ({ card: 0, stat: each })), hidden: 0 }),
          processes: known({ pids: new Set([1, 10, 11, 12]), isFirstNamespace: more.isFirst ?? true, isWhole: true }),
        },
      } as unknown as Parameters<typeof chooseHolders>[0],
      { olderThanSeconds: 120, pids: more.pids ?? [] },
      () => more.owner ?? 'none',
    )
  const listed = [{ pid: known(10), name: 'python', usedMiB: known(1) }]

  it('is only who is not listed, old, a stranger to those at work, and of no living run', () => {
    expect(choose({ found: [stat(11)] }).targets.map((each) => each.pid)).toEqual([11])
    for (const found of [
      stat(10),
      stat(11, { parent: 10 }),
      stat(11, { group: 10 }),
      stat(11, { session: 10 }),
      stat(11, { startTicks: 95_000 }),
      stat(11, { command: 'nvidia-persiste' }),
    ])
      expect(choose({ found: [found, stat(10)], listed }).targets).toEqual([])
    expect(choose({ found: [stat(11)], owner: 'run' }).targets).toEqual([])
    expect(choose({ found: [stat(11)], owner: 'hidden' }).targets).toEqual([])
  })

  it('is doubtful in a container where the list cannot be compared, until a person names them', () => {
    expect(choose({ found: [stat(11)], isFirst: false })).toMatchObject({
      targets: [],
      doubt: expect.stringContaining('cannot be told'),
    })
    expect(choose({ found: [stat(11), stat(12)], isFirst: false, pids: [12] }).targets.map((each) => each.pid)).toEqual(
      [12],
    )
    expect(choose({ found: [stat(11), stat(10)], listed, isFirst: false }).targets.map((each) => each.pid)).toEqual([
      11,
    ])
  })
})
