import { summarise } from '../estimate/quantile.ts'
import { equalMakespanSeconds } from '../estimate/schedule.ts'
import type { RunState } from '../run/types.ts'
import type { UnitRow } from './types.ts'

/** What the smoke measured, as far as patrol judges durations by it. Null: not measured. */
export interface Expected {
  readonly unitSeconds: number | null
  readonly stepSeconds: number | null
  readonly runSeconds: number | null
}

/** Expectations from the newest smoke of the run. Another room's payload: only checked numbers are taken. */
export function expectedOf(state: RunState, unitCount: number, workers: number): Expected {
  const payload = state.latest.SmokeProof?.payload as Readonly<Record<string, unknown>> | null | undefined
  const list = (key: string): readonly number[] => {
    const value = payload?.[key]
    return Array.isArray(value) ? value.filter((each): each is number => typeof each === 'number' && each > 0) : []
  }
  const unitSeconds = summarise(list('unitSeconds')).p50
  return {
    unitSeconds,
    stepSeconds: summarise(list('stepSeconds')).maximum,
    runSeconds: unitSeconds === null ? null : equalMakespanSeconds(unitSeconds, unitCount, workers),
  }
}

/** Finished units from which their own median is a better expectation than one unit of the smoke. */
const enoughUnits = 3

/**
 * What a unit of this run usually takes: the median of those that finished, else what the smoke measured. Units that run
 * side by side slow one another; each of them is not a finding of its own.
 */
export function usualUnitSeconds(rows: readonly UnitRow[], smokeSeconds: number | null): number | null {
  const done = rows.flatMap((row) =>
    row.state === 'done' && row.seconds !== null && row.seconds > 0 ? [row.seconds] : [],
  )
  return done.length >= enoughUnits ? summarise(done).p50 : smokeSeconds
}
