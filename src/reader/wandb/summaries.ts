import { jsonValue } from '../json-value.ts'
import type { Names } from '../names.ts'
import { Fields, wire } from '../protobuf.ts'
import type { Sink } from '../types.ts'
import { Item } from './item.ts'

/**
 * The last state of W&B's summary. Its records come twice a step and are about half of a log, so of each name only the
 * place of its last value is kept, and decoded when a piece of the file ends.
 */
export class Summaries {
  private readonly names: Names
  private readonly item = new Item()
  private readonly fields = new Fields(Buffer.alloc(0))
  private readonly places = new Map<number, { buffer: Buffer; start: number; end: number }>()
  /** By the id of the name: JSON, or null where it was taken away. */
  private readonly changed = new Map<number, string | null>()

  constructor(names: Names) {
    this.names = names
  }

  /** One SummaryRecord. False where its bytes make no sense. */
  read(buffer: Buffer, start: number, end: number): boolean {
    const fields = this.fields.over(buffer, start, end)
    while (fields.next()) {
      if (fields.wireType !== wire.bytes || (fields.field !== 1 && fields.field !== 2)) continue
      const { item } = this
      if (!item.read(this.names, buffer, fields.start, fields.end)) return false
      if (item.name < 0) continue
      const isRemoved = fields.field === 2
      const place = this.places.get(item.name)
      const valueStart = isRemoved ? -1 : item.valueStart
      if (place === undefined) this.places.set(item.name, { buffer, start: valueStart, end: item.valueEnd })
      else {
        place.buffer = buffer
        place.start = valueStart
        place.end = item.valueEnd
      }
    }
    return !fields.isBroken
  }

  /** The bytes will not be there any longer. */
  settle(): void {
    for (const [name, { buffer, start, end }] of this.places) {
      this.changed.set(name, start < 0 ? null : buffer.toString('utf8', start, end))
    }
    this.places.clear()
  }

  /** Says what has changed since it was last told. Names with a leading underscore are the tracker's own. */
  tell(sink: Sink): void {
    this.settle()
    for (const [name, value] of this.changed) {
      const path = this.names.path(name)
      if (path[0]?.startsWith('_') !== true) sink.summary(path, value === null ? undefined : jsonValue(value))
    }
    this.changed.clear()
  }
}
