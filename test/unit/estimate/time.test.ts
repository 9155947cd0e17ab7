import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { etaOf } from '../../../src/estimate/eta.ts'
import { assumedSpread, estimateHours } from '../../../src/estimate/hours.ts'
import { minimumForP90, quantile, summarise } from '../../../src/estimate/quantile.ts'
import { equalMakespanSeconds, makespanLowerBoundSeconds, makespanSeconds } from '../../../src/estimate/schedule.ts'

describe('quantile', () => {
  it('interpolates like the common definition', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).toBeCloseTo(9.1)
    expect(quantile([], 0.5)).toBeNull()
    expect(quantile([Number.NaN, 7], 0.9)).toBe(7)
  })
  it('gives no p90 for two units, and one from ten samples on', () => {
    expect(summarise([10, 20]).p90).toBeNull()
    expect(summarise(Array(minimumForP90 - 1).fill(1)).p90).toBeNull()
    expect(summarise(Array(minimumForP90).fill(1)).p90).toBe(1)
  })
})

describe('makespan', () => {
  it('knows the textbook case of longest-first', () => {
    // Graham's tight example for two machines: best is 6, longest-first gives 7.
    expect(makespanSeconds([3, 3, 2, 2, 2], 2)).toBe(7)
  })
  it('lies between the lower bound and 4/3 of the best', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (durations, workers) => {
          const bound = makespanLowerBoundSeconds(durations, workers)
          const span = makespanSeconds(durations, workers)
          expect(span).toBeGreaterThanOrEqual(bound - 1e-9)
          // Any list schedule ends within sum/k + longest.
          const sum = durations.reduce((a, b) => a + b, 0)
          expect(span).toBeLessThanOrEqual(sum / workers + Math.max(...durations))
          if (workers === 1) expect(span).toBe(sum)
        },
      ),
    )
  })
  it('agrees with the short form for equal pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 16 }), (n, k) => {
        expect(makespanSeconds(Array(n).fill(7), k)).toBe(equalMakespanSeconds(7, n, k))
      }),
    )
  })
})

describe('estimateHours', () => {
  const steps = Array.from({ length: 40 }, (_, i) => (i % 10 === 9 ? 2 : 1))
  it('multiplies steps out and shows how many samples there are', () => {
    const got = estimateHours({ unitCount: 45, workers: 2, unitSeconds: [50], stepSeconds: steps, stepsPerUnit: 100 })
    // Median step 1 s x 100 + (50 - 40 x 1) s outside the steps = 110 s; ceil(45 / 2) = 23 rounds.
    expect(got?.unitSecondsP50).toBeCloseTo(110)
    expect(got?.hoursP50).toBeCloseTo((23 * 110) / 3600)
    expect(got?.hoursP90).toBeGreaterThanOrEqual(got?.hoursP50 ?? 0)
    expect(got?.lowerBoundHours).toBeCloseTo((45 * 110) / 2 / 3600)
    expect(got?.basis).toContain('40 step samples')
    expect(got?.basis).toContain('1 unit seen')
    expect(got?.isP90Assumed).toBe(false)
  })
  it('says so when there are too few samples, and never calls two units a p90', () => {
    const got = estimateHours({ unitCount: 4, workers: 1, unitSeconds: [10, 12], stepSeconds: [], stepsPerUnit: null })
    expect(got?.isP90Assumed).toBe(true)
    expect(got?.unitSecondsP90).toBe(12 * assumedSpread)
    expect(got?.basis).toContain('too few for a p90')
  })
  it('has no answer without a sample', () => {
    expect(
      estimateHours({ unitCount: 4, workers: 1, unitSeconds: [], stepSeconds: steps, stepsPerUnit: null }),
    ).toBeNull()
  })
  it('never gives a p90 below the p50', () => {
    const sample = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { maxLength: 50 })
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 8 }), (u, s, n, k) => {
        const got = estimateHours({ unitCount: n, workers: k, unitSeconds: u, stepSeconds: s, stepsPerUnit: 20 })
        if (got === null) return
        expect(got.hoursP90).toBeGreaterThanOrEqual(got.hoursP50 - 1e-9)
        expect(got.hoursP50).toBeGreaterThanOrEqual(got.lowerBoundHours - 1e-9)
      }),
    )
  })
})

describe('etaOf', () => {
  it('rests on finished units alone', () => {
    expect(etaOf({ doneSeconds: [], queuedCount: 3, runningSeconds: [5], workers: 1 })).toBeNull()
    expect(etaOf({ doneSeconds: [10], queuedCount: 3, runningSeconds: [4], workers: 1 })).toEqual({
      secondsP50: 36,
      secondsP90: null,
      samples: 1,
    })
  })
  it('counts a unit that is a little late as about to end, and says nothing of one that is overdue', () => {
    expect(etaOf({ doneSeconds: [10], queuedCount: 2, runningSeconds: [15], workers: 1 })?.secondsP50).toBe(20)
    expect(etaOf({ doneSeconds: [10], queuedCount: 2, runningSeconds: [25], workers: 1 })).toBeNull()
    expect(etaOf({ doneSeconds: [10], queuedCount: 0, runningSeconds: [15], workers: 2 })).toBeNull()
    expect(etaOf({ doneSeconds: [10], queuedCount: 0, runningSeconds: [], workers: 2 })?.secondsP50).toBe(0)
  })
  it('takes the 90th percentile from ten finished units on', () => {
    const ten = Array.from({ length: 10 }, (_, i) => i + 1)
    expect(etaOf({ doneSeconds: ten, queuedCount: 2, runningSeconds: [], workers: 2 })?.secondsP90).toBeCloseTo(9.1)
  })
})
