import type { Metric } from '../spec/schema.ts'
import { formatNumber, plural } from '../text/format.ts'
import type { UnitResult } from './results.ts'
import type { OutcomeFacts } from './types.ts'

export interface MetricReport {
  readonly name: string
  readonly direction: 'higher' | 'lower'
  readonly isPrimary: boolean
  readonly target: number | null
  readonly chance: number | null
  /** Units whose result holds a finite value. */
  readonly n: number
  readonly of: number
  readonly mean: number | null
  /** Sample deviation over units; null below two units. */
  readonly deviation: number | null
  readonly best: { readonly unit: string; readonly value: number } | null
  readonly worst: { readonly unit: string; readonly value: number } | null
  /** Best value inside any unit's series, with its step. */
  readonly bestStep: { readonly unit: string; readonly step: number; readonly value: number } | null
  readonly unitsBelowChance: number | null
  /** Values of the best unit over its steps, for a curve. */
  readonly curve: { readonly unit: string; readonly values: readonly number[] } | null
}

export type VerdictWord = 'confirmed' | 'refuted' | 'inconclusive'

export interface Verdict {
  readonly word: VerdictWord
  readonly reasons: readonly string[]
  readonly confidence: string
  /** Every doubt apart, the mean lies within twice its standard error of the target. */
  readonly isWithinSpread: boolean
}

const curveLimit = 60

/** One metric over all units: mean, deviation, best and worst by the declared direction (handbook lifecycle 12.4). */
export function metricReport(metric: Metric, results: readonly UnitResult[]): MetricReport {
  const isBetter = (a: number, b: number) => (metric.direction === 'higher' ? a > b : a < b)
  const values = results.flatMap(({ unit, values: v }) => {
    const value = v[metric.name]
    return value === undefined ? [] : [{ unit, value }]
  })
  const mean = values.length === 0 ? null : values.reduce((sum, v) => sum + v.value, 0) / values.length
  const deviation =
    mean === null || values.length < 2
      ? null
      : Math.sqrt(values.reduce((sum, v) => sum + (v.value - mean) ** 2, 0) / (values.length - 1))
  const ordered = values.toSorted((a, b) => (isBetter(a.value, b.value) ? -1 : 1))
  let bestStep: MetricReport['bestStep'] = null
  for (const { unit, series } of results)
    for (const [step, value] of series?.points[metric.name] ?? [])
      if (bestStep === null || isBetter(value, bestStep.value)) bestStep = { unit, step, value }
  const best = ordered[0] ?? null
  const curveUnit = best?.unit ?? bestStep?.unit
  const points = results.find((r) => r.unit === curveUnit)?.series?.points[metric.name]
  const chance = metric.chance ?? null
  return {
    name: metric.name,
    direction: metric.direction,
    isPrimary: metric.primary,
    target: metric.target ?? null,
    chance,
    n: values.length,
    of: results.length,
    mean,
    deviation,
    best,
    worst: ordered.at(-1) ?? null,
    bestStep,
    unitsBelowChance: chance === null ? null : values.filter((v) => !isBetter(v.value, chance)).length,
    curve:
      curveUnit === undefined || points === undefined || points.length < 2
        ? null
        : { unit: curveUnit, values: sample(points.map(([, value]) => value)) },
  }
}

function sample(values: readonly number[]): readonly number[] {
  if (values.length <= curveLimit) return values
  return Array.from(
    { length: curveLimit },
    (_, i) => values[Math.round((i * (values.length - 1)) / (curveLimit - 1))] as number,
  )
}

/** What the end of the run leaves open. */
function endDoubts({ end, liveness, isSuspect }: OutcomeFacts): readonly string[] {
  const doubts: string[] = []
  if (end === null) doubts.push(`how the run ended is ${liveness}`)
  else if (end.word !== 'completed')
    doubts.push(`the run ${end.word === 'aborted' ? 'was aborted' : 'has failed'}: ${end.text}`)
  if (isSuspect) doubts.push('patrol did not believe the end')
  return doubts
}

/**
 * By the criteria that stood in the plan before the run: confirmed or refuted only when every unit has a result, the run
 * ended well, and the mean over units lies beyond the target by more than twice its standard error. Everything else is
 * inconclusive, and a person has the last word. `isOverlapping`: units share data, so their spread understates the error.
 * `isPulled`: results were fetched from the box; before that none being here says nothing about the run.
 */
export function verdictOf(
  outcome: OutcomeFacts,
  metrics: readonly MetricReport[],
  isOverlapping: boolean,
  isPulled = true,
): Verdict {
  const metric = metrics.find((m) => m.isPrimary) ?? metrics[0]
  const reasons: string[] = []
  if (metric === undefined || metric.mean === null)
    return {
      word: 'inconclusive',
      reasons: [
        isPulled ? 'no unit has a result for the primary metric' : 'no result was pulled from the box yet',
        ...endDoubts(outcome),
      ],
      confidence: 'none',
      isWithinSpread: false,
    }
  const error = metric.deviation === null ? null : metric.deviation / Math.sqrt(metric.n)
  const spread =
    metric.deviation === null ? '' : ` ± ${formatNumber(metric.deviation)} over ${plural(metric.n, 'unit')}`
  reasons.push(`${metric.name} is ${formatNumber(metric.mean)}${spread}`)
  let word: VerdictWord = 'inconclusive'
  let isWithinSpread = false
  if (metric.target === null) reasons.push('the plan names no target for it, so nothing can be confirmed')
  else {
    const ahead = metric.direction === 'higher' ? metric.mean - metric.target : metric.target - metric.mean
    const margin = 2 * (error ?? 0)
    if (ahead >= margin && ahead >= 0) word = 'confirmed'
    else if (ahead < -margin) word = 'refuted'
    isWithinSpread = word === 'inconclusive'
    reasons.push(
      `the target is ${formatNumber(metric.target)} (${metric.direction} is better), ` +
        `${ahead >= 0 ? 'reached' : 'missed'} by ${formatNumber(Math.abs(ahead))}` +
        (word === 'inconclusive' ? ', which is inside twice the standard error' : ''),
    )
  }
  const gaps = metric.of - metric.n
  const doubts: string[] = []
  if (gaps > 0) doubts.push(`${plural(gaps, 'unit')} of ${metric.of} without a result`)
  doubts.push(...endDoubts(outcome))
  if (doubts.length > 0) word = 'inconclusive'
  reasons.push(...doubts)
  if (isOverlapping) reasons.push('the splits share training data, so the true error is larger than their spread says')
  const confidence =
    metric.n < 2
      ? 'low: one unit'
      : gaps > 0
        ? 'low: units are missing'
        : isOverlapping
          ? 'moderate'
          : `n = ${metric.n}`
  return { word, reasons, confidence, isWithinSpread }
}
