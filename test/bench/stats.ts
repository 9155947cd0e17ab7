/** Quantile by linear interpolation between order statistics; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? low
  return low + (high - low) * (at - Math.floor(at))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** One decimal more than a reader needs; JSON of a bench should not show noise as digits. */
export const tidy = (value: number, digits = 1): number => Number(value.toFixed(digits))

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const at = (q: number) => tidy(quantile(values, q))
  return { count: values.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

/** Least-squares slope of y over x. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const n = points.length
  const meanX = points.reduce((sum, p) => sum + p.x, 0) / n
  const meanY = points.reduce((sum, p) => sum + p.y, 0) / n
  const over = points.reduce((sum, p) => sum + (p.x - meanX) * (p.y - meanY), 0)
  const under = points.reduce((sum, p) => sum + (p.x - meanX) ** 2, 0)
  return under === 0 ? 0 : over / under
}
