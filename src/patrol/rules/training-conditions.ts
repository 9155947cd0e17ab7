import { formatDuration, formatNumber, plural } from '../../text/format.ts'
import type { Condition, UnitRow } from '../types.ts'
import type { Rule, UnitSeries } from './condition-input.ts'
import { primaryMetric } from './rows.ts'
import type { Thresholds } from './thresholds.ts'

type Point = { readonly step: number; readonly value: number }

/** Pairs grow with the square of this, and a trend needs no more. */
const mostPoints = 64

/** What the training signal itself shows: a loss that no longer falls, a metric that never moves (handbook monitoring 11). */
export const trainingRule: Rule = ({ series, units, plan, thresholds }) => {
  const rows = new Map(units.map((row) => [row.unit, row]))
  const metric = primaryMetric(plan)
  const found: Condition[] = []
  for (const each of series ?? []) {
    const row = rows.get(each.unit)
    if (row === undefined) continue
    if (isLoss(each.name)) found.push(plateau(each, row, thresholds))
    else if (each.name === metric?.name) found.push(fixedInUnit(each, thresholds))
  }
  // What was open for a unit that runs no more has no series to close it by.
  for (const row of units)
    if (row.state !== 'running' && row.state !== 'queued')
      found.push(over('loss-plateau', row), over('metric-fixed', row))
  if (metric !== null) found.push(...fixedOverUnits(units, metric.name, thresholds))
  return found
}

/** `loss`, `train_loss`, `val/loss`: what a training minimises. */
export function isLoss(name: string): boolean {
  return /(?:^|[^a-z])loss$/i.test(name)
}

const over = (rule: string, { unit }: UnitRow): Condition => ({
  rule,
  unit,
  isActive: false,
  severity: 'warn',
  class: 'bug',
  text: '',
  evidence: '',
  remedy: '',
  recipe: '',
})

/**
 * Flat for 30 minutes: no value of that time is better than the best before it, and the Theil-Sen slope over it moves less
 * than the values scatter around it (|slope| x window < min_delta, handbook monitoring 5 and 11; the scatter stands for
 * min_delta, whose default of zero no real loss meets). A loss that rises is another finding than a flat one.
 */
function plateau({ unit, name, points }: UnitSeries, row: UnitRow, thresholds: Thresholds): Condition {
  const seen = flatFor(finite(points), secondsPerStep(row), thresholds)
  const isLong = seen !== null && seen.seconds >= 2 * thresholds.plateauSeconds
  return {
    rule: 'loss-plateau',
    unit,
    isActive: seen === null ? null : seen.isFlat,
    severity: 'warn',
    class: 'bug',
    text: `${unit}: ${name} is no better since ${formatDuration(seen?.seconds)}`,
    evidence: `best ${formatNumber(seen?.best)}, slope ${formatNumber(seen?.slope, 2)} a step over ${plural(seen?.count ?? 0, 'value')}`,
    remedy: isLong
      ? 'Check rate, data and labels: an hour without any progress is paid for nothing.'
      : 'Look at its curve; stop early when it has converged.',
    recipe: 'collect-evidence',
  }
}

/** Steps have no clock here: a unit's own pace stands in. Null: resumed, or not long enough under way to tell. */
function secondsPerStep({ seconds, step, attempt }: UnitRow): number | null {
  return seconds === null || step === null || step <= 0 || attempt > 1 ? null : seconds / step
}

interface Flat {
  readonly isFlat: boolean
  readonly seconds: number
  readonly best: number
  readonly slope: number
  readonly count: number
}

function flatFor(points: readonly Point[], stepSeconds: number | null, thresholds: Thresholds): Flat | null {
  const last = points.at(-1)
  if (last === undefined || stepSeconds === null || stepSeconds <= 0) return null
  const fromStep = last.step - thresholds.plateauSeconds / stepSeconds
  const before = points.filter((point) => point.step < fromStep)
  const within = points.filter((point) => point.step >= fromStep)
  if (before.length === 0 || within.length < thresholds.plateauPoints) return null
  const best = before.reduce((least, point) => (point.value < least.value ? point : least))
  const slope = theilSen(thin(within))
  const drift = Math.abs(slope) * (last.step - (within[0]?.step ?? last.step))
  const isBetter = within.some((point) => point.value < best.value)
  return {
    isFlat: !isBetter && drift <= scatter(within, slope),
    seconds: (last.step - best.step) * stepSeconds,
    best: best.value,
    slope,
    count: within.length,
  }
}

/** Median of the slopes between all pairs: one spike does not turn it. */
export function theilSen(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [i, a] of points.entries())
    for (const b of points.slice(i + 1)) if (b.step !== a.step) slopes.push((b.value - a.value) / (b.step - a.step))
  return median(slopes)
}

/** Median distance of the values from the line of this slope through their middle. */
function scatter(points: readonly Point[], slope: number): number {
  const rests = points.map((point) => point.value - slope * point.step)
  const middle = median(rests)
  return median(rests.map((rest) => Math.abs(rest - middle)))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const high = sorted[half] ?? 0
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? high) + high) / 2
}

function thin(points: readonly Point[]): readonly Point[] {
  const stride = Math.ceil(points.length / mostPoints)
  return stride <= 1 ? points : points.filter((_, i) => i % stride === 0 || i === points.length - 1)
}

const finite = (points: UnitSeries['points']): readonly Point[] =>
  points.flatMap(({ step, value }) => (value !== null && Number.isFinite(value) ? [{ step, value }] : []))

/**
 * One value from the first evaluation on: predictions do not depend on the input (handbook monitoring 8.1, "outputs
 * identical across samples"); when it is zero there are none at all ("all-zero metric": stop and read).
 */
function fixedInUnit({ unit, name, points }: UnitSeries, thresholds: Thresholds): Condition {
  const values = finite(points).map((point) => point.value)
  const [first] = values
  const isEnough = values.length >= thresholds.fixedValues
  return {
    rule: 'metric-fixed',
    unit,
    isActive: values.some((value) => value !== first) ? false : isEnough ? true : null,
    severity: first === 0 ? 'error' : 'warn',
    class: 'bug',
    text: `${unit}: ${name} has not moved from ${formatNumber(first)}`,
    evidence: `${plural(values.length, 'value')}, all the same`,
    remedy:
      first === 0
        ? 'Stop, and read code and outputs: no predictions, a wrong decode or wrong data.'
        : 'Look whether predictions differ between samples; when they do not, stop: nothing is learned.',
    recipe: 'collect-evidence',
  }
}

/** The same number to the last bit from unit to unit: one stale artifact is evaluated again and again (monitoring 8.1). */
function fixedOverUnits(units: readonly UnitRow[], name: string, thresholds: Thresholds): readonly Condition[] {
  const values = units.flatMap((unit) => (unit.state === 'done' && unit.metric !== null ? [unit.metric] : []))
  if (values.length < thresholds.fixedUnits) return []
  return [
    {
      rule: 'units-identical',
      isActive: values.every((value) => value === values[0]),
      severity: 'warn',
      class: 'invalid',
      text: `${name} is ${formatNumber(values[0])} in every finished unit`,
      evidence: `${plural(values.length, 'unit')}, equal to the last bit`,
      remedy: 'Hash what the evaluation reads: units may load one and the same artifact.',
      recipe: 'parse-outputs',
    },
  ]
}
