import type { Column, Columns } from '../../reader/columns.ts'
import type { RunEvent } from '../../reader/types.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { inOrder } from '../aggregate.ts'
import { type Axis, curveOver } from '../align.ts'
import { runningMedian, smoothed } from '../smooth.ts'
import type { CurveEvent, CurveView, Smoothing } from './types.ts'

/** More lines than can be told apart. */
export const mostCurves = 8

const safe = (text: string) => sanitiseLine(text, 400)

/** Curves of one metric over an axis, and what is missing of them. Several units of a run are drawn each. */
export function curvesOf(
  runs: readonly { readonly columns: Columns }[],
  names: readonly string[],
  metric: string,
  axis: Axis,
  smoothing: Smoothing = 'off',
): { readonly curves: readonly CurveView[]; readonly notes: readonly string[] } {
  const notes: string[] = []
  const each = runs.map((run, at) => {
    const all = run.columns.all()
    const { events } = run.columns
    const name = safe(names[at] ?? '?')
    const placeless = events.filter(({ step, wallSeconds }) => step === null && wallSeconds === null)
    if (placeless.length > 0)
      notes.push(
        `${name}: ${placeless.map(({ kind, text }) => `${kind} (${safe(text)})`).join(', ')}, at no known place`,
      )
    return all
      .filter((column) => column.name === metric)
      .flatMap((column): CurveView[] => {
        const curve = curveOver(column, axis, all, run.columns.known.startedAtMs ?? null)
        if (curve === null) {
          notes.push(`${name} has no ${axis} on record for ${safe(metric)}`)
          return []
        }
        const unit = column.unit === '' ? '' : ` ${safe(column.unit)}`
        const { xs, values } = curve
        return [
          {
            name: `${name}${unit}`,
            xs,
            values,
            smooth: smoothOf(xs, values, smoothing),
            events: eventsOn(events, column, xs),
          },
        ]
      })
  })
  // Where not all fit, every run has its first units drawn, and none is crowded out by the units of another.
  const most = Math.max(0, ...each.map(({ length }) => length))
  const known = Array.from({ length: most }, (_, unit) => each.flatMap((curves) => curves[unit] ?? [])).flat()
  if (known.length > mostCurves) notes.push(`${known.length - mostCurves} more curves are not drawn`)
  return { curves: known.slice(0, mostCurves), notes }
}

/** A curve as the eye may have it; null where it is not smoothed. Points that are not finite stay so. */
export function smoothOf(xs: Float64Array, values: Float64Array, smoothing: Smoothing): Float64Array | null {
  const [how, parameter] = smoothing.split(' ')
  if (how === 'mean') return smoothed(xs, values, Number(parameter))
  return how === 'median' ? runningMedian(values, Number(parameter)) : null
}

/** Where events stand on the axis of a curve: at its first point that is not before them, else at its last. */
function eventsOn(events: readonly RunEvent[], column: Column, xs: Float64Array): CurveEvent[] {
  if (events.length === 0 || xs.length === 0) return []
  const order = inOrder(column)
  const firstFrom = (of: Float64Array, from: number) => {
    const found = order.findIndex((at) => (of[at] as number) >= from)
    return found < 0 ? order.length - 1 : found
  }
  return events.flatMap(({ kind, step, wallSeconds, text }) => {
    const place =
      step !== null
        ? firstFrom(column.steps, step)
        : wallSeconds !== null
          ? firstFrom(column.wallSeconds, wallSeconds)
          : -1
    const x = xs[place]
    return x === undefined || Number.isNaN(x) ? [] : [{ kind, x, text: safe(text) }]
  })
}
