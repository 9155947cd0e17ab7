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
