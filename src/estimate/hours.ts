import { quantile, summarise, wantedSteps } from './quantile.ts'
import { equalMakespanSeconds } from './schedule.ts'

export interface HoursInput {
  readonly unitCount: number
  /** Workers that run at once (1 for a sequential plan). */
  readonly workers: number
  /** Wall seconds of whole units of the smoke. */
  readonly unitSeconds: readonly number[]
  /** Seconds of single steps, warm-up left out. */
  readonly stepSeconds: readonly number[]
  /** Steps of a whole unit at full length; null when not known. */
  readonly stepsPerUnit: number | null
  /** Warm-up steps left out of `stepSeconds`, per unit. */
  readonly droppedSteps?: number
  /** Seconds before the first unit: staging and set-up. */
  readonly setupSeconds?: number
  /** Seconds for the `after` steps, as far as known. */
  readonly afterSeconds?: number
}

export interface HoursEstimate {
  readonly hoursP50: number
  readonly hoursP90: number
  /** True when the p90 is a widened guess, because there are too few samples for one. */
  readonly isP90Assumed: boolean
  readonly lowerBoundHours: number
  readonly unitSecondsP50: number
  readonly unitSecondsP90: number
  readonly stepSamples: number
  readonly unitSamples: number
  /** What the figures rest on, in words, with the number of samples. */
  readonly basis: string
}

/** Factor on the longest unit seen when there are too few samples for a p90. An assumption, and called one. */
export const assumedSpread = 1.5

/**
 * Wall hours of all units from a smoke's samples (handbook money 5.2): median and 90th percentile of the step, times the
 * steps of a unit, plus what a unit spends outside its steps; then units over workers, longest first. Null when nothing
 * was measured. Units are taken as equally long and workers as not slowing one another; the basis says so.
 */
export function estimateHours(input: HoursInput): HoursEstimate | null {
  const units = summarise(input.unitSeconds)
  const steps = summarise(input.stepSeconds)
  const perUnit = input.stepsPerUnit
  let p50: number
  let p90: number
  let isAssumed = false
  let basis: string

  if (steps.p50 !== null && steps.p90 !== null && perUnit !== null && perUnit > 0) {
    const overhead = overheadSeconds(input, steps.p50)
    p50 = steps.p50 * perUnit + overhead
    p90 = steps.p90 * perUnit + overhead
    basis = `${steps.count} step samples (median ${seconds(steps.p50)}, p90 ${seconds(steps.p90)}) x ${perUnit} steps + ${seconds(overhead)} outside the steps`
    if (steps.count < wantedSteps) basis += `; fewer than the ${wantedSteps} steps wanted`
    basis += `; ${count(units.count, 'unit')} seen`
  } else if (units.p50 !== null && units.maximum !== null) {
    p50 = units.p50
    if (units.p90 !== null) {
      p90 = units.p90
      basis = `${units.count} unit samples (median ${seconds(p50)}, p90 ${seconds(p90)})`
    } else {
      p90 = units.maximum * assumedSpread
      isAssumed = true
      basis = `${count(units.count, 'unit')} and ${count(steps.count, 'step sample')}: too few for a p90; longest unit x ${assumedSpread} is assumed`
    }
  } else return null

  const workers = Math.max(1, Math.min(input.workers, input.unitCount))
  const setup = input.setupSeconds ?? 0
  const after = input.afterSeconds ?? 0
  basis += `; ${count(input.unitCount, 'unit')} on ${count(workers, 'worker')}, taken as equally long and not slowing one another`
  return {
    hoursP50: (equalMakespanSeconds(p50, input.unitCount, workers) + setup + after) / 3600,
    hoursP90: (equalMakespanSeconds(p90, input.unitCount, workers) + setup + after) / 3600,
    isP90Assumed: isAssumed,
    lowerBoundHours: Math.max(p50, (p50 * input.unitCount) / workers) / 3600,
    unitSecondsP50: p50,
    unitSecondsP90: p90,
    stepSamples: steps.count,
    unitSamples: units.count,
    basis,
  }
}

/** What a unit spends outside its steps: start, loading, slow first steps. From whole units, less their measured steps. */
function overheadSeconds(input: HoursInput, stepP50: number): number {
  const unit = quantile(input.unitSeconds, 0.5)
  if (unit === null || input.unitSeconds.length === 0) return 0
  const stepsEach = input.stepSeconds.length / input.unitSeconds.length + (input.droppedSteps ?? 0)
  return Math.max(0, unit - stepsEach * stepP50)
}

const seconds = (value: number): string => `${Number(value.toPrecision(3))} s`
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
