import { type Aggregator, aggregators, type Figure } from './aggregate.ts'
import type { CurveFigures, MetricDigest, RunDigest } from './digest.ts'
import { keyOf, pathOf } from './flatten.ts'

/**
 * A digest as it is kept: of a sweep there are tens of thousands of figures and settings, and one list of numbers is read back in
 * a tenth of the time that as many objects take.
 */
export interface PackedDigest extends Omit<RunDigest, 'metrics' | 'settings'> {
  readonly keys: readonly string[]
  readonly values: readonly unknown[]
  readonly metrics: readonly (Omit<MetricDigest, 'curves'> & {
    readonly name: string
    readonly units: readonly string[]
  })[]
  /** For each unit of each metric, for each way of taking a curve: value, step, points, points that are not finite. */
  readonly figures: Float64Array
}

const numbersEach = 4

/** The way back is `unpackDigest`. */
export function packDigest({ metrics, settings, ...rest }: RunDigest): PackedDigest {
  const figures: number[] = []
  const packed = Object.entries(metrics).map(([name, { curves, ...results }]) => {
    for (const curve of Object.values(curves))
      for (const how of aggregators) {
        const figure = curve[how]
        // No curve has less than no points: that none was there is told from a figure.
        if (figure === null) figures.push(Number.NaN, Number.NaN, -1, 0)
        else figures.push(figure.value, figure.step ?? Number.NaN, figure.points, figure.nonFinite)
      }
    return { ...results, name, units: Object.keys(curves) }
  })
  return {
    ...rest,
    keys: settings.map(({ path }) => keyOf(path)),
    values: settings.map(({ value }) => value),
    metrics: packed,
    figures: Float64Array.from(figures),
  }
}

/** A digest from what was kept of it. */
export function unpackDigest({ keys, values, metrics, figures, ...rest }: PackedDigest): RunDigest {
  let at = 0
  const next = (): Figure | null => {
    const first = at
    at += numbersEach
    const part = (place: number) => figures[first + place] as number
    const step = part(1)
    return part(2) < 0
      ? null
      : { value: part(0), step: Number.isNaN(step) ? null : step, points: part(2), nonFinite: part(3) }
  }
  const unpacked: Record<string, MetricDigest> = Object.create(null)
  for (const { name, units, ...results } of metrics) {
    const curves: Record<string, CurveFigures> = Object.create(null)
    for (const unit of units) {
      const curve: Partial<Record<Aggregator, Figure | null>> = {}
      for (const how of aggregators) curve[how] = next()
      curves[unit] = curve as CurveFigures
    }
    unpacked[name] = { ...results, curves }
  }
  return {
    ...rest,
    settings: keys.map((key, place) => ({ path: pathOf(key), value: values[place] })),
    metrics: unpacked,
  }
}
