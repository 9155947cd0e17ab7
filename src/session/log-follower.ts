import { formatBytes } from '../text/format.ts'
import { defaultLogLimits, type LogBuffer, type LogLimits, makeLogBuffer } from '../text/log-buffer.ts'
import { createRedactor, type SecretSet } from '../text/redact.ts'
import { createSanitiser, type Sanitiser } from '../text/sanitise.ts'

/** A log as it is shown. The buffer goes on growing; `version` says whether it did. */
export interface ShownLog {
  readonly buffer: LogBuffer
  readonly version: number
  /** Last line, of which the end has not come yet: a prompt, a progress bar. */
  readonly pending: string
  /** Bytes that were never taken in: before the first look, or because they came faster than looks. */
  readonly skippedBytes: number
}

/** Reads bytes of one file; null bytes and size: there is no such file (yet). */
export type ReadBytes = (
  offset: number,
  length: number,
) => Promise<{ readonly bytes: Uint8Array | null; readonly size: number | null }>

/** The end of a log that is shown first, and the most that one look takes in. */
export const lookBytes = 256 * 1024
/** Bytes before the offset that are read again, to see that the file is still the same. */
const overlapBytes = 64

export interface LogFollower {
  /** One bounded look: at most two reads of `lookBytes`. What came faster than that is skipped, and the log says so. */
  look(read: ReadBytes): Promise<ShownLog>
}

/**
 * Follows one growing file by byte offset: the first look takes its end, each later one what is new. A file that was
 * truncated or replaced begins a new buffer. Bytes are sanitised, then masked, before they are held.
 */
export function createLogFollower(secrets: SecretSet | null, limits: LogLimits = defaultLogLimits): LogFollower {
  let buffer = makeLogBuffer(limits)
  let sanitiser = logSanitiser()
  let redactor = createRedactor(secrets)
  /** End of what was read; null before the first look at an existing file. */
  let offset: number | null = null
  let tail: Uint8Array = new Uint8Array()
  let skippedBytes = 0

  const take = (bytes: Uint8Array) => {
    buffer.append(redactor.push(sanitiser.push(bytes)))
    tail = Uint8Array.from(bytes.length >= overlapBytes ? bytes.subarray(-overlapBytes) : join(tail, bytes))
  }
  /** What was begun before a gap ends there. */
  const endLine = () => {
    const rest = sanitiser.end()
    buffer.append(redactor.push(rest === '' ? '' : `${rest}\n`) + redactor.end())
    sanitiser = logSanitiser()
    redactor = createRedactor(secrets)
  }
  const restart = (why: string) => {
    buffer = makeLogBuffer(limits)
    sanitiser = logSanitiser()
    redactor = createRedactor(secrets)
    tail = new Uint8Array()
    offset = null
    skippedBytes = 0
    buffer.append(`[kx: ${why}; it is shown anew]\n`)
  }
  /** Goes to the last `lookBytes` of the file and begins with a whole line there. */
  const jump = async (read: ReadBytes, from: number, size: number) => {
    const start = Math.max(from, size - lookBytes)
    const { bytes } = await read(start, lookBytes)
    if (bytes === null) return
    const lineEnd = start === 0 ? -1 : bytes.indexOf(0x0a)
    const skipped = start - from + (lineEnd + 1)
    if (skipped > 0) {
      skippedBytes += skipped
      endLine()
      buffer.append(
        `[kx: ${formatBytes(skipped)} ${from === 0 ? 'before this are' : 'came faster than shown and were'} skipped]\n`,
      )
    }
    take(bytes.subarray(lineEnd + 1))
    offset = start + bytes.length
  }
  const shown = (): ShownLog => ({
    buffer,
    version: buffer.version(),
    pending: redactor.peek(sanitiser.pending),
    skippedBytes,
  })

  const once = async (read: ReadBytes): Promise<ShownLog> => {
    if (offset === null) {
      const { size } = await read(0, 0)
      if (size !== null) await jump(read, 0, size)
      return shown()
    }
    const before: number = offset
    const { bytes, size } = await read(before - tail.length, tail.length + lookBytes)
    if (bytes === null || size === null) return shown()
    const isSame = size >= before && tail.every((byte, i) => bytes[i] === byte)
    if (!isSame) {
      restart(size < before ? 'the log became shorter: it was truncated or replaced' : 'the log was replaced')
      await jump(read, 0, size)
    } else if (size - before > lookBytes) await jump(read, before, size)
    else {
      const fresh = bytes.subarray(tail.length)
      take(fresh)
      offset = before + fresh.length
    }
    return shown()
  }
  // One look after the other: two at a time would take in the same bytes twice.
  let last: Promise<unknown> = Promise.resolve()
  return {
    look: (read) => {
      const next = last.then(() => once(read))
      last = next.catch(() => {})
      return next
    },
  }
}

/** Lines longer than the buffer keeps are cut at the door. Colours would have to be taken out again to be measured. */
export function logSanitiser(): Sanitiser {
  return createSanitiser({ allowSgr: false, maxLineLength: defaultLogLimits.lineCharacters * 2 })
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both.subarray(-overlapBytes)
}
