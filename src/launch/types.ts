import type { BoxHandle, Detach, GuardStatus } from '../engine/types.ts'
import type { Plan } from '../spec/schema.ts'
import type { HostIdentity } from '../walk/proof.ts'

/** Payload of a `Receipt`: what was started, and how it is found again. Everything that recovery needs. */
export interface ReceiptPayload {
  readonly runId: string
  /** Idempotency token: journalled before the start, visible on the box, in the session name and in runner.pid. */
  readonly token: string
  /** 1 for the first launch of this run, one more for each that follows. */
  readonly attempt: number
  readonly handle: BoxHandle
  /** Absolute folder of the run on the host. */
  readonly folder: string
  readonly workers: number
  readonly gpus: readonly string[]
  readonly detach: Detach
  readonly startedAtMs: number
  /** Until when the approval lets this run; null when the approval names no lease. */
  readonly leaseUntilMs: number | null
  /** What the guard on the box does at its end, in words. Older receipts have none. */
  readonly leaseEnd?: string
  /** SHA-256 of `run-config.json` in the run's folder: the plan as it was resolved for this launch. */
  readonly runConfigSha256: string
  /** Digest of what the plan made a unit be (see `unitDigest`): a relaunch must be of the same. Empty: not known. */
  readonly unitSha256: string
  /** True when an earlier runner of this run was seen dead and this one went on from there. */
  readonly resumed: boolean
  /** The first sign of life, or why there was none within the limit. */
  readonly firstSign: FirstSign
}

/** Payload of the intent: everything of the receipt that is known before the start, should this process not live to write it. */
export interface LaunchIntent {
  readonly folder: string
  readonly attempt: number
  readonly runConfigSha256: string
  readonly unitSha256: string
  readonly resumes: boolean
  readonly gpus: readonly string[]
  readonly leaseUntilMs: number | null
  /** Approval that the lease is of: the first launch under it fixes the end. Older records have none. */
  readonly approvalId?: string
  /** Cell of the launch: while it has not ended, the start may be under way. */
  readonly cellId: string
}

export type FirstSign =
  | { readonly kind: 'log' | 'step' | 'finished'; readonly unit: string; readonly afterSeconds: number }
  | { readonly kind: 'none'; readonly reason: string; readonly logTail: readonly string[] }

/** What the rules of the launch gate look at. Gathered by the service. */
export interface LaunchFacts {
  readonly nowMs: number
  readonly host: HostIdentity
  readonly plan: Plan
  readonly platform: string
  readonly startScriptReruns: boolean
  readonly hasMeter: boolean
  /** The guard as it was read back after the start; null: none answered. Absent: none was asked for. */
  readonly guard?: GuardStatus | null
  /** What the guard may do beyond saving and an alarm, in words. */
  readonly guardAct?: string
  /** Danger clocks of the platform, and those that nobody has read on this machine, in words; absent: it has none. */
  readonly clocks?: { readonly total: number; readonly unread: readonly string[] }
  readonly token: string
  /** Record number of the intent; null when an earlier kx wrote it and this one found the start by its token. */
  readonly intentSequence: number | null
  readonly runId: string
  readonly handle: BoxHandle
  readonly resumed: boolean
  /** An earlier start was found by its token: this act has pushed nothing and asked nobody before it. */
  readonly isAdopted: boolean
  readonly codeFiles: number
  readonly codeBytes: number
  readonly git: { readonly commit: string | null; readonly isDirty: boolean | null } | null
  readonly runConfigSha256: string
  readonly leaseUntilMs: number | null
  readonly firstSign: FirstSign
  readonly seconds: number
  /** SHA-256 of the runner as it lies on the box equals that of the one that kx ships. */
  readonly isRunnerIdentical: boolean | null
  /** Session id of the runner differs from that of kx, so no hang-up reaches it. */
  readonly isOwnSession: boolean | null
  /** Fingerprints of units seen on the box so far. */
  readonly fingerprints: number | null
  /** Processes of others on the GPUs before the start; null: not asked or not known. */
  readonly foreignGpuProcesses: number | null
}
