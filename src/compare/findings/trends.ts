import type { Column } from '../../reader/columns.ts'
import { mean } from '../statistics/samples.ts'
import { welch } from '../statistics/tests.ts'
import { digits, type Finding, finiteOf, isLoss, isValidation, percent, stepAt, type Thresholds } from './types.ts'

/** Most points of which all pairs are looked at: the slope of more is that of as many spread over them. */
const mostPairs = 128

/** Median of the slopes of all pairs (Theil and Sen): single points cannot turn it. A step is one point. */
export function theilSen(values: readonly number[]): number {
  const stride = Math.max(1, Math.ceil(values.length / mostPairs))
  const points = Math.ceil(values.length / stride)
  const slopes = new Float64Array((points * (points - 1)) / 2)
  let count = 0
  for (let i = 0; i < values.length; i += stride)
    for (let j = i + stride; j < values.length; j += stride)
      slopes[count++] = ((values[j] as number) - (values[i] as number)) / (j - i)
  slopes.sort()
  if (slopes.length === 0) return 0
  const middle = slopes.length >> 1
  return slopes.length % 2
    ? (slopes[middle] as number)
    : ((slopes[middle - 1] as number) + (slopes[middle] as number)) / 2
}

function extentOf(values: readonly number[]): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return most - least
}

/** No slope and no gain over a whole window: judged by the trend of all its points, never by its ends. */
export function plateau(column: Column, t: Thresholds, goal: 'lower' | 'higher' | null): Finding[] {
  const values = finiteOf(column)
  if (goal === null || values.length < 2 * t.plateauPoints) return []
  const least = extentOf(values) * t.plateauShare
  const isGain = (from: number, to: number) => (goal === 'lower' ? from - to : to - from) > least
  const best = (from: number, to: number) => {
    let found = values[from] as number
    for (let at = from + 1; at < to; at++) {
      const value = values[at] as number
      if (goal === 'lower' ? value < found : value > found) found = value
    }
    return found
  }
  let window = t.plateauPoints
  const isFlat = (points: number) =>
    Math.abs(theilSen(values.slice(-points))) * points < least &&
    !isGain(best(0, values.length - points), best(values.length - points, values.length))
  if (!isFlat(window)) return []
  while (window * 2 <= values.length - t.plateauPoints && isFlat(window * 2)) window *= 2
  const from = column.values.length - window
  return [
    {
      rule: 'plateau',
      severity: 'note',
      metric: column.name,
      unit: column.unit,
      fromStep: stepAt(column, from),
      toStep: stepAt(column, column.values.length - 1),
      what: `the last ${window} points change by less than ${percent(t.plateauShare)} of the curve's extent (${digits(least)})`,
      next: 'Training may end here, or the learning rate be lowered.',
    },
  ]
}

/**
 * The end (a tenth, unless it is set otherwise) is better than what came right before it, by more than chance and by more than
 * a plateau would allow: more training would have gone on.
 */
export function stillImproving(
  column: Column,
  t: Thresholds,
  goal: 'lower' | 'higher' | null,
  state: string,
): Finding[] {
  const values = finiteOf(column)
  const window = Math.floor(values.length * t.improvingShare)
  if (goal === null || state !== 'finished' || window < 5) return []
  const [before, last] = [values.slice(-2 * window, -window), values.slice(-window)]
  const { p, delta } = welch(before, last)
  const isBetter = goal === 'lower' ? delta < 0 : delta > 0
  // A hundred points without noise make any gain certain; one that a plateau has as well is none to train for.
  const isMaterial = Math.abs(delta) >= extentOf(values) * t.plateauShare
  if (!isBetter || !isMaterial || p >= t.improvingP) return []
  return [
    {
      rule: 'still-improving',
      severity: 'note',
      metric: column.name,
      unit: column.unit,
      fromStep: stepAt(column, column.values.length - window),
      toStep: stepAt(column, column.values.length - 1),
      what: `the last ${window} points are better than the ${window} before by ${digits(Math.abs(delta))} (p ${digits(p)})`,
      next: 'It ended before it was done: train longer before other settings are judged by it.',
    },
  ]
}

/** Validation that gets worse for some evaluations on end while training goes on getting better. No fixed gap. */
export function overfit(columns: readonly Column[], t: Thresholds): Finding[] {
  const found: Finding[] = []
  for (const validation of columns.filter(({ name }) => isLoss(name) && isValidation(name))) {
    const training = columns.find(({ name, unit }) => isLoss(name) && !isValidation(name) && unit === validation.unit)
    if (training === undefined) continue
    const values = finiteOf(validation)
    let best = 0
    for (let at = 1; at < values.length; at++) if ((values[at] as number) < (values[best] as number)) best = at
    const after = values.slice(best)
    let rises = 0
    for (let at = 1; at < after.length; at++) if ((after[at] as number) > (after[at - 1] as number)) rises++
    const worse = after.length - 1
    const bestStep = stepAt(validation, best)
    const before = [...training.values].filter(
      (v, at) => Number.isFinite(v) && (training.steps[at] as number) <= (bestStep ?? -Infinity),
    )
    const later = [...training.values].filter(
      (v, at) => Number.isFinite(v) && (training.steps[at] as number) > (bestStep ?? Infinity),
    )
    if (worse < t.overfitPoints || rises * 2 < worse || before.length === 0 || later.length === 0) continue
    if (mean(later.slice(-before.length)) >= mean(before.slice(-later.length))) continue
    const gap = (values.at(-1) as number) - (values[best] as number)
    found.push({
      rule: 'overfit',
      severity: 'warning',
      metric: validation.name,
      unit: validation.unit,
      fromStep: bestStep,
      toStep: stepAt(validation, validation.values.length - 1),
      what: `${worse} evaluations after the best one (step ${bestStep ?? '?'}) are worse, by ${digits(gap)} at the end, while ${training.name} went on falling`,
      next: `Take the checkpoint of step ${bestStep ?? '?'}; end earlier, or regularise more.`,
    })
  }
  return found
}
