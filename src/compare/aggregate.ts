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
 * The figures of a curve, from its finite points; null where it has none. Where a step stands several times (a run that was
 * killed and went on), the later point holds. Smoothing has no part in it.
 */
export function figuresOf(column: Column): Readonly<Record<Aggregator, Figure | null>> {
  const { values, steps } = column
  const order = orderOf(column)
  const length = order?.length ?? values.length
  const placeOf = (i: number) => (order === null ? i : (order[i] as number))
  let [points, first, last, least, most] = [0, -1, -1, -1, -1]
  for (let i = 0; i < length; i++) {
    const at = placeOf(i)
    const value = values[at] as number
    if (!Number.isFinite(value)) continue
    points++
    if (first < 0) first = at
    last = at
    if (least < 0 || value < (values[least] as number)) least = at
    if (most < 0 || value > (values[most] as number)) most = at
  }
  const nonFinite = length - points
  const figure = (at: number): Figure | null => {
    if (at < 0) return null
    const step = steps[at] as number
    return { value: values[at] as number, step: Number.isNaN(step) ? null : step, points, nonFinite }
  }
  return {
    last: figure(last),
    first: figure(first),
    min: figure(least),
    max: figure(most),
    'tail-mean': points === 0 ? null : { value: tailMean(), step: null, points, nonFinite },
  }

  function tailMean(): number {
    const wanted = Math.max(1, Math.round(points * tailShare))
    let from = length
    for (let left = wanted; left > 0; ) if (Number.isFinite(values[placeOf(--from)] as number)) left--
    let sum = 0
    for (let i = from; i < length; i++) {
      const value = values[placeOf(i)] as number
      if (Number.isFinite(value)) sum += value
    }
    return sum / wanted
  }
}

export const aggregate = (column: Column, how: Aggregator): Figure | null => figuresOf(column)[how]

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
export const inOrder = (column: Column): readonly number[] =>
  orderOf(column) ?? Array.from({ length: column.steps.length }, (_, at) => at)

/** Null: they stand in order, as nearly all do. */
function orderOf({ steps }: Column): readonly number[] | null {
  let isRising = true
  for (let at = 1; at < steps.length && isRising; at++) isRising = (steps[at] as number) > (steps[at - 1] as number)
  if (isRising || steps.some(Number.isNaN)) return null
  const all = Array.from({ length: steps.length }, (_, at) => at)
  all.sort((a, b) => (steps[a] as number) - (steps[b] as number) || a - b)
  return all.filter((at, i) => i + 1 === all.length || steps[all[i + 1] as number] !== steps[at])
}
