import type { Column } from '../reader/columns.ts'

/** How a curve becomes one figure. `tail-mean`: mean of the last tenth; `at-best`: where another metric was best. */
export type Aggregator = 'last' | 'min' | 'max' | 'tail-mean' | 'first'

export const aggregators: readonly Aggregator[] = ['last', 'min', 'max', 'tail-mean', 'first']

/** Share of the points at the end that `tail-mean` takes, at least one. */
const tailShare = 0.1

export interface Figure {
  readonly value: number
  /** Step of the point that it stands on; null for a mean, or where no step was written. */
  readonly step: number | null
  /** Points that were finite, and those that were not: they are in no figure, and shown beside it. */
  readonly points: number
  readonly nonFinite: number
}

/**
 * One figure of a curve, from its finite points; null where it has none. Where a step stands several times (a run that was
 * killed and went on), the later point holds. Smoothing has no part in it.
 */
export function aggregate(column: Column, how: Aggregator): Figure | null {
  const ordered = inOrder(column)
  const finite = ordered.filter((at) => Number.isFinite(column.values[at] as number))
  const nonFinite = ordered.length - finite.length
  const figure = (at: number | undefined): Figure | null => {
    if (at === undefined) return null
    const step = column.steps[at] as number
    return {
      value: column.values[at] as number,
      step: Number.isNaN(step) ? null : step,
      points: finite.length,
      nonFinite,
    }
  }
  if (finite.length === 0) return null
  if (how === 'last') return figure(finite.at(-1))
  if (how === 'first') return figure(finite[0])
  if (how === 'tail-mean') {
    const tail = finite.slice(-Math.max(1, Math.round(finite.length * tailShare)))
    const value = tail.reduce((sum, at) => sum + (column.values[at] as number), 0) / tail.length
    return { value, step: null, points: finite.length, nonFinite }
  }
  let best = finite[0] as number
  for (const at of finite) {
    const [value, known] = [column.values[at] as number, column.values[best] as number]
    if (how === 'min' ? value < known : value > known) best = at
  }
  return figure(best)
}

/** The figure of one curve at the step where another one has its own. */
export function atStep(column: Column, step: number): Figure | null {
  let found: number | null = null
  let nonFinite = 0
  for (let at = 0; at < column.steps.length; at++) {
    if (!Number.isFinite(column.values[at] as number)) nonFinite++
    if (column.steps[at] === step) found = at
  }
  if (found === null) return null
  return { value: column.values[found] as number, step, points: column.steps.length - nonFinite, nonFinite }
}

/** Places of the points by rising step, the later of two equal ones alone. Points without a step keep their place. */
export function inOrder(column: Column): number[] {
  const { steps } = column
  let isRising = true
  for (let at = 1; at < steps.length && isRising; at++) isRising = (steps[at] as number) > (steps[at - 1] as number)
  const all = Array.from({ length: steps.length }, (_, at) => at)
  if (isRising || steps.length < 2) return all
  if (all.some((at) => Number.isNaN(steps[at] as number))) return all
  all.sort((a, b) => (steps[a] as number) - (steps[b] as number) || a - b)
  return all.filter((at, i) => i + 1 === all.length || steps[all[i + 1] as number] !== steps[at])
}
