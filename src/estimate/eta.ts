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

/**
 * Seconds until the last unit ends, from measured durations, not from the plan (handbook lifecycle 9.5). Null while no
 * unit has finished: then there is no ETA. A unit that already runs longer than the typical one counts as about to end.
 */
export function etaOf(input: EtaInput): Eta | null {
  const done = summarise(input.doneSeconds)
  if (done.p50 === null) return null
  const until = (unitSeconds: number): number =>
    makespanSeconds(
      Array.from({ length: input.queuedCount }, () => unitSeconds),
      input.workers,
      input.runningSeconds.map((elapsed) => Math.max(0, unitSeconds - elapsed)),
    )
  return {
    secondsP50: until(done.p50),
    secondsP90: done.p90 === null ? null : until(done.p90),
    samples: done.count,
  }
}
