import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { AppendLock } from './append-lock.ts'
import { codeOf, messageOf, RunError } from './errors.ts'
import { dieHere, failpoint, isFailpointDue } from './failpoints.ts'
import { fileMode } from './files.ts'
import { readFoldIndex } from './fold-index.ts'
import { encodeLine, JournalCursor, maxLineBytes, sha256Hex } from './journal-line.ts'
import type { JournalKind, JournalRecord, RunState } from './types.ts'

/** The calls that can fail on a bad disk; tests put failing ones in. */
export interface JournalDisk {
  write(fd: number, bytes: Uint8Array): number
  sync(fd: number): void
  truncate(fd: number, bytes: number): void
}

export const realDisk: JournalDisk = {
  write: (fd, bytes) => writeSync(fd, bytes),
  sync: (fd) => fsyncSync(fd),
  truncate: (fd, bytes) => ftruncateSync(fd, bytes),
}

/** What is put on one line, apart from what the journal itself adds. */
export interface NewRecord {
  readonly kind: JournalKind
  readonly payload: unknown
  readonly atMs: number
  readonly fence: number
}

const chunkBytes = 1024 * 1024

/** Reads the whole lines after the cursor. Bytes that are not yet a whole line stay unread. Returns their number too. */
export function readOn(
  fd: number,
  cursor: JournalCursor,
): { readonly records: readonly JournalRecord[]; readonly leftBytes: number } {
  const records: JournalRecord[] = []
  const leftBytes = readEach(fd, cursor, (some) => records.push(...some))
  return { records, leftBytes }
}

/** The same piece by piece, for readers that fold as they go: a long journal is then never in memory as a whole. */
export function readEach(fd: number, cursor: JournalCursor, take: (records: readonly JournalRecord[]) => void): number {
  const size = fstatSync(fd).size
  if (size < cursor.offset)
    throw new RunError(
      'suspect',
      `The journal is shorter (${size} bytes) than what was read from it before (${cursor.offset} bytes).`,
      'Something outside kx cut it: compare it with a backup before going on.',
    )
  let length = chunkBytes
  let leftBytes = 0
  while (cursor.offset < size) {
    const buffer = Buffer.allocUnsafe(Math.min(length, size - cursor.offset))
    const read = readSync(fd, buffer, 0, buffer.length, cursor.offset)
    const before = cursor.offset
    const taken = cursor.take(buffer.subarray(0, read))
    if (taken.records.length > 0) take(taken.records)
    leftBytes = size - cursor.offset
    if (cursor.offset === before) {
      // No newline in a whole buffer: a long line. Look further, or stop at the end of the file.
      if (before + read >= size || read === 0) break
      length *= 2
    }
  }
  return cursor.offset < size ? leftBytes : 0
}

/**
 * Writer and reader of one `journal.jsonl` (architecture 5). Every append happens under the lock: read what others
 * wrote, drop a torn tail, check the fence, one write, fsync. A failed fsync makes this journal suspect for good: the
 * kernel may have thrown the pages away and would call a second fsync fine (handbook reliability 3.2).
 */
export class Journal {
  readonly path: string
  readonly lock: AppendLock
  readonly cursor: JournalCursor
  /** What its index held when it was opened: the fold of everything before the cursor; null: it begins at the beginning. */
  readonly folded: RunState | null
  readonly #fd: number
  readonly #disk: JournalDisk
  #suspect: string | null = null
  #isOpen = true

  constructor(path: string, lock: AppendLock, disk: JournalDisk = realDisk) {
    this.path = path
    this.lock = lock
    this.#disk = disk
    this.#fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW, fileMode)
    const known = readFoldIndex(dirname(path), this.#fd)
    this.cursor = known?.cursor ?? new JournalCursor()
    this.folded = known?.state ?? null
  }

  /** Why nothing is appended any more; null while all is well. */
  get suspect(): string | null {
    const broken = this.cursor.chainBreak
    if (broken !== null) return `the journal is not whole: line ${broken.line} ${broken.why}`
    return this.#suspect
  }

  /** Records that were appended since the last look, by whomever. Needs no lock. */
  readNew(): readonly JournalRecord[] {
    return this.#read().records
  }

  /** Like `readNew`, and cuts a torn tail off. Only under the lock: without it, a tail may be a line being written. */
  readNewLocked(): { readonly records: readonly JournalRecord[]; readonly torn: TornTail | null } {
    if (statSync(this.path).ino !== fstatSync(this.#fd).ino)
      this.#fail('the journal file was replaced by another one while it was open')
    const { records, leftBytes } = this.#read()
    // A journal that is not trusted is left byte for byte as it is: it is evidence now.
    if (leftBytes === 0 || this.suspect !== null) return { records, torn: null }
    const bytes = Buffer.alloc(leftBytes)
    readSync(this.#fd, bytes, 0, leftBytes, this.cursor.offset)
    failpoint('journal.before-truncate')
    this.#disk.truncate(this.#fd, this.cursor.offset)
    failpoint('journal.after-truncate')
    this.#sync()
    return { records, torn: { bytes: leftBytes, sha256: sha256Hex(bytes), afterSequence: this.cursor.sequence } }
  }

  /** One line, one write, fsynced. Only under the lock, straight after `readNewLocked`. */
  appendLocked(record: NewRecord): JournalRecord {
    this.#check()
    const { cursor } = this
    if (record.fence < cursor.fence)
      throw new RunError(
        'fenced',
        `Nothing was written: another kx has taken this run over (fence ${cursor.fence}, ours is ${record.fence}).`,
        'Look at what it did, then start the act again.',
      )
    const line = encodeLine({
      v: 1,
      sequence: cursor.sequence + 1,
      fence: record.fence,
      previous: cursor.lastHash,
      atMs: record.atMs,
      kind: record.kind,
      payload: record.payload,
    })
    if (line.byteLength > maxLineBytes)
      throw new RunError(
        'invalid',
        `A ${record.kind} record of ${line.byteLength} bytes is over the ${maxLineBytes} that one line may have.`,
        'Put the bulk into a file under evidence/ and its SHA-256 into the record.',
      )
    failpoint('journal.before-write')
    if (isFailpointDue('journal.half-write')) {
      writeSync(this.#fd, line.subarray(0, Math.ceil(line.byteLength / 2)))
      dieHere()
    }
    this.#write(line)
    failpoint('journal.after-write')
    this.#sync()
    failpoint('journal.after-sync')
    const [written] = cursor.take(line).records
    if (written === undefined || this.cursor.chainBreak !== null)
      this.#fail('a line that was just written does not read back')
    return written as JournalRecord
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    closeSync(this.#fd)
  }

  #read() {
    if (!this.#isOpen) throw new RunError('closed', 'This run is closed.', 'Open it again.')
    try {
      return readOn(this.#fd, this.cursor)
    } catch (error) {
      if (error instanceof RunError) this.#suspect = messageOf(error)
      throw error
    }
  }

  #check(): void {
    if (this.suspect !== null)
      throw new RunError(
        'suspect',
        `Nothing was written: ${this.suspect}.`,
        'The run can still be read. Keep a copy of its folder, find out what changed the file, and open it again.',
      )
  }

  #fail(why: string): never {
    this.#suspect = why
    this.#check()
    throw new RunError('suspect', why, '')
  }

  #write(line: Uint8Array): void {
    let written = 0
    let cause: unknown = null
    try {
      written = this.#disk.write(this.#fd, line)
    } catch (error) {
      cause = error
    }
    if (cause === null && written === line.byteLength) return
    const why = cause === null ? `only ${written} of ${line.byteLength} bytes fitted` : messageOf(cause)
    try {
      this.#disk.truncate(this.#fd, this.cursor.offset)
    } catch (error) {
      this.#suspect = `a write failed (${why}) and its rest could not be cut off (${messageOf(error)})`
    }
    throw new RunError(
      'io',
      `The journal ${this.path} could not be written: ${why}.`,
      codeOf(cause) === 'ENOSPC' || cause === null
        ? `Free at least ${line.byteLength} bytes there, then try again.`
        : 'Mend the disk, then open the run again.',
      { cause },
    )
  }

  #sync(): void {
    try {
      this.#disk.sync(this.#fd)
    } catch (error) {
      this.#suspect = `fsync failed (${messageOf(error)}), so what was written last may not be on the disk`
      throw new RunError(
        'suspect',
        `The journal ${this.path} cannot be trusted any more: ${this.#suspect}.`,
        'Mend the disk, then open the run again: it is read afresh from what is really there.',
        { cause: error },
      )
    }
  }
}

/** Bytes of a line that a dying writer left half-written; they were cut off. */
export interface TornTail {
  readonly bytes: number
  readonly sha256: string
  readonly afterSequence: number
}
