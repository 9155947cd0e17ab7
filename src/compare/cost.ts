import type { MetricRow } from './metrics.ts'

/** What one run cost, and what that bought. null: not known, which is not zero. */
export interface RunCost {
  readonly usd: number | null
  /** Better than the baseline by so much; negative: worse. null for the baseline, and where either has no value. */
  readonly gain: number | null
  /** Money a unit of the metric that was gained; null where nothing was gained, or the money is not known. */
  readonly usdPerUnit: number | null
}

export interface Costs {
  /** Metric whose gain is counted; null: nobody says which one counts. */
  readonly metric: string | null
  /** One a run, in their order. */
  readonly runs: readonly RunCost[]
}

/**
 * Cost of each run, and of each unit of the metric that it gained over the baseline.
 *
 * @param primary metric by which the runs are judged; null: the only one with a direction, if there is one
 */
export function costsOf(
  usd: readonly (number | undefined)[],
  metrics: readonly MetricRow[],
  primary: string | null,
  baseline: number,
): Costs {
  const ranked = metrics.filter(({ direction }) => direction.goal !== null)
  const row =
    primary === null ? (ranked.length === 1 ? ranked[0] : undefined) : metrics.find(({ name }) => name === primary)
  const base = row?.cells[baseline]?.value
  return {
    metric: row?.name ?? null,
    runs: usd.map((spent, at): RunCost => {
      const value = row?.cells[at]?.value
      const goal = row?.direction.goal ?? null
      const isKnown = at !== baseline && value !== undefined && base !== undefined && goal !== null
      const gain = isKnown ? (goal === 'lower' ? base - value : value - base) : null
      const isBought = spent !== undefined && gain !== null && Number.isFinite(gain) && gain > 0
      return { usd: spent ?? null, gain, usdPerUnit: isBought ? spent / gain : null }
    }),
  }
}

/** What stands in a cell for the money of a run. */
export const usdText = (usd: number | null): string => (usd === null ? 'unknown' : `$${usd.toFixed(2)}`)

/** What stands in a cell for the money of a gain, with the reason where there is none. */
export function perUnitText({ usd, gain, usdPerUnit }: RunCost, isBaseline: boolean): string {
  if (usdPerUnit !== null) return `$${usdPerUnit >= 0.01 ? usdPerUnit.toFixed(2) : usdPerUnit.toExponential(2)}`
  if (isBaseline) return '-'
  if (gain !== null && gain <= 0) return 'no gain'
  return usd === null || gain === null ? 'unknown' : '-'
}
