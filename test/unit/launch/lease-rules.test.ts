import { describe, expect, it } from 'vitest'
import { type ExtensionFacts, extensionTerms } from '../../../src/launch/lease-rules.ts'

const hour = 3_600_000
const guard = {
  token: 't',
  isAlive: true,
  number: 1,
  leaseSeconds: 7200,
  spentSeconds: 3600,
  run: 'running',
  alarm: null,
  why: null,
  acts: [],
}
const facts: ExtensionFacts = {
  hours: 2,
  nowMs: hour,
  lease: { approvalId: 'a', fromMs: 0, untilMs: 2 * hour, number: 1, extensions: [] },
  approval: { capHours: 10, capUsd: 20, usdPerHour: 2 },
  guard,
  token: 't',
}
const terms = (over: Partial<ExtensionFacts> = {}) => extensionTerms({ ...facts, ...over })
const refusedFor = (over: Partial<ExtensionFacts>) => {
  const answer = terms(over)
  return 'refused' in answer ? answer.refused : null
}

describe('terms of an extension', () => {
  it('count from the lease that the box holds, by its clock, and name the price of the time', () => {
    expect(terms()).toEqual({
      terms: {
        number: 2,
        seconds: 14_400,
        untilMs: 4 * hour,
        usd: 4,
        usdPerHour: 2,
        capText: '4 h of 10 h, $8.00 of $20.00',
      },
    })
  })

  it('count from now where the lease is over', () => {
    const over = terms({ nowMs: 4 * hour, guard: { ...guard, spentSeconds: 4 * 3600 } })
    expect(over).toMatchObject({ terms: { seconds: 6 * 3600, untilMs: 6 * hour } })
  })

  it.each([
    ['no hours', { hours: 0 }, 'more than 0'],
    ['hours that are no number', { hours: Number.NaN }, 'more than 0'],
    ['more than a week', { hours: 169 }, '168'],
    ['no lease', { lease: null }, 'no lease'],
    ['no guard', { guard: null }, 'no guard'],
    ['a guard that is gone', { guard: { ...guard, isAlive: false } }, 'no guard'],
    ['the guard of another launch', { guard: { ...guard, token: 'other' } }, 'no guard'],
    ['a lease that another kx extended', { guard: { ...guard, number: 2 } }, 'holds lease 2'],
    ['no approval', { approval: null }, 'no cap'],
    ['the cap in hours', { hours: 8.1 }, 'of a cap of 10 h'],
    ['the cap in money', { approval: { capHours: 100, capUsd: 7.9, usdPerHour: 2 } }, 'of a cap of $7.90'],
    ['a price that nobody knows', { approval: { capHours: 100, capUsd: 7, usdPerHour: null } }, 'price'],
  ])('are refused for %s', (_what, over, why) => {
    expect(refusedFor(over)).toContain(why)
  })
})
