import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CheckedItem, Override } from '../../../src/walk/item.ts'
import { type About, carryOverrides, withOverride, withoutOverride } from '../../../src/walk/overrides.ts'
import type { Proof } from '../../../src/walk/proof.ts'
import { digests, host, item, nowMs, proof } from './support.ts'

const given: Override = { itemId: 'a', reason: 'known and accepted', by: 'ada', atMs: nowMs, proofId: 'one' }
const about: About = { kind: 'AuditReport', host, machineClass: 'cpu', boundTo: { ...digests, host: 'h' } }
const failing = (summary: string, more: Partial<CheckedItem> = {}): CheckedItem => ({
  ...item('a', 'fail'),
  ...more,
  evidence: { summary, atMs: nowMs, detail: ['first.bin: torn'] },
})
const earlier = (more: Partial<Proof> = {}): Proof =>
  withOverride(proof('AuditReport', { ...about, id: 'one', items: [failing('1 file is torn')], ...more }), given)
const carried = (now: CheckedItem, proofs: readonly Proof[], at: About = about) => carryOverrides([now], at, proofs)[0]

describe('an override and a later proof', () => {
  it('goes with the very same finding on the very same state, however much later', () => {
    const later = {
      ...failing('1 file is torn'),
      evidence: { ...failing('1 file is torn').evidence, atMs: nowMs + 1e8 },
    }
    expect(carried(later, [earlier()])?.override).toEqual(given)
    // Over a proof in between that found something else.
    const between = proof('AuditReport', { ...about, id: 'two', items: [item('a', 'pass')] })
    expect(carried(later, [earlier(), between])?.override).toEqual(given)
  })

  it.each(['plan', 'code', 'config', 'data', 'host', 'artifacts'] as const)('lapses when %s changed', (name) => {
    const now = carried(failing('1 file is torn'), [earlier()], {
      ...about,
      boundTo: { ...about.boundTo, [name]: 'x' },
    })
    expect(now?.override).toBeUndefined()
    expect(now?.lapsed).toEqual({ override: given, why: expect.stringMatching(/has changed since$/) })
  })

  it('is not about the moment at which a manifest was made', () => {
    const at = { ...about, boundTo: { ...about.boundTo, manifest: 'later' } }
    expect(carried(failing('1 file is torn'), [earlier()], at)?.override).toEqual(given)
  })

  it.each([
    ['another sentence', failing('2 files are torn')],
    ['another result', failing('1 file is torn', { result: 'unknown', reason: 'cannot be read' })],
    [
      'other files under the same sentence',
      {
        ...failing('1 file is torn'),
        evidence: { summary: '1 file is torn', atMs: nowMs, detail: ['second.bin: torn'] },
      },
    ],
  ])('lapses with %s, and says what it was for', (_, now) => {
    expect(carried(now, [earlier()])).toMatchObject({ lapsed: { why: 'it found: 1 file is torn' } })
    expect(carried(now, [earlier()])?.override).toBeUndefined()
  })

  it('of another machine, another class or another kind of proof is nothing to it', () => {
    const now = failing('1 file is torn')
    for (const at of [
      { ...about, host: { ...host, host: 'other' } },
      { ...about, machineClass: 'gpu' },
      { ...about, kind: 'SmokeProof' as const },
    ])
      expect(carried(now, [earlier()], at)).toEqual(now)
  })

  it('leaves alone what does not fail, and what was overridden already', () => {
    expect(carried(item('a', 'pass'), [earlier()])).toEqual(item('a', 'pass'))
    const own = { ...failing('x'), override: { ...given, reason: 'of its own' } }
    expect(carried(own, [earlier()])).toEqual(own)
  })

  it('is taken out again, and its place in a newer proof is taken by a new one', () => {
    const lapsed = { ...failing('y'), lapsed: { override: given, why: 'w' } }
    const newer = withOverride({ items: [lapsed] }, { ...given, reason: 'looked again' })
    expect(newer.items[0]).toMatchObject({ override: { reason: 'looked again' } })
    expect(newer.items[0]?.lapsed).toBeUndefined()
    expect(withoutOverride(newer, 'a').items[0]?.override).toBeUndefined()
    expect(withoutOverride(newer, 'b')).toBe(newer)
  })

  it('never opens an item for which no proof of the same state has an override (property)', () => {
    const name = fc.constantFrom('p', 'q')
    const state = fc.record({ code: name, summary: name, isOverridden: fc.boolean() })
    fc.assert(
      fc.property(fc.array(state, { maxLength: 6 }), state, (past, now) => {
        const proofs = past.map(({ code, summary, isOverridden }, i) => {
          const made = proof('AuditReport', { ...about, id: `${i}`, boundTo: { code }, items: [failing(summary)] })
          return isOverridden ? withOverride(made, given) : made
        })
        const at = { ...about, boundTo: { code: now.code } }
        const expected = past.some((p) => p.isOverridden && p.code === now.code && p.summary === now.summary)
        const answer = carried(failing(now.summary), proofs, at)
        expect(answer?.override !== undefined).toBe(expected)
        expect(answer?.lapsed !== undefined).toBe(!expected && past.some((p) => p.isOverridden))
      }),
    )
  })
})
