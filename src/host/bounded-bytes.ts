/** Keeps the first bytes of a stream and counts the rest. Memory is bounded by `limit`, whatever comes. */
export class BoundedBytes {
  readonly #limit: number
  readonly #chunks: Uint8Array[] = []
  #kept = 0
  total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: Uint8Array): void {
    this.total += chunk.byteLength
    const room = this.#limit - this.#kept
    if (room <= 0) return
    // A copy: a slice would keep the whole chunk alive.
    const part = chunk.byteLength <= room ? chunk : Uint8Array.prototype.slice.call(chunk, 0, room)
    this.#chunks.push(part)
    this.#kept += part.byteLength
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#kept)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.byteLength
    }
    return all
  }
}
