import type { Tail, TailPosition } from '../host/types.ts'
import { formatBytes } from '../text/format.ts'
import { defaultLogLimits, type LogLimits, makeLogBuffer } from '../text/log-buffer.ts'
import { createRedactor, type SecretSet } from '../text/redact.ts'
import { logSanitiser, type ShownLog } from './log-follower.ts'

/** `Host.tail` of one file. */
export type ReadTail = (from: TailPosition | null, length: number) => Promise<Tail | null>

export interface TailLook {
  readonly log: ShownLog
  /** False: there was no such file at this look. What was read of it before is kept. */
  readonly isThere: boolean
  /** The file has more than this look took. */
  readonly isBehind: boolean
}

/** The most that one look takes: half of what is taken on this machine, because it comes over somebody's link. */
export const tailLookBytes = 128 * 1024

export interface TailFollower {
  /** One bounded look: one read, two at the first. A read that fails moves nothing: the next look goes on from there. */
  look(read: ReadTail): Promise<TailLook>
}

/**
 * Follows one growing file on another machine by position: the first look takes its end, each later one what is new.
 * What grew faster than looks is skipped, and a file that was rotated, replaced or truncated begins a new buffer; the
 * log says both. Bytes are sanitised, then masked, before they are held.
 */
export function createTailFollower(secrets: SecretSet | null, limits: LogLimits = defaultLogLimits): TailFollower {
  let buffer = makeLogBuffer(limits)
  let sanitiser = logSanitiser()
  let redactor = createRedactor(secrets)
  /** End of what was read; null before the first look at an existing file. */
  let at: TailPosition | null = null
  /** Bytes that were jumped over since the last that were taken; the place may be in the middle of a line. */
  let jumped = 0
  let skippedBytes = 0
  let hasBegun = false

  const endLine = () => {
    const rest = sanitiser.end()
    buffer.append(redactor.push(rest === '' ? '' : `${rest}\n`) + redactor.end())
    sanitiser = logSanitiser()
    redactor = createRedactor(secrets)
  }
  const take = (bytes: Uint8Array) => {
    if (bytes.length === 0) return
    const lineEnd = jumped === 0 ? -1 : bytes.indexOf(0x0a)
    if (jumped > 0) {
      const skipped = jumped + lineEnd + 1
      endLine()
      const why = hasBegun ? 'came faster than shown and were' : 'before this are'
      buffer.append(`[kx: ${formatBytes(skipped)} ${why} skipped]\n`)
      skippedBytes += skipped
      jumped = 0
    }
    buffer.append(redactor.push(sanitiser.push(bytes.subarray(lineEnd + 1))))
    hasBegun = true
  }
  const restart = (why: string) => {
    buffer = makeLogBuffer(limits)
    sanitiser = logSanitiser()
    redactor = createRedactor(secrets)
    jumped = 0
    skippedBytes = 0
    buffer.append(`[kx: ${why}; it is shown anew]\n`)
  }
  /** The place from which the next look takes no more than it may, and reaches the end. */
  const ahead = (position: TailPosition, size: number): TailPosition => {
    const start = size - tailLookBytes
    if (start <= position.offset) return position
    jumped += start - position.offset
    return { ...position, offset: start }
  }
  const looked = (isThere: boolean, size: number): TailLook => ({
    log: {
      buffer,
      version: buffer.version(),
      pending: redactor.peek(sanitiser.pending),
      skippedBytes,
    },
    isThere,
    isBehind: at !== null && at.offset < size,
  })

  return {
    look: async (read) => {
      if (at === null) {
        const found = await read(null, 0)
        if (found === null) return looked(false, 0)
        at = ahead(found.position, found.size)
      }
      const found = await read(at, tailLookBytes)
      if (found === null) return looked(false, 0)
      if (found.isAnother)
        restart(
          found.size < at.offset ? 'the log became shorter: it was truncated or replaced' : 'the log was replaced',
        )
      take(found.bytes)
      at = ahead(found.position, found.size)
      return looked(true, found.size)
    },
  }
}
