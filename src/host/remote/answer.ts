import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError, hostError } from '../errors.ts'
import type { ExecResult } from '../types.ts'

/** Code of a HostError when the link or kx went before the end was seen: what was asked may have been done or not. */
export const linkLost = 'ENOLINK'

/** Every script speaks the language that `codes` knows, and makes nothing that others can read. */
export const prologue = 'LC_ALL=C\nexport LC_ALL\numask 077\n'
/** Exit code of our scripts for a refusal of their own; the reason is on stderr. */
export const refusedCode = 45

const codes: readonly (readonly [RegExp, string])[] = [
  [/: No such file or directory$/m, 'ENOENT'],
  [/: Not a directory$/m, 'ENOTDIR'],
  [/: Permission denied$/m, 'EACCES'],
  [/: Operation not permitted$/m, 'EPERM'],
  [/: No space left on device$/m, 'ENOSPC'],
  [/: Disk quota exceeded$/m, 'EDQUOT'],
  [/: Read-only file system$/m, 'EROFS'],
  [/: Input\/output error$/m, 'EIO'],
  [/: File name too long$/m, 'ENAMETOOLONG'],
  [/: Is a directory$/m, 'EISDIR'],
  [/: Too many levels of symbolic links$/m, 'ELOOP'],
]

export interface Doing {
  /** A verb in the base form, such as `read`. */
  readonly verb: string
  readonly path: string
}

/** Result of a script that ended well: its output, all of it. Everything else is a HostError with the reason. */
export function answerOf(ran: ExecResult, doing: Doing): Uint8Array {
  const { ending } = ran
  if (ending.kind === 'exited' && ending.code === 0) {
    if (ran.stdout.byteLength === ran.stdoutBytes) return ran.stdout
    throw new HostError(
      `Cannot ${doing.verb} ${doing.path}: the answer has ${ran.stdoutBytes} bytes, more than kx takes at once.`,
    )
  }
  throw failureOf(ran, doing)
}

/** Why a script did not end well. */
export function failureOf(ran: ExecResult, { verb, path }: Doing): HostError {
  const { ending } = ran
  if (ran.timedOut)
    return new HostError(
      `Cannot ${verb} ${path}: no answer before the deadline. Look at the host, then again.`,
      linkLost,
    )
  if (ending.kind === 'unknown')
    return new HostError(`Cannot tell whether kx could ${verb} ${path}: ${ending.reason}. Look again.`, linkLost)
  if (ending.kind === 'signalled')
    return new HostError(`Cannot ${verb} ${path}: ended there by ${ending.signal}. Look at the host, then again.`)
  const said = new TextDecoder().decode(ran.stderr).trim()
  const code = codes.find(([pattern]) => pattern.test(said))?.[1]
  const why = sanitiseLine(said, 500) || `the script ended with code ${ending.code} and no word`
  if (code === undefined || ending.code === refusedCode) return new HostError(`Cannot ${verb} ${path}: ${why}`)
  return hostError(verb, path, Object.assign(new Error(why), { code }))
}

/** An answer of another form than the script gives: nothing may be concluded from it. */
export function oddAnswer({ verb, path }: Doing, bytes: Uint8Array | string): HostError {
  const shown = sanitiseLine(typeof bytes === 'string' ? bytes : bytes.subarray(0, 200), 200)
  return new HostError(
    `Cannot ${verb} ${path}: the answer is not of the form that was asked for: "${shown}". Log in there and look at what the shell prints.`,
  )
}

/** Splits at NUL; null unless the last one ends with it too. */
export function splitNul(bytes: Uint8Array): readonly Uint8Array[] | null {
  if (bytes.byteLength > 0 && bytes[bytes.byteLength - 1] !== 0) return null
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(0, at)
    parts.push(bytes.subarray(at, end))
    at = end + 1
  }
  return parts
}
