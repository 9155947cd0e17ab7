import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { allCommands } from '../../../src/commands/list/all.ts'
import { systemClock } from '../../../src/commands/open.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { createRun, runFolder } from '../../../src/run/folder.ts'
import { openRun } from '../../../src/run/handle.ts'
import { readRunState } from '../../../src/run/reader.ts'
import { item, proof } from '../walk/support.ts'

let folder = ''
let runId = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kx-recorded-'))
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
  vi.stubEnv('HOME', folder)
  const run = await createRun({
    projectFolder: folder,
    project: 'demo',
    planName: 'demo',
    planText: 'name: demo\n',
    by: 'ada',
    clock: systemClock,
  })
  runId = run.id
  await run.append('finding.opened', {
    findingId: 'a1',
    rule: 'nan',
    severity: 'warn',
    class: 'bug',
    text: 'a1 is wrong',
    evidence: '',
    remedy: 'Look.',
    recipe: '',
  })
  await run.close()
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const env = (more: Partial<CommandEnvironment> = {}): CommandEnvironment => ({
  projectFolder: folder,
  runId,
  who: 'ada',
  via: 'cli',
  settings: {},
  signal: new AbortController().signal,
  ask: { confirm: async () => false, typed: async () => null, text: async () => null },
  progress: () => {},
  openRun: () => {},
  ...more,
})

async function run(id: string, args: Record<string, unknown>, more: Partial<CommandEnvironment> = {}) {
  const spec = allCommands().get(id)
  if (spec?.run === undefined) throw new Error(`no act ${id}`)
  return spec.run(env(more), spec.args.parse(args))
}
const cells = () =>
  (readRunState(runFolder(folder, runId))?.cells ?? []).map(({ started, ended }) => ({
    name: started.name,
    via: started.via,
    state: ended?.state,
    summary: ended?.summary,
  }))

describe('acts beside the walk', () => {
  it('are cells of the notebook: seen, ticked, read, written, refused', async () => {
    writeFileSync(join(folder, 'todo.md'), '# Todo\n\n- [ ] look\n')
    await run('patrol.acknowledge', { finding: 'a1' })
    await run('checklist.tick', { file: 'todo.md', task: 1 })
    await run('profile.acknowledge', { name: 'local' })
    await run('host.reconnect', { host: 'nowhere' })
    expect(cells()).toEqual([
      { name: 'patrol.acknowledge', via: 'cli', state: 'done', summary: 'seen: a1 is wrong' },
      { name: 'checklist.tick', via: 'cli', state: 'done', summary: 'ticked: look' },
      expect.objectContaining({ name: 'profile.acknowledge', state: 'done' }),
      expect.objectContaining({ name: 'host.reconnect', state: 'failed' }),
    ])
    await run('run.archive', {})
    expect(cells().at(-1)).toMatchObject({ name: 'run.archive', state: 'done' })
  })

  it('happen all the same where there is no run, or where its journal refuses', async () => {
    writeFileSync(join(folder, 'todo.md'), '# Todo\n\n- [ ] look\n')
    const journal = join(runFolder(folder, runId), 'journal.jsonl')
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"ada"', '"eve"'))
    const refused = await run('checklist.tick', { file: 'todo.md', task: 1 })
    expect(refused.exitCode).toBe(0)
    expect(refused.summary).toContain(`not in the notebook of ${runId}`)
    rmSync(join(folder, '.kx'), { recursive: true })
    const alone = await run('checklist.tick', { file: 'todo.md', task: 1 }, { runId: null })
    expect(alone).toMatchObject({ exitCode: 0, summary: 'unticked: look' })
  })

  it('keep an argument that is named like a secret out of the journal', async () => {
    const { recordedBeside } = await import('../../../src/commands/recorded.ts')
    const args = { host: 'gpu', password: 'correct horse', nested: { apiToken: 'zq9' } }
    await recordedBeside(env(), 'host.trust', args, async () => ({ summary: 'ok', exitCode: 0, data: null }))
    const text = readFileSync(join(runFolder(folder, runId), 'journal.jsonl'), 'utf8')
    expect(text).not.toMatch(/correct horse|zq9/)
    expect(text).toContain('gpu')
  })
})

describe('what a person decides without an act', () => {
  const no = { confirm: async () => false, typed: async () => null, text: async () => null }

  it('is a cell: a no to a price, to the end of a run, to going on in spite of an error', async () => {
    const open = await openRun(runFolder(folder, runId), { clock: systemClock })
    await open.append('proof.made', proof('PlanDigest', { id: 'p1', items: [item('a', 'fail')] }))
    await open.close()
    expect(await run('item.override', { item: 'a' }, { ask: no })).toMatchObject({ exitCode: 3 })
    expect(await run('patrol.abort', {}, { ask: no, via: 'key' })).toMatchObject({
      exitCode: 3,
      summary: 'the run goes on',
    })
    expect(await run('item.override', { item: 'a', reason: '?' }, { ask: no })).toMatchObject({ exitCode: 3 })
    expect(
      readRunState(runFolder(folder, runId))?.cells.map(({ started, ended }) => [
        started.name,
        ended?.state,
        ended?.cause,
        ended?.summary,
      ]),
    ).toEqual([
      ['item.override', 'failed', 'aborted', 'ada said no: an override needs a reason in words'],
      ['patrol.abort', 'failed', 'aborted', 'ada said no: the run goes on'],
    ])
  })

  it('is a cell: a no to the price of a run, which leaves it without an approval', async () => {
    const plan = {
      ...{ version: 1, name: 'demo', goal: 'raise accuracy by 1 point', hosts: ['local'], profiles: ['local'] },
      metrics: [{ name: 'accuracy', direction: 'higher', primary: true }],
      ...{ command: ['true', '{unit}'], units: { list: ['a'] }, environment: { kind: 'system', interpreter: 'node' } },
      ...{ resources: { compute: 'cpu', workers: 1 }, checkpoints: { bytes: 1000, count: 2 } },
      artifacts: [{ glob: 'units/*/result.json', minimumCount: 1, kind: 'json' }],
      budget: { usd: 0, hours: 1 },
    }
    writeFileSync(join(folder, 'kx.yaml'), JSON.stringify(plan))
    const priced = { hoursP50: 1, hoursP90: 2, usdP50: 3, usdP90: 6, capUsd: 9, priceSource: 'by hand', leaseHours: 4 }
    const open = await openRun(runFolder(folder, runId), { clock: systemClock })
    await open.append('proof.made', proof('PricedPlan', { id: 'p1', atMs: Date.now(), payload: priced }))
    await open.close()
    const shown: string[] = []
    const confirm = async (question: string, detail: readonly string[]) => {
      shown.push(question, ...detail)
      return false
    }
    const refused = await run('cost.approve', {}, { ask: { ...no, confirm } })
    expect(refused).toMatchObject({ exitCode: 3, summary: expect.stringMatching(/^not approved: /) })
    expect(shown).toContain('Money  p50 $3.00, p90 $6.00, cap $9.00')
    await run('cost.approve', {}, { ask: { ...no, isAttended: false } })
    const state = readRunState(runFolder(folder, runId))
    expect(state?.cells.map(({ started, ended }) => [started.name, started.risk, ended?.state, ended?.cause])).toEqual([
      ['cost.approve', 'spend', 'failed', 'aborted'],
    ])
    expect(state?.cells[0]?.ended?.summary).toMatch(/^ada said no: not approved: /)
    expect(state?.latest.Approval).toBeUndefined()
  })

  it('is none where nobody is there to be asked', async () => {
    const open = await openRun(runFolder(folder, runId), { clock: systemClock })
    await open.append('proof.made', proof('PlanDigest', { id: 'p1', items: [item('a', 'fail')] }))
    await open.close()
    await run('item.override', { item: 'a' }, { ask: { ...no, isAttended: false } })
    expect(cells()).toEqual([])
  })

  it('is a cell where the plan was changed in the editor, with what was changed; none where it was left', async () => {
    const { editPlan } = await import('../../../src/commands/plan-edit.ts')
    const file = join(folder, 'kx.yaml')
    writeFileSync(file, 'version: 1\nname: a\n')
    expect(await editPlan(env({ via: 'key' }), file, async () => {})).toBeNull()
    expect(cells()).toEqual([])
    const edited = await editPlan(env({ via: 'key' }), file, async () => writeFileSync(file, 'version: 1\nname: b\n'))
    expect(edited?.summary).toBe('the plan was changed: 2 lines of a diff')
    const cell = readRunState(runFolder(folder, runId))?.cells.at(-1)
    expect(cell?.started).toMatchObject({ name: 'plan.edit', phase: 'plan', via: 'key', args: { file } })
    expect(cell?.started.args.before).toMatch(/^[0-9a-f]{64}$/)
    const output = readFileSync(join(runFolder(folder, runId), cell?.ended?.outputFile ?? ''), 'utf8')
    expect(output).toContain('kx: - name: a\nkx: + name: b\n')
  })
})
