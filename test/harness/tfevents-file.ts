import { tfRecord } from './event-file.ts'
import { bytesField, numberField } from './wandb-log.ts'

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
