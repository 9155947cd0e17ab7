import type { Names } from '../names.ts'
import { Fields, wire } from '../protobuf.ts'

/** First bytes of the fields `key`, `nested_key` and `value_json`; that of the last has a second one, 1. */
const keyTag = 0x0a
const nestedKeyTag = 0x12
const valueTag = 0x82

/** One `{key, nested_key, value_json}` of a history, summary or config record, taken apart in place. */
export class Item {
  /** Id of its name; -1 where it has none. */
  name = -1
  valueStart = 0
  valueEnd = 0
  private readonly fields = new Fields(Buffer.alloc(0))

  /** False where the bytes make no sense. `nested_key` counts where there is one (newer writers), else `key`. */
  read(names: Names, bytes: Buffer, start: number, end: number): boolean {
    return this.readShort(names, bytes, start, end) || this.readAny(names, bytes, start, end)
  }

  /**
   * The form that nearly all items have: one name of less than 128 bytes, then a value of less than 16 KiB, and nothing else.
   * A log has millions of them. False: it is of another form.
   */
  private readShort(names: Names, bytes: Buffer, start: number, end: number): boolean {
    const tag = bytes[start]
    if (tag !== nestedKeyTag && tag !== keyTag) return false
    const keyStart = start + 2
    const keyBytes = bytes[start + 1] as number
    let at = keyStart + keyBytes
    if (keyBytes === 0 || keyBytes > 0x7f || at + 3 > end) return false
    if (bytes[at] !== valueTag || bytes[at + 1] !== 1) return false
    let valueBytes = bytes[at + 2] as number
    at += 3
    if (valueBytes > 0x7f) {
      const high = bytes[at++] as number
      if (high > 0x7f) return false
      valueBytes = (valueBytes & 0x7f) | (high << 7)
    }
    if (at + valueBytes !== end) return false
    this.valueStart = at
    this.valueEnd = end
    this.name = names.id(bytes, keyStart, keyStart + keyBytes, 1)
    return true
  }

  private readAny(names: Names, bytes: Buffer, start: number, end: number): boolean {
    const fields = this.fields.over(bytes, start, end)
    let keyStart = 0
    let keyEnd = -1
    let parts = 0
    let tagged = 0
    let at = start
    this.valueStart = 0
    this.valueEnd = 0
    while (fields.next()) {
      if (fields.field === 16 && fields.wireType === wire.bytes) {
        this.valueStart = fields.start
        this.valueEnd = fields.end
      } else if (fields.field === 2 && fields.wireType === wire.bytes) {
        if (parts++ === 0) {
          tagged = at
          keyStart = fields.start
        }
        keyEnd = fields.end
      } else if (fields.field === 1 && parts === 0 && fields.wireType === wire.bytes) {
        keyStart = fields.start
        keyEnd = fields.end
      }
      at = fields.end
    }
    this.name = keyEnd <= keyStart ? -1 : names.id(bytes, parts > 1 ? tagged : keyStart, keyEnd, Math.max(1, parts))
    return !fields.isBroken
  }
}
