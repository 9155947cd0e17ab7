import type { Column } from '../../reader/columns.ts'
import { quantile } from '../statistics/samples.ts'
import { episodes } from './curves.ts'
import {
  digits,
  type Finding,
  isGradientNorm,
  isLearningRate,
  isLoss,
  isThroughput,
  isUtilisation,
  percent,
  type RunFigures,
  stepAt,
  type Thresholds,
} from './types.ts'

const sorted = (column: Column) => [...column.values].filter(Number.isFinite).sort((a, b) => a - b)
const whole = (column: Column, rule: string, severity: Finding['severity']) => ({
  rule,
  severity,
  metric: column.name,
  unit: column.unit,
  fromStep: stepAt(column, 0),
  toStep: stepAt(column, column.values.length - 1),
})

/** Clipping most steps is a lower learning rate in disguise. Judged by the run's own figures, not by a fixed norm. */
export function gradient(column: Column, clip: number | null, t: Thresholds): Finding[] {
  if (!isGradientNorm(column.name) || clip === null || clip <= 0) return []
  const values = sorted(column)
  if (values.length < 20) return []
  const share = values.filter((value) => value > clip).length / values.length
  if (share <= t.clippedShare) return []
  return [
    {
      ...whole(column, 'gradient-clipped', 'warning'),
      what: `${percent(share)} of the steps lie above the clip of ${digits(clip)}`,
      next: `It acts as a lower learning rate. The 90th percentile is ${digits(quantile(values, 0.9))}.`,
    },
  ]
}

export function learningRate(column: Column, t: Thresholds, state: string): Finding[] {
  if (!isLearningRate(column.name)) return []
  const values = [...column.values].filter(Number.isFinite)
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (values.length < 10) return []
  if (most === 0) {
    return [
      {
        ...whole(column, 'learning-rate-zero', 'critical'),
        what: 'it is 0 at every step',
        next: 'Nothing was trained.',
      },
    ]
  }
  const found: Finding[] = []
  if (most > t.learningRateMost || most < t.learningRateLeast) {
    found.push({
      ...whole(column, 'learning-rate-range', 'note'),
      what: `its greatest value ${digits(most)} lies outside of ${digits(t.learningRateLeast)} to ${digits(t.learningRateMost)}`,
      next: 'Right for some optimisers; look whether it is meant.',
    })
  }
  const peak = values.indexOf(most)
  const isRising = (values[0] as number) < most
  if (isRising && peak === values.length - 1 && state === 'finished') {
    found.push({
      ...whole(column, 'learning-rate-warm-up', 'warning'),
      what: 'it was still rising at the end',
      next: 'The schedule is longer than the run: its length may be counted in other steps.',
    })
  } else if (isRising && peak / values.length > t.warmupShare && peak < values.length - 1) {
    found.push({
      ...whole(column, 'learning-rate-warm-up', 'note'),
      what: `it rose for ${percent(peak / values.length)} of the points; more than ${percent(t.warmupShare)} is unusual`,
      next: 'Look whether warm-up counts the steps that you mean.',
    })
  }
  return found
}

/** Against its own median after the first tenth: another model or machine has another normal. */
export function throughput(column: Column, t: Thresholds): Finding[] {
  if (!isThroughput(column.name) || column.values.length < 3 * t.throughputPoints) return []
  const warm = Math.floor(column.values.length / 10)
  const settled = [...column.values.subarray(warm)].filter(Number.isFinite).sort((a, b) => a - b)
  const usual = quantile(settled, 0.5)
  const border = usual * (1 - t.throughputLoss)
  return episodes(column, (at) => at >= warm && (column.values[at] as number) < border)
    .filter(([from, to]) => to - from + 1 >= t.throughputPoints)
    .map(([from, to]) => ({
      ...whole(column, 'throughput-loss', 'warning'),
      fromStep: stepAt(column, from),
      toStep: stepAt(column, to),
      what: `${to - from + 1} points on end more than ${percent(t.throughputLoss)} below the usual ${digits(usual)}`,
      next: 'Look for a neighbour on the machine, throttling, or a full disk at that time.',
    }))
}

const idleCard =
  'The card waits most of the time: look at the loading of data. Utilisation alone is a poor measure of work.'

export function utilisation(column: Column, t: Thresholds): Finding[] {
  if (!isUtilisation(column.name)) return []
  const values = sorted(column)
  if (values.length < 10) return []
  const median = quantile(values, 0.5)
  // Written as a share by some and as percent by others.
  const share = (values.at(-1) as number) > 1.5 ? median / 100 : median
  if (share >= t.utilisationLeast) return []
  return [
    {
      ...whole(column, 'low-utilisation', 'note'),
      what: `its median is ${percent(share)}, below ${percent(t.utilisationLeast)}`,
      next: idleCard,
    },
  ]
}

const ofRun = { metric: '', unit: '', fromStep: null, toStep: null }

/** Rules on the run itself. */
export function ofWholeRun(run: RunFigures, t: Thresholds): Finding[] {
  const found: Finding[] = []
  const { seconds, expectedSeconds, usd, expectedUsd } = run
  if (
    run.state === 'finished' &&
    seconds !== null &&
    expectedSeconds !== null &&
    seconds < t.fastShare * expectedSeconds
  ) {
    found.push({
      ...ofRun,
      rule: 'fast-finish',
      severity: 'warning',
      what: `it took ${percent(seconds / expectedSeconds)} of the expected time (${digits(seconds / 3600)} of ${digits(expectedSeconds / 3600)} h)`,
      next: 'Too fast is suspicious: look whether all of the work was done.',
    })
  }
  if (usd !== null && expectedUsd !== null && expectedUsd > 0 && usd > t.costFactor * expectedUsd) {
    found.push({
      ...ofRun,
      rule: 'cost',
      severity: 'warning',
      what: `it cost $${usd.toFixed(2)}, ${digits(usd / expectedUsd)} times the estimate of $${expectedUsd.toFixed(2)}`,
      next: 'Look at idle hours and at throughput before the next run is estimated.',
    })
  }
  const { utilisationShare } = run
  if (utilisationShare !== null && utilisationShare < t.utilisationLeast) {
    found.push({
      ...ofRun,
      rule: 'low-utilisation',
      severity: 'note',
      what: `the cards were busy ${percent(utilisationShare)} of the time, by the samples of patrol; below ${percent(t.utilisationLeast)}`,
      next: idleCard,
    })
  }
  return found
}

/** Results that were written down as NaN or infinite: they are in no mean, and a mean without them looks better than it is. */
export function nonFiniteResults({ nonFiniteResults: of }: RunFigures): Finding[] {
  return Object.entries(of)
    .filter(([, units]) => units.length > 0)
    .map(([metric, units]) => ({
      ...ofRun,
      metric,
      unit: units.length === 1 ? (units[0] as string) : '',
      rule: 'non-finite',
      severity: isLoss(metric) ? 'critical' : 'warning',
      what:
        units.length === 1
          ? 'its written result is NaN or infinite; it counts nowhere'
          : `the written results of ${units.length} units are NaN or infinite; they are in no mean`,
      next: 'Find out why there is no figure; what is said of the others is not said of these.',
    }))
}

/** Results that guessing reaches as well: by the mean of the units, where a run has several. */
export function belowChance({ chance, ends, goalOf }: RunFigures): Finding[] {
  return Object.entries(chance).flatMap(([metric, guessed]): Finding[] => {
    const known = (ends[metric] ?? []).filter(Number.isFinite)
    const goal = goalOf(metric)
    if (known.length === 0 || goal === null) return []
    const isBelow = (value: number) => (goal === 'higher' ? value <= guessed : value >= guessed)
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length
    if (!isBelow(mean)) return []
    const of =
      known.length === 1
        ? ''
        : ` (mean of ${known.length} units, ${known.filter(isBelow).length} of them no better than that)`
    return [
      {
        ...ofRun,
        metric,
        rule: 'below-chance',
        severity: 'critical',
        what: `it ended at ${digits(mean)}${of}; guessing reaches ${digits(guessed)}`,
        next: 'Look at labels, order and split of the data before anything else.',
      },
    ]
  })
}
