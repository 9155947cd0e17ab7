import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { JournalCursor } from '../run/journal-line.ts'
import type { JournalRecord } from '../run/types.ts'
import { outputFileOf } from './cell-writer.ts'

/** Where the chain of a journal broke. */
export interface Broken {
  /** From 1. */
  readonly line: number
  /** Byte of the file at which that line begins. */
  readonly offset: number
  readonly why: string
  /** The newest record that the chain still vouches for; null: not even the first. */
  readonly lastGood: { readonly sequence: number; readonly atMs: number; readonly kind: string } | null
}

export interface ChainReport {
  readonly bytes: number
  readonly lines: number
  readonly records: number
  readonly broken: Broken | null
  /** Bytes after the last whole line: a line that a dying kx left half-written, or that another writes just now. */
  readonly tornBytes: number
  /** Hash of the last whole line: kept elsewhere, it shows whether the end was cut off. */
  readonly headSha256: string
  /** Cells that ended with an output that is not there any more. */
  readonly missingOutputs: readonly string[]
}

const chunkBytes = 1024 * 1024

/** Reads every line of a journal and follows its chain. Throws when there is no journal; takes no lock, writes nothing. */
export function verifyJournal(folder: string): ChainReport {
  const fd = openSync(join(folder, 'journal.jsonl'), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const bytes = fstatSync(fd).size
    const cursor = new JournalCursor()
    let rest = Buffer.alloc(0)
    let broken: Broken | null = null
    let lastGood: JournalRecord | null = null
    let records = 0
    const missingOutputs: string[] = []
    for (let at = 0; ; ) {
      const chunk = Buffer.alloc(chunkBytes)
      const read = readSync(fd, chunk, 0, chunkBytes, at)
      if (read === 0) break
      at += read
      rest = Buffer.concat([rest, chunk.subarray(0, read)])
      for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
        const { offset } = cursor
        const [record] = cursor.take(rest.subarray(0, end + 1)).records
        if (cursor.chainBreak !== null && broken === null)
          broken = {
            ...cursor.chainBreak,
            offset,
            lastGood:
              lastGood === null ? null : { sequence: lastGood.sequence, atMs: lastGood.atMs, kind: lastGood.kind },
          }
        if (record !== undefined) {
          records += 1
          if (broken === null) lastGood = record
          const missing = missingOutput(folder, record)
          if (missing !== null) missingOutputs.push(missing)
        }
        rest = rest.subarray(end + 1)
      }
    }
    return {
      bytes,
      lines: cursor.line,
      records,
      broken,
      tornBytes: bytes - cursor.offset,
      headSha256: cursor.lastHash,
      missingOutputs,
    }
  } finally {
    closeSync(fd)
  }
}

function missingOutput(folder: string, { kind, payload }: JournalRecord): string | null {
  if (kind !== 'cell.ended') return null
  const { cellId, outputFile } = payload as { readonly cellId?: unknown; readonly outputFile?: unknown }
  if (typeof cellId !== 'string' || typeof outputFile !== 'string') return null
  try {
    return existsSync(outputFileOf(folder, cellId)) ? null : cellId
  } catch {
    return cellId
  }
}
