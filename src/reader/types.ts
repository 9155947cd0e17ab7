/** What wrote a run down. */
export type Format =
  | 'kx'
  | 'wandb'
  | 'tfevents'
  | 'mlflow-files'
  | 'mlflow-sqlite'
  | 'trainer'
  | 'lightning'
  | 'dvclive'
  | 'trackio'
  | 'seed'
  | 'jsonl'
  | 'csv'
  | 'log'

/** Who said which way is better; shown beside every arrow. */
export type DirectionSource = 'wandb goal' | 'wandb summary' | 'trainer' | 'lightning checkpoint' | 'plan' | 'sweep'

/** What a tracker knows of a run beside its figures. Every field is foreign text: sanitise before display. */
export interface Facts {
  readonly id?: string
  readonly name?: string
  readonly group?: string
  readonly project?: string
  readonly tags?: readonly string[]
  readonly notes?: string
  readonly host?: string
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  readonly state?: RunState
  readonly exitCode?: number
  readonly commit?: string
  readonly isDirty?: boolean
  readonly diffSha256?: string
  readonly program?: string
  readonly args?: readonly string[]
  readonly scriptSha256?: string
  /** Of all code that was run, as kx knows it. */
  readonly codeSha256?: string
  readonly dataSha256?: string
  readonly python?: string
  readonly os?: string
  readonly cuda?: string
  readonly cudnn?: string
  readonly driver?: string
  readonly gpu?: string
  readonly gpuCount?: number
  /** Package name in lower case to its version. */
  readonly packages?: Readonly<Record<string, string>>
  readonly usd?: number
  /** Metric by which its plan says that it is judged. */
  readonly primaryMetric?: string
  /** What only kx knows: how it was planned, approved and watched. */
  readonly walk?: WalkFacts
}

/** Of a run of kx: what its plan and proofs say of it. What nobody measured is not there. */
export interface WalkFacts {
  readonly plannedSeconds?: number
  readonly plannedUsd?: number
  readonly capUsd?: number
  readonly usdPerHour?: number
  /** From the start of what runs to its end, as the outcome has it. */
  readonly elapsedSeconds?: number
  readonly units?: { readonly done: number; readonly of: number }
  readonly approvedBy?: string
  readonly image?: string
  readonly machineClass?: string
  /** Of a unit, measured in the smoke. */
  readonly peakMemoryBytes?: number
  /** Of the machine while it ran, as patrol saw it. */
  readonly peakMachineMemoryBytes?: number
  readonly peakGpuMemoryBytes?: number
  /** Mean of the cards over the samples of patrol, 1 is all of the time. */
  readonly utilisationShare?: number
  /** Value that guessing reaches, by metric. */
  readonly chance?: Readonly<Record<string, number>>
  readonly artifacts?: { readonly verified: number; readonly of: number }
  /** Evidence beside the digest of the code, which is what is compared. */
  readonly commit?: string
  readonly isDirty?: boolean
  readonly command?: readonly string[]
}

/** `unknown` where nothing was written of an end: silence is no crash. */
export type RunState = 'running' | 'finished' | 'failed' | 'killed' | 'unknown'

/** Something that happened at a place of a run. */
export interface RunEvent {
  readonly kind: 'alert' | 'checkpoint' | 'restart' | 'phase'
  /** null where only the time is known. */
  readonly step: number | null
  readonly wallSeconds: number | null
  readonly text: string
}

/**
 * Takes what a reader finds, in the order of the file. Points of one metric come in that order too, which is not always
 * that of their steps.
 */
export interface Sink {
  /**
   * Index of a metric, the same for the same name; -1 where nobody wants its points, so that they need no decoding.
   * `unit`: of a run of several independent parts (splits, folds, seeds) the one that logged it.
   */
  metric(name: string, unit?: string): number
  /** `step` and `wallSeconds` are NaN where they were not written. `value` may be NaN or infinite: it was logged so. */
  point(metric: number, step: number, value: number, wallSeconds: number): void
  /** A setting; a later one of the same path holds. `undefined` takes it away. */
  config(path: readonly string[], value: unknown): void
  /** What the tracker itself calls its last or best figure, or a unit its result. */
  summary(path: readonly string[], value: unknown, unit?: string): void
  facts(facts: Facts): void
  direction(metric: string, goal: 'lower' | 'higher', source: DirectionSource): void
  event(event: RunEvent): void
  /** Points of one metric from a step on are void: the run began again there. */
  restart(metric: number, fromStep: number): void
  /** Everything told so far is void: another file stands in the place of what was read. */
  reset(): void
}

/** What a reader thinks of the bytes it has seen. Shown, never only logged. */
export interface ReadReport {
  readonly format: Format
  readonly path: string
  readonly bytes: number
  readonly mtimeMs: number
  readonly records: number
  readonly skippedBytes: number
  readonly crcErrors: number
  /** The last record is not whole: it is still being written, or its writer died. */
  readonly isTruncated: boolean
  /** What a person should know, one sentence each. */
  readonly notes: readonly string[]
}

/** Bytes that may grow; opened for reading alone. */
export interface ByteSource {
  readonly path: string
  /** null: not there. `identity` changes when the file was replaced. */
  stat(): Promise<{ readonly bytes: number; readonly mtimeMs: number; readonly identity: string } | null>
  /** At most `length` bytes; short at the end. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** A folder and what lies in it, here or on a host. Paths are relative to its root, with `/`. */
export interface Folder {
  readonly root: string
  /** null: not there. Symbolic links are listed as such and not followed. */
  list(path: string): Promise<readonly FolderEntry[] | null>
  open(path: string): ByteSource
  /** Where a library must open the file by itself (SQLite); null where that cannot be done. */
  localPath(path: string): string | null
  /** Of a folder that lies elsewhere: a copy of a database to be read here, as it is now. Null: there is none. */
  copy?(path: string): Promise<{ readonly path: string; readonly note: string; readonly mark: string } | null>
  /** Of a folder that lies elsewhere: size and time of what a report names by its path, as they are there now. */
  stat?(path: string): Promise<{ readonly bytes: number; readonly mtimeMs: number } | null>
}

export interface FolderEntry {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'other'
  readonly bytes: number
  readonly mtimeMs: number
}

/** Reads one run. Called again it reads on from where it was, and tells the sink what is new alone. */
export interface RunReader {
  readonly format: Format
  /** Never throws for what the bytes are; rejects only when the place itself cannot be read. */
  advance(sink: Sink, signal?: AbortSignal): Promise<readonly ReadReport[]>
  close(): Promise<void>
}
