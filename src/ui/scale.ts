import { shortNumber } from './sparkline-model.ts'

/** How figures stand on an axis. */
export interface Scale {
  readonly from: number
  readonly to: number
  readonly isLog: boolean
}

/**
 * A scale over some figures; one that holds a single figure gets room on both sides. On a logarithmic one what is not
 * positive has no place.
 */
export function scaleOver(values: Iterable<number>, isLog = false): Scale | null {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    if (!Number.isFinite(value) || (isLog && value <= 0)) continue
    if (value < from) from = value
    if (value > to) to = value
  }
  if (from > to) return null
  if (from < to) return { from, to, isLog }
  if (isLog) return { from: from / 2, to: to * 2, isLog }
  const half = Math.max(Math.abs(to) * 0.05, 1e-9)
  return { from: from - half, to: to + half, isLog }
}

/** Place of a figure on the scale, 0 to 1 within it; NaN for what has none. */
export function shareOf({ from, to, isLog }: Scale, value: number): number {
  if (!Number.isFinite(value) || (isLog && value <= 0)) return Number.NaN
  // Halved before subtracting: the span of the greatest numbers has no finite value.
  const place = (of: number) => (isLog ? Math.log(of) : of / 2)
  const span = place(to) - place(from)
  // Neighbouring figures may have one logarithm.
  return span > 0 ? (place(value) - place(from)) / span : 0.5
}

/** Figure at a place of the scale, the way back from `shareOf`. */
export function valueAt({ from, to, isLog }: Scale, share: number): number {
  if (isLog) return Math.exp(Math.log(from) + (Math.log(to) - Math.log(from)) * share)
  return from * (1 - share) + to * share
}

/** Labels of so many rows, from the top; a row without one is empty. */
export function axisLabels(scale: Scale, rows: number, every = 4): string[] {
  return Array.from({ length: rows }, (_, row) =>
    row === rows - 1 || (row % every === 0 && row < rows - 1 - every / 2)
      ? shortNumber(valueAt(scale, rows === 1 ? 0.5 : 1 - row / (rows - 1)))
      : '',
  )
}
