import type { Rig } from './rig.ts'

/** `pick`: a few seconds, in `npm test`; `full`: with scaled clocks, many times; `whole`: at full length, once. */
export type Pace = 'pick' | 'full' | 'whole'

export interface FaultCase {
  readonly seed: number
  readonly pace: Pace
  /** Between 0 and 1, the same sequence for the same seed. */
  readonly random: () => number
  /** Whole number from `low` to `high`. */
  readonly between: (low: number, high: number) => number
  /** One of them, by the seed and in turn: as many repeats as there are entries take each of them. */
  readonly turn: <T>(list: readonly T[]) => T
  readonly rig: Rig
  /** A figure of this case; the table keeps the largest of all repeats. */
  readonly figure: (name: string, value: number) => void
  /** Something that happened so often in this case; the table keeps the sum of all repeats. */
  readonly count: (name: string, times: number) => void
  /** What was done in this case, for the log. */
  readonly say: (words: string) => void
}

/** One row of the fault table. `run` throws when something that must hold did not. */
export interface FaultRow {
  readonly id: string
  readonly fault: string
  readonly mustHold: string
  /** How the fault is made here, in words; a row that does otherwise than the table says so here. */
  readonly injected: () => string
  /** Why the row cannot be run here; null when it can. */
  readonly cannot?: () => string | null
  /** Cases that wait more than they work may go side by side in one process. Default 1. */
  readonly atOnce?: number
  /** A case that takes longer hangs. Seconds; default 120. */
  readonly limitSeconds?: number
  /** Its tests run in `npm test` as they stand: the pick leaves it out. */
  readonly isInTests?: boolean
  /** Has a length of its own that is worth one run unscaled. */
  readonly hasWhole?: boolean
  /** What all repeats have to have done together: figures for the table, and why it is not enough; null when it is. */
  readonly together?: (counts: Readonly<Record<string, number>>, repeats: number) => Together
  readonly run: (given: FaultCase) => Promise<void>
}

export interface Together {
  readonly figures: Readonly<Record<string, number>>
  readonly problem: string | null
}
