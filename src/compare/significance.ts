import { bootstrapDifference, bootstrapMean, signFlip } from './statistics/resampling.ts'
import { type Interval, mean, standardDeviation } from './statistics/samples.ts'
import { detectableDifference, probabilityGreater, welch } from './statistics/tests.ts'

export type Verdict = 'better' | 'worse' | 'no clear difference' | 'cannot tell'

/** Significance that a verdict asks for, after the correction for several metrics. */
export const alpha = 0.05
/** Least values a side for a test that may say anything by itself (handbook compare 6). */
const fewest = 5
/** Of fewer pairs no flip of signs can show anything: of five the least p is 2/32, which is above 0.05. */
const fewestPairs = 6

export interface Comparison {
  /** Of `b` less `a`; of their means where there are several. */
  readonly delta: number
  /** Interval of the difference at 95 %, where there are enough values for one. */
  readonly interval: Interval | null
  /** Made when it is first asked for: a sweep has thousands, of which a person looks at a few. */
  readonly bootstrap: Interval | null
  /** Chance that one draw of `b` is greater than one of `a`; null for fewer than five a side. */
  readonly probabilityGreater: number | null
  /** Of the test that was made, before any correction; null: none was made. */
  readonly p: number | null
  readonly test: 'none' | 'Welch' | 'sign flip of pairs'
  readonly isPaired: boolean
  readonly n: readonly [number, number]
  /** What this many values could show; null where the spread is unknown. */
  readonly detectable: number | null
  /** What a reader must know, for example that one run each shows nothing. */
  readonly note: string
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/**
 * What the values of two groups say of their difference, by how many there are (handbook compare 6). Pairs are used where
 * both sides have the same seeds, or the same units.
 *
 * @param pairs places of `a` and `b` that belong together, or null
 */
export function compareGroups(
  a: readonly number[],
  b: readonly number[],
  pairs: readonly (readonly [number, number])[] | null = null,
): Comparison {
  const delta = mean(b) - mean(a)
  const n = [a.length, b.length] as const
  const least = Math.min(...n)
  const base: Comparison = {
    delta,
    interval: null,
    bootstrap: null,
    probabilityGreater: null,
    p: null,
    test: 'none',
    isPaired: false,
    n,
    detectable: null,
    note: '',
  }
  if (least === 0) return { ...base, delta: Number.NaN, note: 'one side has no value' }
  if (least === 1) {
    return {
      ...base,
      note: n[0] === n[1] ? 'one run each: cannot separate from seed noise' : 'one side has one run: no test',
    }
  }
  const spread = Math.sqrt((standardDeviation(a) ** 2 + standardDeviation(b) ** 2) / 2)
  const detectable = detectableDifference(spread, least)
  if (least === 2) return { ...base, detectable, note: 'two runs a side: values and range, no test' }
  if (pairs !== null && pairs.length >= fewestPairs) {
    const differences = pairs.map(([x, y]) => (b[y] as number) - (a[x] as number))
    const bootstrap = once(() => bootstrapMean(differences))
    return {
      ...base,
      delta: mean(differences),
      get bootstrap() {
        return bootstrap()
      },
      probabilityGreater: probabilityGreater(a, b),
      p: signFlip(differences),
      test: 'sign flip of pairs',
      isPaired: true,
      detectable,
    }
  }
  const { interval, p } = welch(a, b)
  if (least < fewest) {
    return { ...base, interval, detectable, note: `${least} runs a side: too few to decide, the interval is a hint` }
  }
  const bootstrap = once(() => bootstrapDifference(a, b))
  return {
    ...base,
    interval,
    get bootstrap() {
      return bootstrap()
    },
    probabilityGreater: probabilityGreater(a, b),
    p,
    test: 'Welch',
    detectable,
  }
}

/**
 * The word for it. Never more than the test says: without one it is "cannot tell", also where the figures differ a lot.
 *
 * @param p after the correction for all metrics that were asked at once
 */
export function verdictOf(comparison: Comparison, goal: 'lower' | 'higher' | null, p: number | null): Verdict {
  if (p === null || goal === null || Number.isNaN(comparison.delta)) return 'cannot tell'
  if (p >= alpha || comparison.delta === 0) return 'no clear difference'
  const border = comparison.isPaired ? comparison.bootstrap : comparison.interval
  const excludesZero = border === null || border.low > 0 || border.high < 0
  if (!excludesZero) return 'no clear difference'
  return comparison.delta > 0 === (goal === 'higher') ? 'better' : 'worse'
}

export interface Change {
  readonly delta: number
  /** Share of the baseline's size, 1 is 100 %; null where the baseline is nothing or the signs differ (handbook compare 5). */
  readonly share: number | null
  /** In percentage points, for a metric between 0 and 1. */
  readonly points: number | null
}

/** Difference to a baseline. @param mayBeBounded whether the metric lies between 0 and 1 by its name */
export function changeOf(baseline: number, value: number, mayBeBounded = true): Change {
  const delta = value - baseline
  const isBounded = mayBeBounded && baseline >= 0 && baseline <= 1 && value >= 0 && value <= 1
  const hasShare = Math.abs(baseline) > 1e-12 && Math.sign(baseline) === Math.sign(value) && Number.isFinite(delta)
  return { delta, share: hasShare ? delta / Math.abs(baseline) : null, points: isBounded ? delta * 100 : null }
}
