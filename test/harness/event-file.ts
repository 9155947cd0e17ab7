import { maskedCrc32c } from '../../src/reader/tfevents/crc32c.ts'

/** One TFRecord: length, its checksum, the payload, its checksum. */
export function tfRecord(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(12)
  head.writeBigUInt64LE(BigInt(payload.length))
  head.writeUInt32LE(maskedCrc32c(head, 0, 8), 8)
  const foot = Buffer.alloc(4)
  foot.writeUInt32LE(maskedCrc32c(payload))
  return Buffer.concat([head, payload, foot])
}

/** An event with one scalar, as TensorBoard's writers have it. */
export function scalarEvent(tag: string, step: number, value: number, wallSeconds = 1_700_000_000 + step): Buffer {
  const name = Buffer.from(tag)
  const body = Buffer.concat([Buffer.from([0x0a, name.length]), name, Buffer.from([0x15]), float(value)])
  const summary = Buffer.concat([Buffer.from([0x0a, body.length]), body])
  const time = Buffer.alloc(9)
  time[0] = 0x09
  time.writeDoubleLE(wallSeconds, 1)
  return Buffer.concat([time, Buffer.from([0x10]), varint(step), Buffer.from([0x2a, summary.length]), summary])
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return Buffer.from([...bytes, rest])
}
