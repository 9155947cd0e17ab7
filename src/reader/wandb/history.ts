import { figureOf, jsonValue } from '../json-value.ts'
import type { Names } from '../names.ts'
import { Fields, wire } from '../protobuf.ts'
import type { Sink } from '../types.ts'
import { Item } from './item.ts'

const minus = 0x2d
const zero = 0x30
const nine = 0x39

/** What a name of a row stands for, beside the index of a metric. */
const column = { unknown: -5, step: -2, time: -3, none: -1 } as const
const own: Readonly<Record<string, number>> = { _step: column.step, _timestamp: column.time }

/** Rows of W&B's history. Values are decoded only where somebody wants them. */
export class HistoryRows {
  private readonly names: Names
  private readonly item = new Item()
  private readonly row = new Fields(Buffer.alloc(0))
  private readonly inner = new Fields(Buffer.alloc(0))
  /** Index of the sink's metric by the id of its name. */
  private targets = new Int32Array(64).fill(column.unknown)
  /** Figures of the row at hand; they can only be told when its step is known, which may stand last. */
  private metrics = new Int32Array(64)
  private values = new Float64Array(64)

  constructor(names: Names) {
    this.names = names
  }

  /** Another sink has other indices. */
  forget(): void {
    this.targets.fill(column.unknown)
  }

  /** One HistoryRecord. False where its bytes make no sense: then nothing of it is told. */
  read(buffer: Buffer, start: number, end: number, sink: Sink): boolean {
    const fields = this.row.over(buffer, start, end)
    let count = 0
    let step = Number.NaN
    let wallSeconds = Number.NaN
    while (fields.next()) {
      if (fields.wireType !== wire.bytes) continue
      if (fields.field === 2) {
        const inner = this.inner.over(buffer, fields.start, fields.end)
        while (inner.next()) if (inner.field === 1) step = inner.number()
        continue
      }
      if (fields.field !== 1) continue
      if (!this.item.read(this.names, buffer, fields.start, fields.end)) return false
      if (this.item.name < 0) continue
      const target = this.target(this.item.name, sink)
      if (target === column.none) continue
      const value = numberAt(buffer, this.item.valueStart, this.item.valueEnd)
      if (value === null) continue
      if (target === column.step) step = value
      else if (target === column.time) wallSeconds = value
      else {
        if (count === this.metrics.length) this.grow()
        this.metrics[count] = target
        this.values[count++] = value
      }
    }
    if (fields.isBroken) return false
    for (let i = 0; i < count; i++) {
      sink.point(this.metrics[i] as number, step, this.values[i] as number, wallSeconds)
    }
    return true
  }

  private target(name: number, sink: Sink): number {
    if (name >= this.targets.length) {
      const more = new Int32Array(Math.max(name + 1, this.targets.length * 2)).fill(column.unknown)
      more.set(this.targets)
      this.targets = more
    }
    const known = this.targets[name] as number
    if (known !== column.unknown) return known
    const path = this.names.path(name).join('.')
    const target = own[path] ?? (path.startsWith('_') ? column.none : sink.metric(path))
    this.targets[name] = target
    return target
  }

  private grow(): void {
    const metrics = new Int32Array(this.metrics.length * 2)
    metrics.set(this.metrics)
    const values = new Float64Array(this.values.length * 2)
    values.set(this.values)
    this.metrics = metrics
    this.values = values
  }
}

/** A figure in JSON as W&B writes it; null for anything else (histograms, media, texts). */
export function numberAt(buffer: Buffer, start: number, end: number): number | null {
  if (end <= start) return null
  const first = buffer[start] as number
  if (first === minus || (first >= zero && first <= nine)) {
    const value = Number(buffer.toString('latin1', start, end))
    // `Number` reads -Infinity as well; what is no figure for it is none.
    return Number.isNaN(value) ? null : value
  }
  if (end - start > 16) return null
  return figureOf(jsonValue(buffer.toString('latin1', start, end)))
}
