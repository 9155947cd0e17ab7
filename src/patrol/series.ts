import type { UnitSeries } from './rules/condition-input.ts'
import { isLoss } from './rules/training-conditions.ts'
import type { Samples } from './samples.ts'
import type { UnitRow } from './types.ts'

/** Points of one series that a judgement rests on. */
const mostPoints = 256

type Source = Pick<Samples, 'metric' | 'metricNames'>

/** What was read of the units that run, for as long as their store is kept open. */
const known = new WeakMap<Source, Map<string, readonly UnitSeries[]>>()

/**
 * Losses and the primary metric of the units that run now: what the rules on training look at. `grown`: units that
 * appended something since the last look; of the others the store is not asked again.
 */
export function unitSeries(
  samples: Source,
  rows: readonly UnitRow[],
  metricName: string | null,
  grown: ReadonlySet<string>,
): readonly UnitSeries[] {
  const before = known.get(samples)
  const running = rows.filter(({ state }) => state === 'running')
  const now = new Map(
    running.map(({ unit }) => {
      const same = grown.has(unit) ? undefined : before?.get(unit)
      return [unit, same ?? seriesOf(samples, unit, metricName)] as const
    }),
  )
  known.set(samples, now)
  return [...now.values()].flat()
}

const seriesOf = (samples: Source, unit: string, metricName: string | null): readonly UnitSeries[] =>
  samples
    .metricNames(unit)
    .filter((name) => name === metricName || isLoss(name))
    .map((name) => ({ unit, name, points: samples.metric(unit, name, mostPoints) }))
