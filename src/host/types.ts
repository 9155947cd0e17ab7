import type { HostIdentity } from '../walk/proof.ts'

/** How a command ended; nothing else is possible. `unknown`: the link or kx went before the end was seen. */
export type Ending =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'unknown'; readonly reason: string }

export interface ExecOptions {
  /** Working folder on the host. */
  readonly cwd?: string
  /** Added to the host's own environment. Never a secret value. */
  readonly env?: Readonly<Record<string, string>>
  /** Bytes for standard input; the stream is closed after them. Secrets travel only here. */
  readonly stdin?: Uint8Array | string
  /** Deadline. Required in spirit: the default is 30 seconds. The whole process group is ended when it passes. */
  readonly timeoutSeconds?: number
  /** Bytes kept per stream (default 1 MiB); the rest is counted and dropped. */
  readonly maxBytes?: number
  readonly signal?: AbortSignal
  /** Raw bytes as they come, before any bound. The caller sanitises. */
  readonly onStdout?: (chunk: Uint8Array) => void
  readonly onStderr?: (chunk: Uint8Array) => void
  /** Told once who runs there, as soon as that is known; not where the kernel there does not tell. */
  readonly onBegun?: (process: ProcessIdentity) => void
}

export interface ScriptOptions extends Omit<ExecOptions, 'stdin'> {
  /** The same script will be asked again soon, as looks at a run are: a host may keep a shell open for it. */
  readonly isRepeated?: boolean
}

export interface ExecResult {
  readonly ending: Ending
  /** True when the deadline ended it. */
  readonly timedOut: boolean
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly stdoutBytes: number
  readonly stderrBytes: number
  readonly startedAtMs: number
  readonly durationMs: number
}

/** A process on the host. A pid alone is reused: start time (field 22 of /proc/pid/stat) and boot-id belong to it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number
  readonly bootId: string
}

export interface SpawnOptions extends Pick<ExecOptions, 'cwd' | 'env'> {
  /** Time to begin; default 60 s. What runs has no deadline of its own. */
  readonly startSeconds?: number
  /** Gives up what has not begun. What runs is ended with `Host.kill`. */
  readonly signal?: AbortSignal
  /** Both must be taken: they share one window, and an unread one stops the other (handbook ssh T8). */
  readonly onStdout: (chunk: Uint8Array) => void
  readonly onStderr: (chunk: Uint8Array) => void
}

/** A program that runs on the host, with its streams open. */
export interface HostProcess {
  /** Leader of its own session and group; null where the kernel there does not tell. */
  readonly identity: ProcessIdentity | null
  /** Settles once, always, after all output was handed over: a lost link is `unknown`. */
  readonly ending: Promise<Ending>
  /** False: wait for `drained` before writing more. */
  write(bytes: Uint8Array | string): boolean
  drained(): Promise<void>
  endInput(): void
  /** Holds output back at its source until `resume`. */
  pause(): void
  resume(): void
  /** Gives the streams up. The program may go on running: use `Host.kill` to end it. */
  close(): void
}

export interface FileStat {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'symlink' | 'other'
  readonly bytes: number
  readonly mtimeMs: number
  readonly inode: number
}

/** How far a file has been read, and by what it is known again. */
export interface TailPosition {
  readonly inode: number
  readonly offset: number
  /** So many bytes at the front had this hash. */
  readonly headBytes: number
  readonly headSha256: string
}

export interface Tail {
  readonly bytes: Uint8Array
  /** Of the file, when it was looked at. */
  readonly size: number
  /** Not the file of before (rotated, replaced, truncated): these bytes are from its beginning. */
  readonly isAnother: boolean
  /** For the next look. */
  readonly position: TailPosition
}

/**
 * Where commands run. Every call has a deadline. Paths are absolute paths of the host.
 * `argv` is an argument vector: implementations quote it where a shell is in the way.
 */
export interface Host {
  /** Name as the plan knows it; `local` for this machine. */
  readonly name: string
  readonly kind: 'local' | 'ssh' | 'openssh'
  /** Names of secrets in kx's own environment that its commands are not given; absent where they inherit nothing of it. */
  withholds?(): readonly string[]
  identity(signal?: AbortSignal): Promise<HostIdentity>
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** Runs a POSIX sh script that is handed over on standard input (`sh -s`), so nothing needs quoting. */
  script(source: string, args: readonly string[], options?: ScriptOptions): Promise<ExecResult>
  /**
   * Starts a program and leaves its streams to the caller. Rejects with a HostError when it did not begin: code
   * `ENOTBEGUN` when that is certain, any other when it may have begun all the same.
   */
  spawn(argv: readonly string[], options: SpawnOptions): Promise<HostProcess>
  stat(path: string): Promise<FileStat | null>
  /** Names only asked-for: entries of one folder, not following symlinks. Missing folder: null. */
  list(path: string): Promise<readonly FileStat[] | null>
  /** Bytes from `offset`, at most `length`. Short at the end of the file; missing file: null. */
  read(path: string, offset: number, length: number): Promise<Uint8Array | null>
  /**
   * What a growing file has beyond a position, at most `length` (and 4 MiB); from its beginning where there is none, or
   * the file is another one. Missing file: null.
   */
  tail(path: string, from: TailPosition | null, length: number): Promise<Tail | null>
  /** Atomic: temp, fsync, rename, fsync of the folder. Creates parent folders (0700). Default mode 0600. */
  write(path: string, bytes: Uint8Array | string, mode?: number): Promise<void>
  /** SHA-256 (lower-case hex) computed on the host, from a fresh read. */
  sha256(path: string, signal?: AbortSignal): Promise<string>
  /** TERM to the process group, grace, KILL, then seen gone. Start time is compared before any signal. */
  kill(process: ProcessIdentity, graceSeconds: number): Promise<'gone' | 'was-gone' | 'not-ours' | 'still-there'>
  isAlive(process: ProcessIdentity): Promise<boolean | 'unknown'>
  /** Removes one folder tree that lies under `mustBeUnder`; refuses symlinked roots. */
  removeTree(path: string, mustBeUnder: string): Promise<void>
  close(): Promise<void>
}
