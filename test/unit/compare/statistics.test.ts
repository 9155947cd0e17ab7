import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ranksOf, spearman } from '../../../src/compare/statistics/ranks.ts'
import { bootstrapDifference, signFlip } from '../../../src/compare/statistics/resampling.ts'
import { interquartileMean } from '../../../src/compare/statistics/samples.ts'
import {
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from '../../../src/compare/statistics/special.ts'
import {
  detectableDifference,
  holm,
  meanInterval,
  probabilityGreater,
  welch,
} from '../../../src/compare/statistics/tests.ts'

type Row = readonly number[]
interface Fixture {
  readonly studentCdf: readonly Row[]
  readonly studentQuantile: readonly Row[]
  readonly incompleteBeta: readonly Row[]
  readonly logGamma: readonly Row[]
  readonly normalCdf: readonly Row[]
  readonly normalQuantile: readonly Row[]
  readonly welch: readonly { a: number[]; b: number[]; t: number; df: number; p: number; low: number; high: number }[]
  readonly meanInterval: readonly { a: number[]; low: number; high: number }[]
  readonly signFlip: readonly { d: number[]; p: number }[]
  readonly bca: readonly { a: number[]; b: number[]; low: number; high: number; error: number }[]
  readonly spearman: readonly { a: number[]; b: number[]; rho: number; p: number }[]
  readonly iqm: readonly { a: number[]; iqm: number }[]
}

const path = join(import.meta.dirname, '../../fixtures/compare/statistics.json')
const scipy = JSON.parse(readFileSync(path, 'utf8')) as Fixture

/** Equal to ten digits, or to 1e-13 near nothing. */
function same(found: number | undefined, expected: number | undefined, digits = 1e-10) {
  if (found === undefined || expected === undefined) throw new Error('no figure')
  expect(Math.abs(found - expected), `${found} for ${expected}`).toBeLessThanOrEqual(
    digits * Math.abs(expected) + 1e-13,
  )
}

describe('statistics, against scipy', () => {
  it('has its rank correlation, with ties', () => {
    for (const { a, b, rho, p } of scipy.spearman) {
      const found = spearman(a, b)
      same(found?.rho, rho)
      same(found?.p, p, 1e-8)
    }
    expect(scipy.spearman.length).toBe(4)
    expect(spearman([1, 2], [1, 2])).toBeNull()
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull()
    expect(spearman([1, 2, 3], [9, 8, 7])).toMatchObject({ rho: -1, n: 3, p: 0 })
    expect(ranksOf([5, 1, 5, 9])).toEqual([2.5, 1, 2.5, 4])
  })

  it('has its functions', () => {
    for (const [t, df, value] of scipy.studentCdf as [number, number, number][]) same(studentCdf(t, df), value)
    for (const [p, df, value] of scipy.studentQuantile as [number, number, number][])
      same(studentQuantile(p, df), value)
    for (const [x, a, b, value] of scipy.incompleteBeta as [number, number, number, number][])
      same(incompleteBeta(x, a, b), value)
    for (const [x, value] of scipy.logGamma as [number, number][]) same(logGamma(x), value)
    for (const [z, value] of scipy.normalCdf as [number, number][]) same(normalCdf(z), value)
    for (const [p, value] of scipy.normalQuantile as [number, number][]) same(normalQuantile(p), value)
    expect(scipy.studentCdf.length).toBe(48)
  })

  it('has its tests', () => {
    for (const each of scipy.welch) {
      const found = welch(each.a, each.b)
      same(found.t, each.t)
      same(found.df, each.df)
      same(found.p, each.p)
      same(found.interval.low, each.low, 1e-9)
      same(found.interval.high, each.high, 1e-9)
    }
    for (const { a, low, high } of scipy.meanInterval) {
      same(meanInterval(a).low, low, 1e-9)
      same(meanInterval(a).high, high, 1e-9)
    }
    for (const { d, p } of scipy.signFlip) same(signFlip(d), p)
    for (const { a, iqm } of scipy.iqm) same(interquartileMean(a), iqm)
  })

  it('draws a bootstrap whose borders lie where those of scipy lie, as far as chance lets them', () => {
    for (const { a, b, low, high, error } of scipy.bca) {
      const found = bootstrapDifference(a, b, 0.95, 20_000)
      expect(Math.abs(found.low - low)).toBeLessThan(error * 0.1)
      expect(Math.abs(found.high - high)).toBeLessThan(error * 0.1)
    }
  })
})

describe('statistics', () => {
  it('says the same of the same values each time', () => {
    const [a, b] = [
      [1, 2, 4, 3, 5],
      [2, 3, 5, 5, 6],
    ]
    expect(bootstrapDifference(a as number[], b as number[])).toEqual(bootstrapDifference(a as number[], b as number[]))
  })

  it('turns around when the sides do', () => {
    const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [there, back] = [welch(a, b), welch(b, a)]
        expect(there.p).toBeCloseTo(back.p, 9)
        expect(there.delta).toBeCloseTo(-back.delta, 9)
        expect(probabilityGreater(a, b) + probabilityGreater(b, a)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('corrects several questions at once, and never to less than was asked', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }), (ps) => {
        for (const [at, p] of holm(ps).entries()) expect(p).toBeGreaterThanOrEqual(Math.min(1, ps[at] as number))
      }),
    )
  })

  it('knows what three runs a side can show', () => {
    // The live case of the handbook: a spread of 3.42 points and three runs a side.
    expect(detectableDifference(3.42, 3)).toBeCloseTo(7.75, 2)
  })

  it('finds a difference where chance alone made it no more often than it says', () => {
    let hits = 0
    let at = 7
    const noise = () => {
      at = (Math.imul(at, 1_103_515_245) + 12_345) >>> 0
      return at / 4_294_967_296
    }
    const normal = () => Array.from({ length: 12 }, noise).reduce((sum, each) => sum + each, -6)
    const sample = () => Array.from({ length: 10 }, normal)
    for (let i = 0; i < 2000; i++) if (welch(sample(), sample()).p < 0.05) hits++
    expect(hits / 2000).toBeGreaterThan(0.035)
    expect(hits / 2000).toBeLessThan(0.065)
  })
})
