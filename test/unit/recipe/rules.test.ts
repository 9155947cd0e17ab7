import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkRecipe } from '../../../src/recipe/check.ts'
import { defineRecipe } from '../../../src/recipe/contract.ts'
import { describeRecipe } from '../../../src/recipe/describe.ts'
import { gatherParameters } from '../../../src/recipe/given.ts'
import { newRecipe } from '../../../src/recipe/new.ts'
import { hasRecipeExport, markdownRecipe } from '../../../src/recipe/plain.ts'
import { decide, pastOf, planLines, stretchesOf, targetsDigest, whyMoved } from '../../../src/recipe/rules.ts'
import type { CellRecord } from '../../../src/run/types.ts'

const run = async () => undefined
const recipe = (more: object = {}) =>
  defineRecipe({
    id: 'demo',
    title: 'Demo',
    runbook: { when: 'a', touches: 'b', back: 'c' },
    parameters: z.object({
      keep: z.number().int().default(3).describe('how many').meta({ environment: 'KX_KEEP' }),
      kind: z.enum(['a', 'b']).describe('which'),
      paths: z.array(z.string()).default([]).describe('where'),
    }),
    cells: [
      { name: 'one', title: 'One', risk: 'read', timeoutSeconds: 5, run },
      { name: 'two', title: 'Two', risk: 'change', timeoutSeconds: 5, run },
      { name: 'three', title: 'Three', risk: 'read', timeoutSeconds: 5, on: 'here', needs: ['one'], run },
      { name: 'four', title: 'Four', risk: 'read', timeoutSeconds: 5, run },
    ],
    ...more,
  })

const record = (state: string | null, args: object, at: number): CellRecord =>
  ({
    started: { cellId: `c${at}`, args: { recipeRun: 'r', cell: 'one', host: 'box', part: 'run', ...args } },
    startedAtMs: at,
    ended: state === null ? null : { state },
  }) as unknown as CellRecord

describe('what a recipe declares', () => {
  it('is read off as plain data, with the cell before as the need', () => {
    const described = describeRecipe(recipe())
    expect(described.parameters).toEqual([
      expect.objectContaining({ name: 'keep', type: 'number', isRequired: false, initial: 3, environment: 'KX_KEEP' }),
      expect.objectContaining({ name: 'kind', type: 'choice', choices: ['a', 'b'], isRequired: true }),
      expect.objectContaining({ name: 'paths', type: 'list', initial: [] }),
    ])
    expect(described.cells.map((cell) => cell.needs)).toEqual([[], ['one'], ['one'], ['three']])
    expect(stretchesOf(described).map(({ on, cells }) => [on, cells.length])).toEqual([
      ['each', 2],
      ['once', 1],
      ['each', 1],
    ])
  })

  it('is refused with everything that is wrong with it', () => {
    const bad = recipe({
      id: 'No Good',
      runbook: { when: '', touches: 'b', back: 'c' },
      cells: [
        { name: 'a', title: 'A', risk: 'read', timeoutSeconds: 0, run },
        { name: 'a', title: 'A', risk: 'odd', timeoutSeconds: 1, needs: ['later'], run },
      ],
    })
    expect(() => describeRecipe(recipe({ parameters: z.object({ hosts: z.string() }) }))).toThrow(/flag of kx/)
    for (const words of [/id "No Good"/, /runbook.when/, /no timeout/, /two cells/, /no risk/, /needs later/])
      expect(() => describeRecipe(bad)).toThrow(words)
  })

  it('takes parameters by flag before the environment, and tells what is wanted', () => {
    const { parameters } = describeRecipe(recipe())
    expect(gatherParameters(parameters, { keep: '5', paths: 'a, b', odd: 'x' }, { KX_KEEP: '7' })).toMatchObject({
      parameters: { keep: 5, paths: ['a', 'b'] },
      missing: [{ name: 'kind' }],
      unknown: ['odd'],
    })
    expect(gatherParameters(parameters, {}, { KX_KEEP: '7' }).parameters).toEqual({ keep: 7 })
  })
})

describe('how far a cell came', () => {
  const key = { recipeRun: 'r', cell: 'one', host: 'box' }
  it('is told by the newest of its records', () => {
    expect(pastOf([], key).kind).toBe('none')
    expect(pastOf([record('done', { host: 'other' }, 1)], key).kind).toBe('none')
    expect(pastOf([record('failed', {}, 1), record('done', {}, 2)], key)).toEqual({ kind: 'done', cellId: 'c2' })
    expect(pastOf([record(null, {}, 1)], key).kind).toBe('open')
    expect(pastOf([record('unknown', {}, 1)], key).kind).toBe('open')
    expect(pastOf([record('done', {}, 1), record('done', { part: 'undo' }, 2)], key).kind).toBe('none')
    expect(pastOf([record('done', {}, 1), record('failed', { part: 'undo' }, 2)], key).kind).toBe('done')
  })

  it('decides what is done about one whose end nobody saw', () => {
    const change = { risk: 'change', retry: null, parts: ['probe'] } as const
    expect(decide(change, 'done', 0)).toBe('take-as-done')
    expect(decide(change, 'done', 2)).toBe('wait')
    expect(decide(change, 'running', 0)).toBe('wait')
    expect(decide(change, 'not-done', 0)).toBe('run')
    // Something may still be at it where nobody can look.
    expect(decide(change, 'not-done', null)).toBe('ask')
    expect(decide(change, 'unknown', 0)).toBe('ask')
    expect(decide(change, null, 0)).toBe('ask')
    expect(decide({ ...change, risk: 'read' }, null, 0)).toBe('run')
    expect(decide({ ...change, retry: { times: 1, delaySeconds: 0 } }, 'unknown', 0)).toBe('run')
  })

  it('holds a run to what was planned', () => {
    expect(targetsDigest(['b', 'a'])).toBe(targetsDigest(['a', 'b']))
    expect(whyMoved(null, ['a'])).toBe(null)
    expect(whyMoved(['a', 'b'], ['b', 'a'])).toBe(null)
    expect(whyMoved(['a'], ['b'])).toMatch(/1 gone \(a\); 1 new \(b\)/)
  })

  it('draws the three answers of a plan equally loud', () => {
    for (const change of ['yes', 'no', 'unknown'] as const)
      expect(planLines({ title: 'T' }, 'box', { change, lines: ['x'], foundBy: 'probe' })[0]).toMatch(
        /^[A-Z ]{12} {2}box: T/,
      )
  })
})

describe('plain scripts', () => {
  it('tells a recipe from a script by its text', () => {
    expect(hasRecipeExport('export const recipe = defineRecipe({})')).toBe(true)
    expect(hasRecipeExport('const recipe = 1\nexport { recipe }')).toBe(true)
    expect(hasRecipeExport("import { $ } from 'zx'\nawait $`echo recipe`")).toBe(false)
  })

  it('makes a cell of every block of sh and js, named after its heading', () => {
    const text =
      '# Fix it\n\nWords.\n\n## Look\n```sh\ndf -h\n```\n```json\n{}\n```\n## Act\n~~~js\nawait $`true`\n~~~\n'
    const made = markdownRecipe('/x/fix.md', text)
    expect(made.title).toBe('Fix it')
    expect(made.cells.map(({ title, risk }) => [title, risk])).toEqual([
      ['Look', 'change'],
      ['Act', 'change'],
    ])
    expect(() => markdownRecipe('/x/a.md', '# none')).toThrow(/no block/)
  })
})

describe('check', () => {
  const rules = (text: string) => checkRecipe(text, null).map((each) => each.rule)
  it.each([
    ['await $({ raw: [x] })`a`', 'unquoted-data'],
    ['await $`sh -c ${command}`', 'unquoted-data'],
    ['await $`rm "${path}"`', 'unquoted-data'],
    ['await host.script(`rm ${path}`, [])', 'unquoted-data'],
    ["await host.write('/root/run.sh', text)", 'mutable-script'],
    ["const key = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'", 'secret'],
  ])('finds in %s: %s', (text, rule) => {
    expect(rules(text)).toEqual([rule])
  })

  it('leaves alone what is well', () => {
    expect(rules('await $`rm -- ${path}`\nawait host.script(`rm "$1"`, [path])')).toEqual([])
    expect(rules('await host.write(`/root/run-${version}.sh`, text) // run.sh')).toEqual([])
    expect(rules(newRecipe('demo'))).toEqual([])
  })

  it('names cells without a way back, a plan or a look', () => {
    const found = checkRecipe('', describeRecipe(recipe()))
    expect(found.map((each) => each.rule)).toEqual(['undo', 'plan', 'probe'])
    expect(found.every((each) => each.severity === 'warn')).toBe(true)
  })
})
