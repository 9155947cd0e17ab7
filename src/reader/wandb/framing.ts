import { crc32 } from 'node:zlib'

/** The log is cut into blocks of this size, counted from the first byte of the file (handbook compare 4.1). */
const blockBytes = 32_768
const headerBytes = 7
/** `:W&B`, then 0xBEE1 in little endian, then version 0. */
const magic = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00])
const type = { full: 1, first: 2, middle: 3, last: 4 } as const
/** More than any record of a tracker: what is longer is damage. */
const mostRecordBytes = 256 * 1024 * 1024

/** What is known after some bytes; the bytes from `offset` on are to be handed over again with what comes after them. */
export interface Framed {
  readonly offset: number
  readonly isTruncated: boolean
}

/**
 * Takes W&B's transaction log apart: the layout of LevelDB's log, except that the file's own header counts into the first
 * block and that the checksum is plain CRC-32 over type and payload. Damage costs the rest of its block; then the next whole
 * record is looked for.
 */
export class WandbFrames {
  records = 0
  private wrongChecksums = 0
  private passedBytes = 0
  /** Set when the file does not begin as such a log does. */
  isForeign = false
  /** Damage in a block whose end is not there yet: looked at again with each reading. */
  private tailErrors = 0
  private tailBytes = 0
  private readonly parts: Buffer[] = []

  get crcErrors(): number {
    return this.wrongChecksums + this.tailErrors
  }

  get skippedBytes(): number {
    return this.passedBytes + this.tailBytes
  }

  /**
   * Reads what is whole. `bytes` begin at `from` in the file; `isEnd` says that the file has no more of them now. A record is
   * handed over as a part of a buffer that must not be kept.
   */
  read(bytes: Buffer, from: number, onRecord: (buffer: Buffer, start: number, end: number) => void): Framed {
    let at = 0
    if (from === 0) {
      if (bytes.length < magic.length) {
        this.isForeign = bytes.compare(magic, 0, bytes.length) !== 0
        return { offset: 0, isTruncated: true }
      }
      this.isForeign = bytes.compare(magic, 0, magic.length, 0, magic.length) !== 0
      if (this.isForeign) return { offset: 0, isTruncated: false }
      at = magic.length
    }
    /** Where the record began that is not whole yet: a reader must come back to here. */
    let recordStart = at
    this.parts.length = 0
    this.tailErrors = 0
    this.tailBytes = 0
    let partBytes = 0
    for (;;) {
      const left = blockBytes - ((from + at) % blockBytes)
      if (left < headerBytes) {
        if (at + left > bytes.length) break
        at += left
        if (this.parts.length === 0) recordStart = at
        continue
      }
      if (at + headerBytes > bytes.length) break
      const length = bytes.readUInt16LE(at + 4)
      const kind = bytes[at + 6] as number
      if (kind === 0 && length === 0 && bytes.readUInt32LE(at) === 0) {
        // Zeroes to the end of the block are padding as well.
        if (at + left > bytes.length) break
        at += left
        if (this.parts.length === 0) recordStart = at
        continue
      }
      const start = at + headerBytes
      const end = start + length
      const fits = headerBytes + length <= left && kind >= type.full && kind <= type.last
      if (fits && end > bytes.length) break
      if (!fits || crc32(bytes.subarray(at + 6, end)) !== bytes.readUInt32LE(at)) {
        if (at + left > bytes.length) {
          this.tailErrors = fits ? 1 : 0
          this.tailBytes = bytes.length - at
          break
        }
        if (fits) this.wrongChecksums++
        this.passedBytes += left + partBytes
        this.parts.length = 0
        partBytes = 0
        at += left
        recordStart = at
        continue
      }
      at = end
      if (kind === type.full) {
        this.drop(partBytes)
        partBytes = 0
        this.take(bytes, start, end, onRecord)
        recordStart = at
      } else if (kind === type.first) {
        this.drop(partBytes)
        this.parts.push(bytes.subarray(start, end))
        partBytes = end - start
      } else if (this.parts.length === 0 || partBytes + length > mostRecordBytes) {
        this.passedBytes += length + partBytes
        this.parts.length = 0
        partBytes = 0
        recordStart = at
      } else {
        this.parts.push(bytes.subarray(start, end))
        partBytes += length
        if (kind === type.last) {
          const whole = Buffer.concat(this.parts, partBytes)
          this.parts.length = 0
          partBytes = 0
          this.take(whole, 0, whole.length, onRecord)
          recordStart = at
        }
      }
      if (this.parts.length === 0) recordStart = at
    }
    this.parts.length = 0
    return { offset: from + recordStart, isTruncated: from + recordStart < from + bytes.length }
  }

  private take(buffer: Buffer, start: number, end: number, onRecord: (b: Buffer, s: number, e: number) => void): void {
    this.records++
    onRecord(buffer, start, end)
  }

  /** A record that was begun and never ended. */
  private drop(bytes: number): void {
    this.passedBytes += bytes
    this.parts.length = 0
  }
}
