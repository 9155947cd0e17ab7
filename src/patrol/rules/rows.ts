import type { BoxStatus, UnitState, UnitStatus } from '../../engine/types.ts'
import { type Eta, etaOf } from '../../estimate/eta.ts'
import { summarise } from '../../estimate/quantile.ts'
import type { Plan } from '../../spec/schema.ts'
import type { UnitRow } from '../types.ts'

/** Name of the metric that the grid shows: the primary one, else the first. */
export function primaryMetric(plan: Pick<Plan, 'metrics'>): Plan['metrics'][number] | null {
  return plan.metrics.find((metric) => metric.primary) ?? plan.metrics[0] ?? null
}

export function countStates(units: readonly { readonly state: UnitState }[]): Readonly<Record<UnitState, number>> {
  const counts = { queued: 0, running: 0, done: 0, failed: 0, aborted: 0, unknown: 0 }
  for (const unit of units) counts[unit.state]++
  return counts
}

/**
 * Seconds left of one running unit: by its own steps where it counts them, else by what finished units took. Null: not
 * known, as of one that is overdue.
 */
export function unitEtaSeconds(unit: UnitStatus, typicalSeconds: number | null): number | null {
  if (unit.state !== 'running' || unit.seconds === null) return null
  const steps = unit.metrics.steps ?? null
  if (steps !== null && unit.step !== null && unit.step > 0 && steps >= unit.step && unit.attempt <= 1)
    return (unit.seconds / unit.step) * (steps - unit.step)
  return typicalSeconds === null || unit.seconds >= typicalSeconds ? null : typicalSeconds - unit.seconds
}

/** Rows of the split grid and the ETA of the run, from measured durations alone (handbook lifecycle 9.5). */
export function rowsOf(
  status: Pick<BoxStatus, 'units'> & Partial<Pick<BoxStatus, 'atMs'>>,
  metricName: string | null,
  workers: number,
  stalledAfterSeconds: number | null = null,
): { readonly rows: readonly UnitRow[]; readonly eta: Eta | null } {
  const doneSeconds = status.units.flatMap((unit) =>
    unit.state === 'done' && unit.seconds !== null ? [unit.seconds] : [],
  )
  const typical = summarise(doneSeconds).p50
  const isStalled = ({ state, lastWriteMs }: UnitStatus) =>
    state === 'running' &&
    stalledAfterSeconds !== null &&
    lastWriteMs !== null &&
    status.atMs !== undefined &&
    (status.atMs - lastWriteMs) / 1000 > stalledAfterSeconds
  const etaSeconds = (unit: UnitStatus) => (isStalled(unit) ? null : unitEtaSeconds(unit, typical))
  const overdueSeconds = (unit: UnitStatus) =>
    unit.state !== 'running' || unit.seconds === null || typical === null || etaSeconds(unit) !== null
      ? null
      : Math.max(0, unit.seconds - typical) || null
  const rows = status.units.map((unit) => ({
    unit: unit.unit,
    index: unit.index,
    state: unit.state,
    worker: unit.worker,
    attempt: unit.attempt,
    seconds: unit.seconds,
    exitCode: unit.exitCode,
    step: unit.step,
    steps: unit.metrics.steps ?? null,
    metric: metricName === null ? null : (unit.metrics[metricName] ?? null),
    nanCount: unit.nanCount,
    etaSeconds: etaSeconds(unit),
    overdueSeconds: overdueSeconds(unit),
    isStalled: isStalled(unit),
    logBytes: unit.logBytes,
    lastWriteMs: unit.lastWriteMs,
  }))
  const counts = countStates(status.units)
  const isOver = counts.queued + counts.running === 0
  return {
    rows,
    eta:
      isOver || rows.some((row) => row.isStalled)
        ? null
        : etaOf({
            doneSeconds,
            queuedCount: counts.queued,
            runningSeconds: status.units.flatMap((unit) => (unit.state === 'running' ? [unit.seconds ?? 0] : [])),
            workers,
          }),
  }
}
