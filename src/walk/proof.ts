import type { CheckedItem } from './item.ts'
import type { Phase } from './phase.ts'

export const proofKinds = [
  'PlanDigest',
  'AuditReport',
  'SmokeProof',
  'PricedPlan',
  'Approval',
  'Receipt',
  'Outcome',
  'VerifiedManifest',
  'Permit',
  'MeterStopped',
] as const

export type ProofKind = (typeof proofKinds)[number]

/** Digests that a proof can be bound to. Values are lower-case SHA-256 hex, or an identity string for `host`. */
export type DigestName = 'plan' | 'code' | 'config' | 'data' | 'host' | 'manifest' | 'artifacts'

export type Digests = Readonly<Partial<Record<DigestName, string>>>

/** Who answered under a host's name: compared before anything is trusted or destroyed. */
export interface HostIdentity {
  /** Name as the plan knows it; `local` for this machine. */
  readonly host: string
  readonly hostname: string
  readonly machineId: string | null
  readonly bootId: string | null
  /** `uid` of the user that runs commands there. */
  readonly user: string
  /** Fingerprint of the host key by which it was trusted, `SHA256:…`; absent or null: not by a key that kx checked itself. */
  readonly hostKey?: string | null
  /** What its platform calls the machine, as it is written on it; absent or null: nothing is. */
  readonly instanceId?: string | null
}

/**
 * A plain record in the run's journal: what was checked, where, with what evidence, bound to digests of what it spoke
 * about. `payload` is the kind's own content (see each phase's `types.ts`).
 */
export interface Proof<P = unknown> {
  readonly id: string
  readonly kind: ProofKind
  readonly phase: Phase
  readonly atMs: number
  /** After this moment the proof is stale by age. */
  readonly expiresAtMs?: number
  readonly host?: HostIdentity
  /** Hardware class it was made on, such as `cpu-x86_64-2c` or `NVIDIA H200`. */
  readonly machineClass?: string
  readonly boundTo: Digests
  /** Ids of the proofs it rests on: when one of those is stale, so is this. */
  readonly needs: readonly string[]
  readonly items: readonly CheckedItem[]
  readonly payload: P
}

/** Why a proof no longer holds: in words for the screen, with the cause for the program. */
export interface Staleness {
  readonly proofId: string
  readonly cause: 'digest' | 'age' | 'needs' | 'superseded'
  readonly text: string
}
