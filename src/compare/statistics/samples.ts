/** Mean, by compensated summation. NaN for no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0
  let lost = 0
  for (let i = 0; i < values.length; i++) {
    const term = (values[i] as number) - lost
    const next = sum + term
    lost = next - sum - term
    sum = next
  }
  return sum / values.length
}

/** Variance of a sample (n - 1). NaN for fewer than two values. */
export function variance(values: ArrayLike<number>): number {
  if (values.length < 2) return Number.NaN
  const middle = mean(values)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - middle) ** 2
  return sum / (values.length - 1)
}

export const standardDeviation = (values: ArrayLike<number>): number => Math.sqrt(variance(values))

/** Quantile by linear interpolation between order statistics (Hyndman and Fan's type 7). `sorted` is ascending. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) * p
  const low = Math.floor(at)
  const high = Math.ceil(at)
  const from = sorted[low] as number
  return from + ((sorted[high] as number) - from) * (at - low)
}

/** Mean of the middle half: the upper and lower quarter are left out (rliable, 2021). */
export function interquartileMean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const cut = Math.floor(sorted.length / 4)
  return mean(sorted.slice(cut, sorted.length - cut))
}

export interface Interval {
  readonly low: number
  readonly high: number
}
