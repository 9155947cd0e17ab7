import { Broken } from './kit.ts'

export type ThriftValue = number | boolean | Uint8Array | readonly ThriftValue[] | ThriftStruct | null
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

const maxDepth = 32
const maxValues = 2_000_000

/** Asked for more bytes than there are: the caller may come back with a longer window. */
export class ThriftCut extends Broken {}

/** Thrift's compact protocol, as far as Parquet uses it: values by field number, nothing interpreted. */
export class ThriftReader {
  at: number
  private readonly bytes: Uint8Array
  private left = maxValues

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  struct(depth = 0): ThriftStruct {
    if (depth > maxDepth) throw new Broken('the footer is nested too deep')
    const fields = new Map<number, ThriftValue>()
    let id = 0
    for (;;) {
      const head = this.byte()
      const type = head & 0x0f
      if (type === 0) {
        if (head !== 0) throw new Broken('the footer holds a damaged field')
        return fields
      }
      const delta = head >> 4
      id = delta === 0 ? this.zigzag() : id + delta
      if (fields.has(id)) throw new Broken('the footer holds a field twice')
      fields.set(id, type === 1 ? true : type === 2 ? false : this.value(type, depth))
    }
  }

  private value(type: number, depth: number): ThriftValue {
    this.left -= 1
    if (this.left < 0) throw new Broken('the footer holds too many values')
    if (type === 1 || type === 2) return this.byte() === 1
    if (type === 3) return this.byte()
    if (type >= 4 && type <= 6) return this.zigzag()
    if (type === 7) return this.skip(8)
    if (type === 8) {
      const length = this.varint()
      const from = this.at
      this.skip(length)
      return this.bytes.subarray(from, from + length)
    }
    if (type === 9 || type === 10) return this.list(depth)
    if (type === 11) return this.map(depth)
    if (type === 12) return this.struct(depth + 1)
    throw new Broken('the footer holds an unknown type')
  }

  private list(depth: number): readonly ThriftValue[] {
    const head = this.byte()
    const size = head >> 4 === 15 ? this.varint() : head >> 4
    if (size > this.bytes.length - this.at) throw new ThriftCut('a list of the footer is longer than the footer')
    const type = head & 0x0f
    return Array.from({ length: size }, () => this.value(type, depth + 1))
  }

  private map(depth: number): null {
    const size = this.varint()
    if (size === 0) return null
    if (size > this.bytes.length - this.at) throw new ThriftCut('a map of the footer is longer than the footer')
    const types = this.byte()
    for (let i = 0; i < size; i += 1) {
      this.value(types >> 4, depth + 1)
      this.value(types & 0x0f, depth + 1)
    }
    return null
  }

  private byte(): number {
    const value = this.bytes[this.at]
    if (value === undefined) throw new ThriftCut('the footer is cut off')
    this.at += 1
    return value
  }

  private skip(length: number): null {
    if (length < 0 || this.at + length > this.bytes.length) throw new ThriftCut('the footer is cut off')
    this.at += length
    return null
  }

  private varint(): number {
    return Number(this.wide())
  }

  private zigzag(): number {
    const value = this.wide()
    return Number(value & 1n ? -((value + 1n) >> 1n) : value >> 1n)
  }

  private wide(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        return value & 0xffffffffffffffffn
      }
    }
    throw new Broken('the footer holds a number that does not end')
  }
}
