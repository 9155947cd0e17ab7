import type { Override } from '../walk/item.ts'
import { mostMeterNotes } from '../walk/meter.ts'
import { withOverride, withoutOverride } from '../walk/overrides.ts'
import type { Proof, ProofKind } from '../walk/proof.ts'
import { nextGeneration } from '../walk/shares.ts'
import { cellIdOf, cellWith, endStateOf } from './cell-record.ts'
import { wholeObservation } from './observation.ts'
import {
  type FindingAcknowledged,
  type FindingClosed,
  isJournalKind,
  type MeterClosed,
  type MeterOpened,
  type MeterSaid,
  type MeterSeen,
  type Note,
  type OverrideWithdrawn,
  payloadFault,
} from './payloads.ts'
import type {
  CellEnded,
  CellMarked,
  CellNoted,
  CellProcess,
  CellRecord,
  CellStarted,
  Finding,
  Fleet,
  FleetSet,
  GuardActed,
  HostObservation,
  IntentClosed,
  IntentOpened,
  JournalRecord,
  LeaseExtended,
  RunCreated,
  RunState,
  UnitsAssigned,
} from './types.ts'

/** Kept at most, so that a journal full of faults does not become a state full of text. */
const maxWarnings = 50

/** A state under construction: the same fields, with lists of its own that may be written to. */
type Draft = { -readonly [K in keyof RunState]: RunState[K] extends readonly (infer T)[] ? T[] : RunState[K] }

const startOf = (record: JournalRecord, created: RunCreated): Draft => ({
  runId: created.runId,
  created,
  createdAtMs: record.atMs,
  isArchived: false,
  sequence: record.sequence,
  fence: record.fence,
  warnings: [],
  proofs: [],
  latest: {},
  overrides: {},
  cells: [],
  intents: [],
  observation: null,
  findings: [],
  meters: [],
  leaseExtensions: [],
  guardActs: [],
  notes: [],
})

const draftOf = (state: RunState): Draft => ({
  ...state,
  warnings: [...state.warnings],
  proofs: [...state.proofs],
  cells: [...state.cells],
  intents: [...state.intents],
  findings: [...state.findings],
  meters: [...state.meters],
  leaseExtensions: [...state.leaseExtensions],
  guardActs: [...state.guardActs],
  notes: [...state.notes],
})

/**
 * State after one more record. `null` in means: nothing read yet; `null` out: the journal has not begun with
 * `run.created`. The given state is not changed.
 */
export function foldRecord(state: RunState | null, record: JournalRecord): RunState | null {
  return foldRecords(state, [record])
}

/** State after several records, oldest first. Lists are copied once a call, so reading a long journal stays linear. */
export function foldRecords(state: RunState | null, records: readonly JournalRecord[]): RunState | null {
  if (records.length === 0) return state
  let draft: Draft | null = state === null ? null : draftOf(state)
  for (const record of records) {
    if (draft === null) {
      if (record.kind === 'run.created' && payloadFault(record.kind, record.payload) === null)
        draft = startOf(record, record.payload as RunCreated)
    } else apply(draft, record)
  }
  return draft
}

function warn(draft: Draft, text: string): void {
  if (draft.warnings.length < maxWarnings) draft.warnings.push(text)
}

function apply(draft: Draft, record: JournalRecord): void {
  draft.sequence = record.sequence
  const at = `Record ${record.sequence} (${record.kind})`
  if (record.fence < draft.fence) {
    warn(draft, `${at} ignored: written by a kx that had been replaced (fence ${record.fence}, now ${draft.fence}).`)
    return
  }
  draft.fence = record.fence
  if (!isJournalKind(record.kind)) {
    warn(draft, `${at} ignored: this kx does not know that kind.`)
    return
  }
  const fault = payloadFault(record.kind, record.payload)
  if (fault !== null) {
    warn(draft, `${at} ignored: it ${fault}.`)
    return
  }
  const problem = applyKind(draft, record)
  if (problem !== null) warn(draft, `${at} ignored: ${problem}.`)
}

/** Applies a checked payload. Returns why it could not, or null. */
function applyKind(draft: Draft, { kind, payload, atMs }: JournalRecord): string | null {
  switch (kind) {
    case 'run.created':
      return 'the run had begun before'
    case 'run.archived':
      draft.isArchived = true
      return null
    case 'proof.made': {
      const proof = payload as Proof
      if (draft.proofs.some((p) => p.id === proof.id)) return `a proof ${proof.id} exists`
      draft.proofs.push(proof)
      draft.latest = { ...draft.latest, [proof.kind satisfies ProofKind]: proof }
      return null
    }
    case 'override.given': {
      const override = payload as Override
      // Records of before a proof was named speak of the newest one that has the item.
      const index = draft.proofs.findLastIndex(({ id, items }) =>
        override.proofId === undefined ? items.some((item) => item.id === override.itemId) : id === override.proofId,
      )
      const proof = draft.proofs[index]
      if (proof === undefined) return `no proof has an item ${override.itemId}`
      replaceProof(draft, index, withOverride(proof, override))
      draft.overrides = { ...draft.overrides, [override.itemId]: override }
      return null
    }
    case 'override.withdrawn': {
      const { itemId } = payload as OverrideWithdrawn
      for (const [index, proof] of draft.proofs.entries()) replaceProof(draft, index, withoutOverride(proof, itemId))
      draft.overrides = Object.fromEntries(Object.entries(draft.overrides).filter(([id]) => id !== itemId))
      return null
    }
    case 'cell.started':
      draft.cells.push({ started: withKnownHost(draft.cells, payload as CellStarted), startedAtMs: atMs, ended: null })
      return null
    case 'cell.ended': {
      const ended = payload as CellEnded
      return replaceLast(
        draft.cells,
        (cell: CellRecord) => endStateOf(cell) === null && cellIdOf(cell) === ended.cellId,
        (cell) => cellWith(cell, { ended }),
        `no running cell ${ended.cellId}`,
      )
    }
    case 'cell.process': {
      const process = payload as CellProcess
      return replaceLast(
        draft.cells,
        (cell: CellRecord) => endStateOf(cell) === null && cellIdOf(cell) === process.cellId,
        (cell) => cellWith(cell, { process }),
        `no running cell ${process.cellId}`,
      )
    }
    case 'cell.noted': {
      const { cellId = null, text, by } = payload as CellNoted
      if (cellId !== null && !draft.cells.some((cell) => cellIdOf(cell) === cellId)) return `no cell ${cellId}`
      draft.cellNotes = [...(draft.cellNotes ?? []), { cellId, text, by, atMs }]
      return null
    }
    case 'cell.marked': {
      const { cellId, isMarked } = payload as CellMarked
      if (!draft.cells.some((cell) => cellIdOf(cell) === cellId)) return `no cell ${cellId}`
      const others = (draft.bookmarks ?? []).filter((each) => each !== cellId)
      draft.bookmarks = isMarked ? [...others, cellId] : others
      return null
    }
    case 'intent.opened':
      draft.intents.push({ ...(payload as IntentOpened), atMs, closed: null })
      return null
    case 'intent.closed': {
      const closed = payload as IntentClosed
      return replaceLast(
        draft.intents,
        (intent) => intent.intentId === closed.intentId && intent.closed === null,
        (intent) => ({ ...intent, closed }),
        `no open intent ${closed.intentId}`,
      )
    }
    case 'observation':
      draft.observation = { atMs, payload: wholeObservation(draft.observation?.payload, payload) }
      return null
    case 'fleet.set':
      draft.fleet = { ...fleetOf(draft), hosts: [...new Set((payload as FleetSet).hosts)] }
      return null
    case 'units.assigned': {
      const assigned = payload as UnitsAssigned
      const fleet = fleetOf(draft)
      const next = nextGeneration(fleet.assignments)
      if (assigned.generation !== next) return `its generation is ${assigned.generation}, and ${next} is next`
      draft.fleet = { ...fleet, assignments: [...fleet.assignments, { ...assigned, atMs }] }
      return null
    }
    case 'host.observation': {
      const { host, observation } = payload as HostObservation
      const fleet = fleetOf(draft)
      const seen = { atMs, payload: wholeObservation(fleet.observations[host]?.payload, observation) }
      const isTrue = (seen.payload as { readonly state?: unknown } | null)?.state !== 'unknown'
      draft.fleet = {
        ...fleet,
        observations: { ...fleet.observations, [host]: seen },
        truths: isTrue ? { ...fleet.truths, [host]: seen } : fleet.truths,
      }
      return null
    }
    case 'finding.opened': {
      const finding = payload as Finding
      draft.findings.push({ ...finding, openedAtMs: atMs, closedAtMs: null, acknowledgedBy: null })
      return null
    }
    case 'finding.closed': {
      const { findingId } = payload as FindingClosed
      return replaceLast(
        draft.findings,
        (finding) => finding.findingId === findingId && finding.closedAtMs === null,
        (finding) => ({ ...finding, closedAtMs: atMs }),
        `no open finding ${findingId}`,
      )
    }
    case 'finding.acknowledged': {
      const { findingId, by } = payload as FindingAcknowledged
      return replaceLast(
        draft.findings,
        (finding) => finding.findingId === findingId,
        (finding) => ({ ...finding, acknowledgedBy: by }),
        `no finding ${findingId}`,
      )
    }
    case 'meter.opened': {
      const { meterId, what, host, usdPerHour, leaseUntilMs } = payload as MeterOpened
      draft.meters.push({
        meterId,
        what,
        host,
        usdPerHour,
        openedAtMs: atMs,
        leaseUntilMs: leaseUntilMs ?? null,
        closedAtMs: null,
        closedBecause: null,
      })
      return null
    }
    case 'meter.closed': {
      const { meterId, because, writtenOff } = payload as MeterClosed
      return replaceLast(
        draft.meters,
        (meter) => meter.meterId === meterId && meter.closedAtMs === null,
        (meter) => ({
          ...meter,
          closedAtMs: atMs,
          closedBecause: because ?? null,
          ...(writtenOff === undefined ? {} : { writtenOff }),
        }),
        `no open meter ${meterId}`,
      )
    }
    case 'lease.extended': {
      const extended = payload as LeaseExtended
      // Each host of a run has a lease of its own, with numbers of its own.
      const before = draft.leaseExtensions.filter(
        (each) => each.approvalId === extended.approvalId && each.host === extended.host,
      )
      if (before.some((each) => each.number >= extended.number))
        return `the lease has the number ${extended.number} already`
      draft.leaseExtensions.push({ ...extended, atMs })
      draft.meters = draft.meters.map((meter) =>
        meter.closedAtMs === null && meter.host === extended.host
          ? { ...meter, leaseUntilMs: extended.untilMs }
          : meter,
      )
      return null
    }
    case 'guard.acted': {
      const acted = payload as GuardActed
      const isThere = draft.guardActs.some((each) => each.host === acted.host && each.number === acted.number)
      if (!isThere) draft.guardActs.push(acted)
      return null
    }
    case 'meter.seen': {
      const { meterId, sight } = payload as MeterSeen
      return replaceLast(
        draft.meters,
        (meter) => meter.meterId === meterId,
        (meter) => ({ ...meter, sights: [...(meter.sights ?? []), sight].slice(-mostMeterNotes) }),
        `no meter ${meterId}`,
      )
    }
    case 'meter.said': {
      const { meterId, statement } = payload as MeterSaid
      return replaceLast(
        draft.meters,
        (meter) => meter.meterId === meterId,
        (meter) => ({ ...meter, statements: [...(meter.statements ?? []), statement].slice(-mostMeterNotes) }),
        `no meter ${meterId}`,
      )
    }
    case 'note':
      draft.notes.push({ atMs, text: (payload as Note).text })
      return null
  }
}

/** The host of a cell is most often that of the cell before: one object for both, since there may be many thousand. */
function withKnownHost(cells: readonly CellRecord[], started: CellStarted): CellStarted {
  const before = cells.at(-1)?.started.host
  const { host } = started
  if (before == null || host == null) return started
  const names = Object.keys(host) as (keyof typeof host)[]
  const isSame = names.length === Object.keys(before).length && names.every((name) => before[name] === host[name])
  return isSame ? { ...started, host: before } : started
}

const fleetOf = (draft: Draft): Fleet => draft.fleet ?? { hosts: [], assignments: [], observations: {}, truths: {} }

function replaceProof(draft: Draft, index: number, proof: Proof): void {
  const isLatest = draft.latest[proof.kind] === draft.proofs[index]
  draft.proofs[index] = proof
  if (isLatest) draft.latest = { ...draft.latest, [proof.kind]: proof }
}

/** Replaces the newest entry that fits; returns `otherwise` when none does. */
function replaceLast<T>(list: T[], fits: (entry: T) => boolean, change: (entry: T) => T, otherwise: string) {
  const index = list.findLastIndex(fits)
  const entry = list[index]
  if (entry === undefined) return otherwise
  list[index] = change(entry)
  return null
}
