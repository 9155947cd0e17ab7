import type { RunEvent } from '../../reader/types.ts'

/** What a person may look at on the compare screen: the table with all beside it, or one of the others. */
export const viewNames = ['table', 'curves'] as const
export type ViewName = (typeof viewNames)[number]

/** How curves are smoothed for the eye; verdicts take the raw points. */
export const smoothings = ['off', 'mean 0.9', 'mean 0.97', 'median 9'] as const
export type Smoothing = (typeof smoothings)[number]

/** Something that happened to a run, at a place of the axis. */
export interface CurveEvent {
  readonly kind: RunEvent['kind']
  readonly x: number
  readonly text: string
}

/** One curve with all its points, by rising place. A value that is not finite is one, and is shown as such. */
export interface CurveView {
  readonly name: string
  readonly xs: Float64Array
  readonly values: Float64Array
  /** The same smoothed; null: as it was logged. */
  readonly smooth: Float64Array | null
  readonly events: readonly CurveEvent[]
}
