import { describe, expect, it } from 'vitest'
import { foldRecords } from '../../../src/run/fold.ts'
import type { JournalKind, JournalRecord, RunState } from '../../../src/run/types.ts'
import { draw, themes } from './draw.tsx'
import { nowMs, type Scene, sceneAt } from './fixture.ts'

const hosts = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta']

/** Seven hosts, each at another point of its teardown. */
function stateOf(names: readonly string[] = hosts): RunState {
  let sequence = 0
  const records: JournalRecord[] = []
  const add = (kind: JournalKind, payload: unknown) => {
    sequence += 1
    records.push({ v: 1, sequence, fence: 1, previous: '', atMs: nowMs - 3_600_000 + sequence, kind, payload })
  }
  const prove = (host: string, kind: string, payload: unknown) =>
    add('proof.made', {
      ...{ id: `${kind}-${host}`, kind, phase: kind === 'Receipt' ? 'launch' : 'teardown', atMs: nowMs - 60_000 },
      ...{ host: { host, hostname: host, machineId: host, bootId: 'b', user: '0' } },
      ...{ boundTo: {}, needs: [], items: [], payload },
    })
  const verify = (host: string, found: number) =>
    prove(host, 'VerifiedManifest', {
      ...{ runId: 'run-1', folder: '/b/run-1', manifestSha256: 'c0'.repeat(32), accepted: found, missing: [] },
      ...{ totals: { expected: 3, found, copied: found, whole: found, verified: found, bytes: 10 } },
      ...{ waived: [], box: null, consequences: [] },
    })
  const launch = (host: string, usdPerHour: number | null) => {
    prove(host, 'Receipt', { token: `t-${host}`, handle: { folder: '/b/run-1' } })
    add('meter.opened', { meterId: host, what: 'box', host, usdPerHour, leaseUntilMs: null })
  }
  add('run.created', {
    ...{ runId: 'run-1', project: 'p', projectFolder: '/p', planName: 'n', planSha256: '', by: 'ada' },
  })
  add('fleet.set', { hosts: names })
  for (const host of ['alpha', 'beta', 'gamma', 'epsilon', 'eta']) {
    launch(host, host === 'beta' ? null : 2.5)
    prove(host, 'Outcome', { state: 'finished' })
    verify(host, host === 'gamma' ? 2 : 3)
  }
  launch('zeta', 0)
  add('intent.opened', { intentId: 'i-1', act: 'remove', token: 'x', host: 'epsilon', payload: {} })
  prove('alpha', 'MeterStopped', {
    ...{ runId: 'run-1', folder: '/b/run-1', permitId: 'p', manifestSha256: 'c0', verified: 3, of: 3, verb: 'rm' },
    ...{ seenGoneAtMs: [nowMs, nowMs], lastAnswer: 'no such folder', hours: 1, usd: 2.5 },
  })
  const state = foldRecords(null, records)
  if (state === null) throw new Error('no state')
  return state
}

async function sceneOf(state: RunState): Promise<Scene> {
  const scene = await sceneAt('verified')
  const stale = { proofId: 'VerifiedManifest-eta', cause: 'digest', text: 'the artifacts have changed' } as const
  const staleness = new Map([[stale.proofId, stale]])
  return { ...scene, run: state, standings: { ...scene.standings, staleness } }
}

const atHosts = { focus: { teardown: 'hosts' } }

describe('the teardown of a run over several hosts', () => {
  it('has a row for each: verified, removed, meter and what is next (80x24, ASCII)', async () => {
    const scene = await sceneOf(stateOf())
    const lines = draw({ scene, screen: 'teardown', columns: 80, rows: 24, theme: themes.ascii, ui: atHosts })
    const text = lines.join('\n')
    expect(text).toContain('1 of 6 box folders removed')
    // Gone, and nobody has seen its meter end.
    expect(text).toMatch(/alpha +3\/3 +yes +unconfirmed +E: the meter/)
    expect(text).toMatch(/beta +3\/3 +no +price \? +D removes/)
    expect(text).toMatch(/gamma +2\/3 +no +\$2\.50\/h +mend, then r/)
    expect(text).toMatch(/delta +not yet +- +none +-/)
    // A removal that was begun and not seen to end is neither.
    expect(text).toMatch(/epsilon +3\/3 +unknown +\$2\.50\/h +D looks again/)
    expect(text).toMatch(/zeta +not yet +no +free +6, r: look/)
    expect(text).toMatch(/eta +stale +no +\$2\.50\/h +r verifies/)
    expect(text).not.toMatch(/[^\x00-\x7f]/)
  })

  it('has the same beside the checks of a terminal of 120 columns', async () => {
    const scene = await sceneOf(stateOf())
    const text = draw({ scene, screen: 'teardown', columns: 120, rows: 60, theme: themes.dark }).join('\n')
    expect(text).toMatch(/alpha +3\/3 +yes +unconfirmed +E: the meter/)
    expect(text).toMatch(/epsilon +3\/3 +unknown +\$2\.50\/h +D looks again/)
  })

  it('does not call the run torn down because one host is', async () => {
    const scene = await sceneOf(stateOf())
    const options = { scene, screen: 'teardown', columns: 160, rows: 60, theme: themes.ascii } as const
    const text = draw(options).join('\n')
    expect(text).toContain('1 of 6 box folders removed; alpha: E: the meter')
    expect(text).not.toMatch(/torn down \d/)
    expect(text).toContain('each host has a folder of its own: see Hosts')
    expect(text).not.toContain('seen gone')
  })

  it('is as before for a run on one host', async () => {
    const scene = await sceneOf(stateOf(['alpha']))
    const text = draw({ scene, screen: 'teardown', columns: 160, rows: 60, theme: themes.ascii }).join('\n')
    expect(text).not.toContain('box folders removed')
    expect(text).toContain('seen gone')
  })
})
