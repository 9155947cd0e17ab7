import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Proof } from '../walk/proof.ts'
import { messageOf, RunError } from './errors.ts'
import { failpoint } from './failpoints.ts'
import { checkFolder, fileMode, fsyncFolder, makeFolder } from './files.ts'
import { sha256Hex } from './journal-line.ts'
import type { MeterClosed, MeterOpened, MeterSaid, MeterSeen } from './payloads.ts'
import type { JournalRecord, LeaseExtended, Meter, RunState } from './types.ts'

export interface IndexedRun {
  readonly runId: string
  readonly project: string
  readonly projectFolder: string
  readonly planName: string
  readonly createdAtMs: number
  readonly isArchived: boolean
}

export interface IndexedMeter extends Meter {
  readonly runId: string
  readonly projectFolder: string
  /** What was last seen or said of it, in one line; absent: nothing since it was opened. */
  readonly note?: string
}

/** That a person has read a danger clock of a platform (what is deleted or billed when). */
export interface AcknowledgedClock {
  readonly platform: string
  readonly clockId: string
  readonly by: string
  readonly atMs: number
}

/** Every run and every meter of this user, over all projects. */
export interface RunIndex {
  readonly runs: readonly IndexedRun[]
  readonly meters: readonly IndexedMeter[]
  readonly acknowledgedClocks: readonly AcknowledgedClock[]
  /** What could not be believed. Not empty means: there may be runs and meters that are not listed. */
  readonly suspects: readonly string[]
}

type Entry =
  | { readonly kind: 'run'; readonly run: Omit<IndexedRun, 'isArchived'> }
  | { readonly kind: 'run.archived'; readonly runId: string }
  | { readonly kind: 'meter.opened'; readonly meter: IndexedMeter }
  | {
      readonly kind: 'meter.closed'
      readonly runId: string
      readonly meterId: string
      readonly closedAtMs: number
      readonly because: string | null
    }
  | {
      readonly kind: 'meter.leased'
      readonly runId: string
      readonly meterId: string
      readonly leaseUntilMs: number | null
    }
  | { readonly kind: 'meter.noted'; readonly runId: string; readonly meterId: string; readonly note: string }
  | { readonly kind: 'clock.acknowledged'; readonly clock: AcknowledgedClock }

export interface IndexFile {
  readonly path: string
  read(): RunIndex
  /** Notes what a journal record means for the index. For `OpenRunOptions.onAppended`. */
  mirror(record: JournalRecord, state: RunState): void
  /** Adds what a crash between journal and index left out. Returns how many entries were missing. */
  reconcile(state: RunState): number
  acknowledgeClock(clock: AcknowledgedClock): void
}

/** The index in `stateFolder` (`$XDG_STATE_HOME/kx`). Nothing is read or made before the first call on it. */
export function openIndex(stateFolder: string): IndexFile {
  const path = join(stateFolder, 'index.jsonl')
  const begun = join(stateFolder, 'index.begun')
  const write = (entry: Entry) => {
    makeFolder(stateFolder)
    checkFolder(stateFolder)
    appendLine(path, entry)
    if (existsSync(begun)) return
    writeFileSync(begun, '', { mode: fileMode })
    fsyncFolder(stateFolder)
  }
  const read = () => readIndex(path, begun)
  return {
    path,
    read,
    mirror: (record, state) => {
      for (const entry of entriesOf(record, state)) write(entry)
    },
    reconcile: (state) => {
      const missing = missingEntries(read(), state)
      for (const entry of missing) write(entry)
      return missing.length
    },
    acknowledgeClock: (clock) => write({ kind: 'clock.acknowledged', clock }),
  }
}

const runOf = (state: RunState): Omit<IndexedRun, 'isArchived'> => ({
  runId: state.runId,
  project: state.created.project,
  projectFolder: state.created.projectFolder,
  planName: state.created.planName,
  createdAtMs: state.createdAtMs,
})

function entriesOf(record: JournalRecord, state: RunState): readonly Entry[] {
  switch (record.kind) {
    case 'run.created':
      return [{ kind: 'run', run: runOf(state) }]
    case 'run.archived':
      return [{ kind: 'run.archived', runId: state.runId }]
    case 'meter.opened': {
      const { meterId } = record.payload as MeterOpened
      const meter = state.meters.findLast((m) => m.meterId === meterId)
      if (meter === undefined) return []
      return [
        { kind: 'meter.opened', meter: { ...meter, runId: state.runId, projectFolder: state.created.projectFolder } },
      ]
    }
    case 'meter.closed': {
      const { meterId, because } = record.payload as MeterClosed
      return [{ kind: 'meter.closed', runId: state.runId, meterId, closedAtMs: record.atMs, because: because ?? null }]
    }
    case 'lease.extended': {
      const { host } = record.payload as LeaseExtended
      return state.meters.flatMap((meter) =>
        meter.closedAtMs === null && meter.host === host ? [leased(state.runId, meter)] : [],
      )
    }
    case 'meter.seen': {
      const { meterId, sight } = record.payload as MeterSeen
      return [{ kind: 'meter.noted', runId: state.runId, meterId, note: sight.words }]
    }
    case 'meter.said': {
      const { meterId, statement } = record.payload as MeterSaid
      const note = statement.what === 'done' ? `${statement.verb} carried out, as ${statement.by} says` : statement.text
      return [{ kind: 'meter.noted', runId: state.runId, meterId, note }]
    }
    case 'proof.made':
      return (record.payload as Proof).kind === 'MeterStopped' ? afterRemoval(record.payload as Proof, state) : []
    default:
      return []
  }
}

const leased = (runId: string, { meterId, leaseUntilMs }: Meter): Entry => ({
  kind: 'meter.leased',
  runId,
  meterId,
  leaseUntilMs,
})

/** The box folder is gone, and a machine that somebody bills goes on: until more is seen, that is what is known. */
function afterRemoval(proof: Proof, state: RunState): readonly Entry[] {
  return state.meters
    .filter((meter) => meter.closedAtMs === null && meter.host === proof.host?.host && meter.usdPerHour !== 0)
    .map(({ meterId }) => ({
      kind: 'meter.noted',
      runId: state.runId,
      meterId,
      note: 'box folder removed, machine not seen to end',
    }))
}

function missingEntries(index: RunIndex, state: RunState): readonly Entry[] {
  const missing: Entry[] = []
  const known = index.runs.find((run) => run.runId === state.runId)
  if (known === undefined) missing.push({ kind: 'run', run: runOf(state) })
  for (const meter of state.meters) {
    const indexed = index.meters.find((m) => m.runId === state.runId && m.meterId === meter.meterId)
    if (indexed === undefined)
      missing.push({
        kind: 'meter.opened',
        meter: { ...meter, runId: state.runId, projectFolder: state.created.projectFolder },
      })
    else if (indexed.closedAtMs === null && meter.closedAtMs !== null)
      missing.push({
        kind: 'meter.closed',
        runId: state.runId,
        meterId: meter.meterId,
        closedAtMs: meter.closedAtMs,
        because: meter.closedBecause,
      })
    else if (indexed.closedAtMs === null && indexed.leaseUntilMs !== meter.leaseUntilMs)
      missing.push(leased(state.runId, meter))
  }
  if (state.isArchived && known?.isArchived !== true) missing.push({ kind: 'run.archived', runId: state.runId })
  return missing
}

/** One write, fsynced. A line that a killed writer left unfinished is closed first, so that it spoils only itself. */
function appendLine(path: string, entry: Entry): void {
  const body = JSON.stringify(entry)
  const line = `{"v":1,"check":"${sha256Hex(Buffer.from(body)).slice(0, 16)}","entry":${body}}\n`
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, fileMode)
  try {
    const size = fstatSync(fd).size
    const last = Buffer.alloc(1)
    if (size > 0) readSync(fd, last, 0, 1, size - 1)
    const bytes = Buffer.from(size > 0 && last[0] !== 0x0a ? `\n${line}` : line)
    failpoint('index.before-write')
    const written = writeSync(fd, bytes)
    failpoint('index.after-write')
    if (written !== bytes.byteLength)
      throw new RunError('io', `The index ${path} could not be written: the disk is full.`, 'Free some space there.')
    fsyncSync(fd)
    failpoint('index.after-sync')
  } finally {
    closeSync(fd)
  }
}

function readIndex(path: string, begun: string): RunIndex {
  const empty = { runs: [], meters: [], acknowledgedClocks: [] }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isMissing && !existsSync(begun)) return { ...empty, suspects: [] }
    const why = isMissing ? 'is gone, though it was there before' : `cannot be read (${messageOf(error)})`
    return { ...empty, suspects: [`The index of all runs ${path} ${why}: runs and meters may be missing here.`] }
  }
  const runs = new Map<string, IndexedRun>()
  const meters = new Map<string, IndexedMeter>()
  const clocks = new Map<string, AcknowledgedClock>()
  const suspects: string[] = []
  text.split('\n').forEach((line, i) => {
    if (line === '') return
    const entry = parseEntry(line)
    if (typeof entry === 'string') {
      suspects.push(`Line ${i + 1} of ${path} ${entry}: a run or a meter may be missing here.`)
      return
    }
    foldEntry(entry, runs, meters, clocks)
  })
  return {
    runs: [...runs.values()],
    meters: [...meters.values()],
    acknowledgedClocks: [...clocks.values()],
    suspects,
  }
}

function foldEntry(
  entry: Entry,
  runs: Map<string, IndexedRun>,
  meters: Map<string, IndexedMeter>,
  clocks: Map<string, AcknowledgedClock>,
): void {
  switch (entry.kind) {
    case 'run':
      if (!runs.has(entry.run.runId)) runs.set(entry.run.runId, { ...entry.run, isArchived: false })
      return
    case 'run.archived': {
      const run = runs.get(entry.runId)
      if (run !== undefined) runs.set(entry.runId, { ...run, isArchived: true })
      return
    }
    case 'meter.opened':
      meters.set(`${entry.meter.runId}/${entry.meter.meterId}`, entry.meter)
      return
    case 'meter.closed': {
      const key = `${entry.runId}/${entry.meterId}`
      const meter = meters.get(key)
      if (meter !== undefined) meters.set(key, { ...meter, closedAtMs: entry.closedAtMs, closedBecause: entry.because })
      return
    }
    case 'meter.leased': {
      const key = `${entry.runId}/${entry.meterId}`
      const meter = meters.get(key)
      if (meter !== undefined) meters.set(key, { ...meter, leaseUntilMs: entry.leaseUntilMs })
      return
    }
    case 'meter.noted': {
      const key = `${entry.runId}/${entry.meterId}`
      const meter = meters.get(key)
      if (meter !== undefined) meters.set(key, { ...meter, note: entry.note })
      return
    }
    case 'clock.acknowledged':
      clocks.set(`${entry.clock.platform}/${entry.clock.clockId}`, entry.clock)
  }
}

/** The entry, or why the line is not believed. */
function parseEntry(line: string): Entry | string {
  let value: { v?: unknown; check?: unknown; entry?: unknown }
  try {
    value = JSON.parse(line)
  } catch {
    return 'is not whole'
  }
  if (value?.v !== 1) return 'has a version that this kx does not read'
  if (sha256Hex(Buffer.from(JSON.stringify(value.entry ?? null))).slice(0, 16) !== value.check) return 'was changed'
  return value.entry as Entry
}
