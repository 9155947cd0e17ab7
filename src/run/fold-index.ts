import { createHash, type Hash } from 'node:crypto'
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { cellWith, IndexedCell } from './cell-record.ts'
import { ColumnRows, type Columns, ColumnsBuilder } from './columns.ts'
import { fileMode } from './files.ts'
import { JournalCursor, sha256Hex } from './journal-line.ts'
import type { CellRecord, RunState } from './types.ts'

/** Name of the index, beside the journal that it was made from. */
export const foldIndexName = 'journal.index'

/** Below this a journal is read from its beginning about as fast as its index would be. */
const leastBytes = 1024 * 1024
/** A new index is worth its making when so much of the journal is in none: an eighth of it. */
const worthPart = 8

/** Of what this file writes; one more with every change of it. The first line has the hash of all that follows as well. */
const formatName = 'kx fold index 1'
const chunkBytes = 1024 * 1024
const cellsATurn = 400

/** How far a journal was read, and what it was folded into. */
export interface Folded {
  readonly inode: number
  readonly cursor: JournalCursor
  readonly state: RunState
  readonly changedAtMs: number | null
}

/** Second line of the file: what the rest was made from, and by whom. */
interface Head {
  /** Which fold made it, see `foldKey`. */
  readonly key: string
  readonly inode: number
  readonly offset: number
  readonly line: number
  readonly sequence: number
  readonly fence: number
  readonly lastHash: string
  /** Of every byte of the journal up to `offset`. */
  readonly journalSha256: string
  readonly changedAtMs: number | null
}

/** The state with its cells as columns; proofs that are the newest of their kind are named by their place. */
interface Body {
  readonly state: Omit<RunState, 'cells' | 'latest'>
  readonly latest: Readonly<Record<string, number>>
  readonly startedAtMs: readonly number[]
  readonly started: Columns
  readonly ended: Columns
  /** Cells without an end. */
  readonly open: readonly number[]
  readonly processes: readonly (readonly [number, NonNullable<CellRecord['process']>])[]
}

declare const __kxFold: string | undefined

/** Names the code that folds, given by the build; null where kx runs unbuilt: then nothing is taken from an index. */
export function foldKey(): string | null {
  return typeof __kxFold === 'string' ? __kxFold : null
}

/** Whether there may be something to gain from an index. */
export const hasFoldIndex = (folder: string): boolean => foldKey() !== null && existsSync(join(folder, foldIndexName))

/**
 * What the index beside a journal holds, when it was made by this very fold from the very bytes that the journal still
 * begins with; null otherwise, and then the journal is read from its beginning: an index is never the truth. All those
 * bytes are hashed, which says of each line before what following the chain says. Records after them are not read here.
 *
 * @param fd the journal, open for reading
 */
export function readFoldIndex(folder: string, fd: number, key: string | null = foldKey()): Folded | null {
  if (key === null) return null
  try {
    const { ino, size } = fstatSync(fd)
    const found = readIndexFile(join(folder, foldIndexName))
    if (found === null) return null
    const { head, body } = found
    if (head.key !== key || head.inode !== ino || head.offset > size) return null
    const whole = hashOf(fd, head.offset)
    if (whole === null || whole.copy().digest('hex') !== head.journalSha256) return null
    const state = stateOf(JSON.parse(body) as Body)
    return { inode: ino, cursor: JournalCursor.at(head, whole), state, changedAtMs: head.changedAtMs }
  } catch {
    // Whatever is wrong with it, the journal is there.
    return null
  }
}

/** Whether so much was read since the index was made that the next reader would gain by a new one. */
export function isIndexWorth(cursor: JournalCursor, indexedBytes: number): boolean {
  return cursor.chainBreak === null && cursor.offset - indexedBytes >= Math.max(leastBytes, cursor.offset / worthPart)
}

/**
 * Puts an index beside the journal, whole or not at all, in small pieces: keys are answered meanwhile. Returns how far
 * of the journal it holds; 0: none was written. Throws what the disk throws.
 */
export async function writeFoldIndex(
  folder: string,
  { inode, cursor, state, changedAtMs }: Folded,
  signal: AbortSignal,
  key: string | null = foldKey(),
): Promise<number> {
  const journalSha256 = cursor.wholeSha256()
  // A journal that is not whole is evidence: it is read line by line, whoever asks.
  if (key === null || journalSha256 === null || cursor.chainBreak !== null) return 0
  const { offset, line, sequence, fence, lastHash } = cursor
  const pieces = await bodyOf(state, signal)
  if (pieces === null) return 0
  const head: Head = { key, inode, offset, line, sequence, fence, lastHash, journalSha256, changedAtMs }
  const rest = [Buffer.from(`${JSON.stringify(head)}\n`), ...pieces]
  const hash = createHash('sha256')
  for (const piece of rest) hash.update(piece)
  const first = Buffer.from(`${formatName} ${hash.digest('hex')}\n`)
  const path = join(folder, foldIndexName)
  // The name that the sweep of a run knows left-over files by.
  const temp = join(folder, `.${foldIndexName}.${process.pid}.${journalSha256.slice(0, 8)}.tmp`)
  try {
    const file = await open(temp, 'w', fileMode)
    try {
      for (const piece of [first, ...rest]) await file.writeFile(piece)
    } finally {
      await file.close()
    }
    if (signal.aborted) throw new Error('given up')
    await rename(temp, path)
    return offset
  } catch (error) {
    await rm(temp, { force: true })
    if (signal.aborted) return 0
    throw error
  }
}

function readIndexFile(path: string): { readonly head: Head; readonly body: string } | null {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const bytes = readFileSync(fd)
    const first = bytes.indexOf(0x0a)
    const rest = bytes.subarray(first + 1)
    if (first < 0 || bytes.toString('latin1', 0, first) !== `${formatName} ${sha256Hex(rest)}`) return null
    const end = rest.indexOf(0x0a)
    return { head: JSON.parse(rest.toString('utf8', 0, end)) as Head, body: rest.toString('utf8', end + 1) }
  } finally {
    closeSync(fd)
  }
}

function hashOf(fd: number, bytes: number): Hash | null {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, bytes))
  for (let at = 0; at < bytes; ) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, bytes - at), at)
    if (read === 0) return null
    hash.update(buffer.subarray(0, read))
    at += read
  }
  return hash
}

function stateOf(body: Body): RunState {
  const started = new ColumnRows(body.started)
  const ended = new ColumnRows(body.ended)
  const open = new Set(body.open)
  const cells: CellRecord[] = []
  let ends = 0
  for (let row = 0; row < started.count; row += 1) {
    const endRow = open.has(row) ? -1 : ends++
    cells.push(new IndexedCell(started, row, body.startedAtMs[row] as number, ended, endRow))
  }
  for (const [row, process] of body.processes) cells[row] = cellWith(cells[row] as CellRecord, { process })
  const { proofs } = body.state
  // Who folds on asks whether the newest proof of a kind is the very one in the list.
  const latest = Object.fromEntries(Object.entries(body.latest).map(([kind, place]) => [kind, proofs[place]]))
  return { ...body.state, cells, latest }
}

/** The body of an index in pieces, made in turns of the event loop; null: given up, or a state that it cannot hold. */
async function bodyOf(run: RunState, signal: AbortSignal): Promise<readonly Buffer[] | null> {
  const { cells, latest, ...state } = run
  const places = Object.entries(latest).map(([kind, proof]) => [kind, run.proofs.indexOf(proof)] as const)
  if (places.some(([, place]) => place < 0)) return null
  const started = new ColumnsBuilder()
  const ended = new ColumnsBuilder()
  for (let from = 0; from < cells.length; from += cellsATurn) {
    for (const cell of cells.slice(from, from + cellsATurn)) {
      // A key of that name cannot be put back; nobody writes one.
      if (Object.hasOwn(cell.started, '__proto__')) return null
      started.add(cell.started)
      if (cell.ended === null) continue
      if (Object.hasOwn(cell.ended, '__proto__')) return null
      ended.add(cell.ended)
    }
    await turn()
    if (signal.aborted) return null
  }
  const rest: Omit<Body, 'started' | 'ended'> = {
    state,
    latest: Object.fromEntries(places),
    startedAtMs: cells.map(({ startedAtMs }) => startedAtMs),
    open: cells.flatMap((cell, i) => (cell.ended === null ? [i] : [])),
    processes: cells.flatMap(({ process }, i) => (process === undefined ? [] : [[i, process] as const])),
  }
  const pieces: Buffer[] = []
  const put = async (text: string) => {
    pieces.push(Buffer.from(text))
    await turn()
  }
  await put(JSON.stringify(rest).slice(0, -1))
  for (const [name, { columns, ...table }] of Object.entries({ started: started.done(), ended: ended.done() })) {
    await put(`,${JSON.stringify(name)}:${JSON.stringify(table).slice(0, -1)},"columns":[`)
    for (const [i, shape] of columns.entries()) {
      await put(i === 0 ? '[' : ',[')
      for (const [j, column] of shape.entries()) {
        await put(`${j === 0 ? '' : ','}${JSON.stringify(column)}`)
        if (signal.aborted) return null
      }
      await put(']')
    }
    await put(']}')
  }
  await put('}')
  return pieces
}
