import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GateInput, gateFor, type WalkState } from '../../../src/walk/gates.ts'
import { type Act, acts, destroyingActs, needsOf } from '../../../src/walk/graph.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'
import { withOverride } from '../../../src/walk/overrides.ts'
import type { ProofKind } from '../../../src/walk/proof.ts'
import { digests, host, item, nowMs, proof, state, wholeWalk } from './support.ts'

const input = (more: Partial<GateInput> = {}): GateInput => ({
  state: state(wholeWalk()),
  digests: { ...digests, manifest: 'x1' },
  nowMs,
  host,
  ...more,
})
const override = (itemId: string, reason = 'known and accepted') => ({ itemId, reason, by: 'ada', atMs: nowMs })
const missingOf = (act: Act, more: Partial<GateInput>) => gateFor(act, input(more)).missing.map((m) => m.proof)

describe('gates', () => {
  it.each(acts)('%s opens after a whole walk', (act) => {
    expect(gateFor(act, input())).toEqual({ open: true, missing: [] })
  })

  it.each(acts)('%s needs exactly the proofs of its row', (act) => {
    for (const kind of wholeWalk().map((p) => p.kind)) {
      const without = wholeWalk().filter((p) => p.kind !== kind)
      const isNeeded = needsOf[act].some((need) => need === kind || (need === 'end' && kind === 'Outcome'))
      const answer = gateFor(act, input({ state: state(without) }))
      if (isNeeded) {
        expect(answer.open).toBe(false)
        for (const m of answer.missing) expect(m.next.length).toBeGreaterThan(10)
      }
    }
    const none = gateFor(act, input({ state: state([]) }))
    expect(none.missing.map((m) => m.proof).sort()).toEqual(needsOf[act].filter((need) => need !== 'host').sort())
  })

  it('says each missing thing with what to do', () => {
    expect(gateFor('launch', input({ state: state([]) })).missing).toEqual([
      { proof: 'Approval', why: 'There is no Approval yet.', next: expect.stringContaining('kx approve') },
      { proof: 'AuditReport', why: 'There is no AuditReport yet.', next: expect.stringContaining('kx audit') },
      { proof: 'SmokeProof', why: 'There is no SmokeProof yet.', next: expect.stringContaining('kx smoke') },
    ])
  })

  it('launch needs the audit of that machine, not of another', () => {
    const elsewhere = { ...host, host: 'box' }
    const answer = gateFor('launch', input({ host: elsewhere }))
    expect(answer.missing).toEqual([
      expect.objectContaining({ proof: 'AuditReport', why: 'The AuditReport at hand is not of box.' }),
      expect.objectContaining({ proof: 'SmokeProof', why: 'The SmokeProof at hand is not of box.' }),
    ])
    // Hours may be carried from one kind of machine to another; nothing is launched on one without its smoke.
    expect(gateFor('cost', input({ host: elsewhere })).open).toBe(true)
    expect(missingOf('launch', { host: { ...host, machineId: 'm2' } })).toEqual(['AuditReport'])
    expect(missingOf('launch', { host: null })).toEqual(['host', 'AuditReport'])
  })

  it('launch needs fresh proofs', () => {
    expect(missingOf('launch', { digests: { ...digests, code: 'c2' } })).toEqual([
      'Approval',
      'AuditReport',
      'SmokeProof',
    ])
    expect(missingOf('launch', { digests: null })).toEqual(['AuditReport', 'SmokeProof'])
    expect(missingOf('launch', { nowMs: nowMs + 25 * 3_600_000 })).toEqual(['Approval', 'AuditReport'])
  })

  it('patrol and teardown do not care that the project was edited since', () => {
    for (const act of ['patrol', 'abort', 'verify', 'permit', 'remove'] as const)
      expect(missingOf(act, { digests: { plan: 'x', code: 'x', config: 'x', data: 'x', manifest: 'x1' } })).toEqual([])
  })

  it('failed and unknown error items close the gate, and only they (property)', () => {
    const anyItem = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      result: fc.constantFrom('pass' as const, 'fail' as const, 'unknown' as const, 'not-applicable' as const),
      severity: fc.constantFrom('info' as const, 'warn' as const, 'error' as const),
    })
    fc.assert(
      fc.property(fc.uniqueArray(anyItem, { selector: (i) => i.id }), (drawn) => {
        const items: CheckedItem[] = drawn.map((d) => item(d.id, d.result, d.severity))
        const proofs = wholeWalk().map((p) => (p.kind === 'AuditReport' ? { ...p, items } : p))
        const isBad = drawn.some((d) => d.severity === 'error' && (d.result === 'fail' || d.result === 'unknown'))
        expect(gateFor('launch', input({ state: state(proofs) })).open).toBe(!isBad)
      }),
    )
  })

  it('an override opens its own item and no other (property)', () => {
    const ids = ['a', 'b', 'c', 'd']
    fc.assert(
      fc.property(fc.subarray(ids), fc.subarray([...ids, 'x', '__proto__', 'constructor']), (bad, overridden) => {
        const proofs = wholeWalk().map((p) =>
          p.kind === 'AuditReport' ? { ...p, items: bad.map((id, i) => item(id, i % 2 ? 'fail' : 'unknown')) } : p,
        )
        const given = proofs.map((p) => overridden.reduce((now, id) => withOverride(now, override(id)), p))
        const answer = gateFor('launch', input({ state: state(given) }))
        const rest = bad.filter((id) => !overridden.includes(id))
        expect(answer.open).toBe(rest.length === 0)
        for (const id of bad) expect(answer.missing.some((m) => m.why.includes(`${id} `))).toBe(rest.includes(id))
      }),
    )
  })

  it('an override without a reason, or for another item, opens nothing', () => {
    const proofs = wholeWalk().map((p) => (p.kind === 'AuditReport' ? { ...p, items: [item('a', 'fail')] } : p))
    for (const given of [override('a', '  '), override('b')])
      expect(gateFor('launch', input({ state: state(proofs.map((p) => withOverride(p, given))) })).open).toBe(false)
  })

  it('says of an item whose override was for another state that it was', () => {
    const lapsed = { override: override('a'), why: 'the code has changed since' }
    const items = [{ ...item('a', 'fail'), lapsed }]
    const proofs = wholeWalk().map((p) => (p.kind === 'AuditReport' ? { ...p, items } : p))
    const answer = gateFor('launch', input({ state: state(proofs) }))
    expect(answer.open).toBe(false)
    expect(answer.missing[0]?.why).toContain('override was for another state: the code has changed since')
  })

  it('a destroying act has no override inside the proof', () => {
    for (const act of destroyingActs) {
      const bad = { ...item('v', 'fail'), override: override('v') }
      const proofs = wholeWalk().map((p) => (p.kind === 'VerifiedManifest' ? { ...p, items: [bad] } : p))
      const answer = gateFor(act, input({ state: state(proofs) }))
      expect(answer.open).toBe(false)
      expect(answer.missing[0]?.next).toMatch(/no override/)
    }
  })

  it('a failed run can be torn down: the items of its outcome close nothing', () => {
    const proofs = wholeWalk().map((p) =>
      p.kind === 'Outcome' ? { ...p, items: [item('patrol.abort-nan', 'fail')] } : p,
    )
    expect(gateFor('remove', input({ state: state(proofs) })).open).toBe(true)
  })

  it('a stop by a person stands in for the outcome, once it was seen to work', () => {
    const proofs = wholeWalk().filter((p) => p.kind !== 'Outcome')
    const intents = (outcome: string | null, receiptId = 'Receipt') => [
      { act: 'abort', atMs: nowMs, payload: { receiptId }, closed: outcome === null ? null : { outcome } },
    ]
    const verify = (list: ReturnType<typeof intents>) =>
      gateFor('verify', input({ state: { ...state(proofs), intents: list } })).open
    expect(verify([])).toBe(false)
    expect(verify(intents(null))).toBe(false)
    expect(verify(intents('unknown'))).toBe(false)
    expect(verify(intents('done', 'receipt of an earlier launch'))).toBe(false)
    expect(verify(intents('done'))).toBe(true)
  })

  it('an abort of an earlier launch ends nothing, whatever the clock says', () => {
    const proofs = [...wholeWalk().filter((p) => p.kind !== 'Outcome'), proof('Receipt', { id: 'receipt2' })]
    const stopped = { act: 'abort', atMs: nowMs + 9e9, payload: { receiptId: 'Receipt' }, closed: { outcome: 'done' } }
    expect(missingOf('verify', { state: { ...state(proofs), intents: [stopped] } })).toContain('end')
  })

  it('a launch that was begun after the end, and has no receipt, ends nothing until it is known or stopped', () => {
    const proofs = wholeWalk().map((p) => (p.kind === 'Receipt' ? { ...p, payload: { token: 't1' } } : p))
    const begun = (token: string, outcome: string | null) => ({
      act: 'launch',
      token,
      atMs: nowMs,
      payload: {},
      closed: outcome === null ? null : { outcome },
    })
    const stopped = { act: 'abort', atMs: nowMs, payload: { receiptId: 'Receipt' }, closed: { outcome: 'done' } }
    const missing = (...intents: WalkState['intents'] & object) =>
      missingOf('remove', { state: { ...state(proofs), intents } })
    expect(missing(begun('t1', 'done'))).toEqual([])
    expect(missing(begun('t0', 'unknown'), begun('t1', 'done'))).toEqual([])
    expect(missing(begun('t1', 'done'), begun('t2', 'failed'))).toEqual([])
    for (const outcome of [null, 'unknown', 'done']) {
      expect(missing(begun('t1', 'done'), begun('t2', outcome))).toEqual(['end'])
      expect(missing(begun('t1', 'done'), stopped, begun('t2', outcome))).toEqual(['end'])
      expect(missing(begun('t1', 'done'), begun('t2', outcome), stopped)).toEqual([])
    }
  })

  it('an outcome from before the newest launch ends nothing', () => {
    const proofs = [...wholeWalk(), proof('Receipt', { id: 'receipt2' })]
    expect(missingOf('verify', { state: state(proofs) })).toEqual(['end'])
  })
})

describe('permit', () => {
  const withPermit = (more: Parameters<typeof proof>[1]) => [
    ...wholeWalk().filter((p) => p.kind !== 'Permit'),
    proof('Permit', {
      boundTo: { manifest: 'x1' },
      needs: ['VerifiedManifest'],
      host,
      expiresAtMs: nowMs + 60_000,
      ...more,
    }),
  ]
  const opens = (more: Parameters<typeof proof>[1], rest: Partial<GateInput> = {}) =>
    gateFor('remove', input({ state: state(withPermit(more)), ...rest })).open

  it('is bound to the very machine, boot included', () => {
    expect(opens({})).toBe(true)
    for (const changed of [{ bootId: 'b2' }, { machineId: 'm2' }, { hostname: 'x' }, { user: '0' }, { host: 'y' }])
      expect(opens({}, { host: { ...host, ...changed } })).toBe(false)
    expect(opens({ host: undefined })).toBe(false)
    const nameless = { ...host, machineId: null, bootId: null }
    expect(opens({ host: nameless }, { host: nameless })).toBe(false)
    expect(opens({}, { host: null })).toBe(false)
  })

  it('is good for one act', () => {
    const used = [{ act: 'remove', atMs: nowMs, payload: { permitId: 'Permit' }, closed: null }]
    expect(gateFor('remove', input({ state: { ...state(wholeWalk()), intents: used } })).missing).toEqual([
      expect.objectContaining({ proof: 'Permit', why: expect.stringContaining('used') }),
    ])
    const other = [{ act: 'remove', atMs: nowMs, payload: { permitId: 'p0' }, closed: null }]
    expect(gateFor('remove', input({ state: { ...state(wholeWalk()), intents: other } })).open).toBe(true)
  })

  it('never opens outside its life, nor past 15 minutes, nor without an end (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_600_000 }), fc.integer({ min: -60_000, max: 7_200_000 }), (age, life) => {
        const atMs = nowMs - age
        expect(opens({ atMs, expiresAtMs: atMs + life })).toBe(age < Math.min(life, 15 * 60_000))
      }),
    )
    expect(opens({ expiresAtMs: undefined })).toBe(false)
    expect(opens({ atMs: nowMs + 3_600_000, expiresAtMs: nowMs + 4_000_000 })).toBe(false)
  })

  it('falls with the artifacts', () => {
    expect(opens({}, { digests: { ...digests, manifest: 'x2' } })).toBe(false)
  })

  it('does not open on a journal that cannot be trusted, nor does anything else', () => {
    for (const act of acts) {
      const answer = gateFor(act, input({ suspect: 'line 4 was edited' }))
      expect(answer.open).toBe(act === 'report')
    }
  })

  it('no set of proofs short of the needed one opens a destroying act (property)', () => {
    const needed: ProofKind[] = ['Receipt', 'Outcome', 'VerifiedManifest', 'Permit']
    fc.assert(
      fc.property(fc.subarray(wholeWalk()), (some) => {
        const open = gateFor('remove', input({ state: state(some) })).open
        expect(open).toBe(needed.every((kind) => some.some((p) => p.kind === kind)))
      }),
    )
  })
})
