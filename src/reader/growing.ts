import type { ByteSource } from './types.ts'

/** Bytes asked for at a time: enough that a decoder is not interrupted often, little enough to be held for many runs. */
export const pieceBytes = 4 * 1024 * 1024

/** How far a growing file was understood. */
export interface Place {
  offset: number
  identity: string | null
}

export interface Growth {
  readonly bytes: number
  readonly mtimeMs: number
  /** Another file than before, or shorter than what was read of it: everything from it is void. */
  readonly isAnother: boolean
  readonly isTruncated: boolean
}

/**
 * Hands a decoder what a file has beyond a place, piece by piece. The decoder says up to where it understood; the rest
 * comes again in front of the next piece. Null: the file is not there.
 */
export async function readOn(
  source: ByteSource,
  place: Place,
  decode: (bytes: Buffer, from: number) => number | 'stop',
  onAnother: () => void,
  signal?: AbortSignal,
): Promise<Growth | null> {
  const stat = await source.stat()
  if (stat === null) return null
  const isAnother = place.identity !== null && (stat.identity !== place.identity || stat.bytes < place.offset)
  if (isAnother) {
    place.offset = 0
    onAnother()
  }
  place.identity = stat.identity
  let length = pieceBytes
  while (place.offset < stat.bytes) {
    signal?.throwIfAborted()
    const wanted = Math.min(length, stat.bytes - place.offset)
    const read = await source.read(place.offset, wanted)
    if (read.length === 0) break
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength)
    const understood = decode(bytes, place.offset)
    if (understood === 'stop') break
    const isStuck = understood === place.offset
    place.offset = understood
    if (isStuck) {
      if (place.offset + read.length >= stat.bytes) break
      length *= 2
    } else length = pieceBytes
  }
  return { bytes: stat.bytes, mtimeMs: stat.mtimeMs, isAnother, isTruncated: place.offset < stat.bytes }
}
