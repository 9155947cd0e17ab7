import { createHash, type Hash, hash } from 'node:crypto'
import type { JournalKind, JournalRecord } from './types.ts'

/** `previous` of the first line. */
export const noPrevious = '0'.repeat(64)

/** Largest line that is written; a larger one belongs in a file under `evidence/`. */
export const maxLineBytes = 4 * 1024 * 1024

export const sha256Hex = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

/** The bytes of one line, newline included. `previous` is the hash of the line before, without its newline. */
export function encodeLine(record: JournalRecord): Uint8Array {
  const { v, sequence, fence, previous, atMs, kind, payload } = record
  return Buffer.from(`${JSON.stringify({ v, sequence, fence, previous, atMs, kind, payload })}\n`)
}

/** Reads one line; the answer is a record or the reason why it is none. Never throws. */
export function parseLine(bytes: Uint8Array): { readonly record: JournalRecord } | { readonly error: string } {
  let value: unknown
  try {
    // A view of the same bytes: a copy of every line costs as much as parsing it.
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    return { error: 'is not JSON' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { error: 'is not a record' }
  const r = value as Record<string, unknown>
  if (r.v !== 1) return { error: `has version ${JSON.stringify(r.v)}, this kx reads version 1` }
  if (!Number.isSafeInteger(r.sequence) || (r.sequence as number) < 1) return { error: 'has no sequence' }
  if (!Number.isSafeInteger(r.fence) || (r.fence as number) < 1) return { error: 'has no fence' }
  if (typeof r.previous !== 'string' || !/^[0-9a-f]{64}$/.test(r.previous)) return { error: 'has no previous hash' }
  if (typeof r.atMs !== 'number' || !Number.isFinite(r.atMs)) return { error: 'has no time' }
  if (typeof r.kind !== 'string') return { error: 'has no kind' }
  return {
    record: {
      v: 1,
      sequence: r.sequence as number,
      fence: r.fence as number,
      previous: r.previous,
      atMs: r.atMs,
      kind: r.kind as JournalKind,
      payload: r.payload,
    },
  }
}

/** Where the chain stopped being whole. */
export interface ChainBreak {
  /** Line number, from 1. */
  readonly line: number
  readonly why: string
}

/**
 * How far a journal has been read and checked. Only whole lines count: bytes after the last newline are a torn tail, or
 * a line that another process is writing just now.
 */
export class JournalCursor {
  /** Byte after the last whole line. */
  offset = 0
  line = 0
  sequence = 0
  fence = 0
  lastHash = noPrevious
  chainBreak: ChainBreak | null = null
  /** Over every byte that was taken; null: nobody asked for it. */
  #whole: Hash | null

  constructor(isHashing = false) {
    this.#whole = isHashing ? createHash('sha256') : null
  }

  /** A cursor at a place that was reached before, with the hash over the bytes up to there. */
  static at(
    place: Pick<JournalCursor, 'offset' | 'line' | 'sequence' | 'fence' | 'lastHash'>,
    whole: Hash,
  ): JournalCursor {
    const cursor = new JournalCursor()
    const { offset, line, sequence, fence, lastHash } = place
    Object.assign(cursor, { offset, line, sequence, fence, lastHash })
    cursor.#whole = whole
    return cursor
  }

  /** SHA-256 of every byte up to `offset`; null where it is not kept. */
  wholeSha256(): string | null {
    return this.#whole?.copy().digest('hex') ?? null
  }

  /** Takes whole lines from `bytes`, which begin at `offset`. Returns the records and the bytes left over. */
  take(bytes: Uint8Array): { readonly records: readonly JournalRecord[]; readonly leftBytes: number } {
    const records: JournalRecord[] = []
    let start = 0
    for (;;) {
      const end = bytes.indexOf(0x0a, start)
      if (end < 0) break
      const record = this.#line(bytes.subarray(start, end))
      if (record !== null) records.push(record)
      start = end + 1
    }
    this.#whole?.update(bytes.subarray(0, start))
    this.offset += start
    return { records, leftBytes: bytes.byteLength - start }
  }

  #line(bytes: Uint8Array): JournalRecord | null {
    this.line += 1
    const parsed = parseLine(bytes)
    if ('error' in parsed) {
      this.#broken(parsed.error)
      this.lastHash = sha256Hex(bytes)
      return null
    }
    const { record } = parsed
    if (record.previous !== this.lastHash) this.#broken('does not follow from the line before it')
    else if (record.sequence !== this.sequence + 1)
      this.#broken(`has sequence ${record.sequence} after ${this.sequence}`)
    this.lastHash = sha256Hex(bytes)
    this.sequence = record.sequence
    this.fence = Math.max(this.fence, record.fence)
    return record
  }

  #broken(why: string): void {
    this.chainBreak ??= { line: this.line, why }
  }
}
