/** What a curve does within each of some columns of a picture. NaN where it has no finite point there. */
export interface Extents {
  readonly least: Float64Array
  readonly most: Float64Array
  readonly first: Float64Array
  readonly last: Float64Array
  /** 1 where a point of this column is not finite. */
  readonly nonFinite: Uint8Array
}

/**
 * Takes a curve down to the columns of a picture and keeps the extent of each: a spike of one point, or one NaN, cannot
 * vanish (as M4 does it, handbook compare 7.1). In one pass; points need no order.
 *
 * @param xs place of each point; what is outside of `from` to `to`, or no figure, is left out
 */
export function extentsOf(xs: Float64Array, values: Float64Array, from: number, to: number, columns: number): Extents {
  const empty = () => new Float64Array(columns).fill(Number.NaN)
  const [least, most, first, last] = [empty(), empty(), empty(), empty()]
  const nonFinite = new Uint8Array(columns)
  const firstX = new Float64Array(columns).fill(Number.POSITIVE_INFINITY)
  const lastX = new Float64Array(columns).fill(Number.NEGATIVE_INFINITY)
  const scale = to > from ? columns / (to - from) : 0
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i] as number
    if (!(x >= from && x <= to)) continue
    const at = Math.min(columns - 1, Math.floor((x - from) * scale))
    const value = values[i] as number
    if (!Number.isFinite(value)) {
      nonFinite[at] = 1
      continue
    }
    if (!(value >= (least[at] as number))) least[at] = value
    if (!(value <= (most[at] as number))) most[at] = value
    if (x < (firstX[at] as number)) {
      firstX[at] = x
      first[at] = value
    }
    if (x >= (lastX[at] as number)) {
      lastX[at] = x
      last[at] = value
    }
  }
  return { least, most, first, last, nonFinite }
}
