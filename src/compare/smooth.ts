/**
 * Mean that forgets, by time: a point's weight fades with its distance on the x axis, and the beginning is not drawn to
 * nothing (as W&B's time-weighted one, handbook compare 2.2). For the eye alone: no verdict is taken from it.
 *
 * @param weight from 0 (none) to below 1
 */
export function smoothed(xs: Float64Array, values: Float64Array, weight: number): Float64Array {
  const out = new Float64Array(values.length)
  if (weight <= 0 || values.length === 0) return values.slice()
  const extent = (xs.at(-1) as number) - (xs[0] as number)
  // On an even axis each step has distance 1, whatever its unit is.
  const unit = extent > 0 ? extent / Math.max(1, values.length - 1) : 1
  let [sum, weights] = [0, 0]
  let lastX = xs[0] as number
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number
    if (!Number.isFinite(value)) {
      out[at] = value
      continue
    }
    const fade = weight ** Math.max(0, ((xs[at] as number) - lastX) / unit)
    lastX = xs[at] as number
    sum = sum * fade + value
    weights = weights * fade + 1
    out[at] = sum / weights
  }
  return out
}

/** Running median of an odd number of points: a single spike vanishes, so it is for the eye alone as well. */
export function runningMedian(values: Float64Array, points: number): Float64Array {
  const reach = Math.max(0, points >> 1)
  return values.map((value, at) => {
    if (!Number.isFinite(value)) return value
    const near = [...values.subarray(Math.max(0, at - reach), at + reach + 1)]
      .filter(Number.isFinite)
      .sort((a, b) => a - b)
    return near[near.length >> 1] as number
  })
}
