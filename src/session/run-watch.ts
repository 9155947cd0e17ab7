import { closeSync, constants, type FSWatcher, fstatSync, openSync, watch } from 'node:fs'
import { join } from 'node:path'
import { foldRecords } from '../run/fold.ts'
import { readEach } from '../run/journal.ts'
import { JournalCursor } from '../run/journal-line.ts'
import type { RunState } from '../run/types.ts'

/** A run that is looked at, not written to: no lock is taken, and only what was appended is read again. */
export interface RunWatch {
  readonly folder: string
  state(): RunState | null
  /** Reads on; true when something was added. Throws when the journal is gone or shorter than before. */
  read(): boolean
  close(): void
}

/** Opens the journal of a run for looking. `onChange` is called after the file was written by anyone. */
export function watchRun(folder: string, onChange: () => void): RunWatch {
  const path = join(folder, 'journal.jsonl')
  let cursor = new JournalCursor()
  let inode = -1
  let state: RunState | null = null
  let watcher: FSWatcher | null = null
  const read = (): boolean => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const now = fstatSync(fd)
      if (now.ino !== inode || now.size < cursor.offset) {
        cursor = new JournalCursor()
        inode = now.ino
        state = null
      }
      let isMore = false
      readEach(fd, cursor, (records) => {
        isMore = true
        state = foldRecords(state, records)
      })
      return isMore
    } finally {
      closeSync(fd)
    }
  }
  read()
  try {
    watcher = watch(path, { persistent: false }, onChange)
    // Without notification (some file systems) the workspace's own slow look finds the change.
    watcher.on('error', () => watcher?.close())
  } catch {
    watcher = null
  }
  return {
    folder,
    state: () => state,
    read,
    close: () => watcher?.close(),
  }
}
