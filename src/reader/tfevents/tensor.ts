import { type Fields, wire } from '../protobuf.ts'

/** Kinds of numbers in a TensorProto that a scalar is written in. */
const kind = { float: 1, double: 2, int32: 3, int64: 9 } as const

/** The one number of a tensor of rank 0; null for any other tensor (handbook compare 4.2). */
export function scalarOf(tensor: Fields): number | null {
  let type = 0
  let figure: number | null = null
  let count = 0
  let contentStart = -1
  let contentEnd = -1
  while (tensor.next()) {
    if (tensor.field === 1) type = tensor.number()
    else if (tensor.field === 2) {
      // Any dimension makes it something else than a scalar.
      const shape = tensor.message()
      while (shape.next()) if (shape.field === 2) return null
    } else if (tensor.field === 4) {
      contentStart = tensor.start
      contentEnd = tensor.end
    } else if (tensor.field === 5 || tensor.field === 6) {
      const width = tensor.field === 5 ? 4 : 8
      const isPacked = tensor.wireType === wire.bytes
      count += isPacked ? (tensor.end - tensor.start) / width : 1
      if (tensor.end - tensor.start >= width) {
        figure = width === 4 ? tensor.bytes.readFloatLE(tensor.start) : tensor.bytes.readDoubleLE(tensor.start)
      }
    } else if (tensor.field === 7 || tensor.field === 10) {
      if (tensor.wireType === wire.varint) figure = tensor.number()
      else {
        const packed = firstVarint(tensor)
        if (packed === null) return null
        figure = packed
      }
      count++
    }
  }
  if (tensor.isBroken) return null
  if (contentStart >= 0 && contentEnd > contentStart) {
    const bytes = contentEnd - contentStart
    if (type === kind.float && bytes === 4) return tensor.bytes.readFloatLE(contentStart)
    if (type === kind.double && bytes === 8) return tensor.bytes.readDoubleLE(contentStart)
    if (type === kind.int32 && bytes === 4) return tensor.bytes.readInt32LE(contentStart)
    if (type === kind.int64 && bytes === 8) return Number(tensor.bytes.readBigInt64LE(contentStart))
    return null
  }
  return count === 1 ? figure : null
}

/** The number of a packed list of exactly one. */
function firstVarint(tensor: Fields): number | null {
  const { bytes, start, end } = tensor
  for (let at = start; at < end; at++) {
    if ((bytes[at] as number) < 0x80) return at + 1 === end ? varintAt(bytes, start, end) : null
  }
  return null
}

function varintAt(bytes: Buffer, start: number, end: number): number {
  let value = 0n
  for (let at = start; at < end; at++) value |= BigInt((bytes[at] as number) & 0x7f) << BigInt(7 * (at - start))
  return Number(BigInt.asIntN(64, value))
}
