import { appendFileSync, closeSync, constants, openSync } from 'node:fs'

/** More pieces than this are made into one, so that a flood of single bytes does not cost a hundred times its size. */
const mostPieces = 2048

export interface StoreOptions {
  /** Kept of each stream, the newest. */
  readonly keptBytes: number
  /** Where everything goes that comes after the limit is passed, and what was held before it; null: it is dropped. */
  readonly spillPath: string | null
}

/**
 * What zx keeps of one stream: an array of chunks, as it wants one, that holds the newest bytes. What no longer fits is
 * written to a file, whole and from the first byte, and a line at the beginning says so. Foreign bytes: whoever shows
 * them sanitises.
 */
export class RingOfChunks extends Array<Buffer> {
  readonly #options: StoreOptions
  #kept = 0
  #total = 0
  #file: number | null = null
  #spillError: string | null = null
  #hasNote = false

  constructor(options: StoreOptions) {
    super()
    this.#options = options
  }

  // Whatever makes an array of this one (map, slice) wants a plain one.
  static override get [Symbol.species]() {
    return Array
  }

  get totalBytes(): number {
    return this.#total
  }

  /** Bytes that are not held any more. */
  get droppedBytes(): number {
    return this.#total - this.#kept
  }

  /** The file with all of it; null when everything is still held, or nothing could be written. */
  get spillPath(): string | null {
    return this.#file === null || this.#spillError !== null ? null : this.#options.spillPath
  }

  override push(...chunks: (Buffer | string)[]): number {
    for (const chunk of chunks) this.#take(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    return this.length
  }

  close(): void {
    if (this.#file === null) return
    closeSync(this.#file)
    // The number may be another file's by now.
    this.#file = -1
  }

  #take(chunk: Buffer): void {
    this.#total += chunk.byteLength
    this.#kept += chunk.byteLength
    const { keptBytes } = this.#options
    if (this.#file === null && this.#kept > keptBytes) this.#openSpill()
    this.#spill(chunk)
    super.push(chunk)
    if (this.length > mostPieces) this.#join()
    if (this.#kept > keptBytes) this.#trim()
  }

  #openSpill(): void {
    const path = this.#options.spillPath
    if (path === null) return
    try {
      this.#file = openSync(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      )
      for (const held of this) appendFileSync(this.#file, held)
    } catch (error) {
      this.#spillError = error instanceof Error ? error.message : String(error)
    }
  }

  #spill(chunk: Buffer): void {
    if (this.#file === null || this.#file < 0 || this.#spillError !== null) return
    try {
      appendFileSync(this.#file, chunk)
    } catch (error) {
      // A full disk here must not end the command there; that the file is not whole is said in the note.
      this.#spillError = error instanceof Error ? error.message : String(error)
    }
  }

  #trim(): void {
    if (this.#hasNote) this.shift()
    let over = this.#kept - this.#options.keptBytes
    this.#kept -= over
    while (over > 0) {
      const first = this[0] as Buffer
      if (first.byteLength <= over) {
        this.shift()
        over -= first.byteLength
      } else {
        // A copy: a slice would keep the whole chunk alive.
        this[0] = Buffer.from(first.subarray(over))
        over = 0
      }
    }
    this.unshift(Buffer.from(this.#note()))
    this.#hasNote = true
  }

  #join(): void {
    const notes = this.#hasNote ? [this[0] as Buffer] : []
    const whole = Buffer.concat([...this].slice(notes.length))
    this.length = 0
    super.push(...notes, whole)
  }

  #note(): string {
    const where =
      this.#spillError !== null
        ? `and could not be written to a file: ${this.#spillError}`
        : this.spillPath === null
          ? 'and were dropped'
          : `all of it is in ${this.spillPath}`
    return `[kx: the first ${this.droppedBytes} bytes are not held here, ${where}]\n`
  }
}

export interface BoundedStore {
  readonly stdout: RingOfChunks
  readonly stderr: RingOfChunks
  readonly stdall: RingOfChunks
}

/** A store for one command. Without a limit of its own zx would keep every byte, twice. */
export function boundedStore(keptBytes: number, spillBase: string | null): BoundedStore {
  const of = (name: string) =>
    new RingOfChunks({ keptBytes, spillPath: spillBase === null ? null : `${spillBase}.${name}` })
  return { stdout: of('stdout'), stderr: of('stderr'), stdall: new RingOfChunks({ keptBytes, spillPath: null }) }
}
