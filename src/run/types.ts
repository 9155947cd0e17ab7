import type { WrittenOff } from '../walk/end.ts'
import type { HostView } from '../walk/host-view.ts'
import type { Override } from '../walk/item.ts'
import type { MachineSight, MeterStatement } from '../walk/meter.ts'
import type { Digests, HostIdentity, Proof, ProofKind } from '../walk/proof.ts'
import type { Assignment } from '../walk/shares.ts'

/**
 * One line of `journal.jsonl`. `previous` is the SHA-256 of the bytes of the line before it (64 zeros for the first),
 * so an edit is visible. The fold ignores records with a fence lower than the highest seen.
 */
export interface JournalRecord {
  readonly v: 1
  readonly sequence: number
  readonly fence: number
  readonly previous: string
  readonly atMs: number
  readonly kind: JournalKind
  readonly payload: unknown
}

export const journalKinds = [
  'run.created',
  'run.archived',
  'proof.made',
  'override.given',
  'override.withdrawn',
  'cell.started',
  'cell.process',
  'cell.ended',
  'cell.noted',
  'cell.marked',
  'intent.opened',
  'intent.closed',
  'observation',
  'fleet.set',
  'units.assigned',
  'host.observation',
  'finding.opened',
  'finding.closed',
  'finding.acknowledged',
  'meter.opened',
  'meter.closed',
  'lease.extended',
  'guard.acted',
  'meter.seen',
  'meter.said',
  'note',
] as const
export type JournalKind = (typeof journalKinds)[number]

export interface RunCreated {
  readonly runId: string
  readonly project: string
  readonly projectFolder: string
  readonly planName: string
  readonly planSha256: string
  readonly by: string
}

/** Something that cannot be undone is about to happen: written and fsynced before it does. */
export interface IntentOpened {
  readonly intentId: string
  readonly act: 'launch' | 'abort' | 'permit' | 'remove' | 'lease'
  /** Idempotency token, visible in the engine, derived from run id and attempt. */
  readonly token: string
  readonly host: string
  readonly payload: unknown
}

/** Hosts that the plan of a run over several names. */
export interface FleetSet {
  readonly hosts: readonly string[]
}

/** Which units a host is to do from now on; on record before anything is started of them. */
export interface UnitsAssigned extends Assignment {
  readonly by: string
  /** SHA-256 of the whole plan with all of its units, as it lies in the evidence of the run (see launchedPlanFile). */
  readonly planSha256: string
}

/** What patrol saw on one host of several. */
export interface HostObservation {
  readonly host: string
  readonly observation: unknown
}

/** What a run over several hosts has beside what every run has. */
export interface Fleet {
  readonly hosts: readonly string[]
  readonly assignments: readonly (UnitsAssigned & { readonly atMs: number })[]
  /** Newest look at each host. */
  readonly observations: Readonly<Record<string, { readonly atMs: number; readonly payload: unknown }>>
  /** Newest look at each host that answered: what was last known to be true. */
  readonly truths: Readonly<Record<string, { readonly atMs: number; readonly payload: unknown }>>
}

export interface IntentClosed {
  readonly intentId: string
  readonly outcome: 'done' | 'failed' | 'unknown'
  readonly payload: unknown
}

export type CellState = 'running' | 'done' | 'failed' | 'unknown'
export type Risk = 'read' | 'change' | 'spend' | 'destroy'

/** The first of a cell's two records (handbook notebook 4.1). */
export interface CellStarted {
  readonly cellId: string
  readonly name: string
  readonly title: string
  readonly phase?: string
  readonly sourceSha256: string
  /** What was run, masked and bounded; absent in journals of before it was kept. */
  readonly source?: string
  /** What it ran in: see `environmentOf`. Absent or null: not known. */
  readonly environment?: string | null
  /** Digests of plan, code, configuration and data as they were when it began; absent: it is about none of them. */
  readonly boundTo?: Digests
  /** Validated and redacted. */
  readonly args: Readonly<Record<string, unknown>>
  readonly risk: Risk
  readonly dryRun: boolean
  readonly who: string
  /** Which surface asked, such as `key`, `command-line`, `palette`, `cli`, `auto`, `recipe`, `prompt`. */
  readonly via: string
  readonly host: HostIdentity | null
}

/** The second one. */
export interface CellEnded {
  readonly cellId: string
  readonly state: Exclude<CellState, 'running'>
  readonly durationMs: number
  readonly exitCode: number | null
  readonly signal: string | null
  readonly cause: 'timeout' | 'aborted' | 'channel-lost' | 'spawn-failed' | null
  readonly process: { readonly pgid: number; readonly startTicks: number } | null
  /** Of an act over several hosts: those that were reached, as they were then. */
  readonly hosts?: readonly HostIdentity[]
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly truncated: boolean
  readonly outputFile: string | null
  readonly redactions: number
  /** What was found when it was looked at afterwards. */
  readonly probe: string | null
  readonly approvedBy: string | null
  /** The proof that this cell fed. */
  readonly proofId: string | null
  /** One line for the list. */
  readonly summary: string
}

/** The process group that a cell runs in, on record while it runs: whoever comes after a crash can find it again. */
export interface CellProcess {
  readonly cellId: string
  readonly host: string
  /** Leader of the group. */
  readonly pgid: number
  /** Field 22 of /proc/pid/stat: a pid alone is reused. */
  readonly startTicks: number
  readonly bootId: string
}

/** What a person wrote beside a cell, in Markdown; beside the run as a whole where no cell is named. */
export interface CellNoted {
  readonly cellId: string | null
  readonly text: string
  readonly by: string
}

/** A bookmark, put there or taken away. */
export interface CellMarked {
  readonly cellId: string
  readonly isMarked: boolean
  readonly by: string
}

/** Not to be spread: one of an index has these behind getters (see cell-record.ts, which has `cellWith`). */
export interface CellRecord {
  readonly started: CellStarted
  readonly startedAtMs: number
  readonly ended: CellEnded | null
  /** The newest process group of it that was told of; absent: none was. */
  readonly process?: CellProcess
}

export type FindingClass =
  | 'probabilistic'
  | 'capacity'
  | 'bug'
  | 'environment'
  | 'hardware'
  | 'infrastructure'
  | 'billing'
  | 'link'
  | 'observation'
  | 'clock'
  | 'invalid'

/** Something wrong that patrol saw: a symptom with its class and that class's fixed remedy. */
export interface Finding {
  readonly findingId: string
  readonly rule: string
  readonly severity: 'info' | 'warn' | 'error'
  readonly class: FindingClass
  readonly text: string
  readonly evidence: string
  readonly remedy: string
  readonly recipe: string
  readonly unit?: string
  /** Host of a run over several. */
  readonly host?: string
}

/** Anything that costs money per hour. `usdPerHour` null: not known, which is not zero. */
export interface Meter {
  readonly meterId: string
  readonly what: string
  readonly host: string
  readonly usdPerHour: number | null
  readonly openedAtMs: number
  readonly leaseUntilMs: number | null
  readonly closedAtMs: number | null
  readonly closedBecause: string | null
  /** Closed without having been seen to stop. */
  readonly writtenOff?: WrittenOff
  /** Looks at its machine from outside, oldest first; the newest of them only. */
  readonly sights?: readonly MachineSight[]
  /** What people said of it. */
  readonly statements?: readonly MeterStatement[]
}

/** A person's yes to more time, seen taken by the box. */
export interface LeaseExtended {
  readonly approvalId: string
  /** Launch that the box holds the lease for. */
  readonly token: string
  readonly host: string
  /** From 2: each extension is one more, and a box takes only a higher one. */
  readonly number: number
  readonly hours: number
  readonly untilMs: number
  /** What the time may cost. Null: not known. */
  readonly usd: number | null
  readonly by: string
}
/** What the guard of a lease did on a box, read there later: once, by its number among the guard's events. */
export interface GuardActed {
  readonly host: string
  readonly token: string
  readonly number: number
  readonly event: string
  /** By the box's own clock. */
  readonly boxAtMs: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** The fold of a journal. Screens read this and nothing else. */
export interface RunState {
  readonly runId: string
  readonly created: RunCreated
  readonly createdAtMs: number
  readonly isArchived: boolean
  readonly sequence: number
  readonly fence: number
  /** Torn tail dropped, chain broken, record of a lower fence ignored: said on screen. */
  readonly warnings: readonly string[]
  readonly proofs: readonly Proof[]
  readonly latest: Readonly<Partial<Record<ProofKind, Proof>>>
  readonly overrides: Readonly<Record<string, Override>>
  readonly cells: readonly CellRecord[]
  readonly intents: readonly (IntentOpened & { readonly atMs: number; readonly closed: IntentClosed | null })[]
  /** Newest observation of patrol (payload type: patrol/types.ts), with its time. */
  readonly observation: { readonly atMs: number; readonly payload: unknown } | null
  readonly findings: readonly (Finding & {
    readonly openedAtMs: number
    readonly closedAtMs: number | null
    readonly acknowledgedBy: string | null
  })[]
  readonly meters: readonly Meter[]
  /** Every extension of a lease, oldest first. */
  readonly leaseExtensions: readonly (LeaseExtended & { readonly atMs: number })[]
  /** What guards did on boxes, as it was read there. */
  readonly guardActs: readonly GuardActed[]
  readonly notes: readonly { readonly atMs: number; readonly text: string }[]
  /** What people wrote beside cells, oldest first; absent: nothing. */
  readonly cellNotes?: readonly (CellNoted & { readonly atMs: number })[]
  /** Cells with a bookmark, in the order in which they got it; absent: none. */
  readonly bookmarks?: readonly string[]
  /** Only of a run over several hosts. */
  readonly fleet?: Fleet
  /** Of a run over several hosts: the one that this state is looked at for. */
  readonly view?: HostView
}
