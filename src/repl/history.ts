import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** One entry of the prompt, as it is remembered over runs and projects. Secrets are masked before it comes here. */
export interface HistoryEntry {
  readonly atMs: number
  readonly text: string
  readonly projectFolder: string
  readonly runId: string | null
  readonly host: string
  /** How it ended: `value`, `error` and so on, or `exit 3` of a shell line. */
  readonly ending: string
  readonly durationMs: number
}

/** Words of a search; those with a colon are filters. */
export interface HistorySearch {
  readonly words: readonly string[]
  readonly host: string | null
  readonly run: string | null
  /** `ok`, `failed`, or the ending itself, such as `3` of `exit 3`. */
  readonly exit: string | null
}

export interface History {
  /** Oldest first, the newest of each text only. */
  all(): readonly HistoryEntry[]
  add(entry: HistoryEntry): void
  /** Those that match, newest first. */
  search(query: string): readonly HistoryEntry[]
  /** What the newest entry that begins like this goes on with; empty where there is none. */
  ghost(beginning: string): string
}

/** Read of a long history: its newest part. */
const readBytes = 1024 * 1024
const mostEntries = 5000
const longestText = 16_384
/** A file that has grown to this becomes the older one of two, in place of the one before. */
const defaultMostBytes = 2 * 1024 * 1024
/** Nobody needs that long to rename a file: who left this lock is gone. */
const staleLockMs = 10_000

/** Reads `host:box exit:failed run:01K words`. */
export function parseSearch(query: string): HistorySearch {
  const words: string[] = []
  const filters: Record<string, string> = {}
  for (const word of query.split(/\s+/).filter((each) => each !== '')) {
    const found = /^(host|exit|run):(.*)$/.exec(word)
    if (found === null) words.push(word.toLowerCase())
    else filters[found[1] ?? ''] = found[2] ?? ''
  }
  const of = (name: string) => (filters[name] === undefined || filters[name] === '' ? null : filters[name])
  return { words, host: of('host'), run: of('run'), exit: of('exit') }
}

const isGood = (ending: string) => ['value', 'nothing', 'exit 0'].includes(ending)

function fits(entry: HistoryEntry, { words, host, run, exit }: HistorySearch): boolean {
  if (host !== null && entry.host !== host) return false
  if (run !== null && entry.runId?.startsWith(run) !== true) return false
  if (exit !== null) {
    const isFitting =
      exit === 'ok'
        ? isGood(entry.ending)
        : exit === 'failed'
          ? !isGood(entry.ending)
          : entry.ending === exit || entry.ending === `exit ${exit}` || (exit === '0' && isGood(entry.ending))
    if (!isFitting) return false
  }
  const text = entry.text.toLowerCase()
  return words.every((word) => text.includes(word))
}

/**
 * The history of this user: one file that is only ever appended to, so that several kx may write at once, and the one
 * before it.
 */
export function openHistory(file: string, { mostBytes = defaultMostBytes } = {}): History {
  const entries = new Map<string, HistoryEntry>()
  const keep = (entry: HistoryEntry) => {
    // The newest of one text goes to the end.
    entries.delete(entry.text)
    entries.set(entry.text, entry)
    if (entries.size > mostEntries) entries.delete(entries.keys().next().value ?? '')
  }
  const older = olderOf(file)
  const isLong = existsSync(file) && statSync(file).size >= readBytes
  for (const entry of isLong ? [] : readEntries(older)) keep(entry)
  for (const entry of readEntries(file)) keep(entry)
  return {
    all: () => [...entries.values()],
    add: (entry) => {
      const text = entry.text.slice(0, longestText)
      if (text.trim() === '') return
      const kept = { ...entry, text }
      keep(kept)
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      makeRoom(file, mostBytes)
      // One write a line: lines of several processes do not mix.
      appendFileSync(file, `${endsCleanly(file) ? '' : '\n'}${JSON.stringify({ v: 1, ...kept })}\n`, { mode: 0o600 })
    },
    search: (query) => {
      const search = parseSearch(query)
      return [...entries.values()].filter((entry) => fits(entry, search)).reverse()
    },
    ghost: (beginning) => {
      if (beginning.trim() === '') return ''
      const found = [...entries.values()].findLast(
        ({ text }) => text.length > beginning.length && text.startsWith(beginning) && !text.includes('\n'),
      )
      return found === undefined ? '' : found.text.slice(beginning.length)
    },
  }
}

const olderOf = (file: string) => `${file}.1`

/**
 * Puts a file that is full aside. One kx does it at a time: a second one, late, would put a new file in place of the full
 * one. Whoever has opened the file by then writes on in it, which is read as well.
 */
function makeRoom(file: string, mostBytes: number): void {
  const isFull = () => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= mostBytes
  if (!isFull()) return
  const lock = `${file}.lock`
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch {
    const heldSince = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    // Left by a kx that was killed. The next entry makes room.
    if (Date.now() - heldSince > staleLockMs) rmSync(lock, { force: true })
    return
  }
  try {
    if (isFull()) renameSync(file, olderOf(file))
  } finally {
    rmSync(lock, { force: true })
  }
}

/** The last bytes of the file, from the first whole line on. A line that cannot be read is passed over. */
function readEntries(file: string): readonly HistoryEntry[] {
  if (!existsSync(file)) return []
  const text = tailOf(file, readBytes)
  return text.split('\n').flatMap((line): HistoryEntry[] => {
    try {
      const found = JSON.parse(line) as Partial<HistoryEntry>
      if (typeof found.text !== 'string' || typeof found.atMs !== 'number') return []
      return [
        {
          atMs: found.atMs,
          text: found.text,
          projectFolder: String(found.projectFolder ?? ''),
          runId: typeof found.runId === 'string' ? found.runId : null,
          host: String(found.host ?? ''),
          ending: String(found.ending ?? ''),
          durationMs: Number(found.durationMs ?? 0),
        },
      ]
    } catch {
      return []
    }
  })
}

function tailOf(file: string, bytes: number): string {
  const descriptor = openSync(file, 'r')
  try {
    const { size } = fstatSync(descriptor)
    const buffer = Buffer.alloc(Math.min(size, bytes))
    const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
    return buffer.subarray(0, read).toString()
  } finally {
    closeSync(descriptor)
  }
}

/** False where a kx that was killed left half a line. */
const endsCleanly = (file: string) => !existsSync(file) || ['', '\n'].includes(tailOf(file, 1))
