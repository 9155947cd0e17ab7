import { type Fields, wire } from '../protobuf.ts'
import type { Sink } from '../types.ts'

/** Settings in what the HParams plugin wrote beside a tag (handbook compare 4.2). */
export function hparamsOf(content: Fields, sink: Sink): void {
  while (content.next()) {
    // session_start_info
    if (content.field !== 3 || content.wireType !== wire.bytes) continue
    const session = content.message()
    while (session.next()) {
      if (session.field === 4 && session.wireType === wire.bytes) sink.facts({ group: session.text() })
      if (session.field === 5 && session.wireType === wire.fixed64) sink.facts({ startedAtMs: session.number() * 1000 })
      if (session.field !== 1 || session.wireType !== wire.bytes) continue
      const entry = session.message()
      let key = ''
      let value: unknown
      while (entry.next()) {
        if (entry.field === 1) key = entry.text()
        else if (entry.field === 2) value = settingOf(entry.message())
      }
      if (key !== '') sink.config([key], value ?? null)
    }
  }
}

/** A google.protobuf.Value, as far as settings use it. */
function settingOf(message: Fields): unknown {
  let value: unknown = null
  while (message.next()) {
    if (message.field === 2) value = message.number()
    else if (message.field === 3) value = message.text()
    else if (message.field === 4) value = message.number() !== 0
    else if (message.field === 6 && message.wireType === wire.bytes) {
      const items: unknown[] = []
      const list = message.message()
      while (list.next()) if (list.field === 1) items.push(settingOf(list.message()))
      value = items
    }
  }
  return value
}
