import { BoundedBytes } from '../bounded-bytes.ts'

/** Noise before the begin that is kept, to show why nothing began. */
const maxNoiseBytes = 4096
/** Longer than any begin line of ours. */
const maxLineBytes = 256

/** One output stream of a command: what comes after its begin line, as it comes. What comes before is of rc files. */
export class BeginStream {
  readonly #begin: Buffer
  readonly #listener: (chunk: Buffer) => void
  readonly #noise = new BoundedBytes(maxNoiseBytes)
  #held: Buffer = Buffer.alloc(0)
  /** Words after `begin`; null while it has not come. */
  begun: readonly string[] | null = null

  constructor(mark: string, listener: (chunk: Buffer) => void) {
    this.#begin = Buffer.from(`${mark} begin`)
    this.#listener = listener
  }

  noise(): string {
    return new TextDecoder().decode(this.#noise.bytes()).trim()
  }

  take(chunk: Buffer): void {
    if (this.begun !== null) {
      this.#listener(chunk)
      return
    }
    const bytes = this.#held.byteLength === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const at = bytes.indexOf(this.#begin)
    const end = at < 0 ? -1 : bytes.indexOf('\n', at + this.#begin.byteLength)
    if (end < 0) {
      // A begin may be in two chunks; before it, noise of any length may come.
      const keep = at < 0 ? Math.max(0, bytes.byteLength - this.#begin.byteLength) : at
      const from = Math.max(keep, bytes.byteLength - maxLineBytes)
      this.#noise.add(bytes.subarray(0, from))
      this.#held = Buffer.from(bytes.subarray(from))
      return
    }
    this.#noise.add(bytes.subarray(0, at))
    this.#held = Buffer.alloc(0)
    this.begun = bytes
      .toString('latin1', at + this.#begin.byteLength, end)
      .trim()
      .split(' ')
    if (end + 1 < bytes.byteLength) this.#listener(bytes.subarray(end + 1))
  }

  /** No more comes. */
  flush(): void {
    if (this.begun === null) this.#noise.add(this.#held)
    this.#held = Buffer.alloc(0)
  }
}
