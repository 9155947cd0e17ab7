import type { Columns } from '../../reader/columns.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import type { Axis } from '../align.ts'
import type { RunDigest } from '../digest.ts'
import { curvesOf } from './curves.ts'
import type { CurveView, MultiplesScene, Smoothing } from './types.ts'

/** Columns that a small chart has at most: more points cannot be told apart in it. */
const pictureColumns = 240
/** Points that are held at once while a run is read for its small charts: 24 bytes each. */
const mostPoints = 4_000_000

/**
 * Places of the points that a picture of so many columns needs: of each column the first, the least, the greatest, the last
 * and one that is not finite. All of them are points that were logged; no extent and no NaN is lost.
 */
export function pickedPoints(xs: Float64Array, values: Float64Array, columns = pictureColumns): number[] {
  if (xs.length <= columns * 2) return Array.from(xs, (_, at) => at)
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const x of xs) {
    if (x < from) from = x
    if (x > to) to = x
  }
  const scale = to > from ? columns / (to - from) : 0
  const kept = new Set<number>()
  const [first, last, least, most, broken] = Array.from({ length: 5 }, () => new Int32Array(columns).fill(-1)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  for (let at = 0; at < xs.length; at++) {
    const x = xs[at] as number
    if (Number.isNaN(x)) continue
    const column = Math.min(columns - 1, Math.floor((x - from) * scale))
    const value = values[at] as number
    if (!Number.isFinite(value)) {
      broken[column] = at
      continue
    }
    if (first[column] === -1) first[column] = at
    last[column] = at
    const better = (of: Int32Array, is: (known: number) => boolean) => {
      const known = of[column] as number
      if (known === -1 || is(values[known] as number)) of[column] = at
    }
    better(least, (known) => value < known)
    better(most, (known) => value > known)
  }
  for (const places of [first, last, least, most, broken]) for (const at of places) if (at >= 0) kept.add(at)
  return [...kept].sort((a, b) => a - b)
}

const at = (from: Float64Array, places: readonly number[]) =>
  Float64Array.from(places, (place) => from[place] as number)

/** Curves of all wanted metrics of one run, each with no more points than a small chart shows. */
export function smallCurves(
  columns: Columns,
  name: string,
  metrics: readonly string[],
  axis: Axis,
  smoothing: Smoothing,
): ReadonlyMap<string, readonly CurveView[]> {
  const found = new Map<string, readonly CurveView[]>()
  for (const metric of metrics) {
    const { curves } = curvesOf([{ columns }], [name], metric, axis, smoothing)
    found.set(
      metric,
      curves.map((curve) => {
        const places = pickedPoints(curve.xs, curve.values)
        const smooth = curve.smooth === null ? null : at(curve.smooth, places)
        return { ...curve, xs: at(curve.xs, places), values: at(curve.values, places), smooth }
      }),
    )
  }
  return found
}

/** Metrics of a run in parts that may be held in memory at once. */
export function batchesOf({ metrics }: RunDigest): readonly (readonly string[])[] {
  const batches: string[][] = []
  let room = 0
  for (const [name, { curves }] of Object.entries(metrics)) {
    const points = Object.values(curves).reduce(
      (sum, { last }) => sum + (last?.points ?? 0) + (last?.nonFinite ?? 0),
      0,
    )
    if (points === 0) continue
    if (batches.length === 0 || points > room) {
      batches.push([])
      room = mostPoints
    }
    batches.at(-1)?.push(name)
    room -= points
  }
  return batches
}

/** Small charts of every metric that has a curve, by name. */
export function multiplesOf(
  names: readonly string[],
  runs: readonly ReadonlyMap<string, readonly CurveView[]>[],
): MultiplesScene {
  const metrics = [...new Set(runs.flatMap((run) => [...run.keys()]))].sort()
  return {
    kind: 'multiples',
    // Of a run with units the first one is drawn, and its name says so.
    names: names.map((name, run) => runs[run]?.values().next().value?.[0]?.name ?? sanitiseLine(name, 200)),
    charts: metrics.flatMap((metric) => {
      // One curve a run, so that a letter means the same run everywhere; further units are in the curves view.
      const curves = runs.map((run) => run.get(metric)?.[0] ?? nothing)
      return curves.every(({ xs }) => xs.length === 0) ? [] : [{ metric: sanitiseLine(metric, 200), curves }]
    }),
  }
}

const nothing: CurveView = {
  name: '',
  xs: new Float64Array(0),
  values: new Float64Array(0),
  smooth: null,
  events: [],
}
