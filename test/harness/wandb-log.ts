import { crc32 } from 'node:zlib'

const blockBytes = 32_768
const head = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00])

/** A W&B log of these records, cut into blocks as its writer does it. */
export function wandbLog(records: readonly Uint8Array[]): Buffer {
  const parts: Buffer[] = [head]
  let at = head.length
  const chunk = (type: number, payload: Uint8Array) => {
    const header = Buffer.alloc(7)
    header.writeUInt16LE(payload.length, 4)
    header[6] = type
    header.writeUInt32LE(crc32(Buffer.concat([header.subarray(6), payload])))
    parts.push(header, Buffer.from(payload))
    at += 7 + payload.length
  }
  for (const record of records) {
    let rest = record
    let isFirst = true
    do {
      let left = blockBytes - (at % blockBytes)
      if (left < 7) {
        parts.push(Buffer.alloc(left))
        at += left
        left = blockBytes
      }
      const piece = rest.subarray(0, left - 7)
      rest = rest.subarray(piece.length)
      const isLast = rest.length === 0
      chunk(isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3, piece)
      isFirst = false
    } while (rest.length > 0)
  }
  return Buffer.concat(parts)
}

/** Bytes of one protobuf field with a length. */
export function bytesField(field: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload as string)
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}

export function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** A history record as wandb-core writes it: every name in `nested_key`, the value as JSON. */
export function historyRecord(step: number, values: Readonly<Record<string, string>>): Buffer {
  const item = (key: string, json: string) => Buffer.concat([bytesField(2, key), bytesField(16, json)])
  const items = Object.entries({ _step: String(step), ...values }).map(([key, json]) => bytesField(1, item(key, json)))
  return bytesField(2, Buffer.concat([...items, bytesField(2, numberField(1, step))]))
}
