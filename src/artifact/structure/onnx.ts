import type { Checker, Probe } from './kit.ts'
import { Broken, Cursor, NotCheckable, product } from './kit.ts'

const maxFields = 1_000_000
/** Bytes per element by TensorProto.DataType; strings and packed 4-bit types are left out. */
const elementBytes: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  14: 8,
  15: 16,
  16: 2,
  17: 1,
  18: 1,
  19: 1,
  20: 1,
}

interface Field {
  readonly number: number
  readonly wire: number
  /** Varint value, or null. */
  readonly value: number | null
  /** Where the content of a length-delimited field lies. */
  readonly from: number
  readonly length: number
}

class Walk {
  readonly probe: Probe
  private left = maxFields

  constructor(probe: Probe) {
    this.probe = probe
  }

  /** Every field between two offsets; the last one must end exactly at `to`. */
  async *fields(from: number, to: number): AsyncGenerator<Field> {
    const cursor = new Cursor(this.probe, from, to)
    while (cursor.at < to) {
      this.left -= 1
      if (this.left < 0) throw new NotCheckable(`more than ${maxFields} fields`)
      const tag = await varint(cursor)
      const number = Math.floor(tag / 8)
      const wire = tag % 8
      if (number === 0) throw new Broken(`a field without a number at byte ${cursor.at}`)
      if (wire === 0) yield { number, wire, value: await varint(cursor), from: cursor.at, length: 0 }
      else if (wire === 2) {
        const length = await varint(cursor)
        const start = cursor.at
        cursor.skip(length, 'a field')
        yield { number, wire, value: null, from: start, length }
      } else if (wire === 1 || wire === 5) {
        cursor.skip(wire === 1 ? 8 : 4, 'a field')
        yield { number, wire, value: null, from: cursor.at, length: 0 }
      } else throw new Broken(`an unknown wire type at byte ${cursor.at}`)
    }
  }
}

/** Ten bytes at most; values beyond 2^53 are only ever negative numbers here and lose precision harmlessly. */
async function varint(cursor: Cursor): Promise<number> {
  let value = 0
  for (let i = 0; i < 10; i += 1) {
    if (!cursor.has(1)) await cursor.need(1, 'a number')
    const byte = cursor.u8()
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return value
  }
  throw new Broken('a number that does not end')
}

async function text(probe: Probe, field: Field): Promise<string> {
  if (field.length > 4096) throw new Broken('a name of more than 4096 bytes')
  return new TextDecoder('utf-8').decode(await probe.take(field.from, field.length, 'a name'))
}

async function externalFits(walk: Walk, entries: readonly Field[]): Promise<void> {
  const values = new Map<string, string>()
  for (const entry of entries) {
    let name = ''
    let value = ''
    for await (const field of walk.fields(entry.from, entry.from + entry.length)) {
      if (field.number === 1 && field.wire === 2) name = await text(walk.probe, field)
      if (field.number === 2 && field.wire === 2) value = await text(walk.probe, field)
    }
    values.set(name, value)
  }
  const location = values.get('location')
  if (location === undefined) throw new Broken('external data without a location')
  if (walk.probe.file.sibling === undefined) throw new NotCheckable('weights lie in another file')
  const found = await walk.probe.file.sibling(location)
  if (found === null) throw new Broken('the file with the external weights is missing')
  const end = Number(values.get('offset') ?? 0) + Number(values.get('length') ?? 0)
  if (!Number.isFinite(end) || end > found.bytes) throw new Broken('external weights reach past the end of their file')
}

/** One weight: its raw bytes must fit shape and type, or lie in a file that is there. */
async function checkTensor(walk: Walk, from: number, to: number): Promise<void> {
  const shape: number[] = []
  let type = 0
  let rawBytes: number | null = null
  let isExternal = false
  const external: Field[] = []
  for await (const field of walk.fields(from, to)) {
    if (field.number === 1 && field.value !== null) shape.push(field.value)
    else if (field.number === 1 && field.wire === 2) {
      const packed = new Cursor(walk.probe, field.from, field.from + field.length)
      while (packed.at < packed.end) shape.push(await varint(packed))
    } else if (field.number === 2 && field.value !== null) type = field.value
    else if (field.number === 9 && field.wire === 2) rawBytes = field.length
    else if (field.number === 13 && field.wire === 2) external.push(field)
    else if (field.number === 14) isExternal = field.value === 1
  }
  if (isExternal) return externalFits(walk, external)
  const size = elementBytes[type]
  if (rawBytes === null || size === undefined) return
  const expected = product([...shape, size], 'a weight')
  if (expected !== rawBytes) throw new Broken(`a weight has ${rawBytes} bytes, its shape asks ${expected}`)
}

async function checkGraph(walk: Walk, from: number, to: number): Promise<{ nodes: number; weights: number }> {
  let nodes = 0
  let weights = 0
  for await (const field of walk.fields(from, to)) {
    if (field.wire !== 2) continue
    if (field.number === 1) nodes += 1
    if (field.number === 5) {
      weights += 1
      await checkTensor(walk, field.from, field.from + field.length)
    }
  }
  return { nodes, weights }
}

/** Protobuf walked to the last byte, version and graph there, weights as large as their shapes, external files fit. */
export const checkOnnx: Checker = async (probe) => {
  if (probe.bytes === 0) throw new Broken('the file is empty')
  const walk = new Walk(probe)
  let version: number | null = null
  let graph: Field | null = null
  let opsets = 0
  for await (const field of walk.fields(0, probe.bytes)) {
    if (field.number === 1 && field.wire === 0) version = field.value
    else if (field.number === 8 && field.wire === 2) opsets += 1
    else if (field.number === 7 && field.wire === 2) {
      if (graph !== null) throw new Broken('two graphs')
      graph = field
    } else if (![2, 3, 4, 5, 6, 14, 20, 25, 26].includes(field.number))
      throw new Broken('a field that ONNX does not have')
  }
  if (version === null || version < 1 || version > 1000) throw new Broken('the format version is missing')
  if (graph === null) throw new Broken('the graph is missing')
  if (opsets === 0) throw new Broken('the operator set is missing')
  const { nodes, weights } = await checkGraph(walk, graph.from, graph.from + graph.length)
  probe.note(`wire format walked to the last byte: ${nodes} nodes, ${weights} weights of the right size`)
  return { checksums: 'none' }
}
