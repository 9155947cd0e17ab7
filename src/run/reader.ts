import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { launchInDoubt, writtenOffIn } from '../walk/end.ts'
import type { RunLiveness } from '../walk/phase.ts'
import { type RunEnd, runEndIn } from '../walk/run-end.ts'
import { releasedOf } from '../walk/shares.ts'
import { clockSlackMs } from '../walk/staleness.ts'
import { messageOf } from './errors.ts'
import { foldRecords } from './fold.ts'
import { readFoldIndex } from './fold-index.ts'
import { viewOf } from './host-view.ts'
import { readEach } from './journal.ts'
import { JournalCursor } from './journal-line.ts'
import type { ObservationHead } from './payloads.ts'
import type { Fleet, Meter, RunState } from './types.ts'

/** An observation older than this no longer says how a run is; the home screen shows `unknown` with its age. */
export const observationLifetimeMs = 15 * 60_000

/** What the home screen shows of a run. Nothing in it is guessed: what could not be read is null or `unknown`. */
export interface RunSummary {
  readonly runId: string
  readonly folder: string
  readonly project: string | null
  readonly planName: string | null
  readonly createdAtMs: number | null
  /** `null`: not launched yet, so there is nothing alive or dead. */
  readonly liveness: RunLiveness | null
  /** How a finished run has ended; null: it has not, or it left no exit file. */
  readonly end: RunEnd['word'] | null
  /** Furthest proof, in a word or two: `planned`, `audited`, `launched`, `torn down`, `written off`. */
  readonly stage: string | null
  readonly unitsDone: number | null
  readonly unitsTotal: number | null
  /** When the run was last looked at by patrol; null: never. */
  readonly seenAtMs: number | null
  /** Newest record of the journal. */
  readonly changedAtMs: number | null
  readonly isArchived: boolean
  readonly openMeters: readonly Meter[]
  readonly openFindings: number
  /** Why it is unknown, or what else must be said about it. */
  readonly reason: string | null
}

export interface SummaryReader {
  read(folder: string, nowMs: number): RunSummary
}

/** A journal as far as it was read. */
export interface Remembered {
  readonly inode: number
  readonly cursor: JournalCursor
  /** How far its index went when it was opened; 0: there was none. */
  readonly indexedBytes: number
  state: RunState | null
  changedAtMs: number | null
}

/** Reads runs without locks and without writing; a second look at the same run reads only what was added. */
export function createSummaryReader(): SummaryReader {
  const seen = new Map<string, Remembered>()
  return {
    read: (folder, nowMs) => {
      try {
        const remembered = look(join(folder, 'journal.jsonl'), seen.get(folder))
        seen.set(folder, remembered)
        if (remembered.state === null) return unreadable(folder, 'its journal does not begin with a run')
        return summaryOf(remembered.state, folder, remembered.cursor, remembered.changedAtMs, nowMs)
      } catch (error) {
        seen.delete(folder)
        const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
        return unreadable(folder, isMissing ? 'its folder or journal is missing' : messageOf(error))
      }
    },
  }
}

let last: { readonly folder: string; readonly seen: Remembered } | null = null

/**
 * State of a run as its journal stands now, without a lock; null when it does not begin with a run. Throws on a bad disk.
 * Asked again of the same run it reads only what was added: a live run is asked for at every look.
 */
export function readRunState(folder: string): RunState | null {
  const before = last?.folder === folder ? last.seen : undefined
  last = null
  const seen = look(join(folder, 'journal.jsonl'), before)
  last = { folder, seen }
  return seen.state
}

/** What `readRunState` has read of this run last, for whoever reads on from there; it is theirs from now on. */
export function takeOver(folder: string): Remembered | undefined {
  if (last?.folder !== folder) return undefined
  const { seen } = last
  last = null
  return seen
}

/** Reads a journal on from where it was read before, else from its index or its beginning. Throws on a bad disk. */
export function look(path: string, before: Remembered | undefined): Remembered {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { ino, size } = fstatSync(fd)
    const isSame = before !== undefined && before.inode === ino && size >= before.cursor.offset
    const at = isSame ? before : begun(dirname(path), fd, ino)
    readEach(fd, at.cursor, (records) => {
      at.state = foldRecords(at.state, records)
      at.changedAtMs = records.at(-1)?.atMs ?? at.changedAtMs
    })
    return at
  } finally {
    closeSync(fd)
  }
}

function begun(folder: string, fd: number, inode: number): Remembered {
  const known = readFoldIndex(folder, fd)
  if (known !== null) return { ...known, indexedBytes: known.cursor.offset }
  return { inode, cursor: new JournalCursor(true), indexedBytes: 0, state: null, changedAtMs: null }
}

function unreadable(folder: string, why: string): RunSummary {
  return {
    runId: basename(folder),
    folder,
    project: null,
    planName: null,
    createdAtMs: null,
    liveness: 'unknown',
    end: null,
    stage: null,
    unitsDone: null,
    unitsTotal: null,
    seenAtMs: null,
    changedAtMs: null,
    isArchived: false,
    openMeters: [],
    openFindings: 0,
    reason: `Unknown: ${why}.`,
  }
}

/** Also for a state that is open already: the home screen and the title line then say the same. */
export function summaryOf(
  state: RunState,
  folder: string,
  cursor: Pick<JournalCursor, 'chainBreak'> | null,
  changedAtMs: number | null,
  nowMs: number,
): RunSummary {
  const { liveness, reason } = livenessOf(state, nowMs)
  const head = headOf(state)
  const broken = cursor?.chainBreak ?? null
  const writtenOff = writtenOffIn(state)
  const given = writtenOff === null ? null : `Written off by ${writtenOff.by}: ${writtenOff.reason}`
  return {
    runId: state.runId,
    folder,
    project: state.created.project,
    planName: state.created.planName,
    createdAtMs: state.createdAtMs,
    liveness,
    end: liveness === 'finished' ? (endIn(state)?.word ?? null) : null,
    stage: stageOf(state),
    unitsDone: head?.unitsDone ?? null,
    unitsTotal: head?.unitsTotal ?? null,
    seenAtMs: state.observation?.atMs ?? null,
    changedAtMs,
    isArchived: state.isArchived,
    openMeters: state.meters.filter((meter) => meter.closedAtMs === null),
    openFindings: state.findings.filter((finding) => finding.closedAtMs === null).length,
    reason:
      broken === null
        ? (given ?? reason ?? state.warnings[0] ?? null)
        : `Journal not whole: line ${broken.line} ${broken.why}.`,
  }
}

/** How the newest launch has ended, by its outcome, else by the newest look. Only of a run whose liveness is finished. */
export function endIn(state: RunState): RunEnd | null {
  const launched = launchedViews(state)
  if (launched.length > 0) {
    const released = releasedOf(state.fleet?.assignments ?? [])
    const ends = launched.flatMap((view) => (released.has(view.view?.host ?? '') ? [] : [endIn(view)]))
    return ends.find((end) => end === null || end.word !== 'completed') ?? ends[0] ?? null
  }
  const { Outcome: outcome, Receipt: receipt } = state.latest
  const isOver =
    outcome !== undefined && receipt !== undefined && state.proofs.indexOf(outcome) > state.proofs.indexOf(receipt)
  return runEndIn(isOver ? outcome.payload : state.observation?.payload)
}

/** A run over several hosts as each of those sees it that it was launched on; empty for a run on one. */
function launchedViews(state: RunState): readonly RunState[] {
  if (state.fleet === undefined || state.view !== undefined || state.fleet.hosts.length < 2) return []
  return state.fleet.hosts.map((host) => viewOf(state, host)).filter((view) => view.latest.Receipt !== undefined)
}

const livenesses: readonly string[] = ['running', 'stalled', 'finished', 'dead', 'unknown']

function headOf(state: RunState): ObservationHead | null {
  const payload = state.observation?.payload as Partial<ObservationHead> | null | undefined
  if (typeof payload?.state !== 'string' || !livenesses.includes(payload.state)) return null
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null)
  return { state: payload.state, unitsDone: number(payload.unitsDone), unitsTotal: number(payload.unitsTotal) }
}

/** The five states as far as the journal tells; null before a launch. An old look is not a look. */
export function livenessOf(
  state: RunState,
  nowMs: number,
): { readonly liveness: RunLiveness | null; readonly reason: string | null } {
  if (state.fleet !== undefined && state.view === undefined && state.fleet.hosts.length > 1)
    return fleetLiveness(state, state.fleet, nowMs)
  const receipt = state.latest.Receipt
  if (launchInDoubt(state) !== null)
    return { liveness: 'unknown', reason: 'A launch was begun; its outcome is not on record.' }
  if (receipt === undefined) return { liveness: null, reason: null }
  const outcome = state.latest.Outcome
  const seenAtMs = state.observation?.atMs ?? null
  const head = headOf(state)
  const isOver = outcome !== undefined && state.proofs.indexOf(outcome) > state.proofs.indexOf(receipt)
  if (isOver) {
    const how = (outcome.payload as { readonly state?: unknown } | null)?.state ?? head?.state
    return { liveness: how === 'dead' ? 'dead' : 'finished', reason: null }
  }
  if (head === null || seenAtMs === null || seenAtMs < receipt.atMs)
    return { liveness: 'unknown', reason: 'Launched, and not looked at since.' }
  // What has ended stays ended; what was alive may not be any more.
  if (head.state === 'finished' || head.state === 'dead') return { liveness: head.state, reason: null }
  if (nowMs - seenAtMs > observationLifetimeMs)
    return { liveness: 'unknown', reason: `Not looked at for ${Math.floor((nowMs - seenAtMs) / 60_000)} min.` }
  if (seenAtMs - nowMs > clockSlackMs)
    return { liveness: 'unknown', reason: 'Its last look is dated ahead of this clock.' }
  return { liveness: head.state, reason: null }
}

/** How each launched host of several stands; those that have given back what they had only when asked for. */
export function hostLiveness(
  state: RunState,
  fleet: Fleet,
  nowMs: number,
  isWithReleased = false,
): readonly { readonly host: string; readonly liveness: RunLiveness; readonly reason: string | null }[] {
  const released = releasedOf(fleet.assignments)
  return fleet.hosts.flatMap((host) => {
    const { liveness, reason } = livenessOf(viewOf(state, host), nowMs)
    return liveness === null || (released.has(host) && !isWithReleased) ? [] : [{ host, liveness, reason }]
  })
}

/** One that nobody knows of makes the run unknown, whatever the others do; then the worst of what is known. */
const worstOf: readonly RunLiveness[] = ['unknown', 'dead', 'stalled', 'running', 'finished']

function fleetLiveness(
  state: RunState,
  fleet: Fleet,
  nowMs: number,
): { readonly liveness: RunLiveness | null; readonly reason: string | null } {
  const each = hostLiveness(state, fleet, nowMs)
  const liveness = worstOf.find((word) => each.some((one) => one.liveness === word)) ?? null
  const those = each.filter((one) => one.liveness === liveness)
  if (liveness === null || those.length === each.length) return { liveness, reason: those[0]?.reason ?? null }
  const names = those.map(({ host }) => host).join(', ')
  const why = those[0]?.reason ?? null
  return { liveness, reason: `${liveness}: ${names} (of ${each.length} hosts).${why === null ? '' : ` ${why}`}` }
}

const stages = [
  ['MeterStopped', 'torn down'],
  ['VerifiedManifest', 'verified'],
  ['Outcome', 'ended'],
  ['Receipt', 'launched'],
  ['Approval', 'approved'],
  ['PricedPlan', 'priced'],
  ['SmokeProof', 'smoked'],
  ['AuditReport', 'audited'],
  ['PlanDigest', 'planned'],
] as const

/** Stages after which how the run last looked says nothing any more. */
export const closedStages: readonly (string | null)[] = ['torn down', 'written off']

/** How far a run has come, by the newest kind of proof that it has: the word of the home screen. */
export function stageOf(state: RunState): string {
  if (writtenOffIn(state) !== null) return 'written off'
  const launched = launchedViews(state)
  if (launched.length > 0) {
    // As far as the host that is behind: a run is torn down when all of it is.
    const far = launched.map((view) => stages.findIndex(([kind]) => view.latest[kind] !== undefined))
    return stages[Math.max(...far)]?.[1] ?? 'new'
  }
  return stages.find(([kind]) => state.latest[kind] !== undefined)?.[1] ?? 'new'
}
