import type { Ending } from '../host/types.ts'
import type { Plan } from '../spec/schema.ts'
import type { Digests } from '../walk/proof.ts'

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
  /** Digest of command, variables, units and environment of the plan: what was run here, by `unitDigest`. */
  readonly unitSha256: string
  /** The smoke of this machine that went before; null: none did. Absent in records of before it was kept. */
  readonly localFirst?: { readonly proofId: string; readonly machineClass: string } | null
  /** Folder that the smoke ran in, with logs and results, for evidence. */
  readonly folder: string
}

/** One start of one unit, as it was seen. */
export interface UnitRun {
  readonly unit: string
  readonly ending: Ending
  readonly timedOut: boolean
  readonly seconds: number
  /** Last part of its output, sanitised. */
  readonly output: string
  readonly peakRssBytes: number | null
  /** False where steps were counted by the lines of a log that names none (`logPattern`): they begin at 1 in every start. */
  readonly namesSteps: boolean
}

/** What lies in a unit's folder after a start. */
export interface UnitFiles {
  /** Parsed lines of metrics.jsonl, in order; those that do not parse are counted. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  readonly badLines: number
  readonly hasMetrics: boolean
  readonly result: Readonly<Record<string, unknown>> | null
  /** `missing`, `broken` or `there`. */
  readonly resultState: 'missing' | 'broken' | 'there'
  /** JSON files that do not parse, by path in the unit's folder. */
  readonly brokenJson: readonly string[]
  readonly jsonFiles: number
  /** Checkpoint files, newest first. */
  readonly checkpoints: readonly { readonly name: string; readonly bytes: number; readonly mtimeMs: number }[]
}

export interface SmokeUnit {
  readonly run: UnitRun
  readonly files: UnitFiles
}

export interface ResumeDrill {
  /** Why it was not done to the end; null when it was. */
  readonly trouble: string | null
  /** Why it could not be seen, with the figures: nothing was shown, neither good nor bad. */
  readonly unseen: string | null
  readonly killedAtStep: number | null
  readonly resumedAtStep: number | null
  readonly resumed: SmokeUnit | null
  /** Metrics of the plan in result.json equal those of the undisturbed run; null: not comparable. */
  readonly isSameResult: boolean | null
}

export interface CorruptDrill {
  readonly trouble: string | null
  readonly exitCode: number | null
  readonly isUntouched: boolean | null
}

export interface AgainDrill {
  readonly trouble: string | null
  readonly exitCode: number | null
  readonly isUnchanged: boolean | null
}

/** Whether this machine was tried before another one. `here`: it is this machine. */
export type LocalFirst =
  | { readonly kind: 'here' }
  | { readonly kind: 'passed'; readonly proofId: string; readonly atMs: number; readonly machineClass: string }
  | { readonly kind: 'cannot'; readonly why: string }

/** Everything that the rules of the smoke gate look at. Gathered by the service, judged without I/O. */
export interface SmokeFacts {
  readonly nowMs: number
  readonly host: string
  readonly hostKind: 'local' | 'ssh' | 'openssh'
  readonly localFirst: LocalFirst
  readonly plan: Plan
  readonly units: readonly SmokeUnit[]
  readonly resume: ResumeDrill
  readonly corrupt: CorruptDrill
  readonly again: AgainDrill
  /** Files that a unit wrote outside its own folder. */
  readonly strayFiles: readonly string[] | null
  readonly usableCores: number | null
  readonly digests: Digests
  readonly isSpot: boolean
  readonly graceSeconds: number | null
  readonly payload: SmokePayload
}
