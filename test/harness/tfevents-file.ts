import { maskedCrc32c } from '../../src/reader/tfevents/crc32c.ts'
import { bytesField, numberField } from './wandb-log.ts'

/** One TFRecord: length, its checksum, the payload, the payload's checksum. */
export function tfRecord(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(payload.length)
  head.writeUInt32LE(maskedCrc32c(head, 0, 8), 8)
  const foot = Buffer.alloc(4)
  foot.writeUInt32LE(maskedCrc32c(payload))
  return Buffer.concat([head, payload, foot])
}

/** An event with one scalar a tag, as TensorBoard's writers had them before tensors. */
export function scalarEvent(step: number, values: Readonly<Record<string, number>>): Buffer {
  const wall = Buffer.alloc(9)
  wall[0] = 1 * 8 + 1
  wall.writeDoubleLE(1_700_000_000 + step, 1)
  const summary = Object.entries(values).map(([tag, value]) => {
    const figure = Buffer.alloc(5)
    figure[0] = 2 * 8 + 5
    figure.writeFloatLE(value, 1)
    return bytesField(1, Buffer.concat([bytesField(1, tag), figure]))
  })
  return Buffer.concat([wall, ...(step === 0 ? [] : [numberField(2, step)]), bytesField(5, Buffer.concat(summary))])
}

/** An event file: its version first, as every writer begins it. */
export function eventFile(events: readonly Uint8Array[]): Buffer {
  return Buffer.concat([tfRecord(bytesField(3, 'brain.Event:2')), ...events.map(tfRecord)])
}
