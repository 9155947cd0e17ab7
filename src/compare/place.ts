import type { Columns } from '../reader/columns.ts'
import { type Aggregator, aggregators, type Figure } from './aggregate.ts'
import { type Axis, curveOver } from './align.ts'
import type { CurveFigures, MetricDigest, RunDigest } from './digest.ts'

/** Where all runs are looked at. */
export interface Place {
  readonly axis: Axis
  readonly at: number
  /** False: nobody named it, it is the furthest that all runs reach. */
  readonly isNamed: boolean
}

/** A run that says nothing of the place. */
export interface Short {
  /** How far it goes; null: it has no such axis. */
  readonly reach: number | null
}

/** How far a run goes on an axis, by all of its curves; null where it has no such axis. */
export function reachOf(columns: Columns, axis: Axis): number | null {
  const all = columns.all()
  let most = Number.NEGATIVE_INFINITY
  for (const column of all) {
    const curve = curveOver(column, axis, all, columns.known.startedAtMs ?? null)
    for (const x of curve?.xs ?? []) if (x > most) most = x
  }
  return Number.isFinite(most) ? most : null
}

/**
 * A digest with the value of each curve at one place: the last point that was logged there or before it, as it was logged. A unit
 * that does not reach the place has none: nothing is guessed beyond its last point. Written results have no place and are left out.
 */
export function digestAt(digest: RunDigest, columns: Columns, { axis, at }: Pick<Place, 'axis' | 'at'>): RunDigest {
  const all = columns.all()
  const startedAtMs = columns.known.startedAtMs ?? null
  const reaches = new Map<string, number>()
  const curves = all.map((column) => ({ column, curve: curveOver(column, axis, all, startedAtMs) }))
  for (const { column, curve } of curves)
    for (const x of curve?.xs ?? [])
      if (x > (reaches.get(column.unit) ?? Number.NEGATIVE_INFINITY)) reaches.set(column.unit, x)
  const metrics: Record<string, MetricDigest & { readonly curves: Record<string, CurveFigures> }> = Object.create(null)
  for (const { column, curve } of curves) {
    const figure = curve === null || (reaches.get(column.unit) ?? -Infinity) < at ? null : figureAt(curve, at)
    metrics[column.name] ??= { curves: Object.create(null), results: {}, nonFiniteResults: [] }
    const same = Object.fromEntries(aggregators.map((how: Aggregator) => [how, figure])) as CurveFigures
    ;(metrics[column.name] as (typeof metrics)[string]).curves[column.unit] = same
  }
  return { ...digest, metrics }
}

function figureAt({ xs, values, steps }: NonNullable<ReturnType<typeof curveOver>>, at: number): Figure | null {
  let found = -1
  let nonFinite = 0
  for (let i = 0; i < xs.length; i++) {
    if (!((xs[i] as number) <= at)) continue
    if (!Number.isFinite(values[i] as number)) nonFinite++
    // By rising step, which may not be rising x: the one that is nearest below.
    if (found < 0 || (xs[i] as number) >= (xs[found] as number)) found = i
  }
  if (found < 0 || !Number.isFinite(values[found] as number)) return null
  const step = steps[found] as number
  return { value: values[found] as number, step: Number.isNaN(step) ? null : step, points: xs.length, nonFinite }
}

/** `step 900`, `epoch 3`, `3600 s after its start`. */
export function placeText(axis: Axis, at: number): string {
  if (axis === 'relative') return `${Number(at.toPrecision(7))} s after the start`
  if (axis === 'time') return new Date(at * 1000).toISOString()
  return `${axis} ${at}`
}

/** What is said of runs that have no value there. */
export function shortText(name: string, axis: Axis, { reach }: Short): string {
  return reach === null
    ? `${name} logged nothing over ${axis === 'relative' ? 'time' : axis}: it has no value there`
    : `${name} ends at ${placeText(axis, reach)}: it has no value there`
}
