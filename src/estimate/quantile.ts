/** Fewer samples than this have no 90th percentile that differs from their maximum (1 in 10 must lie above it). */
export const minimumForP90 = 10

/** Steps that an estimate should rest on (handbook money 5.2). Fewer are used, and said so. */
export const wantedSteps = 30

/** Linear-interpolation quantile (the common "type 7") of the finite samples; null when there is none. */
export function quantile(samples: readonly number[], q: number): number | null {
  const sorted = samples.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const position = Math.min(1, Math.max(0, q)) * (sorted.length - 1)
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? below
  return below + (above - below) * (position - Math.floor(position))
}

export interface SampleSummary {
  readonly count: number
  readonly p50: number | null
  /** Null below `minimumForP90` samples: two units do not make a p90 of units. */
  readonly p90: number | null
  readonly minimum: number | null
  readonly maximum: number | null
}

/** Count, median, 90th percentile (where there are enough) and extremes of the finite samples. */
export function summarise(samples: readonly number[]): SampleSummary {
  const finite = samples.filter(Number.isFinite)
  return {
    count: finite.length,
    p50: quantile(finite, 0.5),
    p90: finite.length >= minimumForP90 ? quantile(finite, 0.9) : null,
    minimum: quantile(finite, 0),
    maximum: quantile(finite, 1),
  }
}
