import type { Checker } from './kit.ts'
import { Broken, Cursor, maxEntries, NotCheckable, product, startsWith } from './kit.ts'

/** Elements and bytes of one block, by ggml type number. */
const blocks: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  9: [32, 36],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  15: [256, 292],
  16: [256, 66],
  17: [256, 74],
  18: [256, 98],
  19: [256, 50],
  20: [32, 18],
  21: [256, 110],
  22: [256, 82],
  23: [256, 136],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  29: [256, 56],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
  39: [32, 17],
}
/** Bytes of the scalar metadata types 0 to 7 and 10 to 12; 8 is a string, 9 a list. */
const scalarBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

interface Tensor {
  readonly offset: number
  /** Null: a type that kx does not know. */
  readonly bytes: number | null
}

class GgufReader {
  readonly cursor: Cursor
  alignment = 32

  constructor(cursor: Cursor) {
    this.cursor = cursor
  }

  async string(what: string): Promise<Uint8Array> {
    if (!this.cursor.has(8)) await this.cursor.need(8, what)
    const length = this.cursor.u64(what)
    if (!this.cursor.has(length)) await this.cursor.need(length, what)
    return this.cursor.slice(length)
  }

  async value(type: number, depth: number): Promise<number | null> {
    if (depth > 4) throw new Broken('metadata is nested too deep')
    if (type === 8) {
      await this.string('a metadata string')
      return null
    }
    if (type === 9) {
      await this.cursor.need(12, 'a metadata list')
      const itemType = this.cursor.u32()
      const length = this.cursor.u64('a metadata list')
      const fixed = scalarBytes[itemType]
      if (fixed !== undefined) this.cursor.skip(product([length, fixed], 'a metadata list'), 'a metadata list')
      else for (let i = 0; i < length; i += 1) await this.value(itemType, depth + 1)
      return null
    }
    const size = scalarBytes[type]
    if (size === undefined) throw new Broken(`metadata of unknown type ${type}`)
    await this.cursor.need(size, 'a metadata value')
    if (type === 4) return this.cursor.u32()
    this.cursor.skip(size, 'a metadata value')
    return null
  }

  async metadata(): Promise<void> {
    const key = new TextDecoder('latin1').decode(await this.string('a metadata key'))
    await this.cursor.need(4, 'a metadata type')
    const value = await this.value(this.cursor.u32(), 0)
    if (key !== 'general.alignment') return
    if (value === null || value === 0 || (value & (value - 1)) !== 0)
      throw new Broken('the alignment is no power of two')
    this.alignment = value
  }

  async tensor(): Promise<Tensor> {
    await this.string('a tensor name')
    await this.cursor.need(4, 'a tensor')
    const dimensionCount = this.cursor.u32()
    if (dimensionCount > 8) throw new Broken('a tensor with more than 8 dimensions')
    await this.cursor.need(dimensionCount * 8 + 12, 'a tensor')
    const shape = Array.from({ length: dimensionCount }, () => this.cursor.u64('a tensor shape'))
    const block = blocks[this.cursor.u32()]
    const offset = this.cursor.u64('a tensor offset')
    if (block === undefined) return { offset, bytes: null }
    const elements = product(shape, 'a tensor shape')
    if (elements % block[0] !== 0) throw new Broken('a tensor that does not fill its blocks')
    return { offset, bytes: product([elements / block[0], block[1]], 'a tensor') }
  }
}

/** Magic, counts, metadata and tensor list walked; tensors aligned, without overlap, ending at the end of the file. */
export const checkGguf: Checker = async (probe) => {
  const cursor = new Cursor(probe, 0, probe.bytes)
  await cursor.need(24, 'header')
  if (!startsWith(cursor.slice(4), 'GGUF')) throw new Broken('the GGUF signature is missing')
  const version = cursor.u32()
  if (version !== 2 && version !== 3) throw new NotCheckable(`GGUF version ${version} is not known here`)
  const tensorCount = cursor.u64('tensor count')
  const metadataCount = cursor.u64('metadata count')
  if (tensorCount * 24 + metadataCount * 13 > probe.bytes) throw new Broken('more entries than the file can hold')
  if (tensorCount > maxEntries || metadataCount > maxEntries) throw new NotCheckable(`more than ${maxEntries} entries`)
  const reader = new GgufReader(cursor)
  for (let i = 0; i < metadataCount; i += 1) await reader.metadata()
  const tensors: Tensor[] = []
  for (let i = 0; i < tensorCount; i += 1) tensors.push(await reader.tensor())
  const { alignment } = reader
  const pad = (n: number) => Math.ceil(n / alignment) * alignment
  const dataAt = pad(cursor.at)
  tensors.sort((a, b) => a.offset - b.offset)
  let next = 0
  for (const tensor of tensors) {
    if (tensor.offset % alignment !== 0) throw new Broken('a tensor that is not aligned')
    if (tensor.offset < next) throw new Broken('tensors overlap')
    probe.inside(dataAt + tensor.offset, tensor.bytes ?? 0, 'a tensor')
    next = tensor.offset + (tensor.bytes ?? 0)
  }
  if (tensors.some((tensor) => tensor.bytes === null)) throw new NotCheckable('a tensor type that kx does not know')
  if (tensors.length > 0 && probe.bytes !== dataAt + next && probe.bytes !== dataAt + pad(next))
    throw new Broken(`tensors end at byte ${dataAt + next}, the file has ${probe.bytes}`)
  if (tensors.length === 0 && probe.bytes !== cursor.at && probe.bytes !== dataAt)
    throw new Broken('something follows the header')
  probe.note(`${metadataCount} metadata entries, ${tensorCount} tensors, none overlap, the last ends with the file`)
  return { checksums: 'none' }
}
