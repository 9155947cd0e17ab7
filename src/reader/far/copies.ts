import { rmSync } from 'node:fs'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatBytes } from '../../text/format.ts'
import type { FarEntry, FarFiles } from './types.ts'

/** A database that is larger is not copied: whoever has one can name it where it lies, with kx on that machine. */
const mostBytes = 512 * 1024 * 1024
const pieceBytes = 4 * 1024 * 1024
/** A writer that is always in the middle of something is told, and not waited for. */
const mostTries = 5
const pauseMs = 100
const begin = 'kx-far-'

/** Beginning of a database; SQLite counts there the transactions that changed the file itself. */
const headBytes = 100

export interface Copied {
  readonly path: string
  readonly note: string
  /** Of the database that was copied: another one is another database. */
  readonly mark: string
}

interface Kept extends Copied {
  readonly of: string
}

/**
 * Databases that lie somewhere else, copied to be read here: SQLite reads a file of this machine alone, and a database that
 * others write is never opened where it lies. The copies are in a folder that is only this person's, and go with `remove` or
 * with the process.
 */
export class PrivateCopies {
  private readonly files: FarFiles
  private readonly look: () => Promise<ReadonlyMap<string, FarEntry>>
  private readonly root: string
  private folder: Promise<string> | null = null
  private made: string | null = null
  private count = 0
  private readonly kept = new Map<string, Kept>()
  private turn: Promise<unknown> = Promise.resolve()
  private readonly atExit = () => {
    if (this.made !== null) rmSync(this.made, { recursive: true, force: true })
  }

  constructor(files: FarFiles, look: () => Promise<ReadonlyMap<string, FarEntry>>, root: string) {
    this.files = files
    this.look = look
    this.root = root
  }

  /**
   * The copy of a database as it is now; the one of before where nothing was written since. Null: there is no such file.
   *
   * @throws Error when it is too large, or written to all the time
   */
  of(path: string): Promise<Copied | null> {
    const mine = this.turn.then(() => this.copy(path))
    this.turn = mine.catch(() => {})
    return mine
  }

  async remove(): Promise<void> {
    await this.turn
    process.removeListener('exit', this.atExit)
    this.kept.clear()
    const made = this.made
    this.folder = null
    this.made = null
    if (made !== null) await rm(made, { recursive: true, force: true })
  }

  private async copy(path: string): Promise<Copied | null> {
    const label = `${this.root}/${path}`
    for (let tries = 0; tries < mostTries; tries++) {
      if (tries > 0) await wait(pauseMs * tries)
      const before = stateOf(await this.look(), path)
      if (before === null) return null
      // A transaction is under way, or was cut: pages of it may stand in the file already.
      if (before.isHot) continue
      const known = this.kept.get(path)
      if (known?.of === before.text) return known
      if (before.bytes > mostBytes)
        throw new Error(
          `${label} is too large to be copied here (${formatBytes(before.bytes)}; at most ${formatBytes(mostBytes)} are). Run kx where it lies.`,
        )
      const to = join(await this.place(), `${this.count++}.db`)
      // No `-shm`: SQLite makes it anew from the `-wal`, and one of another moment than the `-wal` would say wrong things.
      const isDone =
        (await this.fetch(path, before.database, to)) &&
        (before.wal === null || (await this.fetch(`${path}-wal`, before.wal, `${to}-wal`))) &&
        (await this.beginsAs(path, before.database, to))
      const after = isDone ? stateOf(await this.look(), path) : null
      if (after === null || after.isHot || !isOfOneMoment(before, after)) {
        await drop(to)
        continue
      }
      if (known !== undefined) await drop(known.path)
      const note = `copied here to be read (${formatBytes(before.bytes)}), and removed afterwards`
      const copied = { path: to, note, mark: before.database.mark, of: before.text }
      this.kept.set(path, copied)
      return copied
    }
    throw new Error(`${label} was written to all the time while it was to be copied. Look again when its writer rests.`)
  }

  private async fetch(path: string, entry: FarEntry, to: string): Promise<boolean> {
    const file = await open(to, 'wx', 0o600)
    try {
      for (let at = 0; at < entry.bytes; ) {
        const bytes = await this.files.read(path, at, Math.min(pieceBytes, entry.bytes - at), entry.mark)
        if (typeof bytes === 'string' || bytes.byteLength === 0) return false
        await file.write(bytes, 0, bytes.byteLength, at)
        at += bytes.byteLength
      }
      return true
    } finally {
      await file.close()
    }
  }

  private async beginsAs(path: string, { mark }: FarEntry, copy: string): Promise<boolean> {
    const there = await this.files.read(path, 0, headBytes, mark)
    const file = await open(copy, 'r')
    try {
      const here = (await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)).buffer
      return typeof there !== 'string' && Buffer.compare(here.subarray(0, there.byteLength), there) === 0
    } finally {
      await file.close()
    }
  }

  private place(): Promise<string> {
    this.folder ??= (async () => {
      await sweep()
      this.made = await mkdtemp(join(tmpdir(), `${begin}${process.pid}-`))
      process.once('exit', this.atExit)
      return this.made
    })()
    return this.folder
  }
}

interface State {
  readonly database: FarEntry
  readonly wal: FarEntry | null
  readonly isHot: boolean
  readonly bytes: number
  readonly text: string
}

function stateOf(found: ReadonlyMap<string, FarEntry>, path: string): State | null {
  const database = found.get(path)
  if (database?.kind !== 'file') return null
  const beside = (end: string) => {
    const entry = found.get(`${path}${end}`)
    return entry?.kind === 'file' && entry.bytes > 0 ? entry : null
  }
  const wal = beside('-wal')
  const text = [database, wal].map((each) => (each === null ? '' : `${each.mark} ${each.bytes} ${each.mtimeMs}`)).join()
  return { database, wal, isHot: beside('-journal') !== null, bytes: database.bytes + (wal?.bytes ?? 0), text }
}

/** A log that only grew is good up to where it was copied: SQLite counts whole transactions of it. */
function isOfOneMoment(before: State, after: State): boolean {
  const [a, b] = [before.database, after.database]
  if (a.mark !== b.mark || a.bytes !== b.bytes || a.mtimeMs !== b.mtimeMs) return false
  if (before.wal === null) return true
  return after.wal !== null && after.wal.mark === before.wal.mark && after.wal.bytes >= before.wal.bytes
}

async function drop(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })
}

/** Copies of a kx that was killed. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = new RegExp(`^${begin}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined) continue
    try {
      process.kill(Number(pid), 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') continue
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
    }
  }
}
