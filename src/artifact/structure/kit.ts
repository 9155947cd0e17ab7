/** What was found about the inside of one file. Never says `whole` on a guess. */
export interface StructureReport {
  /** `not-checkable`: this format, or this file, cannot be judged here; the reason says why. */
  readonly level: 'whole' | 'broken' | 'not-checkable'
  /** What was looked at, in words, in order. */
  readonly checks: readonly string[]
  readonly reason?: string
  /** How much of the content is covered by sums that the format itself carries (and that were right). */
  readonly checksums: 'all' | 'some' | 'none'
}

/** A file to be judged: bytes on demand, never the whole at once. */
export interface StructureFile {
  /** Absolute local path: only formats whose library needs a path use it. */
  readonly path: string
  readonly bytes: number
  read(offset: number, length: number): Promise<Uint8Array>
  /** Size of a file that lies beside this one (external data), or null when it is not there. */
  sibling?(relativePath: string): Promise<{ readonly bytes: number } | null>
}

export type Checker = (probe: Probe) => Promise<{ readonly checksums: StructureReport['checksums'] }>

/** The bytes contradict the format. */
export class Broken extends Error {}
/** The bytes may be right, but it cannot be told here. */
export class NotCheckable extends Error {}
/** The file could not be read at all. */
export class ReadFailed extends Error {}

/** Handbook reliability 13: header work on a foreign file stays within this much memory. */
export const headerBudgetBytes = 64 * 1024 * 1024
/** More members, tensors or rows of an index than any real artifact has; keeps hostile counts cheap. */
export const maxEntries = 200_000
const chunkBytes = 1024 * 1024

/** Bounded access to one file: exact reads on a header budget, content as a stream, abort at every read. */
export class Probe {
  readonly file: StructureFile
  readonly bytes: number
  readonly signal: AbortSignal
  readonly checks: string[] = []
  private spentBytes = 0

  constructor(file: StructureFile, signal: AbortSignal) {
    this.file = file
    this.bytes = file.bytes
    this.signal = signal
  }

  note(text: string): void {
    this.checks.push(text)
  }

  /** Exactly `length` bytes, charged to the header budget. */
  async take(offset: number, length: number, what: string): Promise<Uint8Array> {
    this.inside(offset, length, what)
    this.spentBytes += length
    if (this.spentBytes > headerBudgetBytes) throw new NotCheckable(`${what}: more than 64 MiB of headers`)
    return this.exact(offset, length)
  }

  /** Throws `Broken` when the range does not lie in the file. */
  inside(offset: number, length: number, what: string): void {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0)
      throw new Broken(`${what}: impossible offset or length`)
    if (offset + length > this.bytes) throw new Broken(`${what} reaches past the end of the file`)
  }

  /** Content in pieces of at most 1 MiB; not charged to the header budget. */
  async *stream(offset: number, length: number, what: string): AsyncGenerator<Uint8Array> {
    this.inside(offset, length, what)
    let at = offset
    const end = offset + length
    while (at < end) {
      const piece = await this.exact(at, Math.min(chunkBytes, end - at))
      at += piece.length
      yield piece
    }
  }

  private async exact(offset: number, length: number): Promise<Uint8Array> {
    this.signal.throwIfAborted()
    let got = await this.once(offset, length)
    if (got.length === length) return got
    const whole = new Uint8Array(length)
    let filled = 0
    for (;;) {
      if (got.length === 0 || got.length > length - filled) throw new Broken('the file is shorter than its size says')
      whole.set(got, filled)
      filled += got.length
      if (filled === length) return whole
      got = await this.once(offset + filled, length - filled)
    }
  }

  private async once(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0)
    try {
      return await this.file.read(offset, length)
    } catch (error) {
      throw new ReadFailed(error instanceof Error ? error.message : String(error))
    }
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A 64-bit little-endian count as a number; a value that no file can hold is broken, not rounded. */
export function u64(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Broken(`${what} is larger than any file`)
  return Number(value)
}

/** a × b × …, refusing what would overflow into a wrong small number. */
export function product(factors: readonly number[], what: string): number {
  let value = 1
  for (const factor of factors) {
    if (!Number.isSafeInteger(factor) || factor < 0) throw new Broken(`${what} holds an impossible number`)
    value *= factor
    if (!Number.isSafeInteger(value)) throw new Broken(`${what} is larger than any file`)
  }
  return value
}

export function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Reads a header front to back through a small window. Call `need` before the plain reads. */
export class Cursor {
  readonly probe: Probe
  readonly end: number
  private window: Uint8Array = new Uint8Array(0)
  private view: DataView = viewOf(this.window)
  private windowAt: number
  private next: number

  constructor(probe: Probe, start: number, end: number) {
    this.probe = probe
    this.end = end
    this.windowAt = start
    this.next = start
  }

  get at(): number {
    return this.next
  }

  has(length: number): boolean {
    return this.next >= this.windowAt && this.next + length <= this.windowAt + this.window.length
  }

  /** Makes `length` bytes readable; `Broken` when the range ends before. */
  async need(length: number, what: string): Promise<void> {
    if (this.has(length)) return
    if (!Number.isSafeInteger(length) || length < 0 || this.next + length > this.end)
      throw new Broken(`${what} is cut off`)
    this.window = await this.probe.take(this.next, Math.min(Math.max(length, 65_536), this.end - this.next), what)
    this.view = viewOf(this.window)
    this.windowAt = this.next
  }

  u8(): number {
    const value = this.view.getUint8(this.next - this.windowAt)
    this.next += 1
    return value
  }

  u32(): number {
    const value = this.view.getUint32(this.next - this.windowAt, true)
    this.next += 4
    return value
  }

  u64(what: string): number {
    const value = u64(this.view, this.next - this.windowAt, what)
    this.next += 8
    return value
  }

  slice(length: number): Uint8Array {
    const from = this.next - this.windowAt
    this.next += length
    return this.window.subarray(from, from + length)
  }

  /** Moves on without reading. */
  skip(length: number, what: string): void {
    if (!Number.isSafeInteger(length) || length < 0 || this.next + length > this.end)
      throw new Broken(`${what} is cut off`)
    this.next += length
  }
}
