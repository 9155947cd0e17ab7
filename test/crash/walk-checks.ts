import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readManifest } from '../../src/artifact/manifest.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { foldRecords } from '../../src/run/fold.ts'
import { listRunIds, runFolder } from '../../src/run/folder.ts'
import { openIndex } from '../../src/run/index-file.ts'
import type { JournalRecord, RunState } from '../../src/run/types.ts'
import type { StoppedPayload, VerifiedPayload } from '../../src/teardown/types.ts'
import { readJournal } from './support.ts'
import { counted } from './tally.ts'
import { boxFolders, runnersIn, sha256Of, units, type WalkPlace } from './walk-place.ts'

interface Seen {
  readonly folder: string
  readonly records: readonly JournalRecord[]
  readonly state: RunState
}

/** The only run of the place, read without opening it; null while there is none. */
export function seenRun(place: WalkPlace): Seen | null {
  const ids = listRunIds(place.project)
  expect(ids.length).toBeLessThanOrEqual(1)
  if (ids[0] === undefined) return null
  const folder = runFolder(place.project, ids[0])
  const { records, cursor } = readJournal(folder)
  expect(cursor.chainBreak).toBeNull()
  expect(records.map((r) => r.sequence)).toEqual(records.map((_, i) => i + 1))
  const state = foldRecords(null, records)
  if (state === null) throw new Error('the journal has not begun with a run')
  expect(state.warnings).toEqual([])
  return { folder, records, state }
}

const linesOf = (path: string) =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

/** Tokens of the runners that were ever started, by their own record; null: the box is gone, and its record with it. */
function startedTokens(place: WalkPlace): string[] | null {
  const [box, ...more] = boxFolders(place)
  expect(more).toEqual([])
  if (box === undefined) return null
  return linesOf(join(box, 'events.jsonl')).flatMap((line) => {
    const event = JSON.parse(line) as { event: string; token: string }
    return event.event === 'run.started' ? [event.token] : []
  })
}

const payloadsOf = <T>(state: RunState, kind: string): T[] =>
  state.proofs.flatMap((proof) => (proof.kind === kind ? [proof.payload as T] : []))

/** What must hold after any kill, whatever was going on. `launches`: how many runners may ever have been started. */
export function checkAnyTime(place: WalkPlace, launches: number): void {
  counted('doubleLaunches', () => {
    checkUnits(place, launches)
    const runners = runnersIn(place)
    const [box] = boxFolders(place)
    const events = runners.length < 2 || box === undefined ? [] : linesOf(join(box, 'events.jsonl'))
    expect({ runners, events, areTooMany: runners.length > 1 }).toEqual({ runners, events, areTooMany: false })
  })
  const seen = counted('unreadable', () => seenRun(place))
  const tokens = startedTokens(place)
  if (seen === null) {
    expect(tokens).toBeNull()
    return
  }
  const { folder, state } = seen
  counted('doubleLaunches', () => checkLaunches(state, tokens, launches))
  checkRemoval(place, state)
  counted('unreadable', () => checkFiles(folder))
  expect(openIndex(join(place.root, 'state/kx')).read().suspects).toEqual([])
}

/** The world's own record: no unit twice at once, none again after its end. */
function checkUnits(place: WalkPlace, launches: number): void {
  const effects = linesOf(join(place.root, 'effects'))
  for (const unit of units) {
    const own = effects.filter((line) => line.split(' ')[1] === unit).map((line) => line.split(' ')[0])
    const starts = own.filter((word) => word === 'start').length
    expect({ unit, own, isTooOften: starts > launches }).toEqual({ unit, own, isTooOften: false })
    const end = own.indexOf('done')
    if (end >= 0) expect({ unit, own, last: own.length - 1 }).toEqual({ unit, own, last: end })
  }
}

function checkLaunches(state: RunState, tokens: readonly string[] | null, launches: number): void {
  const intents = state.intents.filter((intent) => intent.act === 'launch')
  const known = intents.map((intent) => intent.token)
  expect(new Set(known).size).toBe(known.length)
  const receipts = payloadsOf<ReceiptPayload>(state, 'Receipt').map((payload) => payload.token)
  expect(new Set(receipts).size).toBe(receipts.length)
  if (tokens === null) return
  // Each runner was announced before it was started, and no announcement was used twice.
  expect(tokens.filter((token) => !known.includes(token))).toEqual([])
  expect(new Set(tokens).size).toBe(tokens.length)
  expect(tokens.length).toBeLessThanOrEqual(launches)
  expect(receipts.filter((token) => !tokens.includes(token))).toEqual([])
}

function checkRemoval(place: WalkPlace, state: RunState): void {
  const removals = state.intents.filter((intent) => intent.act === 'remove')
  const used = removals.map((intent) => (intent.payload as { permitId: string }).permitId)
  expect(new Set(used).size).toBe(used.length)
  const permits = state.proofs.filter((proof) => proof.kind === 'Permit').map((proof) => proof.id)
  expect(used.filter((id) => !permits.includes(id))).toEqual([])
  const hasBox = boxFolders(place).length > 0
  const stopped = payloadsOf<StoppedPayload>(state, 'MeterStopped')
  expect(stopped.length).toBeLessThanOrEqual(1)
  if (stopped.length > 0) expect(hasBox).toBe(false)
  const wasLaunched = state.proofs.some((proof) => proof.kind === 'Receipt')
  if (wasLaunched && !hasBox && !existsSync(join(place.root, 'lost'))) expect(removals.length).toBeGreaterThan(0)
}

/** Files that a reader would believe are whole, or not there. */
function checkFiles(folder: string): void {
  const whole = (name: string, isWhole: (text: string) => boolean) => {
    const path = join(folder, name)
    if (existsSync(path))
      expect({ name, isWhole: isWhole(readFileSync(path, 'utf8')) }).toEqual({ name, isWhole: true })
  }
  const isJson = (text: string) => typeof JSON.parse(text) === 'object'
  whole('run-config.json', isJson)
  whole('report.json', isJson)
  whole('artifacts/manifest.json', isJson)
  whole('report.md', (text) => text.startsWith('# ') && text.endsWith('\n'))
  whole('recovery.md', (text) => text.startsWith('# Recovery note') && text.endsWith('\n'))
}

/** Names below a folder that only something unfinished has. */
function leftovers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => {
    const name = path.split('/').at(-1) ?? ''
    // Of a smoke stays what it printed and measured; its copy of the code goes.
    if (path.startsWith('evidence/')) return name === 'code'
    return name.startsWith('.') || name.endsWith('.part') || name.endsWith('.tmp')
  })
}

/** What must hold once the meter of a run, whose box somebody took away, was written off. */
export function checkWrittenOff(place: WalkPlace): void {
  const seen = seenRun(place)
  if (seen === null) throw new Error('there is no run')
  const { state, records } = seen
  expect(runnersIn(place)).toEqual([])
  expect(state.cells.filter((cell) => cell.ended === null)).toEqual([])
  expect(state.intents.filter((intent) => intent.closed === null)).toEqual([])
  expect(state.meters.length).toBeGreaterThan(0)
  expect(state.meters.filter((meter) => meter.closedAtMs === null)).toEqual([])
  const closed = records.filter((record) => record.kind === 'meter.closed')
  expect(closed).toHaveLength(state.meters.length)
  expect(payloadsOf(state, 'MeterStopped')).toEqual([])
  const index = openIndex(join(place.root, 'state/kx')).read()
  expect(index.meters.map((m) => [m.meterId, m.closedAtMs])).toEqual(state.meters.map((m) => [m.meterId, m.closedAtMs]))
}

/** What must hold once the walk has come to its end: everything said is closed, nothing half-done lies about. */
export async function checkAtEnd(place: WalkPlace): Promise<void> {
  const seen = seenRun(place)
  if (seen === null) throw new Error('the walk has ended without a run')
  const { folder, state } = seen
  expect(boxFolders(place)).toEqual([])
  expect(runnersIn(place)).toEqual([])
  expect(state.cells.filter((cell) => cell.ended === null)).toEqual([])
  expect(state.intents.filter((intent) => intent.closed === null)).toEqual([])
  expect(state.meters.filter((meter) => meter.closedAtMs === null)).toEqual([])
  expect(payloadsOf(state, 'MeterStopped')).toHaveLength(1)
  const done = linesOf(join(place.root, 'effects')).filter((line) => line.startsWith('done '))
  expect(done.map((line) => line.split(' ')[1]).sort()).toEqual(units)
  const index = openIndex(join(place.root, 'state/kx')).read()
  expect(index.runs.map((run) => run.runId)).toEqual([state.runId])
  expect(index.meters.map((m) => [m.meterId, m.closedAtMs])).toEqual(state.meters.map((m) => [m.meterId, m.closedAtMs]))
  expect(readdirSync(join(place.project, '.kx/runs'))).toEqual([state.runId])
  expect(leftovers(folder)).toEqual([])
  const manifest = await readManifest(join(folder, 'artifacts'))
  const verified = state.latest.VerifiedManifest?.payload as VerifiedPayload
  expect(verified).toMatchObject({ manifestSha256: manifest?.sha256, accepted: 3 * units.length })
  const receipt = state.latest.Receipt?.payload as ReceiptPayload
  expect(receipt.runConfigSha256).toBe(sha256Of(join(folder, 'run-config.json')))
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as { verdict: { word: string } }
  expect(report.verdict.word).toBe('confirmed')
}
