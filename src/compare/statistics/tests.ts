import type { Interval } from './samples.ts'
import { mean, variance } from './samples.ts'
import { studentQuantile, studentTwoSided } from './special.ts'

export interface Welch {
  /** Mean of `b` less that of `a`. */
  readonly delta: number
  readonly t: number
  readonly df: number
  readonly p: number
  /** Interval of the difference at the asked-for confidence. */
  readonly interval: Interval
}

/** Welch's t test of two samples with at least two values each; degrees of freedom by Satterthwaite. */
export function welch(a: readonly number[], b: readonly number[], confidence = 0.95): Welch {
  const [va, vb] = [variance(a) / a.length, variance(b) / b.length]
  const delta = mean(b) - mean(a)
  const error = Math.sqrt(va + vb)
  if (error === 0) {
    // All values of each side are equal: without any spread there is nothing to hold a difference against.
    return {
      delta,
      t: delta === 0 ? 0 : Math.sign(delta) * Infinity,
      df: Number.NaN,
      p: delta === 0 ? 1 : 0,
      interval: { low: delta, high: delta },
    }
  }
  // By shares: squares of very small variances would vanish.
  const share = va / (va + vb)
  const df = 1 / (share ** 2 / (a.length - 1) + (1 - share) ** 2 / (b.length - 1))
  const t = delta / error
  const reach = studentQuantile(0.5 + confidence / 2, df) * error
  return { delta, t, df, p: studentTwoSided(t, df), interval: { low: delta - reach, high: delta + reach } }
}

/** Interval of a mean, by Student's t. At least two values. */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  const middle = mean(values)
  const reach = studentQuantile(0.5 + confidence / 2, values.length - 1) * Math.sqrt(variance(values) / values.length)
  return { low: middle - reach, high: middle + reach }
}

/** Share of pairs in which `b` is greater than `a`; ties count half (Bouthillier et al., 2021). */
export function probabilityGreater(a: readonly number[], b: readonly number[]): number {
  let wins = 0
  for (const x of a) for (const y of b) wins += y > x ? 1 : y === x ? 0.5 : 0
  return wins / (a.length * b.length)
}

/**
 * Least difference of two means that n values a side can show: t * sd * sqrt(2 / n), with the t of a two-sided 95 % test.
 * Source: handbook compare 6.
 */
export function detectableDifference(standardDeviation: number, n: number): number {
  return studentQuantile(0.975, 2 * n - 2) * standardDeviation * Math.sqrt(2 / n)
}

/** Holm's step-down correction: p values as they count when all of them are asked at once, in the order given. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((p, at) => ({ p, at })).sort((x, y) => x.p - y.p)
  const adjusted = new Array<number>(values.length).fill(1)
  let least = 0
  for (const [rank, { p, at }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (values.length - rank)))
    adjusted[at] = least
  }
  return adjusted
}
