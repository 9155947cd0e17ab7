import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Counts of one file of crash tests. */
export interface Tally {
  kills: number
  /** Kills at named points, by name. */
  readonly points: Record<string, number>
  /** Times that a state could not be opened or was not whole. */
  unreadable: number
  /** Times that anything ran twice, or a runner was started that nobody had announced. */
  doubleLaunches: number
  /** Longest time from the start of a process after a kill to its first new record. */
  maxResumeSeconds: number
}

const fresh = (): Tally => ({ kills: 0, points: {}, unreadable: 0, doubleLaunches: 0, maxResumeSeconds: 0 })

export const tally = fresh()

/** Counts a kill, and a failed check as what it means; the failure goes on to the test. */
export function killed(point: string | null): void {
  tally.kills += 1
  if (point !== null) tally.points[point] = (tally.points[point] ?? 0) + 1
}

export function resumed(seconds: number): void {
  tally.maxResumeSeconds = Math.max(tally.maxResumeSeconds, seconds)
}

export function counted<T>(what: 'unreadable' | 'doubleLaunches', check: () => T): T {
  try {
    return check()
  } catch (error) {
    tally[what] += 1
    throw error
  }
}

/** For `afterAll` of each file: hands its counts over to whoever sums them up. */
export function handOver(name: string): void {
  const folder = process.env.KX_CRASH_TALLY
  if (folder !== undefined) writeFileSync(join(folder, `${name}.json`), JSON.stringify(tally))
}

/** Called by the test runner before the first crash test. */
export function setup(): void {
  process.env.KX_CRASH_TALLY = mkdtempSync(join(tmpdir(), 'kx-tally-'))
}

/** Called after the last one: one line of JSON, and a file when everything was run or `KX_CRASH_RESULTS` names one. */
export function teardown(): void {
  const folder = process.env.KX_CRASH_TALLY ?? ''
  const total = fresh()
  for (const name of readdirSync(folder)) {
    const part = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Tally
    total.kills += part.kills
    total.unreadable += part.unreadable
    total.doubleLaunches += part.doubleLaunches
    total.maxResumeSeconds = Math.max(total.maxResumeSeconds, part.maxResumeSeconds)
    for (const [point, kills] of Object.entries(part.points)) total.points[point] = (total.points[point] ?? 0) + kills
  }
  rmSync(folder, { recursive: true, force: true })
  if (total.kills === 0) return
  const { points, ...counts } = total
  const atNamedPoints = Object.values(points).reduce((sum, kills) => sum + kills, 0)
  const summary = { ...counts, atNamedPoints, namedPoints: Object.keys(points).length }
  process.stdout.write(`${JSON.stringify({ crash: summary })}\n`)
  const isFull = process.env.KX_CRASH_FULL === '1'
  const file = process.env.KX_CRASH_RESULTS ?? (isFull ? join(import.meta.dirname, 'results/crash.json') : null)
  if (file === null) return
  mkdirSync(dirname(file), { recursive: true })
  const about = {
    at: new Date().toISOString(),
    node: process.version,
    platform: process.platform,
    cores: cpus().length,
  }
  const sorted = Object.fromEntries(Object.entries(points).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(file, `${JSON.stringify({ ...about, ...summary, points: sorted }, null, 1)}\n`)
}
