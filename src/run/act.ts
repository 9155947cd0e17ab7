import type { Host } from '../host/types.ts'
import type { Profile } from '../profile/schema.ts'
import type { Plan, Unit } from '../spec/schema.ts'
import type { CheckedItem } from '../walk/item.ts'
import type { Digests, Proof } from '../walk/proof.ts'
import type { CellEnded, CellProcess, JournalKind, JournalRecord, Risk, RunState } from './types.ts'

/** Time comes in from outside, so that every service can be tested. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  nowMs(): number
  /** Never jumps back; for durations and deadlines. */
  monotonicMs(): number
}

/** A run that this process may write to. */
export interface RunHandle {
  readonly id: string
  /** Absolute path of `.kx/runs/<id>`; for one host of several, of its own folder in there. */
  readonly folder: string
  /** Host of a run over several that this handle speaks for; absent: the run has one host. */
  readonly scope?: string
  state(): RunState
  /** Reads what other processes appended since. */
  refresh(): Promise<RunState>
  /**
   * One line, one write, fsynced before the promise resolves. `refuse` is asked under the append lock, on a state that
   * holds what every other process has written: a text means that nothing is written and the call is rejected.
   */
  append(kind: JournalKind, payload: unknown, refuse?: (state: RunState) => string | null): Promise<JournalRecord>
  subscribe(listener: (state: RunState) => void): () => void
  /** Masks secret values as they are masked in records: for whatever else is written into the run's folder. */
  scrub<T>(value: T): T
  close(): Promise<void>
}

/** Whether one is the only one at something, or who is. */
export type Claim =
  | { readonly isOurs: true; readonly fencedOff: number | null }
  | { readonly isOurs: false; readonly pid: number; readonly hostname: string; readonly ageSeconds: number }

/** Output of one cell: redacted, sanitised and bounded from the first stored byte. */
export interface CellWriter {
  readonly cellId: string
  stdout(chunk: Uint8Array | string): void
  stderr(chunk: Uint8Array | string): void
  /** One line of kx's own words into the output. */
  say(line: string): void
  /** Puts the process group that it runs in on record, so that it can be found after a crash. The newest one counts. */
  process?(process: Omit<CellProcess, 'cellId'>): Promise<void>
  /**
   * The same cell for one of several hosts: its output has stages of its own, so that what is split over two pieces of one
   * host is put together again before it is masked, and each of its lines is marked with its name.
   */
  part?(host: string): CellWriter
  end(ended: Partial<CellEnded> & Pick<CellEnded, 'state' | 'summary'>): Promise<void>
}

export interface CellRequest {
  readonly name: string
  readonly title: string
  readonly args: Readonly<Record<string, unknown>>
  readonly risk: Risk
  readonly source: string
  readonly phase?: string
  readonly dryRun?: boolean
  /** What it runs in, see `environmentOf`; absent: not known. */
  readonly environment?: string | null
  /** Digests of what it is about, as they are now; absent: it is about none of them. */
  readonly boundTo?: Digests
}

/** What moves while an act runs: drawn live, never stored. */
export interface Progress {
  readonly text: string
  readonly done?: number
  readonly total?: number
  /** Items as they come in, for screens that fill up live. */
  readonly item?: CheckedItem
  /** Lines that the act printed, sanitised. */
  readonly output?: readonly string[]
  /** The act of a walk that begins: what is told from now on is about that act. */
  readonly commandId?: string
  /** What an act of a walk gave back, for screens that show it before it is on record. */
  readonly result?: unknown
}

/** The plan as it lies on disk now, read and digested. */
export interface LoadedPlan {
  readonly plan: Plan
  readonly units: readonly Unit[]
  /** Absolute path of the plan file. */
  readonly file: string
  /** What that file held when it was read and checked; null for the plan of an earlier launch. */
  readonly text: string | null
  /** Absolute path of the project folder. */
  readonly projectFolder: string
  /** Digests of the files as they are now. */
  readonly digests: Digests
  /** Files that a push would send: relative path, bytes, SHA-256. The code digest is the hash of this list. */
  readonly code: readonly {
    readonly path: string
    readonly bytes: number
    readonly sha256: string
    readonly mode: number
  }[]
}

/** Everything that an act on a run is given. Services take this and their own arguments, and nothing from elsewhere. */
export interface ActContext {
  readonly run: RunHandle
  readonly loaded: LoadedPlan
  readonly host: Host
  readonly profile: Profile
  readonly cell: CellWriter
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Name of the person, for records. */
  readonly who: string
  newId(): string
  progress(progress: Progress): void
  /**
   * Only of a run over several hosts: the same act as one of them sees it, with its units (`owned`: what it is to do now,
   * `held`: where that is nothing, what it had before). Rejects when the host cannot be opened at all.
   */
  at?(host: string, kind: 'owned' | 'held', signal?: AbortSignal): Promise<ActContext>
  /** Only where the act is performed on a run: another cell of it, for an act made of several. The caller ends it. */
  openStep?(request: CellRequest, host: Host): Promise<CellWriter>
  /**
   * Likewise: becomes the only one at `what` until the act is over. Whoever is at it already keeps it for as long as its
   * process lives, and is named.
   */
  claim?(what: string): Promise<Claim>
  /** Likewise: any host by its name, of the plan or not, open until the act is over. */
  reach?(name: string): Promise<{ readonly host: Host; readonly profile: Profile }>
}

/** What an act gives back to the command that started it. */
export interface ActResult {
  /** Proof made and already appended by the service, if any. */
  readonly proof?: Proof
  readonly summary: string
  /** 0 ok, 1 a finding or a refusal, 2 usage, 3 needs a person, 4 unknown. */
  readonly exitCode: 0 | 1 | 2 | 3 | 4
  /** What `--json` prints. */
  readonly data: unknown
  /** What a terminal prints before the summary, when there is no proof to show. */
  readonly lines?: readonly string[]
}
