import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageOf, RunError } from './errors.ts'
import { fileMode } from './files.ts'
import { isStillThere, type LocalProcess, thisProcess } from './process-identity.ts'

/** Time that SQLite itself may block this thread for one try; between tries the event loop runs. */
const tryMs = 15
/** How long an append waits for the lock before it says that somebody sits on it. */
export const defaultLockTimeoutMs = 30_000

const schema = `
  CREATE TABLE IF NOT EXISTS fence (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS writer (
    id TEXT PRIMARY KEY, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, boot_id TEXT NOT NULL,
    hostname TEXT NOT NULL, beat_ms INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS owner (
    what TEXT PRIMARY KEY, writer TEXT NOT NULL, pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL,
    boot_id TEXT NOT NULL, hostname TEXT NOT NULL, beat_ms INTEGER NOT NULL);
`

interface ProcessRow {
  readonly id: string
  readonly pid: number
  readonly start_ticks: number
  readonly boot_id: string
  readonly hostname: string
  readonly beat_ms: number
}

/** Milliseconds since boot, the same for every process of this machine; wall-clock jumps do not touch it. */
export const bootClockMs = (): number => Number(process.hrtime.bigint() / 1_000_000n)

const processOf = (row: ProcessRow): LocalProcess => ({
  pid: row.pid,
  startTicks: row.start_ticks,
  bootId: row.boot_id,
  hostname: row.hostname,
})

/**
 * The append lock of one file: `BEGIN IMMEDIATE` on a small SQLite database beside it, which the kernel releases when
 * its holder dies (architecture 5). The body runs synchronously, so the lock is never held across a wait. The database
 * also holds what must be decided under the lock: the fencing number, who writes, who owns the patrol.
 */
export class AppendLock {
  readonly path: string
  readonly self: LocalProcess
  readonly #timeoutMs: number
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  #hasChanges = false
  readonly #fence: StatementSync

  constructor(path: string, timeoutMs = defaultLockTimeoutMs) {
    this.path = path
    this.#timeoutMs = timeoutMs
    this.self = thisProcess()
    // Made by us so that it is 0600. Never opened by us when it exists: closing that descriptor would drop the POSIX
    // lock that another connection of this process may hold.
    try {
      closeSync(openSync(path, 'wx', fileMode))
      chmodSync(path, fileMode)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    try {
      // Creating tables waits like any writer, and only the first process of a run does it.
      this.#db = new DatabaseSync(path, { timeout: timeoutMs })
      this.#db.exec('PRAGMA journal_mode = DELETE; PRAGMA mmap_size = 0;')
      const tables = this.#db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get()
      if (tables?.n !== 3) this.#db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`)
      this.#db.exec(`PRAGMA busy_timeout = ${tryMs};`)
      this.#begin = this.#db.prepare('BEGIN IMMEDIATE')
      this.#commit = this.#db.prepare('COMMIT')
      this.#rollback = this.#db.prepare('ROLLBACK')
      this.#fence = this.#db.prepare('SELECT value FROM fence WHERE one = 1')
    } catch (error) {
      throw new RunError(
        'io',
        `The lock file ${path} cannot be used: ${messageOf(error)}.`,
        'Close every kx that has this run open, remove the lock file, and open the run again.',
        { cause: error },
      )
    }
  }

  /** Waits for the lock without blocking the event loop for long, runs `body`, releases. */
  async run<T>(body: () => T): Promise<T> {
    const deadline = bootClockMs() + this.#timeoutMs
    await this.#until(deadline, () => this.#isDone(this.#begin))
    this.#hasChanges = false
    let result: T
    try {
      result = body()
    } catch (error) {
      this.#undo()
      throw error
    }
    // COMMIT takes the exclusive lock even when nothing was changed, and then fails while others merely try to begin.
    if (!this.#hasChanges) this.#rollback.run()
    else
      try {
        await this.#until(deadline, () => this.#isDone(this.#commit))
      } catch (error) {
        this.#undo()
        throw error
      }
    return result
  }

  /** After a failure, of which the first error counts: a full disk has made SQLite take everything back already. */
  #undo(): void {
    try {
      this.#rollback.run()
    } catch {
      // There is no transaction any more, which is what was wanted.
    }
  }

  async #until(deadline: number, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      if (bootClockMs() >= deadline)
        throw new RunError(
          'busy',
          `Another process has held the append lock ${this.path} for ${Math.round(this.#timeoutMs / 1000)} s.`,
          'Look for a stopped kx (state T in ps) and continue or end it.',
        )
      // Spread, so that writers that woke together do not collide again.
      await new Promise((resolve) => setTimeout(resolve, 1 + ((process.pid + bootClockMs()) % 7)))
    }
  }

  /** Runs BEGIN or COMMIT once. False: somebody else is in the way, and it may be tried again. */
  #isDone(statement: StatementSync): boolean {
    try {
      statement.run()
      return true
    } catch (error) {
      // 5 SQLITE_BUSY, 6 SQLITE_LOCKED (low byte of the extended code).
      const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
      if (code === 5 || code === 6) return false
      throw new RunError('io', `The lock file ${this.path} failed: ${messageOf(error)}.`, 'Open the run again.', {
        cause: error,
      })
    }
  }

  #change(sql: string, ...values: readonly (string | number)[]): void {
    this.#hasChanges = true
    this.#db.prepare(sql).run(...values)
  }

  /** Highest fencing number given out; 0 when none was. Only under the lock. */
  fence(): number {
    return Number(this.#fence.get()?.value ?? 0)
  }

  setFence(value: number): void {
    this.#change('INSERT INTO fence VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET value = excluded.value', value)
  }

  /** Other writers that still exist; rows of dead ones are removed on the way. Only under the lock. */
  otherWriters(id: string): readonly LocalProcess[] {
    const rows = this.#db.prepare('SELECT * FROM writer WHERE id <> ?').all(id) as unknown as ProcessRow[]
    const alive = rows.filter((row) => isStillThere(processOf(row)))
    for (const row of rows) if (!alive.includes(row)) this.#change('DELETE FROM writer WHERE id = ?', row.id)
    return alive.map(processOf)
  }

  addWriter(id: string): void {
    const { pid, startTicks, bootId, hostname } = this.self
    const sql = 'INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?, ?, ?)'
    this.#change(sql, id, pid, startTicks, bootId, hostname, bootClockMs())
  }

  removeWriter(id: string): void {
    this.#change('DELETE FROM writer WHERE id = ?', id)
    this.#change('DELETE FROM owner WHERE writer = ?', id)
  }

  /** Who owns `what` (such as `patrol`), with the age of its last beat; null when nobody. Only under the lock. */
  owner(what: string): { readonly writer: string; readonly process: LocalProcess; readonly ageMs: number } | null {
    const row = this.#db.prepare('SELECT *, writer AS id FROM owner WHERE what = ?').get(what) as
      | (ProcessRow & { writer: string })
      | undefined
    if (row === undefined) return null
    const sameBoot = row.boot_id === this.self.bootId
    return {
      writer: row.writer,
      process: processOf(row),
      ageMs: sameBoot ? bootClockMs() - row.beat_ms : Number.POSITIVE_INFINITY,
    }
  }

  setOwner(what: string, id: string): void {
    const { pid, startTicks, bootId, hostname } = this.self
    const sql = 'INSERT OR REPLACE INTO owner VALUES (?, ?, ?, ?, ?, ?, ?)'
    this.#change(sql, what, id, pid, startTicks, bootId, hostname, bootClockMs())
  }

  removeOwner(what: string, id: string): void {
    this.#change('DELETE FROM owner WHERE what = ? AND writer = ?', what, id)
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}
