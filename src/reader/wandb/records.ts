import { jsonValue } from '../json-value.ts'
import { Names } from '../names.ts'
import { Fields, wire } from '../protobuf.ts'
import type { Facts, Sink } from '../types.ts'
import { HistoryRows } from './history.ts'
import { Summaries } from './summaries.ts'

/** Fields of `Record` that are read; all others are passed by their wire type (handbook compare 4.1). */
const record = { history: 2, summary: 3, config: 5, alert: 9, metric: 12, run: 17, exit: 18, environment: 26 } as const

/** Takes the records of one W&B log and says to a sink what they mean. */
export class WandbRecords {
  /** Records whose bytes are no message: counted, never a reason to stop. */
  broken = 0
  hasExit = false
  private readonly names = new Names()
  private readonly rows = new HistoryRows(this.names)
  private readonly summaries = new Summaries(this.names)
  private readonly top = new Fields(Buffer.alloc(0))

  forgetMetrics(): void {
    this.rows.forget()
  }

  take(buffer: Buffer, start: number, end: number, sink: Sink): void {
    const top = this.top.over(buffer, start, end)
    while (top.next()) {
      if (top.wireType !== wire.bytes) continue
      if (top.field === record.history) {
        if (!this.rows.read(buffer, top.start, top.end, sink)) this.broken++
        return
      }
      if (top.field === record.summary) {
        if (!this.summaries.read(buffer, top.start, top.end)) this.broken++
        return
      }
      const body = top.message()
      if (top.field === record.config) this.config(body, sink)
      else if (top.field === record.metric) metricOf(body, sink)
      else if (top.field === record.run) this.run(body, sink)
      else if (top.field === record.exit) this.exit(body, sink)
      else if (top.field === record.environment) sink.facts(environmentOf(body))
      else if (top.field === record.alert) alertOf(body, sink)
      else continue
      if (body.isBroken) this.broken++
      return
    }
    if (top.isBroken) this.broken++
  }

  /** A piece of the file was read; its bytes go. */
  endPiece(): void {
    this.summaries.settle()
  }

  /** Says what the tracker's own summary is now. */
  tellSummary(sink: Sink): void {
    this.summaries.tell(sink)
  }

  private config(body: Fields, sink: Sink): void {
    while (body.next()) {
      if (body.field !== 1 && body.field !== 2) continue
      const item = itemOf(body.message())
      if (item.path[0] === '_wandb' || item.path.length === 0) continue
      sink.config(item.path, body.field === 2 || item.value === null ? undefined : jsonValue(item.value))
    }
  }

  private run(body: Fields, sink: Sink): void {
    const facts: { -readonly [K in keyof Facts]: Facts[K] } = {}
    const tags: string[] = []
    while (body.next()) {
      if (body.field === 1) facts.id = body.text()
      else if (body.field === 3) facts.project = body.text()
      else if (body.field === 4) this.config(body.message(), sink)
      else if (body.field === 6) facts.group = body.text()
      else if (body.field === 8) facts.name = body.text()
      else if (body.field === 9) facts.notes = body.text()
      else if (body.field === 10) tags.push(body.text())
      else if (body.field === 13) facts.host = body.text()
      else if (body.field === 17) {
        const seconds = numberIn(body.message(), 1)
        if (seconds !== null) facts.startedAtMs = seconds * 1000
      } else if (body.field === 21) {
        const commit = textIn(body.message(), 2)
        if (commit !== null && commit !== '') facts.commit = commit
      }
    }
    if (tags.length > 0) facts.tags = tags
    sink.facts(facts)
  }

  private exit(body: Fields, sink: Sink): void {
    let code = 0
    while (body.next()) if (body.field === 1) code = body.number()
    this.hasExit = true
    sink.facts({ exitCode: code, state: code === 0 ? 'finished' : 'failed' })
  }
}

interface Item {
  readonly path: readonly string[]
  readonly value: string | null
}

/** `nested_key` where there is one (newer writers), else `key`; the value is JSON. */
function itemOf(item: Fields): Item {
  const nested: string[] = []
  let key = ''
  let value: string | null = null
  while (item.next()) {
    if (item.field === 1) key = item.text()
    else if (item.field === 2) nested.push(item.text())
    else if (item.field === 16) value = item.text()
  }
  return { path: nested.length > 0 ? nested : key === '' ? [] : [key], value }
}

function textIn(message: Fields, field: number): string | null {
  let found: string | null = null
  while (message.next()) if (message.field === field && message.wireType === wire.bytes) found = message.text()
  return found
}

function numberIn(message: Fields, field: number): number | null {
  let found: number | null = null
  while (message.next()) if (message.field === field && message.wireType !== wire.bytes) found = message.number()
  return found
}

/** A goal that was set; else what its summary keeps of it says which way is better. */
function metricOf(body: Fields, sink: Sink): void {
  let name = ''
  let goal = 0
  let keepsLeast = false
  let keepsMost = false
  while (body.next()) {
    if (body.field === 1) name = body.text()
    else if (body.field === 8) goal = body.number()
    else if (body.field === 7) {
      const kept = body.message()
      while (kept.next()) {
        if (kept.field === 1) keepsLeast = kept.number() !== 0
        if (kept.field === 2) keepsMost = kept.number() !== 0
      }
    }
  }
  if (name === '') return
  if (goal === 1 || goal === 2) sink.direction(name, goal === 1 ? 'lower' : 'higher', 'wandb goal')
  else if (keepsLeast !== keepsMost) sink.direction(name, keepsLeast ? 'lower' : 'higher', 'wandb summary')
}

function environmentOf(body: Fields): Facts {
  const facts: { -readonly [K in keyof Facts]: Facts[K] } = {}
  const args: string[] = []
  while (body.next()) {
    if (body.field === 1) facts.os = body.text()
    else if (body.field === 2) facts.python = body.text()
    else if (body.field === 5) args.push(body.text())
    else if (body.field === 6) facts.program = body.text()
    else if (body.field === 9) {
      const commit = textIn(body.message(), 2)
      if (commit !== null && commit !== '') facts.commit = commit
    } else if (body.field === 12) facts.host = body.text()
    else if (body.field === 18) facts.gpu = body.text()
    else if (body.field === 19) facts.gpuCount = body.number()
    else if (body.field === 25) facts.cuda = body.text()
  }
  if (args.length > 0) facts.args = args
  return facts
}

function alertOf(body: Fields, sink: Sink): void {
  let title = ''
  let more = ''
  while (body.next()) {
    if (body.field === 1) title = body.text()
    else if (body.field === 2) more = body.text()
  }
  sink.event({ kind: 'alert', step: null, wallSeconds: null, text: [title, more].filter(Boolean).join(': ') })
}
