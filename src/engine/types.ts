import type { Ending, Host, ProcessIdentity } from '../host/types.ts'
import type { Plan, Unit } from '../spec/schema.ts'

/**
 * What lies on the box, under the profile's data tier, one folder a run (`<data>/kx/<run-id>`):
 *
 *   code/                    the pushed list, read-only to the run
 *   runner-<digest12>.sh     versioned runner; never overwritten
 *   plan.json                the plan, resolved: argv per unit, limits, abort rules; for people and evidence
 *   plan.env units.list env/ steps/ artifacts.list    the same as flat files, which is what the runner reads
 *   queue/<index>-<unit>     one file a unit; a worker claims it by renaming it into claimed/
 *   claimed/ done/ failed/
 *   units/<unit>/            KX_UNIT_DIR: log, exit, events.jsonl, metrics.jsonl, result.json, checkpoints/
 *   checkpoint.json          completed units, results, timestamp; written by the runner alone
 *   events.jsonl heartbeat runner.pid
 *   guard-<digest12>.sh      watches lease and work with kx gone; its own files lie under guard/
 *   secrets.path             where this machine holds the values of the plan's secrets; they are not in this folder
 *   lease                    token, number, seconds since the launch; written by kx alone
 *   after/<step>/log, exit
 *   stop                     request to stop, with the reason; the runner obeys between and inside units
 *   exit.json                written last: {code, reason, endedAtMs, units: {done, failed, aborted}}
 */
export type UnitState = 'queued' | 'running' | 'done' | 'failed' | 'aborted' | 'unknown'

export interface UnitStatus {
  readonly unit: string
  readonly index: number
  readonly state: UnitState
  readonly worker: number | null
  readonly attempt: number
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly seconds: number | null
  readonly exitCode: number | null
  /** Last step seen in metrics.jsonl. */
  readonly step: number | null
  /** Newest values by metric name; for a finished unit those of result.json. */
  readonly metrics: Readonly<Record<string, number | null>>
  readonly nanCount: number
  readonly logBytes: number | null
  readonly lastWriteMs: number | null
}

export type Detach = 'systemd' | 'tmux' | 'setsid'

/** How a started run is found again. Journalled in the receipt. */
export interface BoxHandle {
  readonly token: string
  readonly folder: string
  readonly runner: string
  readonly detach: Detach
  /** systemd unit or tmux session name, when there is one. */
  readonly label: string
  readonly process: ProcessIdentity
}

/** What the guard of a lease says of itself, as it lies on the box. */
export interface GuardStatus {
  readonly token: string
  /** By process id, start time and boot id. False: armed no more. */
  readonly isAlive: boolean
  /** Of the lease that it has taken. */
  readonly number: number
  readonly leaseSeconds: number
  /** Of the lease, by the box's own clock since boot. */
  readonly spentSeconds: number
  readonly run: string
  /** `kept`, `parked`, `park-failed`, `save-failed`, `save-timeout`, `work-alive`; null: none is raised. */
  readonly alarm: string | null
  /** What the alarm is about: `lease`, `finished`, `dead`, `stalled`. */
  readonly why: string | null
  /** What it did so far, the newest 50, by its own number. */
  readonly acts: readonly GuardAct[]
}

export interface GuardAct {
  readonly number: number
  readonly atMs: number
  readonly event: string
  readonly token: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface BoxExit {
  readonly code: number
  /** `completed`, `abort-nan`, `abort-chance`, `abort-time`, `abort-idle`, `stopped`, `after-failed`, `units-failed`, `artifacts-missing`. */
  readonly reason: string
  readonly endedAtMs: number
  readonly done: number
  readonly failed: number
  readonly aborted: number
}

/** One bounded look. Every field that the look could not tell is null: never a guessed zero. */
export interface BoxStatus {
  readonly atMs: number
  readonly state: 'queued' | 'starting' | 'running' | 'done' | 'failed' | 'cancelled' | 'unreachable' | 'unknown'
  readonly runnerAlive: boolean | null
  readonly bootIdMatches: boolean | null
  readonly heartbeatAgeSeconds: number | null
  /** Since when no unit has written, begun or ended anything, by the runner itself. Absent: it does not say. */
  readonly progressAgeSeconds?: number | null
  /** Absent or null: no guard was armed, or the look did not tell. */
  readonly guard?: GuardStatus | null
  readonly units: readonly UnitStatus[]
  readonly exit: BoxExit | null
  readonly checkpoint: { readonly completed: readonly string[]; readonly atMs: number } | null
  readonly newestArtifactMs: number | null
  readonly raw: string
}

/** One file of the pushed list: path relative to the project, with the digest that the plan's code digest rests on. */
export interface CodeFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly mode: number
}

/** The guard of a lease, as the launch sets it. Thresholds stay as they are for this launch. */
export interface GuardRequest {
  /** From the launch on, by the box's own clock since boot. */
  readonly leaseSeconds: number
  /** Somebody bills for this machine: work that is over is then watched on, too. */
  readonly hasMeter: boolean
  /** The one command that ends the meter, can be undone and may be run there; null: there is none, and only an alarm is left. */
  readonly park: readonly string[] | null
  /** Finished, dead or stalled, and nobody came: acted on after this long. */
  readonly absentSeconds: number
  /** Nothing written by any unit for so long: stalled. */
  readonly stallSeconds: number
  /** Nothing is parked for so long after somebody did something there. Default 900. */
  readonly holdSeconds?: number
  /** Pause before what failed is tried again. Default 600. */
  readonly retrySeconds?: number
  /** Pause between two looks. Default 15. */
  readonly pollSeconds?: number
}

export interface SubmitRequest {
  readonly runId: string
  readonly token: string
  readonly folder: string
  readonly plan: Plan
  readonly units: readonly Unit[]
  readonly workers: number
  readonly threadsPerWorker: number | null
  /** CUDA ordinals or UUIDs to pin workers to, round-robin; empty on CPU. */
  readonly gpus: readonly string[]
  readonly detach: readonly Detach[]
  readonly leaseUntilMs: number | null
  /** What ends the lease on the box, with kx gone; absent: nobody does. */
  readonly guard?: GuardRequest
  /** Absolute path of the project on this machine: where `code` is read from. */
  readonly projectFolder: string
  readonly code: readonly CodeFile[]
  /** Whether kx knows a secret value that stands in a text: a variable that holds one is kept from the units. */
  readonly holdsSecret?: (text: string) => boolean
  /** Values of the plan's secrets, for standard input alone, and folders of the machine itself that may hold them after /dev/shm. */
  readonly secrets?: {
    readonly valueOf: (name: string) => string | null
    readonly folders: readonly string[]
    /** Told the names that have a value neither here nor in a session on the host: units go without them. */
    readonly onMissing?: (names: readonly string[]) => void
  }
  /** Told the names of the variables that are kept from the units. */
  readonly onWithheld?: (names: readonly string[]) => void
  /** Seconds between TERM and KILL, between heartbeats, between looks. Defaults 20, 5 and 0.5. */
  readonly timing?: {
    readonly graceSeconds?: number
    readonly heartbeatSeconds?: number
    readonly pollSeconds?: number
  }
}

/** The engine contract (handbook engines 1): `find` before a second submit, `unreachable` never mapped to gone. */
export interface Engine {
  readonly name: 'box'
  submit(host: Host, request: SubmitRequest): Promise<BoxHandle>
  /** Exactly one handle, none, or "cannot tell". */
  find(
    host: Host,
    folder: string,
    token: string,
  ): Promise<
    | { readonly kind: 'one'; readonly handle: BoxHandle }
    | { readonly kind: 'none' }
    | { readonly kind: 'unknown'; readonly reason: string }
  >
  status(host: Host, handle: BoxHandle, units: readonly Unit[]): Promise<BoxStatus>
  /** Bytes of one unit's log from an offset. Null bytes: no such log yet. */
  log(
    host: Host,
    handle: BoxHandle,
    unit: string,
    offset: number,
    length: number,
  ): Promise<{ readonly bytes: Uint8Array | null; readonly size: number | null }>
  /** Asks the runner to stop with a reason; then TERM, grace, KILL for the group; then confirmed gone. */
  cancel(host: Host, handle: BoxHandle, reason: string, graceSeconds: number): Promise<Ending>
}
