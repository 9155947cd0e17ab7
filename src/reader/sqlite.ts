import type { DatabaseSync } from 'node:sqlite'
import { Replaced } from './growing.ts'
import type { Folder, Format, ReadReport } from './types.ts'

/** A writer holds its lock for a moment; SQLite itself would not wait at all. */
const busyMs = 2000

/** A database that another program writes; opened for reading alone, and only while it is read. */
export interface Database {
  /** Runs what reads. Null: there is no such file, or it lies where SQLite cannot open it. */
  read<T>(query: (database: DatabaseSync) => T): Promise<{ readonly value: T; readonly report: DatabaseReport } | null>
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
      const sqlite = await import('node:sqlite')
      const opened = new sqlite.DatabaseSync(at, { readOnly: true, timeout: busyMs })
      try {
        const value = query(opened)
        const report: DatabaseReport = (records, notes = []) => ({
          format,
          path: source.path,
          bytes: stat.bytes,
          mtimeMs: stat.mtimeMs,
          records,
          skippedBytes: 0,
          crcErrors: 0,
          isTruncated: false,
          notes: copied === null ? notes : [...notes, copied.note],
        })
        return { value, report }
      } finally {
        opened.close()
      }
    },
  }
}

/** Names of a table's columns; none where there is no such table. Older schemas have fewer. */
export function columnsOf(opened: DatabaseSync, table: string): ReadonlySet<string> {
  const rows = opened.prepare('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
  return new Set(rows.map(({ name }) => name))
}
