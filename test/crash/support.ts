import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { foldRecords } from '../../src/run/fold.ts'
import { listRunIds, runFolder } from '../../src/run/folder.ts'
import { openIndex } from '../../src/run/index-file.ts'
import type { IntentOpened, JournalRecord } from '../../src/run/types.ts'
import { undoLater } from '../harness/undo.ts'
import { counted } from './tally.ts'
import { killWorkers, readJournal } from './worker-process.ts'

export { notesOf, type ReadJournal, readJournal, startWorker, type Worker } from './worker-process.ts'

export const isFull = process.env.KX_CRASH_FULL === '1'

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kx-crash-'))
  undoLater(() => {
    killWorkers()
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Checks everything that must hold of a project after any number of kills; `said` is what dead workers had promised. */
export function checkProject(project: string, stateFolder: string, said: readonly string[]): void {
  const ids = listRunIds(project)
  expect(ids.length).toBeLessThanOrEqual(1)
  const id = ids[0]
  if (id === undefined) {
    expect(said).toEqual([])
    return
  }
  const folder = runFolder(project, id)
  const { records, state } = counted('unreadable', () => {
    const { records, cursor } = readJournal(folder)
    expect(cursor.chainBreak).toBeNull()
    expect(records.map((r) => r.sequence)).toEqual(records.map((_, i) => i + 1))
    const state = foldRecords(null, records)
    expect(state?.warnings).toEqual([])
    return { records, state }
  })
  const kinds = new Map(records.map((r) => [String(r.sequence), r.kind as string]))
  const launched: string[] = []
  for (const line of said) {
    const [word, first, second] = line.split(' ')
    if (word === 'wrote' && kinds.get(first ?? '') !== second) expect.unreachable(`lost: ${line}`)
    if (word === 'launched') launched.push(first ?? '')
  }
  counted('doubleLaunches', () => checkEffects(project, records, launched))
  expect(readFileSync(join(folder, 'plan.yaml'), 'utf8')).toBe('version: 1\n')
  const outputs = new Set(readdirSync(join(folder, 'cells')))
  expect(state?.cells.filter((cell) => !outputs.has(cell.started.cellId))).toEqual([])
  const index = openIndex(stateFolder).read()
  expect(index.suspects).toEqual([])
}

/** The world: each launch once, each announced in the journal before, none that was reported is missing. */
function checkEffects(project: string, records: readonly JournalRecord[], launched: readonly string[]): void {
  const file = join(project, 'effects.log')
  const effects = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  expect(new Set(effects).size).toBe(effects.length)
  const intents = records.filter((r) => r.kind === 'intent.opened').map((r) => r.payload as IntentOpened)
  const jobOf = new Map(intents.map((i) => [i.token, (i.payload as { job: number }).job]))
  expect(jobOf.size).toBe(intents.length)
  expect(effects.filter((token) => !jobOf.has(token))).toEqual([])
  expect(launched.filter((token) => !effects.includes(token))).toEqual([])
  const jobs = effects.map((token) => jobOf.get(token))
  expect(new Set(jobs).size).toBe(jobs.length)
}

/** Also after a process that ended well: nothing is left lying about, and the index knows every meter. */
export function checkSettled(project: string, stateFolder: string): void {
  const id = listRunIds(project)[0] ?? ''
  const { records, leftBytes } = readJournal(runFolder(project, id))
  expect(leftBytes).toBe(0)
  const state = foldRecords(null, records)
  expect(state?.cells.filter((cell) => cell.ended === null)).toEqual([])
  expect(state?.intents.filter((intent) => intent.closed === null)).toEqual([])
  const index = openIndex(stateFolder).read()
  expect(index.meters.map((m) => [m.meterId, m.closedAtMs])).toEqual(
    state?.meters.map((m) => [m.meterId, m.closedAtMs]),
  )
  expect(readdirSync(join(project, '.kx', 'runs'))).toEqual([id])
  expect(readdirSync(join(stateFolder, 'session')).filter((name) => !name.endsWith('.json'))).toEqual([])
}

/** Small seeded generator, so that a failing sequence of kills can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
