import type { RunState } from '../run/types.ts'

/** Figures of the smoke that the audit can use instead of the plan's guesses. Null: not measured. */
export interface SmokePayloadLike {
  readonly checkpointBytes: number | null
  readonly peakRssBytes: number | null
}

/** Figures of the newest smoke proof of the run. Its payload is another room's: only checked numbers are taken. */
export function smokeFigures(state: RunState): SmokePayloadLike | null {
  const payload = state.latest.SmokeProof?.payload
  if (typeof payload !== 'object' || payload === null) return null
  const figure = (key: string): number | null => {
    const value = (payload as Readonly<Record<string, unknown>>)[key]
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
  }
  return { checkpointBytes: figure('checkpointBytes'), peakRssBytes: figure('peakRssBytes') }
}
