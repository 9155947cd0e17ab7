import { open } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { Replaced } from './growing.ts'
import type { Folder, Format, ReadReport } from './types.ts'

/** SQLite waits in this very thread, so it waits for a moment alone; the rest is waited for between tries. */
const busyMs = 20
const pauseMs = 100
/** A good second: a writer holds its lock for a moment. One that does not is told, and not waited for. */
const mostTries = 12
/** A database that grows is shorter than it says for a moment; one that nobody has written to for so long was cut. */
const quietMs = 5000
const headBytes = 100

/** A database that another program writes; opened for reading alone, and only while it is read. */
export interface Database {
  /**
   * Runs what reads; it may be run again from its beginning. Null: there is no such file, or it lies where SQLite cannot open
   * it. What cannot be read for what its bytes are has no value, and the report says why.
   *
   * @throws Error when somebody keeps it locked
   */
  read<T>(query: (database: DatabaseSync) => T): Promise<DatabaseAnswer<T> | null>
}

export interface DatabaseAnswer<T> {
  readonly value: T | null
  /** Why there is no value; null: there is one. `foreign`: another program's, or none at all. */
  readonly trouble: { readonly kind: 'foreign' | 'damaged'; readonly words: string } | null
  readonly report: DatabaseReport
}

export type DatabaseReport = (records: number, notes?: readonly string[]) => ReadReport

export function database(folder: Folder, path: string, format: Format): Database {
  const source = folder.open(path)
  let identity: string | null = null
  return {
    async read(query) {
      const stat = await source.stat()
      const local = folder.localPath(path)
      const copied = stat === null || local !== null ? null : ((await folder.copy?.(path)) ?? null)
      await source.close()
      const at = local ?? copied?.path
      if (stat === null || at === undefined) return null
      const found = copied?.mark ?? stat.identity
      if (identity !== null && identity !== found) throw new Replaced(source.path)
      identity = found
      const { value, trouble } = await answerOf(at, source.path, Date.now() - stat.mtimeMs > quietMs, query)
      const said = [...(trouble === null ? [] : [`${trouble.words}.`]), ...(copied === null ? [] : [copied.note])]
      const report: DatabaseReport = (records, notes = []) => ({
        format,
        path: source.path,
        bytes: stat.bytes,
        mtimeMs: stat.mtimeMs,
        records,
        skippedBytes: 0,
        crcErrors: 0,
        isTruncated: trouble?.kind === 'damaged',
        notes: [...notes, ...said],
      })
      return { value, trouble, report }
    },
  }
}

type Answer<T> = Pick<DatabaseAnswer<T>, 'value' | 'trouble'>

async function answerOf<T>(
  at: string,
  label: string,
  isQuiet: boolean,
  query: (database: DatabaseSync) => T,
): Promise<Answer<T>> {
  for (let tries = 1; ; tries++) {
    const cut = await cutOf(at)
    try {
      if (cut === null) return { value: await once(at, query), trouble: null }
    } catch (error) {
      const code = codeOf(error)
      const why = error instanceof Error ? error.message : String(error)
      // Corrupt, a read that failed, or a page that is no page.
      if (code === 11 || code === 10)
        return { value: null, trouble: { kind: 'damaged', words: `it is damaged (${why})` } }
      if (code === 26 || code === 1) return { value: null, trouble: { kind: 'foreign', words: why } }
      if (code === 8)
        throw new Error(
          `${label} was left in the middle of a transaction: only who may write it can undo that. Open it once with the program that it is of.`,
          { cause: error },
        )
      if (code !== 5 && code !== 6) throw error
      if (tries >= mostTries)
        throw new Error(`${label} is locked by whoever writes it. Look again when the writer rests.`, { cause: error })
    }
    if (cut !== null && (isQuiet || tries >= 3)) return { value: null, trouble: { kind: 'damaged', words: cut } }
    await wait(pauseMs)
  }
}

async function once<T>(at: string, query: (database: DatabaseSync) => T): Promise<T> {
  const sqlite = await import('node:sqlite')
  const opened = new sqlite.DatabaseSync(at, { readOnly: true, timeout: busyMs })
  try {
    return query(opened)
  } finally {
    opened.close()
  }
}

/** The primary result code of SQLite; null: the error is none of SQLite's. */
function codeOf(error: unknown): number | null {
  const { errcode } = (error ?? {}) as { readonly errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : null
}

/**
 * Whether the file is shorter than its first page says: what lies beyond the end SQLite would read as zeros, and make rows of
 * them that nobody wrote. Null: it is not, or that cannot be told.
 */
async function cutOf(at: string): Promise<string | null> {
  const file = await open(at, 'r')
  try {
    const head = Buffer.alloc(headBytes)
    const { bytesRead } = await file.read(head, 0, headBytes, 0)
    const { size } = await file.stat()
    if (bytesRead < headBytes) return size === 0 ? null : 'it is cut short: not even its header is whole'
    const written = head.readUInt16BE(16)
    const pageBytes = written === 1 ? 65_536 : written
    // Counted by the same transaction as the rest of the header, or else it says nothing.
    const isValid = head.readUInt32BE(24) === head.readUInt32BE(92)
    const whole = head.readUInt32BE(28) * pageBytes
    if (!head.toString('latin1', 0, 15).startsWith('SQLite format 3') || !isValid || whole <= size) return null
    return `it is cut short: ${size} of ${whole} bytes are there`
  } finally {
    await file.close()
  }
}

/** Names of a table's columns; none where there is no such table. Older schemas have fewer. */
export function columnsOf(opened: DatabaseSync, table: string): ReadonlySet<string> {
  const rows = opened.prepare('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
  return new Set(rows.map(({ name }) => name))
}

/** Runs that were found in a database. @throws Error when there may be some that cannot be seen */
export function foundIn<T>(answer: DatabaseAnswer<readonly T[]> | null): readonly T[] {
  if (answer?.trouble?.kind === 'damaged') throw new Error(answer.trouble.words)
  return answer?.value ?? []
}
