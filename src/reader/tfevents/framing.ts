import { maskedCrc32c } from './crc32c.ts'

/** Length, its checksum, and behind the payload the payload's checksum. */
const headBytes = 12
const footBytes = 4
/** More than any event: what claims to be longer is damage. */
const mostRecordBytes = 256 * 1024 * 1024

/**
 * Takes a TFRecord file apart. Its framing cannot be found again after damage, so that a wrong checksum ends the reading:
 * for a length at once, for a payload as well, as TensorBoard does it (handbook compare 4.2).
 */
export class TfRecords {
  records = 0
  crcErrors = 0
  /** Damage at this offset; nothing behind it is read. */
  brokenAt: number | null = null

  /** Reads what is whole. Returns the offset from which bytes are wanted again. */
  read(bytes: Buffer, from: number, onRecord: (buffer: Buffer, start: number, end: number) => void): number {
    let at = 0
    while (this.brokenAt === null && at + headBytes <= bytes.length) {
      const length = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
      const isLengthRight = maskedCrc32c(bytes, at, at + 8) === bytes.readUInt32LE(at + 8)
      if (!isLengthRight || length > mostRecordBytes) {
        this.breakAt(from + at)
        break
      }
      const start = at + headBytes
      const end = start + length
      if (end + footBytes > bytes.length) break
      if (maskedCrc32c(bytes, start, end) !== bytes.readUInt32LE(end)) {
        this.breakAt(from + at)
        break
      }
      this.records++
      onRecord(bytes, start, end)
      at = end + footBytes
    }
    return from + at
  }

  private breakAt(offset: number): void {
    this.crcErrors++
    this.brokenAt = offset
  }
}
