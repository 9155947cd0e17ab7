import { createHash } from 'node:crypto'
import type { TailPosition } from './types.ts'

/** Bytes at the front by which a file is known again. A log that begins with a date differs within them. */
export const headBytes = 256
/** The most that one look takes. */
export const maxTailBytes = 4 * 1024 * 1024

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/**
 * Whether a file is still the one that was read up to `from`: the same inode, not shorter than that, and beginning with the
 * same bytes. A log that is copied and truncated keeps its inode, and may be longer again by the time somebody looks.
 */
export function isSameFile(from: TailPosition, inode: number, size: number, head: Uint8Array): boolean {
  return (
    from.inode === inode &&
    size >= from.offset &&
    head.byteLength >= from.headBytes &&
    sha256(head.subarray(0, from.headBytes)) === from.headSha256
  )
}

export const positionAt = (inode: number, offset: number, head: Uint8Array): TailPosition => ({
  inode,
  offset,
  headBytes: head.byteLength,
  headSha256: sha256(head),
})
