import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { archiveRun } from '../../../src/run/folder.ts'
import { openRun } from '../../../src/run/handle.ts'
import { openIndex } from '../../../src/run/index-file.ts'
import { createSummaryReader, observationLifetimeMs } from '../../../src/run/reader.ts'
import { stateFolderOf } from '../../../src/run/state-folder.ts'
import { proof } from '../walk/support.ts'
import { newRun, temporaryFolder } from './support.ts'

const meter = { meterId: 'm1', what: 'g5.xlarge', host: 'box', usdPerHour: 1.5, leaseUntilMs: 9 }

async function indexed() {
  const stateFolder = join(temporaryFolder(), 'kx')
  const index = openIndex(stateFolder)
  const made = await newRun(temporaryFolder(), { onAppended: index.mirror })
  return { ...made, index, stateFolder }
}

describe('state folder', () => {
  it('follows XDG and ignores relative paths', () => {
    expect(stateFolderOf({ XDG_STATE_HOME: '/s' }, '/home/a')).toBe('/s/kx')
    expect(stateFolderOf({ XDG_STATE_HOME: 's' }, '/home/a')).toBe('/home/a/.local/state/kx')
    expect(stateFolderOf({}, '/home/a')).toBe('/home/a/.local/state/kx')
  })
})

describe('index of all runs', () => {
  it('is empty before anything was, and makes nothing by being read', () => {
    const folder = join(temporaryFolder(), 'kx')
    expect(openIndex(folder).read()).toEqual({ runs: [], meters: [], acknowledgedClocks: [], suspects: [] })
    expect(existsSync(folder)).toBe(false)
  })

  it('holds runs and meters of several projects', async () => {
    const { run, index, projectFolder } = await indexed()
    await run.append('meter.opened', meter)
    const other = await newRun(temporaryFolder(), { onAppended: index.mirror })
    await other.run.append('meter.opened', { ...meter, usdPerHour: null })
    await other.run.append('meter.closed', { meterId: 'm1', because: 'seen gone' })
    await archiveRun(other.run, 'ada')
    const { runs, meters, suspects } = index.read()
    expect(suspects).toEqual([])
    expect(runs).toMatchObject([
      { runId: run.id, projectFolder, isArchived: false },
      { runId: other.run.id, projectFolder: other.projectFolder, isArchived: true },
    ])
    expect(meters).toMatchObject([
      { runId: run.id, usdPerHour: 1.5, closedAtMs: null },
      { runId: other.run.id, usdPerHour: null, closedBecause: 'seen gone' },
    ])
    expect(statSync(index.path).mode & 0o777).toBe(0o600)
    await run.close()
    await other.run.close()
  })

  it('never reads as empty when it is gone or cannot be read', async () => {
    const { run, index } = await indexed()
    rmSync(index.path)
    expect(index.read().suspects.join()).toMatch(/is gone, though it was there before/)
    await run.close()
  })

  it('reports every changed or torn line, and keeps the others', async () => {
    const { run, index } = await indexed()
    await run.append('meter.opened', meter)
    const text = readFileSync(index.path, 'utf8')
    writeFileSync(index.path, text.replace('1.5', '0.5'))
    expect(index.read().suspects).toEqual([expect.stringMatching(/^Line 2 .* was changed/)])
    expect(index.read().runs).toHaveLength(1)
    writeFileSync(index.path, text)
    appendFileSync(index.path, '{"v":1,"che')
    await run.append('meter.closed', { meterId: 'm1', because: 'seen gone' })
    const { meters, suspects } = index.read()
    expect(suspects).toEqual([expect.stringMatching(/^Line 3 .* is not whole/)])
    expect(meters[0]?.closedBecause).toBe('seen gone')
    await run.close()
  })

  it('notices any change of any byte (property)', async () => {
    const { run, index } = await indexed()
    const whole = readFileSync(index.path)
    const good = index.read()
    fc.assert(
      fc.property(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        writeFileSync(index.path, bytes)
        const { suspects, runs } = index.read()
        expect(suspects.length > 0 || JSON.stringify(runs) === JSON.stringify(good.runs)).toBe(true)
      }),
    )
    await run.close()
  })

  it('is completed from the journal after a crash between the two', async () => {
    const stateFolder = join(temporaryFolder(), 'kx')
    const index = openIndex(stateFolder)
    const { run } = await newRun()
    await run.append('meter.opened', meter)
    expect(index.reconcile(run.state())).toBe(2)
    expect(index.reconcile(run.state())).toBe(0)
    await run.append('meter.closed', { meterId: 'm1', because: 'seen gone' })
    await archiveRun(run, 'ada')
    expect(index.reconcile(run.state())).toBe(2)
    expect(index.read().runs[0]?.isArchived).toBe(true)
    expect(index.read().meters[0]?.closedAtMs).toBe(run.state().meters[0]?.closedAtMs)
    await run.close()
  })

  it('follows the lease of a meter, also over a crash between the two', async () => {
    const { run, index } = await indexed()
    await run.append('meter.opened', meter)
    const extended = { approvalId: 'a', token: 't', hours: 1, usd: 1, by: 'ada' }
    await run.append('lease.extended', { ...extended, host: 'box', number: 2, untilMs: 77 })
    expect(index.read()).toMatchObject({ suspects: [], meters: [{ meterId: 'm1', leaseUntilMs: 77, usdPerHour: 1.5 }] })
    // Another machine's lease is not this one's.
    await run.append('lease.extended', { ...extended, host: 'other', number: 2, untilMs: 99 })
    expect(index.read().meters[0]?.leaseUntilMs).toBe(77)
    expect(index.reconcile(run.state())).toBe(0)
    await run.close()
    const late = openIndex(join(temporaryFolder(), 'kx'))
    late.mirror(
      { v: 1, sequence: 2, fence: 1, previous: '', atMs: 1, kind: 'meter.opened', payload: meter },
      { ...run.state(), meters: run.state().meters.map((each) => ({ ...each, leaseUntilMs: 9 })) },
    )
    expect(late.reconcile(run.state())).toBe(2)
    expect(late.read().meters[0]?.leaseUntilMs).toBe(77)
  })

  it('remembers acknowledged danger clocks', () => {
    const index = openIndex(join(temporaryFolder(), 'kx'))
    index.acknowledgeClock({ platform: 'autodl', clockId: 'release', by: 'ada', atMs: 5 })
    expect(index.read().acknowledgedClocks).toEqual([{ platform: 'autodl', clockId: 'release', by: 'ada', atMs: 5 }])
  })
})

describe('run summary', () => {
  const reader = createSummaryReader()

  it('says unknown with a reason for what is missing, empty, or no journal', async () => {
    const { run } = await newRun()
    expect(reader.read(join(run.folder, 'gone'), 0)).toMatchObject({
      liveness: 'unknown',
      reason: expect.stringMatching(/missing/),
    })
    writeFileSync(join(run.folder, 'journal.jsonl'), '')
    expect(reader.read(run.folder, 0)).toMatchObject({ liveness: 'unknown', stage: null })
    writeFileSync(join(run.folder, 'journal.jsonl'), Buffer.alloc(200))
    expect(reader.read(run.folder, 0)).toMatchObject({ liveness: 'unknown', openMeters: [] })
    await run.close()
  })

  it('follows a run from planned to finished, reading only what was added', async () => {
    const { run, clock } = await newRun()
    const now = () => clock.nowMs()
    expect(reader.read(run.folder, now())).toMatchObject({ liveness: null, stage: 'new', reason: null })
    await run.append('proof.made', proof('PlanDigest'))
    expect(reader.read(run.folder, now()).stage).toBe('planned')
    await run.append('intent.opened', { intentId: 'i', act: 'launch', token: 't', host: 'local', payload: {} })
    expect(reader.read(run.folder, now())).toMatchObject({
      liveness: 'unknown',
      reason: expect.stringMatching(/begun/),
    })
    await run.append('proof.made', proof('Receipt', { atMs: now(), payload: { token: 't' } }))
    expect(reader.read(run.folder, now())).toMatchObject({ liveness: 'unknown', stage: 'launched' })
    await run.append('observation', { state: 'running', unitsDone: 3, unitsTotal: 45 })
    expect(reader.read(run.folder, now())).toMatchObject({ liveness: 'running', unitsDone: 3, unitsTotal: 45 })
    expect(reader.read(run.folder, now() + observationLifetimeMs)).toMatchObject({
      liveness: 'unknown',
      reason: expect.stringMatching(/Not looked at for 15 min/),
    })
    await run.append('observation', { state: 'finished', unitsDone: 'all' })
    expect(reader.read(run.folder, now() + 1e9)).toMatchObject({ liveness: 'finished', unitsDone: null })
    await run.append('proof.made', proof('Outcome'))
    expect(reader.read(run.folder, now())).toMatchObject({ liveness: 'finished', stage: 'ended' })
    await run.close()
  })

  it('does not call a run running by a look that is dated ahead of this clock', async () => {
    const { run, clock } = await newRun()
    await run.append('proof.made', proof('Receipt', { atMs: 0 }))
    await run.append('observation', { state: 'running', unitsDone: 3, unitsTotal: 45 })
    expect(reader.read(run.folder, clock.nowMs() - 3_600_000)).toMatchObject({
      liveness: 'unknown',
      reason: expect.stringMatching(/ahead of this clock/),
    })
    await run.close()
  })

  it('does not call a run over when it was launched again since and nobody knows how that went', async () => {
    const { run, clock } = await newRun()
    const launch = (token: string) => ({ intentId: token, act: 'launch', token, host: 'local', payload: {} })
    await run.append('intent.opened', launch('t1'))
    await run.append('proof.made', proof('Receipt', { atMs: 0, payload: { token: 't1' } }))
    await run.append('proof.made', proof('Outcome', { payload: { state: 'dead' } }))
    expect(reader.read(run.folder, clock.nowMs()).liveness).toBe('dead')
    await run.append('intent.opened', launch('t2'))
    expect(reader.read(run.folder, clock.nowMs())).toMatchObject({
      liveness: 'unknown',
      reason: expect.stringMatching(/begun/),
    })
    await run.append('intent.closed', { intentId: 't2', outcome: 'failed', payload: {} })
    expect(reader.read(run.folder, clock.nowMs()).liveness).toBe('dead')
    await run.close()
  })

  it('does not take an observation of no known shape for a state', async () => {
    const { run, clock } = await newRun()
    await run.append('proof.made', proof('Receipt', { atMs: 0 }))
    for (const payload of [null, 7, { state: 'fine' }, { state: 3 }]) {
      await run.append('observation', payload)
      expect(reader.read(run.folder, clock.nowMs()).liveness).toBe('unknown')
    }
    await run.close()
  })

  it('shows a broken chain and does not lock or write', async () => {
    const { run, options } = await newRun()
    await run.append('note', { text: 'a' })
    await run.append('note', { text: 'b' })
    await run.close()
    const path = join(run.folder, 'journal.jsonl')
    rmSync(join(run.folder, 'journal.lock'))
    writeFileSync(path, readFileSync(path, 'utf8').replace('"a"', '"A"'))
    expect(createSummaryReader().read(run.folder, 0).reason).toMatch(/line 3/)
    expect(existsSync(join(run.folder, 'journal.lock'))).toBe(false)
    await expect(openRun(run.folder, options)).resolves.toBeDefined()
  })
})
