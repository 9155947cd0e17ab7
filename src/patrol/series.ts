import type { UnitSeries } from './rules/condition-input.ts'
import { isLoss } from './rules/training-conditions.ts'
import type { Samples } from './samples.ts'
import type { UnitRow } from './types.ts'

/** Points of one series that a judgement rests on. */
const mostPoints = 256

/** Losses and the primary metric of the units that run now: what the rules on training look at. */
export function unitSeries(
  samples: Pick<Samples, 'metric' | 'metricNames'>,
  rows: readonly UnitRow[],
  metricName: string | null,
): readonly UnitSeries[] {
  return rows.flatMap(({ unit, state }) =>
    state !== 'running'
      ? []
      : samples
          .metricNames(unit)
          .filter((name) => name === metricName || isLoss(name))
          .map((name) => ({ unit, name, points: samples.metric(unit, name, mostPoints) })),
  )
}
