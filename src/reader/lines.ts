import { type Growth, type Place, readOn } from './growing.ts'
import type { ByteSource } from './types.ts'

const newline = 0x0a
const carriageReturn = 0x0d
/** A longer line is no record of anything: it is counted and passed over. */
const mostLineBytes = 1024 * 1024

/** Lines of a growing file, each once, when its newline is there. */
export class GrowingLines {
  lines = 0
  skippedBytes = 0
  private readonly source: ByteSource
  private readonly place: Place = { offset: 0, identity: null }
  private isInLongLine = false

  constructor(source: ByteSource) {
    this.source = source
  }

  /**
   * Tells what lines there are more. Null: there is no such file.
   *
   * @throws Replaced
   */
  async advance(onLine: (line: string) => void, signal?: AbortSignal): Promise<Growth | null> {
    return await readOn(this.source, this.place, (bytes) => this.place.offset + this.take(bytes, onLine), signal)
  }

  close(): Promise<void> {
    return this.source.close()
  }

  private take(bytes: Buffer, onLine: (line: string) => void): number {
    let at = 0
    for (;;) {
      const end = bytes.indexOf(newline, at)
      if (end < 0) break
      if (this.isInLongLine || end - at > mostLineBytes) this.skippedBytes += end + 1 - at
      else {
        this.lines++
        onLine(bytes.toString('utf8', at, end > at && bytes[end - 1] === carriageReturn ? end - 1 : end))
      }
      this.isInLongLine = false
      at = end + 1
    }
    if (bytes.length - at > mostLineBytes) {
      this.isInLongLine = true
      this.skippedBytes += bytes.length - at
      at = bytes.length
    }
    return at
  }
}
