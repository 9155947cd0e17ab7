import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { isIndexWorth, writeFoldIndex } from '../run/fold-index.ts'
import type { ChainBreak } from '../run/journal-line.ts'
import { look, type Remembered, takeOver } from '../run/reader.ts'
import type { RunState } from '../run/types.ts'

/** A run that is looked at, not written to: no lock is taken, and only what was appended is read again. */
export interface RunWatch {
  readonly folder: string
  state(): RunState | null
  /** Where its chain broke; null: it is whole. */
  broken(): ChainBreak | null
  /** Reads on; true when something was added. Throws when the journal is gone or shorter than before. */
  read(): boolean
  close(): void
}

/** A journal that was just opened is drawn first; the index for the next opening is made after this. */
const indexAfterMs = 700

/**
 * Opens the journal of a run for looking. `onChange` is called after the file was written by anyone. A long journal is
 * taken from its index as far as that goes, and a new index is made beside it where that is worth the while.
 */
export function watchRun(folder: string, onChange: () => void): RunWatch {
  const path = join(folder, 'journal.jsonl')
  let seen: Remembered | undefined = takeOver(folder)
  let indexedBytes = seen?.indexedBytes ?? 0
  let indexTimer: NodeJS.Timeout | null = null
  let watcher: FSWatcher | null = null
  const closed = new AbortController()
  const makeIndex = async ({ inode, cursor, state, changedAtMs }: Remembered) =>
    state === null ? 0 : writeFoldIndex(folder, { inode, cursor, state, changedAtMs }, closed.signal)
  const makeIndexSoon = () => {
    if (indexTimer !== null || closed.signal.aborted) return
    indexTimer = setTimeout(() => {
      if (seen === undefined) return
      // One that cannot be written is done without; whoever tried it again would meet the same disk.
      makeIndex(seen).then(
        (bytes) => {
          indexedBytes = bytes
          indexTimer = null
        },
        () => undefined,
      )
    }, indexAfterMs).unref()
  }
  const read = (): boolean => {
    const before = seen
    const sequence = before?.cursor.sequence
    seen = undefined
    seen = look(path, before)
    if (seen !== before) indexedBytes = seen.indexedBytes
    if (isIndexWorth(seen.cursor, indexedBytes)) makeIndexSoon()
    return seen !== before || seen.cursor.sequence !== sequence
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
    state: () => seen?.state ?? null,
    broken: () => seen?.cursor.chainBreak ?? null,
    read,
    close: () => {
      watcher?.close()
      if (indexTimer !== null) clearTimeout(indexTimer)
      closed.abort()
    },
  }
}
