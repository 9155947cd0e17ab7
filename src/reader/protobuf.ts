/** Wire types of protobuf that are in use. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Walks over the fields of one protobuf message without making an object of each. Unknown fields are passed by their wire
 * type, so that a message of a newer writer is read as well. Ends with `isBroken` where the bytes are no message.
 */
export class Fields {
  /** Number of the field that `next` came to. */
  field = 0
  wireType = 0
  /** Of a field with bytes: where they begin and end. */
  start = 0
  end = 0
  isBroken = false
  bytes: Buffer
  private at: number
  private stop: number

  constructor(bytes: Buffer, start = 0, stop = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.stop = stop
  }

  /** Begins anew, over a part of these bytes. */
  over(bytes: Buffer, start: number, stop: number): this {
    this.bytes = bytes
    this.at = start
    this.stop = stop
    this.isBroken = false
    return this
  }

  /** Goes to the next field. False at the end, or where the bytes make no sense. */
  next(): boolean {
    if (this.at >= this.stop) return false
    const tag = this.varint()
    this.field = tag >>> 3
    this.wireType = tag & 7
    this.start = this.at
    if (this.wireType === wire.bytes) {
      const length = this.varint()
      this.start = this.at
      this.end = this.at + length
    } else if (this.wireType === wire.varint) {
      this.skipVarint()
      this.end = this.at
    } else if (this.wireType === wire.fixed64) this.end = this.at + 8
    else if (this.wireType === wire.fixed32) this.end = this.at + 4
    else this.isBroken = true
    if (this.field === 0 || this.end > this.stop || !(this.end >= this.start)) this.isBroken = true
    if (this.isBroken) return false
    this.at = this.end
    return true
  }

  /** The field that `next` came to, as a number; whole ones beyond 2^53 lose their last digits. Signed as int64. */
  number(): number {
    if (this.wireType === wire.fixed64) return this.bytes.readDoubleLE(this.start)
    if (this.wireType === wire.fixed32) return this.bytes.readFloatLE(this.start)
    let low = 0
    let high = 0
    let shift = 0
    for (let at = this.start; at < this.end; at++) {
      const part = (this.bytes[at] as number) & 0x7f
      if (shift < 28) low |= part << shift
      else if (shift === 28) {
        low |= (part & 0x0f) << 28
        high |= part >>> 4
      } else high |= part << (shift - 32)
      shift += 7
    }
    return (high | 0) * 4_294_967_296 + (low >>> 0)
  }

  text(): string {
    return this.bytes.toString('utf8', this.start, this.end)
  }

  /** A reader over the message that the field holds. */
  message(): Fields {
    return new Fields(this.bytes, this.start, this.end)
  }

  /** A length or a tag. */
  private varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      if (this.at >= this.stop) break
      const part = this.bytes[this.at++] as number
      value += (part & 0x7f) * factor
      if (part < 0x80) return value
    }
    this.isBroken = true
    return 0
  }

  private skipVarint(): void {
    for (let count = 0; count < 10 && this.at < this.stop; count++) {
      if ((this.bytes[this.at++] as number) < 0x80) return
    }
    this.isBroken = true
  }
}
