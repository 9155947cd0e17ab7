import { summarise } from './quantile.ts'
import { makespanSeconds } from './schedule.ts'

export interface EtaInput {
  /** Seconds of units that have finished in this run: the only thing that an ETA may rest on. */
  readonly doneSeconds: readonly number[]
  readonly queuedCount: number
  /** Seconds that each running unit has been at it. */
  readonly runningSeconds: readonly number[]
  readonly workers: number
}

export interface Eta {
  readonly secondsP50: number
  /** Null below ten finished units. */
  readonly secondsP90: number | null
  readonly samples: number
}

/** Times what is usual from which a unit is overdue for good (handbook monitoring 5, duration of a unit). */
const overdueTimes = 2

/**
 * Seconds until the last unit ends, from measured durations, not from the plan (handbook lifecycle 9.5). Null while no
 * unit has finished: then there is no ETA. A unit that runs a little longer than the typical one counts as about to end;
 * one that takes more than twice as long (handbook monitoring 5), or is all that is left, ends nobody knows when: null.
 */
export function etaOf(input: EtaInput): Eta | null {
  const done = summarise(input.doneSeconds)
  if (done.p50 === null) return null
  const mostSeconds = overdueTimes * done.p50
  if (input.runningSeconds.some((elapsed) => elapsed > mostSeconds)) return null
  const until = (unitSeconds: number): number =>
    makespanSeconds(
      Array.from({ length: input.queuedCount }, () => unitSeconds),
      input.workers,
      input.runningSeconds.map((elapsed) => Math.max(0, unitSeconds - elapsed)),
    )
  const secondsP50 = until(done.p50)
  if (secondsP50 === 0 && input.runningSeconds.length > 0) return null
  return {
    secondsP50,
    secondsP90: done.p90 === null ? null : until(done.p90),
    samples: done.count,
  }
}
