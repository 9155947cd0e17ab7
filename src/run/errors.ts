/**
 * Why a run could not be read or written.
 * `busy`: the append lock was not had in time. `fenced`: another kx took over. `suspect`: bytes on disk cannot be
 * trusted. `refused`: the caller's own condition said no. `io`: the disk refused. `closed`: the handle is closed.
 * `invalid`: what was asked for cannot be stored. `missing`: no such run.
 */
export type RunErrorCode = 'busy' | 'fenced' | 'suspect' | 'refused' | 'io' | 'closed' | 'invalid' | 'missing'

/** What happened, why, and what to do next, in one message. */
export class RunError extends Error {
  readonly code: RunErrorCode
  constructor(code: RunErrorCode, what: string, next: string, options?: ErrorOptions) {
    super(`${what} ${next}`.trim(), options)
    this.name = 'RunError'
    this.code = code
  }
}

export function isRunError(error: unknown, code?: RunErrorCode): error is RunError {
  return error instanceof RunError && (code === undefined || error.code === code)
}

/** Message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** `ENOSPC` and its kind, when the thrown thing has one. */
export function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}

/** What a person can do where the disk said no, by the code of the system. */
const diskTroubles: Readonly<Record<string, readonly [why: string, next: string]>> = {
  EROFS: [
    'the file system is mounted read-only',
    'Find out why (dmesg: a disk with errors is remounted so), make it writable, or copy the project to another disk.',
  ],
  ENOSPC: ['no room is left', 'Free bytes or inodes on that file system (df -h, df -i), then try again.'],
  EDQUOT: ['your quota is used up', 'Free room or ask for more (quota -s), then try again.'],
  EACCES: ['it may not be written', 'Look who owns it and its mode (ls -ld), then try again as that user.'],
  EPERM: ['it may not be written', 'Look who owns it and its attributes (ls -ld, lsattr), then try again.'],
  EIO: ['the device reports an error', 'Read the kernel log before trusting this disk, and copy what is there.'],
}
/** What SQLite calls them. Source: sqlite.org/rescode.html, the low byte of the code. */
const ofSqlite: Readonly<Record<number, string>> = { 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC' }

/**
 * A disk that refused while `doing` something with `path`: what happened, why, what to do. What was refused by kx itself is
 * handed back as it is. `probe` tells the code where the error
 * told none that is certain.
 */
export function diskError(doing: string, path: string, error: unknown, probe: () => string | null = () => null) {
  const cause = error instanceof RunError && error.code === 'io' ? (error.cause ?? error) : error
  const sqlite = (cause as { errcode?: unknown } | null)?.errcode
  const told = typeof sqlite === 'number' ? null : codeOf(cause)
  // What Node calls a missing folder may be one that could not be made.
  const isTold = told !== null && told in diskTroubles
  const code = isTold ? told : (probe() ?? (typeof sqlite === 'number' ? ofSqlite[sqlite & 0xff] : told) ?? null)
  const [why, next] = (code === null ? undefined : diskTroubles[code]) ?? []
  if (error instanceof RunError && (why === undefined || typeof sqlite !== 'number')) return error
  return new RunError(
    'io',
    `Cannot ${doing} ${path}: ${why === undefined ? messageOf(cause) : `${why} (${code})`}.`,
    next ?? 'Look at the disk and the mode of the folder, then try again.',
    { cause },
  )
}
