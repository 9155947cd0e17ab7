import type { Column } from '../reader/columns.ts'
import { inOrder } from './aggregate.ts'

/** What stands on the x axis. */
export type Axis = 'step' | 'epoch' | 'tokens' | 'time' | 'relative'

export const axes: readonly Axis[] = ['step', 'epoch', 'tokens', 'relative', 'time']

const namesOf: Readonly<Partial<Record<Axis, RegExp>>> = {
  epoch: /(^|[/_.-])epoch$/i,
  tokens: /(^|[/_.-])(num_)?(input_)?tokens(_seen)?$/i,
}

export interface Curve {
  readonly xs: Float64Array
  readonly values: Float64Array
  /** Of the same points; NaN where none was written. */
  readonly steps: Float64Array
}

/**
 * A metric over an axis, by rising x. Null where the run has no such axis: that is said, and nothing else put in its place.
 *
 * @param others further columns of the same run and unit, in which epochs or tokens are looked for
 */
export function curveOver(
  column: Column,
  axis: Axis,
  others: readonly Column[],
  startedAtMs: number | null,
): Curve | null {
  const order = inOrder(column)
  const values = Float64Array.from(order, (at) => column.values[at] as number)
  const pick = (from: Float64Array) => Float64Array.from(order, (at) => from[at] as number)
  const steps = pick(column.steps)
  if (axis === 'step') return hasFigures(column.steps) ? { xs: steps, values, steps } : null
  if (axis === 'time' || axis === 'relative') {
    if (!hasFigures(column.wallSeconds)) return null
    const xs = pick(column.wallSeconds)
    if (axis === 'time') return { xs, values, steps }
    const start = startedAtMs === null ? leastOf(xs) : Math.min(startedAtMs / 1000, leastOf(xs))
    return { xs: xs.map((x) => x - start), values, steps }
  }
  const known = others.find(({ name, unit }) => unit === column.unit && namesOf[axis]?.test(name))
  if (known === undefined || !hasFigures(known.steps) || !hasFigures(column.steps)) return null
  return { xs: lookUp(known, steps), values, steps }
}

const hasFigures = (values: Float64Array) => values.some((value) => !Number.isNaN(value))
const leastOf = (values: Float64Array) => values.reduce((least, value) => (value < least ? value : least), Infinity)

/** Value of a column at each step, the last one at or before it: rows of training and validation hold their own columns. */
function lookUp(known: Column, steps: Float64Array): Float64Array {
  const order = inOrder(known)
  return steps.map((step) => {
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((known.steps[order[middle] as number] as number) <= step) low = middle + 1
      else high = middle
    }
    return low === 0 ? Number.NaN : (known.values[order[low - 1] as number] as number)
  })
}
