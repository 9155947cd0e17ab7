import type { Manifest } from '../artifact/manifest.ts'
import type { NewerReport } from '../artifact/nothing-newer.ts'
import type { Profile } from '../profile/schema.ts'
import type { Plan } from '../spec/schema.ts'
import type { Override } from '../walk/item.ts'
import type { HostIdentity } from '../walk/proof.ts'
import type { RunEnd } from '../walk/run-end.ts'

/** What became of one declared pattern of artifacts. */
export interface PatternTally {
  readonly glob: string
  readonly kind: string
  /** At least so many files were declared; a glob with a unit folder asks for one a unit. */
  readonly declared: number
  readonly minimumBytes: number
  readonly found: number
  readonly verified: number
  readonly missing: number
  /** Of the files found. */
  readonly bytes: number
}

/** Payload of a `VerifiedManifest`. */
export interface VerifiedPayload {
  readonly runId: string
  /** Box folder on the host. */
  readonly folder: string
  /** SHA-256 of the bytes of `artifacts/manifest.json`. */
  readonly manifestSha256: string
  readonly totals: Manifest['totals']
  /** Files that count as verified, a written waiver of the structure check included. */
  readonly accepted: number
  /** The same by declared pattern; absent in records of before it was kept. */
  readonly patterns?: readonly PatternTally[]
  readonly missing: readonly string[]
  /** Units of which all that is declared is verified; only of one host of several. */
  readonly unitsWhole?: readonly string[]
  /** Items that a person waived in writing before this manifest was made, with what is given up. */
  readonly waived: readonly { readonly itemId: string; readonly reason: string; readonly by: string }[]
  /** All that lies in the box folder, pulled or not. Null: could not be counted. */
  readonly box: { readonly files: number; readonly bytes: number } | null
  /** What dies, what survives and what goes on billing when the box folder is removed, in lines. */
  readonly consequences: readonly string[]
}

/** Payload of a `Permit` (handbook money 8.4): for one act, on one folder of one machine, for minutes. */
export interface PermitPayload {
  readonly runId: string
  readonly folder: string
  readonly verb: string
  readonly planSha256: string | null
  readonly manifestSha256: string
  readonly verified: number
  readonly of: number
  /** Journal sequence at which it was issued. */
  readonly sequence: number
  readonly approver: string
  readonly typedName: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** Payload of a `MeterStopped`: the receipt of the teardown. */
export interface StoppedPayload {
  readonly runId: string
  readonly folder: string
  readonly permitId: string
  readonly manifestSha256: string
  readonly verified: number
  readonly of: number
  readonly verb: string
  /** When the folder was looked for and not found. */
  readonly seenGoneAtMs: readonly number[]
  /** The host's last answer, in words. */
  readonly lastAnswer: string
  /** From launch to the end of the run. Null: not known. */
  readonly hours: number | null
  /** Null: the price is not known. */
  readonly usd: number | null
}

/** What the run said when it ended, as far as it is known here. */
export interface OutcomeFacts {
  readonly liveness: string
  /** By its exit file; null: there is none. */
  readonly end: RunEnd | null
  readonly endedAtMs: number | null
  readonly elapsedSeconds: number | null
  readonly units: { readonly done: number; readonly failed: number; readonly aborted: number } | null
  readonly unitSeconds: readonly number[]
  /** Finished, but patrol did not believe it (too fast, short roster). */
  readonly isSuspect: boolean
}

export interface AfterStepFacts {
  readonly name: string
  /** Null: no exit file. */
  readonly exitCode: number | null
}

export interface VerifyFacts {
  readonly atMs: number
  readonly host: string
  readonly plan: Pick<Plan, 'tracking'>
  readonly profile: Pick<Profile, 'verification'>
  readonly manifest: Manifest
  readonly manifestSha256: string
  readonly newer: NewerReport
  readonly after: readonly AfterStepFacts[]
  readonly outcome: OutcomeFacts
  readonly overrides: Readonly<Record<string, Override>>
}

export interface PermitFacts {
  readonly atMs: number
  readonly host: string
  readonly profile: Profile
  readonly approver: string
  readonly expectedName: string
  readonly typedName: string
  readonly manifestSha256: string
  readonly verified: number
  readonly of: number
}

export interface GoneFacts {
  readonly atMs: number
  readonly host: string
  readonly stopped: StoppedPayload
  /** What a person has still to do to end the meter; absent or empty: none runs. */
  readonly meter?: readonly string[]
}

/** What is compared immediately before something is destroyed. */
export interface RemovalFacts {
  readonly nowMs: number
  readonly runId: string
  readonly folder: string
  readonly identity: HostIdentity
  readonly planSha256: string | null
  /** Digest of the manifest file as it lies on disk now; null: unreadable. */
  readonly manifestSha256: string | null
  readonly sequence: number
  readonly isUsed: boolean
}
