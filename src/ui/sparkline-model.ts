import { type Glyphs, unicodeGlyphs } from './glyphs.ts'
import { oneLine, toWidth } from './text-fit.ts'

/** A value that is missing or no number is a gap, never a zero. */
export type Sample = number | null

const isNumber = (v: Sample): v is number => v !== null && Number.isFinite(v)

export interface Extent {
  readonly min: number
  readonly max: number
}

/** Least and greatest value; null when there is none. */
export function extentOf(values: readonly Sample[]): Extent | null {
  let min = Infinity
  let max = -Infinity
  for (const v of values) {
    if (!isNumber(v)) continue
    if (v < min) min = v
    if (v > max) max = v
  }
  return min <= max ? { min, max } : null
}

/** Brings a series to at most `width` values: the mean of each stretch, a gap where all of it is missing. */
export function resample(values: readonly Sample[], width: number): Sample[] {
  const cells = Math.max(0, Math.floor(width))
  if (values.length <= cells) return [...values]
  return Array.from({ length: cells }, (_, i) => {
    const from = Math.floor((i * values.length) / cells)
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / cells))
    let mean = 0
    let count = 0
    for (let j = from; j < to; j++) {
      const v = values[j] ?? null
      if (!isNumber(v)) continue
      count += 1
      mean += (v - mean) / count
    }
    return count === 0 ? null : mean
  })
}

/** A number in at most seven characters. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(1).replace('e+', 'e')
  return String(Number(value.toPrecision(4)))
}

/**
 * A series as one row of `width` cells at most, from its least to its greatest value (or `extent`). A gap is a blank; a
 * series that never changes is drawn in the middle.
 */
export function sparklineText(
  values: readonly Sample[],
  width: number,
  glyphs: Glyphs = unicodeGlyphs,
  extent: Extent | null = null,
): string {
  const seen = resample(values, width)
  const range = extent ?? extentOf(seen)
  if (range === null) return toWidth('no data', Math.min(7, Math.max(0, width)), 'left', glyphs.ellipsis)
  const top = glyphs.levels.length - 1
  // Halved before subtracting: the span of the greatest numbers has no finite value.
  const span = range.max / 2 - range.min / 2
  return seen
    .map((v) => {
      if (!isNumber(v)) return ' '
      const share = span > 0 ? (v / 2 - range.min / 2) / span : 0.5
      return glyphs.levels[Math.round(Math.max(0, Math.min(1, share)) * top)] ?? ' '
    })
    .join('')
}

/** A series in words: last, least, greatest, how many, how many missing. For `--plain` and captions. */
export function sparklineLines(label: string, values: readonly Sample[], unit = ''): string[] {
  const range = extentOf(values)
  const name = oneLine(label)
  const missing = values.filter((v) => !isNumber(v)).length
  const gaps = missing === 0 ? '' : `, ${missing} missing`
  if (range === null) return [`${name}: no data${gaps}`]
  const last = values.findLast(isNumber) ?? range.max
  const suffix = unit === '' ? '' : ` ${oneLine(unit)}`
  const words = [`last ${shortNumber(last)}`, `min ${shortNumber(range.min)}`, `max ${shortNumber(range.max)}`]
  return [`${name}: ${words.map((w) => w + suffix).join(', ')}, ${values.length} values${gaps}`]
}
