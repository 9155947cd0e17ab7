/** What a person says in `transfer.rsync`. */
export type RsyncUse = 'auto' | 'never' | 'always'

/** One end: the version that its rsync tells, or why there is none of use. */
export type RsyncFound =
  | { readonly kind: 'found'; readonly version: string }
  | { readonly kind: 'none'; readonly reason: string }

/** An older copy of a file that lies here, and how many pieces of it are at the same place in the file of the host. */
export interface OlderCopy {
  readonly samePieces: number
  readonly pieces: number
}

export interface Way {
  readonly by: 'rsync' | 'stream'
  /** For a person: why this one. */
  readonly why: string
}

/**
 * Measured with a sixteenth of a file changed, on a crowded machine, without the proof, which is the same for both: over
 * loopback rsync took as long as a stream at 16 and 64 MiB (0.5 to 0.9 s, 1.3 to 1.5 s) and 2.2 to 2.4 s in place of 2.9 to
 * 4.3 at 256 MiB; over a link of 10 MiB/s 0.6 s in place of 2.4 at 16 MiB and 1.9 in place of 8.2 at 64. Below this it is
 * the start of two programs that counts.
 */
export const fewestDeltaBytes = 16 * 1024 * 1024

/**
 * Of a file in which nothing is the same rsync compares each of its bytes in vain: 33 s in place of 5.5 s for 256 MiB. So
 * most of the pieces must be the same before it is let.
 */
const leastSameShare = 0.75

/** Whether rsync may be the faster one for a file: only then is it worth looking further. */
export const mayBeDelta = (use: RsyncUse, bytes: number, olderBytes: number | null): boolean =>
  use !== 'never' && bytes >= fewestDeltaBytes && olderBytes !== null && olderBytes >= fewestDeltaBytes

/**
 * The way of one file. rsync where a person wants it, or where much of an older copy can be used again; else the streams:
 * of what is new here both send every byte, and many small files came by streams as fast as by rsync.
 */
export function chooseWay(use: RsyncUse, here: RsyncFound, there: RsyncFound, older: OlderCopy | null): Way {
  if (use === 'never') return { by: 'stream', why: 'the setting transfer.rsync is never' }
  if (here.kind === 'none') return { by: 'stream', why: `rsync here: ${here.reason}` }
  if (there.kind === 'none') return { by: 'stream', why: `rsync there: ${there.reason}` }
  const versions = `rsync ${here.version} here and ${there.version} there`
  if (use === 'always') return { by: 'rsync', why: `the setting transfer.rsync is always; ${versions}` }
  if (older === null) return { by: 'stream', why: 'no older copy is here, and then rsync sends every byte too' }
  const same = `${older.samePieces} of ${older.pieces} pieces of the older copy are the same there`
  return older.pieces > 0 && older.samePieces / older.pieces >= leastSameShare
    ? { by: 'rsync', why: `${same}; ${versions}` }
    : { by: 'stream', why: `only ${same}: rsync would compare in vain` }
}

/**
 * Of this end: what the other end says is read by it, and it must not follow names or ask for files that the other end
 * makes up. 3.4.0 has the fixes for that of January 2025 (CVE-2024-12085 to 12088 and 12747).
 */
export const oldestHere = [3, 4] as const
/** Of the other end: since 3.0 it takes its arguments by the stream, so that no shell reads them. */
export const oldestThere = [3, 0] as const

/** What `rsync --version` says. openrsync (macOS) and others that are not rsync itself are none of use. */
export function readVersion(said: string, [major, minor]: readonly [number, number]): RsyncFound {
  const first = said.split('\n', 1)[0] ?? ''
  const found = /^rsync +version v?((\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?)\S* +protocol version \d+\s*$/.exec(first)
  if (found === null)
    return { kind: 'none', reason: /openrsync/.test(first) ? 'it is openrsync, another program' : 'it is not there' }
  const [, version = '', a, b] = found
  const isFit = Number(a) > major || (Number(a) === major && Number(b) >= minor)
  return isFit ? { kind: 'found', version } : { kind: 'none', reason: `${version} is older than ${major}.${minor}` }
}

/** The only thing that our own rsync may ask the link to run: one that sends, with all its arguments by the stream. */
export function isServerCommand(argv: readonly string[]): boolean {
  const [host, program, server, sender, flags = '', ...more] = argv
  return (
    host === 'kx' &&
    program === 'rsync' &&
    server === '--server' &&
    sender === '--sender' &&
    /^-s[A-Za-z0-9.]*$/.test(flags) &&
    more.length === 0
  )
}
