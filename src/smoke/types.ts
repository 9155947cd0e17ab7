/**
 * Payload of a `SmokeProof`: what one or two units, run end to end, showed about the rest. Measured, never guessed: what
 * could not be measured is null or an empty list. The number of samples is the length of each list, and is shown wherever
 * a figure is drawn from it (two units do not make a p90 of units).
 */
export interface SmokePayload {
  /** Wall seconds of every unit that ran from start to end without being disturbed (the kill drill is not in here). */
  readonly unitSeconds: readonly number[]
  /** Seconds between successive lines of metrics.jsonl, the first `droppedSteps` of each unit left out. */
  readonly stepSeconds: readonly number[]
  /** Steps of one whole unit at full length, or null when the unit did not say. */
  readonly stepsPerUnit: number | null
  /** Highest resident set of the unit's process group, in bytes. */
  readonly peakRssBytes: number | null
  /** Size of the newest checkpoint file. */
  readonly checkpointBytes: number | null
  /** Seconds of one save, where the unit reports it (`checkpoint_s` in metrics.jsonl). */
  readonly checkpointSeconds: number | null
  /** Ids of the units that were run. */
  readonly units: readonly string[]
  /** Hardware class it was measured on: `cpu-x86_64-2c`, `NVIDIA H200`. */
  readonly machineClass: string
  /** Warm-up steps left out of `stepSeconds`, per unit. */
  readonly droppedSteps: number
  /** Steps that the unit had reached when the resume drill killed it, and the first step that it did afterwards. */
  readonly resume: { readonly killedAtStep: number; readonly resumedAtStep: number } | null
  /** Folder that the smoke ran in, with logs and results, for evidence. */
  readonly folder: string
}
