import type { ByteSource } from './types.ts'

/** Bytes asked for at a time: enough that a decoder is not interrupted often, little enough to be held for many runs. */
export const pieceBytes = 4 * 1024 * 1024

/** How far a growing file was understood. */
export interface Place {
  offset: number
  identity: string | null
}

/** Another file stands in the place of one that was read, or it became shorter: what was told of it is void. */
export class Replaced extends Error {
  constructor(path: string) {
    super(`${path} was replaced while it was read`)
    this.name = 'Replaced'
  }
}

export interface Growth {
  readonly bytes: number
  readonly mtimeMs: number
  readonly isTruncated: boolean
}

/**
 * Hands a decoder what a file has beyond a place, piece by piece. The decoder says up to where it understood; the rest
 * comes again in front of the next piece. Null: the file is not there.
 *
 * @throws Replaced
 */
export async function readOn(
  source: ByteSource,
  place: Place,
  decode: (bytes: Buffer, from: number) => number | 'stop',
  signal?: AbortSignal,
): Promise<Growth | null> {
  const stat = await source.stat()
  if (stat === null) return null
  if (place.identity !== null && (stat.identity !== place.identity || stat.bytes < place.offset)) {
    throw new Replaced(source.path)
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
  return { bytes: stat.bytes, mtimeMs: stat.mtimeMs, isTruncated: place.offset < stat.bytes }
}
