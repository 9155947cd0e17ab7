import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fleetRows } from '../../../src/run/fleet-rows.ts'
import { foldRecord, foldRecords } from '../../../src/run/fold.ts'
import { viewOf } from '../../../src/run/host-view.ts'
import { noPrevious } from '../../../src/run/journal-line.ts'
import { leaseIn } from '../../../src/run/lease.ts'
import { thinObservation } from '../../../src/run/observation.ts'
import { type JournalKind, type JournalRecord, journalKinds, type RunState } from '../../../src/run/types.ts'
import { item, proof } from '../walk/support.ts'

const created = { runId: 'r', project: 'p', projectFolder: '/p', planName: 'n', planSha256: 'x', by: 'ada' }

const record = (sequence: number, kind: string, payload: unknown, fence = 1): JournalRecord => ({
  v: 1,
  sequence,
  fence,
  previous: noPrevious,
  atMs: sequence * 1000,
  kind: kind as JournalKind,
  payload,
})

const fold = (...entries: readonly (readonly [string, unknown, number?])[]): RunState => {
  const state = foldRecords(null, [
    record(1, 'run.created', created),
    ...entries.map(([kind, payload, fence], i) => record(i + 2, kind, payload, fence)),
  ])
  if (state === null) throw new Error('no state')
  return state
}

const anyPayload = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    created,
    proof('PlanDigest'),
    { itemId: 'a', reason: 'r', by: 'b', atMs: 1 },
    { cellId: 'c', name: 'n', title: 't', state: 'done', summary: 's' },
    { intentId: 'i', act: 'launch', token: 't', host: 'h', outcome: 'done' },
    { findingId: 'f', rule: 'r', severity: 'warn', text: 't', by: 'b' },
    { meterId: 'm', what: 'w', host: 'h', usdPerHour: null },
    { text: 'note' },
  ),
)
const anyRecord = fc.record({
  kind: fc.oneof(fc.constantFrom<string>(...journalKinds), fc.string()),
  payload: anyPayload,
  fence: fc.integer({ min: 1, max: 3 }),
})

describe('fold', () => {
  it('never throws, whatever the records are, and gives the same one by one as at once (property)', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), (drawn) => {
        const records = [
          record(1, 'run.created', created),
          ...drawn.map((d, i) => record(i + 2, d.kind, d.payload, d.fence)),
        ]
        const atOnce = foldRecords(null, records)
        let step: RunState | null = null
        for (const r of records) {
          const before: string | null = step === null ? null : JSON.stringify(step)
          const next: RunState | null = foldRecord(step, r)
          if (step !== null) expect(JSON.stringify(step)).toBe(before)
          step = next
        }
        expect(step).toEqual(atOnce)
      }),
      { numRuns: 200 },
    )
  })

  it('ignores a record of a lower fence and says so', () => {
    const state = fold(['note', { text: 'a' }, 2], ['note', { text: 'sleeper' }, 1], ['note', { text: 'b' }, 2])
    expect(state.notes.map((n) => n.text)).toEqual(['a', 'b'])
    expect(state.warnings).toEqual([expect.stringMatching(/^Record 3 \(note\) ignored: .*fence 1, now 2/)])
    expect(state).toMatchObject({ sequence: 4, fence: 2 })
  })

  it('is nothing before a run was created', () => {
    expect(foldRecords(null, [record(1, 'note', { text: 'x' })])).toBeNull()
    expect(foldRecords(null, [])).toBeNull()
  })

  it('keeps the latest proof of each kind and overrides until they are withdrawn', () => {
    const override = { itemId: '__proto__', reason: 'r', by: 'ada', atMs: 1 }
    const items = [item('__proto__', 'fail')]
    const one = proof('PlanDigest', { id: 'one', items })
    const two = proof('PlanDigest', { id: 'two', items })
    const state = fold(['proof.made', one], ['proof.made', two], ['override.given', override], ['proof.made', two])
    expect(state.proofs.map((p) => p.id)).toEqual(['one', 'two'])
    expect(state.latest.PlanDigest?.id).toBe('two')
    expect(Object.keys(state.overrides)).toEqual(['__proto__'])
    expect(state.proofs.map((p) => p.items[0]?.override?.reason)).toEqual([undefined, 'r'])
    expect(state.latest.PlanDigest).toBe(state.proofs[1])
    expect(state.warnings).toHaveLength(1)
    const after = foldRecord(state, record(9, 'override.withdrawn', { itemId: '__proto__', by: 'ada' }))
    expect(Object.keys(after?.overrides ?? { x: 1 })).toEqual([])
    expect(after?.latest.PlanDigest?.items[0]?.override).toBeUndefined()
  })

  it('puts an override into the proof that it names, and ignores one that speaks of no proof', () => {
    const items = [item('a', 'fail')]
    const proofs = ['one', 'two'].map((id) => proof('PlanDigest', { id, items }))
    const given = (more: object) => ({ itemId: 'a', reason: 'r', by: 'ada', atMs: 1, ...more })
    const [one, two] = proofs
    const state = fold(['proof.made', one], ['proof.made', two], ['override.given', given({ proofId: 'one' })])
    expect(state.proofs.map((p) => p.items[0]?.override?.reason)).toEqual(['r', undefined])
    expect(state.latest.PlanDigest?.items[0]?.override).toBeUndefined()
    const none = fold(['override.given', given({})], ['proof.made', one], ['override.given', given({ proofId: 'x' })])
    expect(none.warnings).toHaveLength(2)
    expect(none.overrides).toEqual({})
    expect(none.proofs[0]?.items[0]?.override).toBeUndefined()
  })

  it('pairs the two records of a cell, an intent, a finding and a meter', () => {
    const state = fold(
      ['cell.started', { cellId: 'c1', name: 'smoke', title: 'Smoke' }],
      ['cell.started', { cellId: 'c2', name: 'audit', title: 'Audit' }],
      ['cell.ended', { cellId: 'c1', state: 'done', summary: 'ok' }],
      ['cell.ended', { cellId: 'c1', state: 'failed', summary: 'again' }],
      ['intent.opened', { intentId: 'i1', act: 'launch', token: 't', host: 'h', payload: {} }],
      ['intent.closed', { intentId: 'i1', outcome: 'unknown', payload: {} }],
      ['finding.opened', { findingId: 'f1', rule: 'nan', severity: 'error', text: 'NaN' }],
      ['finding.acknowledged', { findingId: 'f1', by: 'ada' }],
      ['finding.closed', { findingId: 'f1', because: 'gone' }],
      ['meter.opened', { meterId: 'm1', what: 'box', host: 'h', usdPerHour: null, leaseUntilMs: null }],
      ['meter.closed', { meterId: 'm1', because: 'seen gone' }],
    )
    expect(state.cells.map((c) => c.ended?.state ?? 'running')).toEqual(['done', 'running'])
    expect(state.warnings).toEqual([expect.stringMatching(/no running cell c1/)])
    expect(state.intents[0]?.closed?.outcome).toBe('unknown')
    expect(state.findings[0]).toMatchObject({ openedAtMs: 8000, closedAtMs: 10_000, acknowledgedBy: 'ada' })
    expect(state.meters[0]).toMatchObject({ usdPerHour: null, openedAtMs: 11_000, closedAtMs: 12_000 })
  })

  it('gives every observation back whole, however little of it was recorded (property)', () => {
    const rows = fc.uniqueArray(
      fc.record({ unit: fc.constantFrom('a', 'b', 'c', 'd'), step: fc.integer({ min: 0, max: 2 }) }),
      { selector: (row) => row.unit },
    )
    const anyObservation = fc.oneof(fc.record({ state: fc.string(), units: rows }), fc.constantFrom(null, 7, {}))
    fc.assert(
      fc.property(fc.array(anyObservation, { maxLength: 8 }), (observations) => {
        let state = fold()
        for (const [i, observation] of observations.entries()) {
          const thin = thinObservation(state.observation?.payload, observation)
          state = foldRecord(state, record(i + 2, 'observation', JSON.parse(JSON.stringify(thin)))) as RunState
          expect(state.observation?.payload).toEqual(observation)
        }
      }),
    )
  })

  it('records of a thousand units only the few that moved', () => {
    const units = Array.from({ length: 1000 }, (_, i) => ({ unit: `u${i}`, state: 'done', seconds: i }))
    const next = { units: units.map((row, i) => (i === 3 ? { ...row, state: 'failed' } : row)) }
    expect(thinObservation({ units }, next)).toEqual({ isThin: true, units: [next.units[3]] })
    expect(thinObservation({ units: units.slice(1) }, next)).toBe(next)
  })

  it('bounds what it says about a journal full of faults', () => {
    expect(fold(...Array.from({ length: 500 }, () => ['note', {}] as const)).warnings.length).toBeLessThanOrEqual(50)
  })
})

describe('the leases of a run over several hosts', () => {
  const extended = (host: string, number: number, untilMs: number) =>
    ['lease.extended', { approvalId: 'a', token: host, host, number, hours: 1, untilMs, usd: 0, by: 'ada' }] as const
  const opened = (host: string) =>
    ['meter.opened', { meterId: host, what: 'w', host, usdPerHour: 1, leaseUntilMs: 5 }] as const
  const launched = (host: string) =>
    [
      'intent.opened',
      { intentId: host, act: 'launch', token: host, host, payload: { approvalId: 'a', leaseUntilMs: 5 } },
    ] as const

  it('are each of their own: one extension of one host is none of another', () => {
    const state = fold(
      ['fleet.set', { hosts: ['alpha', 'beta'] }],
      ['proof.made', { ...proof('Approval'), id: 'a' }],
      ...['alpha', 'beta'].flatMap((host) => [launched(host), opened(host)]),
      extended('alpha', 2, 70),
      extended('beta', 2, 80),
    )
    expect(state.warnings).toEqual([])
    expect(leaseIn(viewOf(state, 'alpha'))).toMatchObject({ number: 2, untilMs: 70 })
    expect(leaseIn(viewOf(state, 'beta'))).toMatchObject({ number: 2, untilMs: 80 })
    expect(state.meters.map((meter) => meter.leaseUntilMs)).toEqual([70, 80])
    expect(fleetRows(state, 0).map((row) => row.leaseUntilMs)).toEqual([70, 80])
  })
})
