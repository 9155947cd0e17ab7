import type { Column } from '../../reader/columns.ts'
import {
  digits,
  type Finding,
  finiteOf,
  isGradientNorm,
  isLoss,
  percent,
  type Severity,
  stepAt,
  type Thresholds,
} from './types.ts'

const about = (column: Column, rule: string, severity: Severity, from: number, to: number) => ({
  rule,
  severity,
  metric: column.name,
  unit: column.unit,
  fromStep: stepAt(column, from),
  toStep: stepAt(column, to),
})

/** A loss that is no figure is the end of a training; any other metric is worth a word. One finding an episode. */
export function nonFinite(column: Column): Finding[] {
  const found: Finding[] = []
  for (const [from, to] of episodes(column, (at) => !Number.isFinite(column.values[at] as number))) {
    const isCritical = isLoss(column.name) || isGradientNorm(column.name)
    const word = Number.isNaN(column.values[from] as number) ? 'NaN' : 'infinite'
    found.push({
      ...about(column, 'non-finite', isCritical ? 'critical' : 'warning', from, to),
      what: `${to - from + 1} of ${column.values.length} points are not finite, the first is ${word}`,
      next: isCritical
        ? 'Look at the step before it; nothing after it is a result.'
        : 'Find out why this metric has no value there.',
    })
  }
  return found
}

/** Points on end for which something holds: first and last of each episode. Told once an episode. */
export function episodes(column: Column, holds: (at: number) => boolean): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  let from = -1
  for (let at = 0; at <= column.values.length; at++) {
    const isIn = at < column.values.length && holds(at)
    if (isIn && from < 0) from = at
    if (!isIn && from >= 0) {
      found.push([from, at - 1])
      from = -1
    }
  }
  return found
}

/** Loss at least twice the mean of the window before it, for more than four points on end (llm-foundry's KillLossSpike). */
export function spike(column: Column, t: Thresholds): Finding[] {
  if (!isLoss(column.name)) return []
  const window = Math.max(t.spikeWindow, Math.round(column.values.length * t.spikeWindowShare))
  const before = new Rolling(window)
  const means = new Float64Array(column.values.length)
  let isHeld = false
  for (let at = 0; at < column.values.length; at++) {
    const value = column.values[at] as number
    means[at] = before.count >= window / 2 ? before.mean() : Number.NaN
    isHeld = value >= t.spikeFactor * (means[at] as number)
    // What is held against the window does not become part of it.
    if (Number.isFinite(value) && !isHeld) before.push(value)
  }
  return episodes(column, (at) => (column.values[at] as number) >= t.spikeFactor * (means[at] as number))
    .filter(([from, to]) => to - from + 1 > t.spikePoints)
    .map(([from, to]) => ({
      ...about(column, 'loss-spike', 'warning', from, to),
      what: `${to - from + 1} points on end at ${t.spikeFactor} times the mean of the ${window} before (${digits(means[from] as number)}) or more`,
      next: 'Look at the data and the learning rate there; a second run of the same steps tells a fault of the machine apart.',
    }))
}

/** More than six standard deviations above the last 128 points, for losses and gradient norms (OLMo-core). */
export function robustSpike(column: Column, t: Thresholds): Finding[] {
  if (!isLoss(column.name) && !isGradientNorm(column.name)) return []
  const before = new Rolling(t.sigmaWindow)
  const spikes: number[] = []
  for (let at = 0; at < column.values.length; at++) {
    const value = column.values[at] as number
    if (!Number.isFinite(value)) continue
    if (before.count >= t.sigmaWindow / 2) {
      const sigma = before.deviation()
      if (sigma >= t.leastSigma && value > before.mean() + t.sigmas * sigma) spikes.push(at)
    }
    before.push(value)
  }
  const [first] = spikes
  const last = spikes.at(-1)
  if (first === undefined || last === undefined) return []
  const share = spikes.length / column.values.length
  return [
    {
      ...about(column, 'spikes', share > t.spikesShare ? 'warning' : 'note', first, last),
      what: `${spikes.length} points (${percent(share)}) more than ${t.sigmas} standard deviations above the ${t.sigmaWindow} before them`,
      next: 'Compare the gradient norm at these steps; clipping near its 90th percentile is a usual answer.',
    },
  ]
}

/** More than ten times anything before (Megatron). */
export function extreme(column: Column, t: Thresholds): Finding[] {
  if (!isLoss(column.name)) return []
  let most = Number.NEGATIVE_INFINITY
  for (let at = 0; at < column.values.length; at++) {
    const value = column.values[at] as number
    if (at > 0 && most > 0 && Number.isFinite(value) && value > t.extremeFactor * most) {
      return [
        {
          ...about(column, 'extreme', 'critical', at, at),
          what: `${digits(value)} is more than ${t.extremeFactor} times the greatest value before it (${digits(most)})`,
          next: 'Run the step again: another result means a fault of the machine, the same one a fault of the run.',
        },
      ]
    }
    if (Number.isFinite(value)) most = Math.max(most, value)
  }
  return []
}

/** Half of the last window above anything of the first one: it does not come back (llm-foundry). */
export function divergence(column: Column, t: Thresholds): Finding[] {
  if (!isLoss(column.name)) return []
  const finite = finiteOf(column)
  const window = Math.min(t.spikeWindow, Math.floor(finite.length / 3))
  if (window < 5) return []
  const border = finite.slice(0, window).reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const over = finite.slice(-window).filter((value) => value > border).length
  if (over * 2 <= window) return []
  return [
    {
      ...about(column, 'divergence', 'critical', column.values.length - window, column.values.length - 1),
      what: `${over} of the last ${window} points lie above the greatest of the first ${window} (${digits(border)})`,
      next: 'Go back to a checkpoint before it began, with a lower learning rate.',
    },
  ]
}

/** Mean and spread of the last points, each in constant time. */
class Rolling {
  count = 0
  private readonly values: Float64Array
  private at = 0
  private sum = 0
  private squares = 0

  constructor(size: number) {
    this.values = new Float64Array(size)
  }

  push(value: number): void {
    const { length } = this.values
    if (this.count === length) {
      const old = this.values[this.at] as number
      this.sum -= old
      this.squares -= old * old
    } else this.count++
    this.values[this.at] = value
    this.at = (this.at + 1) % length
    this.sum += value
    this.squares += value * value
    // Differences of large sums lose digits; counted anew once a round.
    if (this.at === 0) this.recount()
  }

  mean(): number {
    return this.sum / this.count
  }

  deviation(): number {
    return Math.sqrt(Math.max(0, this.squares / this.count - this.mean() ** 2))
  }

  private recount(): void {
    this.sum = 0
    this.squares = 0
    for (let i = 0; i < this.count; i++) {
      const value = this.values[i] as number
      this.sum += value
      this.squares += value * value
    }
  }
}
