/** Something on a host could not be done. The message says what, why and what to do next. */
export class HostError extends Error {
  /** Error code of the system, such as `EACCES`; null when the refusal is kx's own. */
  readonly code: string | null

  constructor(message: string, code: string | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'HostError'
    this.code = code
  }
}

/** Code of a HostError that says: nothing was begun, so trying again repeats nothing. */
export const notBegun = 'ENOTBEGUN'

/** Error code of a system error, or null. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** True when the error says that a path, or a folder on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

const advice: Readonly<Record<string, string>> = {
  EACCES: 'Check who owns it and its mode.',
  EPERM: 'Check who owns it and its mode.',
  ENOSPC: 'Free bytes or inodes on that file system (df -h, df -i), then try again.',
  EDQUOT: 'The quota is used up: free room or ask for more, then try again.',
  EROFS: 'The file system is read-only: choose another folder, or remount it.',
  EIO: 'The device reports errors: read the kernel log before trusting this disk.',
  EMFILE: 'Too many files are open: close some, or raise the limit (ulimit -n).',
}

/** Wraps a system error with what was being done to which path. */
export function hostError(doing: string, path: string, error: unknown): HostError {
  if (error instanceof HostError) return error
  const code = codeOf(error)
  const why = error instanceof Error ? error.message : String(error)
  const next = code === null ? undefined : advice[code]
  return new HostError(`Cannot ${doing} ${path}: ${why}.${next === undefined ? '' : ` ${next}`}`, code, error)
}
