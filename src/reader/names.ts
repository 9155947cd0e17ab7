import { Fields } from './protobuf.ts'

/**
 * Names by their bytes. Writers put the names of a row in any order, and a string for each would cost more than all the rest;
 * so bytes are hashed (FNV-1a, 32 bit) and compared in place. A name of several parts is known by the bytes of all of them.
 */
export class Names {
  private table = new Int32Array(256).fill(-1)
  private readonly known: Buffer[] = []
  private readonly hashes: number[] = []
  private readonly parts: (readonly string[])[] = []

  get size(): number {
    return this.known.length
  }

  path(id: number): readonly string[] {
    return this.parts[id] as readonly string[]
  }

  /** Id of the name in these bytes: those of one part, or of several with the tags between them. */
  id(bytes: Buffer, start: number, end: number, parts: number): number {
    let hash = parts | 0
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
    const mask = this.table.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.table[slot] as number
      if (id === -1) return this.add(slot, hash, bytes, start, end, parts)
      if (this.hashes[id] === hash && isSame(this.known[id] as Buffer, bytes, start, end)) return id
    }
  }

  private add(slot: number, hash: number, bytes: Buffer, start: number, end: number, parts: number): number {
    const id = this.known.push(Buffer.from(bytes.subarray(start, end))) - 1
    this.hashes.push(hash)
    this.parts.push(pathOf(bytes, start, end, parts))
    this.table[slot] = id
    if (this.known.length * 2 > this.table.length) this.grow()
    return id
  }

  private grow(): void {
    this.table = new Int32Array(this.table.length * 2).fill(-1)
    const mask = this.table.length - 1
    for (let id = 0; id < this.hashes.length; id++) {
      let slot = (this.hashes[id] as number) & mask
      while (this.table[slot] !== -1) slot = (slot + 1) & mask
      this.table[slot] = id
    }
  }
}

/** Bytes of several parts begin with those of the first and go on with whole fields. */
function pathOf(bytes: Buffer, start: number, end: number, parts: number): readonly string[] {
  if (parts <= 1) return [bytes.toString('utf8', start, end)]
  const path: string[] = []
  const fields = new Fields(bytes, start, end)
  while (fields.next()) path.push(fields.text())
  return path
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
