import { describe, expect, it } from 'vitest'
import { withOverride } from '../../../src/walk/overrides.ts'
import { phases } from '../../../src/walk/phase.ts'
import { phaseStates } from '../../../src/walk/rail.ts'
import { digests, host, item, nowMs, proof, state, wholeWalk } from './support.ts'

const upTo = (kind: string) => wholeWalk().slice(0, wholeWalk().findIndex((p) => p.kind === kind) + 1)
const states = (...args: Parameters<typeof phaseStates>) => {
  const all = phaseStates(...args)
  return phases.map((phase) => all[phase].state)
}

describe('rail', () => {
  it('begins with everything to do', () => {
    expect(states(state([]), digests, nowMs, null)).toEqual(Array(7).fill('todo'))
  })

  it('shows a whole walk as passed', () => {
    const done = [...wholeWalk(), proof('MeterStopped', { host })]
    expect(states(state(done), { ...digests, manifest: 'x1' }, nowMs, null, { host })).toEqual(Array(7).fill('passed'))
  })

  it('shows an edit of the code as stale where it matters, and keeps what happened', () => {
    const done = [...wholeWalk(), proof('MeterStopped', { host })]
    expect(states(state(done), { ...digests, code: 'c2' }, nowMs, null)).toEqual([
      'stale',
      'stale',
      'stale',
      'stale',
      'passed',
      'passed',
      'passed',
    ])
  })

  it('is unknown, not passed, when the project cannot be read', () => {
    expect(states(state(upTo('Approval')), null, nowMs, null).slice(0, 4)).toEqual(Array(4).fill('unknown'))
  })

  it('is blocked by failed and unknown error items, and open again with their overrides', () => {
    const items = [item('a', 'fail'), item('b', 'unknown'), item('c', 'fail', 'warn')]
    const proofs = [proof('PlanDigest', { boundTo: digests, items })]
    const plan = phaseStates(state(proofs), digests, nowMs, null).plan
    expect(plan).toEqual({ state: 'blocked', why: 'Blocked: 1 failed, 1 unknown (a, b).', proofId: 'PlanDigest' })
    const given = ['a', 'b'].reduce(
      (now, itemId) => now.map((p) => withOverride(p, { itemId, reason: 'r', by: 'ada', atMs: nowMs })),
      proofs,
    )
    expect(phaseStates(state(given), digests, nowMs, null).plan).toMatchObject({
      state: 'passed',
      why: 'Passed, 2 overridden, 1 warning.',
    })
  })

  it('shows what is running now before anything else', () => {
    expect(phaseStates(state(wholeWalk()), digests, nowMs, 'smoke').smoke.state).toBe('running')
  })

  it('tells priced from approved', () => {
    expect(phaseStates(state(upTo('PricedPlan')), digests, nowMs, null).cost).toMatchObject({
      state: 'todo',
      why: expect.stringContaining('not approved'),
    })
  })

  it.each([
    ['running', 'running'],
    ['stalled', 'blocked'],
    ['dead', 'blocked'],
    ['finished', 'todo'],
    ['unknown', 'unknown'],
    [null, 'unknown'],
  ] as const)('a launched run seen as %s shows patrol as %s', (liveness, expected) => {
    expect(phaseStates(state(upTo('Receipt')), digests, nowMs, null, { liveness }).patrol.state).toBe(expected)
  })

  it('never shows a run that died as passed', () => {
    const proofs = wholeWalk().map((p) =>
      p.kind === 'Outcome' ? { ...p, payload: { state: 'dead', reasons: ['no process and no exit file'] } } : p,
    )
    expect(phaseStates(state(proofs), digests, nowMs, null).patrol).toMatchObject({
      state: 'blocked',
      why: 'The run is dead: no process and no exit file.',
    })
  })

  it('says of a run that its own rule has ended that it was aborted, and why, and not that it is dead', () => {
    const proofs = wholeWalk().map((p) =>
      p.kind === 'Outcome' ? { ...p, payload: { state: 'finished', exit: { code: 10, reason: 'abort-nan' } } } : p,
    )
    expect(phaseStates(state(proofs), digests, nowMs, null).patrol).toMatchObject({
      state: 'blocked',
      why: 'The run was aborted: a value was no number (abort-nan).',
    })
  })

  it('does not show a run as passed when a later launch has no receipt', () => {
    const proofs = wholeWalk().map((p) => (p.kind === 'Receipt' ? { ...p, payload: { token: 't1' } } : p))
    const begun = { act: 'launch', token: 't2', atMs: nowMs, payload: {}, closed: null }
    expect(phaseStates({ ...state(proofs), intents: [begun] }, digests, nowMs, null).patrol.state).toBe('unknown')
  })

  it('a second launch opens patrol again', () => {
    const proofs = [...wholeWalk(), proof('Receipt', { id: 'receipt2' })]
    expect(phaseStates(state(proofs), digests, nowMs, null).patrol.state).toBe('unknown')
  })

  it('has not passed the audit of several hosts while one of them stands in the way, whichever was looked at last', () => {
    const other = { ...host, host: 'box2' }
    const blocked = proof('AuditReport', { id: 'a1', host, boundTo: { plan: 'p1' }, items: [item('disk', 'fail')] })
    const well = proof('AuditReport', { id: 'a2', host: other, boundTo: { plan: 'p1' }, items: [item('disk', 'pass')] })
    const plan = proof('PlanDigest', { boundTo: digests })
    const of = (proofs: Parameters<typeof state>[0]) =>
      phaseStates({ ...state(proofs), fleet: { hosts: ['local', 'box2'] } }, digests, nowMs, null).audit
    expect(of([plan, blocked, well])).toMatchObject({ state: 'blocked', why: 'local: Blocked: 1 failed (disk).' })
    expect(of([plan, well])).toMatchObject({ state: 'todo' })
    const mended = proof('AuditReport', { id: 'a3', host, boundTo: { plan: 'p1' }, items: [item('disk', 'pass')] })
    expect(of([plan, blocked, well, mended])).toMatchObject({ state: 'passed' })
  })
})
