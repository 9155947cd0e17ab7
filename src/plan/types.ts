import type { DangerClock, Profile } from '../profile/schema.ts'
import type { Plan, Unit } from '../spec/schema.ts'

/** Payload of a `PlanDigest` proof: what the plan comes to, for screens and reports. */
export interface PlanPayload {
  readonly name: string
  readonly unitCount: number
  /** Workers that will run at once. */
  readonly workers: number
  /** Ids of the first units, in order. */
  readonly firstUnits: readonly string[]
  /** Argument vector of the first unit, filled in. */
  readonly firstCommand: readonly string[]
  readonly code: { readonly files: number; readonly bytes: number; readonly source: 'git' | 'walk' }
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
  readonly data: readonly { readonly name: string; readonly bytes: number | null; readonly sha256: string | null }[]
  readonly git: { readonly commit: string | null; readonly isDirty: boolean | null } | null
  readonly profile: string
}

export interface ConfigFact {
  readonly path: string
  readonly isRead: boolean
  readonly value: unknown
  /** Why it could not be read. */
  readonly reason: string | null
}

/** Where a word that matters was seen in the code. */
export interface Mention {
  readonly path: string
  readonly line: number
}

/** What a sample of a data file showed. Shares and counts are of what was read, not of the file. */
export interface DataSample {
  readonly name: string
  readonly format: 'csv' | 'jsonl' | 'json'
  readonly bytes: number
  readonly readBytes: number
  readonly rows: number
  /** Rows of the whole file, when all of it was read. */
  readonly totalRows: number | null
  readonly malformedRows: number
  readonly nonFinite: number
  readonly largestAbsolute: number | null
  readonly numericColumns: number
  readonly constantColumns: number
}

/** Everything that the plan's rules look at. Gathered once, so that the rules stay pure. */
export interface PlanFacts {
  readonly nowMs: number
  readonly profile: Profile
  /** Danger clocks of the profile that nobody has read on this machine; absent: all of them. */
  readonly unreadClocks?: readonly DangerClock[]
  /** Absolute mounts that the profile owns, resolved on this machine. */
  readonly ownedMounts: readonly string[]
  readonly code: {
    readonly paths: readonly string[]
    readonly bytes: number
    readonly refused: readonly { readonly path: string; readonly reason: string }[]
    readonly source: 'git' | 'walk'
  }
  readonly data: readonly {
    readonly name: string
    readonly kind: 'file' | 'folder' | 'remote' | 'missing' | 'refused'
    readonly bytes: number | null
    readonly files: number | null
    readonly sha256: string | null
    readonly reason?: string
  }[]
  readonly samples: readonly DataSample[]
  readonly git: {
    readonly commit: string | null
    readonly isDirty: boolean | null
    readonly tracked: ReadonlySet<string>
  } | null
  /** Project files that rules ask about, by relative path; absent: not there. */
  readonly texts: ReadonlyMap<string, string>
  /** Relative paths that were asked for and exist (files or folders). */
  readonly existing: ReadonlySet<string>
  readonly configs: readonly ConfigFact[]
  readonly mentions: ReadonlyMap<string, Mention>
  readonly secrets: readonly (Mention & { readonly kind: string })[]
  readonly scan: { readonly files: number; readonly skipped: number }
  /** Earlier runs of this project, from their journals. */
  readonly earlierRuns: readonly { readonly runId: string; readonly unitCount: number; readonly codeSha256: string }[]
}

export interface RuleInput {
  readonly plan: Plan
  readonly units: readonly Unit[]
  readonly facts: PlanFacts
}
