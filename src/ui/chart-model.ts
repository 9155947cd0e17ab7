import type { Glyphs } from './glyphs.ts'
import { type Extent, extentOf, type Sample, shortNumber, sparklineLines, sparklineText } from './sparkline-model.ts'
import { oneLine, toWidth } from './text-fit.ts'

/** One curve. Values stand at equal distances; their labels (steps, times) are numbers of ours. */
export interface ChartSeries {
  readonly title: string
  readonly values: readonly Sample[]
}

export interface ChartModel {
  readonly series: readonly ChartSeries[]
  /** Label of the first value and distance to the next, in whatever the x axis counts. */
  readonly xFrom?: number
  readonly xStep?: number
  readonly unit?: string
}

/** What is left of a model once it can be drawn: numbers without gaps, scaled so that the axis labels stay short. */
export interface PreparedChart {
  readonly series: readonly { readonly title: string; readonly y: readonly number[] }[]
  readonly x: readonly string[]
  readonly min: number
  readonly max: number
  /** Values were divided by ten to this power. */
  readonly exponent: number
}

/** More curves than this cannot be told apart. */
export const mostSeries = 4

function filled(values: readonly Sample[], fallback: number): number[] {
  let last = values.find((v): v is number => v !== null && Number.isFinite(v)) ?? fallback
  return values.map((v) => {
    if (v !== null && Number.isFinite(v)) last = v
    return last
  })
}

/**
 * Makes a model drawable in `columns` cells, or null when there are not two values to join. The painter cannot lift its
 * pen, so a gap is drawn flat; the caption tells how many values are missing.
 */
export function prepareChart(model: ChartModel, columns: number): PreparedChart | null {
  const drawn = model.series.slice(0, mostSeries).filter((s) => extentOf(s.values) !== null)
  const length = Math.max(0, ...drawn.map((s) => s.values.length))
  const range = drawn.reduce<Extent | null>((all, s) => {
    const own = extentOf(s.values)
    if (own === null) return all
    return all === null ? own : { min: Math.min(all.min, own.min), max: Math.max(all.max, own.max) }
  }, null)
  if (range === null || length < 2) return null
  const greatest = Math.max(Math.abs(range.min), Math.abs(range.max))
  const exponent = greatest === 0 ? 0 : Math.floor(Math.log10(greatest) / 3) * 3
  const scaled = (v: number) => v / 10 ** exponent
  let min = scaled(range.min)
  let max = scaled(range.max)
  // A flat line would divide by its own height, and a range lost in rounding would make the axis count for ever.
  if (!Number.isFinite(min) || !Number.isFinite(max)) return null
  if (max - min < Math.max(Math.abs(max), 1e-6) * 1e-3) {
    const half = Math.max(Math.abs(max) * 0.05, 0.01)
    min -= half
    max += half
  }
  // Two dots a cell is all that braille shows; more points only cost time.
  const points = Math.max(2, Math.min(length, columns * 2))
  const pick = (i: number) => Math.round((i * (length - 1)) / (points - 1))
  return {
    series: drawn.map((s) => {
      const all = filled(s.values, range.min)
      return {
        title: s.title,
        y: Array.from({ length: points }, (_, i) => scaled(all[pick(i)] ?? all.at(-1) ?? range.min)),
      }
    }),
    x: Array.from({ length: points }, (_, i) => shortNumber((model.xFrom ?? 0) + pick(i) * (model.xStep ?? 1))),
    min,
    max,
    exponent,
  }
}

/** Rows of sparklines: what is drawn where there is no braille or no painter. */
export function chartFallback(model: ChartModel, width: number, height: number, glyphs: Glyphs): string[] {
  const label = Math.min(14, Math.floor(width / 3))
  return model.series.slice(0, Math.max(0, height)).map((s) => {
    const range = extentOf(s.values)
    const ends = range === null ? '' : ` ${shortNumber(range.min)}..${shortNumber(range.max)}`
    const room = Math.max(0, width - label - 1 - ends.length)
    const curve = toWidth(sparklineText(s.values, room, glyphs), room)
    return toWidth(`${toWidth(s.title, label, 'left', glyphs.ellipsis)} ${curve}${ends}`, width)
  })
}

/** The curves in words. For `--plain`. */
export function chartLines(model: ChartModel): string[] {
  if (model.series.length === 0) return ['no data']
  return model.series.flatMap((s) => sparklineLines(oneLine(s.title), s.values, model.unit))
}
