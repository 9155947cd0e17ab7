import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Claim, Clock, RunHandle } from './act.ts'
import { AppendLock } from './append-lock.ts'
import { codeOf, diskError, messageOf, RunError } from './errors.ts'
import { failpoint } from './failpoints.ts'
import { checkFolder, refuseNetworkFileSystem, sweepTemps, whyNotWritable } from './files.ts'
import { foldRecords } from './fold.ts'
import { Journal, type JournalDisk } from './journal.ts'
import { isJournalKind, payloadFault } from './payloads.ts'
import { withTokensKept } from './token.ts'
import type { JournalKind, JournalRecord, RunState } from './types.ts'

export interface OpenRunOptions {
  readonly clock: Pick<Clock, 'nowMs'>
  /**
   * `join` (default): write beside other kx processes that have the run open; with nobody else there the fence rises.
   * `take`: the fence rises in any case, and whoever wrote before is refused from now on.
   */
  readonly fence?: 'join' | 'take'
  /** Masks secret values in a payload before it is written. */
  readonly scrub?: (payload: unknown) => unknown
  /** Called after each record that this handle wrote, for the user-level index. Its errors become warnings. */
  readonly onAppended?: (record: JournalRecord, state: RunState) => void
  readonly lockTimeoutMs?: number
  readonly disk?: JournalDisk
}

/** A run opened for writing, with what only its owner needs to know. */
export interface WritableRun extends RunHandle {
  /** Fencing number that this handle writes with. */
  readonly fence: number
  /** Why appends are refused; null when all is well. */
  suspect(): string | null
  /** True when no other living kx process had the run open at the moment of opening. */
  readonly wasAlone: boolean
  /** Takes a number again after `fenced`, once a person or the next act has decided to go on. */
  rejoin(mode?: 'join' | 'take'): Promise<void>
  /**
   * Becomes the one owner of `what` (such as `patrol`). A living owner whose last beat is younger than `ttlSeconds`
   * keeps it; a sleeping one is fenced off. Calling it again is the beat.
   */
  claim(what: string, ttlSeconds: number): Promise<Claim>
  release(what: string): Promise<void>
}

/**
 * Opens a run for writing: takes a fencing number, drops a torn tail (and says so in a note), reads and folds the
 * journal. Throws `RunError`: `missing`, `suspect`, `busy`, `io` (what the disk
 * refused, and what to do about it).
 */
export async function openRun(folder: string, options: OpenRunOptions): Promise<WritableRun> {
  const path = join(folder, 'journal.jsonl')
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw diskError('read the run in', folder, error)
    throw new RunError('missing', `There is no readable journal in ${folder}.`, 'List the runs with: kx runs')
  }
  let lock: AppendLock | null = null
  let journal: Journal | null = null
  try {
    checkFolder(folder)
    refuseNetworkFileSystem(folder)
    lock = new AppendLock(join(folder, 'journal.lock'), options.lockTimeoutMs)
    journal = new Journal(path, lock, options.disk)
    const handle = new OpenRun(folder, journal, options)
    await handle.begin()
    sweepTemps(folder)
    sweepTemps(join(folder, 'artifacts'))
    return handle
  } catch (error) {
    journal?.close()
    lock?.close()
    throw diskError('open for writing the run in', folder, error, () => whyNotWritable(folder))
  }
}

class OpenRun implements WritableRun {
  readonly folder: string
  wasAlone = false
  fence = 0
  readonly #writerId = randomUUID()
  readonly #journal: Journal
  readonly #options: OpenRunOptions
  readonly #listeners = new Set<(state: RunState) => void>()
  #folded: RunState | null = null
  #shown: RunState | null = null
  #warnings: readonly string[] = []
  #queue: Promise<unknown> = Promise.resolve()
  #isTold = true
  #isClosed = false

  constructor(folder: string, journal: Journal, options: OpenRunOptions) {
    this.folder = folder
    this.#journal = journal
    this.#folded = journal.folded
    this.#options = options
  }

  get id(): string {
    return this.state().runId
  }

  async begin(): Promise<void> {
    await this.#journal.lock.run(() => {
      this.#catchUp()
      this.wasAlone = this.#journal.lock.otherWriters(this.#writerId).length === 0
      this.#takeNumber(this.#options.fence ?? 'join')
    })
    if (this.#folded === null)
      throw new RunError(
        'suspect',
        `The journal in ${this.folder} does not begin with the creation of a run.`,
        'Restore it from a backup, or move the folder away.',
      )
  }

  state(): RunState {
    if (this.#shown !== null) return this.#shown
    const folded = this.#folded
    if (folded === null) throw new RunError('suspect', `Nothing could be read in ${this.folder}.`, '')
    const suspect = this.#journal.suspect
    const own = suspect === null ? this.#warnings : [...this.#warnings, `Nothing can be written: ${suspect}.`]
    this.#shown = own.length === 0 ? folded : { ...folded, warnings: [...own, ...folded.warnings] }
    return this.#shown
  }

  suspect(): string | null {
    return this.#journal.suspect
  }

  async refresh(): Promise<RunState> {
    this.#refuseClosed()
    try {
      this.#take(this.#journal.readNew())
    } finally {
      this.#shown = null
    }
    return this.state()
  }

  append(kind: JournalKind, payload: unknown, refuse?: (state: RunState) => string | null): Promise<JournalRecord> {
    return this.#inOrder(async () => {
      this.#refuseClosed()
      const fault = isJournalKind(kind) ? payloadFault(kind, payload) : 'is of no known kind'
      if (fault !== null) throw new RunError('invalid', `A ${kind} record ${fault}.`, 'Nothing was written.')
      const scrubbed = this.scrub(payload)
      failpoint('append.before-lock')
      const record = await this.#journal.lock.run(() => {
        failpoint('append.locked')
        this.#catchUp()
        this.#refuseFenced()
        const refusal = refuse?.(this.state()) ?? null
        if (refusal !== null) throw new RunError('refused', refusal, '')
        const written = this.#write(kind, scrubbed)
        failpoint('append.before-unlock')
        return written
      })
      failpoint('append.unlocked')
      this.#mirror(record)
      failpoint('append.mirrored')
      return record
    })
  }

  scrub<T>(value: T): T {
    const { scrub } = this.#options
    return scrub === undefined ? value : (withTokensKept(value, scrub(value)) as T)
  }

  rejoin(mode: 'join' | 'take' = 'join'): Promise<void> {
    return this.#inOrder(() =>
      this.#journal.lock.run(() => {
        this.#catchUp()
        this.#takeNumber(mode)
      }),
    )
  }

  claim(what: string, ttlSeconds: number): Promise<Claim> {
    return this.#inOrder(() =>
      this.#journal.lock.run((): Claim => {
        this.#catchUp()
        const { lock } = this.#journal
        const owner = lock.owner(what)
        const others = lock.otherWriters(this.#writerId)
        let fencedOff: number | null = null
        if (owner !== null && owner.writer !== this.#writerId) {
          const isAlive = others.some((p) => p.pid === owner.process.pid && p.startTicks === owner.process.startTicks)
          if (isAlive && owner.ageMs < ttlSeconds * 1000)
            return {
              isOurs: false,
              pid: owner.process.pid,
              hostname: owner.process.hostname,
              ageSeconds: owner.ageMs / 1000,
            }
          if (isAlive) {
            fencedOff = owner.process.pid
            this.#takeNumber('take')
          }
        }
        this.#refuseFenced()
        lock.setOwner(what, this.#writerId)
        return { isOurs: true, fencedOff }
      }),
    )
  }

  release(what: string): Promise<void> {
    return this.#inOrder(() => this.#journal.lock.run(() => this.#journal.lock.removeOwner(what, this.#writerId)))
  }

  subscribe(listener: (state: RunState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listeners.clear()
    await this.#queue.catch(() => undefined)
    try {
      await this.#journal.lock.run(() => this.#journal.lock.removeWriter(this.#writerId))
    } catch {
      // A row that stays is recognised as dead when this process is gone.
    }
    this.#journal.close()
    this.#journal.lock.close()
  }

  /** Appends in the order of the calls: the next begins when the one before has ended, well or badly. */
  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(work, work)
    this.#queue = next.catch(() => undefined)
    return next
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new RunError('closed', 'This run is closed.', 'Open it again.')
  }

  #refuseFenced(): void {
    const highest = Math.max(this.#journal.lock.fence(), this.#journal.cursor.fence)
    if (this.fence < highest)
      throw new RunError(
        'fenced',
        `Nothing was written: another kx has taken this run over (fence ${highest}, ours is ${this.fence}).`,
        'Look at what it did, then start the act again.',
      )
  }

  /** Under the lock: reads what others wrote, and puts a dropped torn tail on record. */
  #catchUp(): void {
    const { records, torn } = this.#journal.readNewLocked()
    this.#take(records)
    if (torn === null) return
    const text = `Dropped ${torn.bytes} bytes of a half-written line after record ${torn.afterSequence} (SHA-256 ${torn.sha256}).`
    this.#warnings = [...this.#warnings, text]
    this.#shown = null
    // The note is written with the number of the line before it: it says what is, it claims nothing.
    const fence = Math.max(1, this.fence, this.#journal.cursor.fence)
    if (this.#folded !== null)
      this.#take([
        this.#journal.appendLocked({ kind: 'note', payload: { text }, atMs: this.#options.clock.nowMs(), fence }),
      ])
  }

  #takeNumber(mode: 'join' | 'take'): void {
    const { lock, cursor } = this.#journal
    const highest = Math.max(lock.fence(), cursor.fence)
    const isAlone = lock.otherWriters(this.#writerId).length === 0
    const fence = mode === 'take' || isAlone ? highest + 1 : Math.max(1, highest)
    if (fence !== lock.fence()) lock.setFence(fence)
    lock.addWriter(this.#writerId)
    this.fence = fence
  }

  #write(kind: JournalKind, payload: unknown): JournalRecord {
    try {
      const record = this.#journal.appendLocked({
        kind,
        payload,
        atMs: this.#options.clock.nowMs(),
        fence: this.fence,
      })
      this.#take([record])
      return record
    } finally {
      this.#shown = null
    }
  }

  #take(records: readonly JournalRecord[]): void {
    if (records.length === 0) return
    this.#folded = foldRecords(this.#folded, records)
    this.#shown = null
    this.#tell()
  }

  /** Listeners hear once about everything that happened in one turn of the event loop. */
  #tell(): void {
    if (!this.#isTold || this.#listeners.size === 0) return
    this.#isTold = false
    queueMicrotask(() => {
      this.#isTold = true
      if (this.#isClosed || this.#folded === null) return
      const state = this.state()
      for (const listener of [...this.#listeners]) listener(state)
    })
  }

  #mirror(record: JournalRecord): void {
    if (this.#options.onAppended === undefined) return
    try {
      this.#options.onAppended(record, this.state())
    } catch (error) {
      this.#warnings = [...this.#warnings, `The index of all runs was not told: ${messageOf(error)}`]
      this.#shown = null
    }
  }
}
