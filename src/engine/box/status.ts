import type { Host } from '../../host/types.ts'
import type { Unit } from '../../spec/schema.ts'
import type { BoxExit, BoxHandle, BoxStatus, UnitState, UnitStatus } from '../types.ts'
import { type Look, lookAt } from './look.ts'
import { jsonOf, wholeOf } from './text.ts'

/** Asks the box once. `atMs` of the answer is the box's own clock; when it did not answer, null stands everywhere. */
export async function boxStatus(host: Host, handle: BoxHandle, units: readonly Unit[]): Promise<BoxStatus> {
  const seen = await lookAt(host, handle.folder)
  if (seen.kind === 'unreachable')
    return {
      atMs: Date.now(),
      state: 'unreachable',
      runnerAlive: null,
      bootIdMatches: null,
      heartbeatAgeSeconds: null,
      units: units.map((unit) => blank(unit, 'unknown')),
      exit: null,
      checkpoint: null,
      newestArtifactMs: null,
      raw: seen.reason,
    }
  return statusOf(seen.look, handle, units)
}

const blank = (unit: Unit, state: UnitState): UnitStatus => ({
  unit: unit.id,
  index: unit.index,
  state,
  worker: null,
  attempt: 0,
  startedAtMs: null,
  endedAtMs: null,
  seconds: null,
  exitCode: null,
  step: null,
  metrics: {},
  nanCount: 0,
  logBytes: null,
  lastWriteMs: null,
})

/** What a look means. Pure, apart from the clock that stands in for a box that printed none. */
export function statusOf(look: Look, handle: BoxHandle, units: readonly Unit[]): BoxStatus {
  const atMs = look.nowMs ?? Date.now()
  const exit = exitOf(look.exit)
  const bootIdMatches = look.bootId === null ? null : look.bootId === handle.process.bootId
  const isOurs = look.runner !== null && look.runner.token === handle.token
  // No runner.pid in a folder that is there: nobody has begun, or somebody removed it. Neither is "alive".
  const runnerAlive = look.isMissing ? false : look.runner === null ? null : look.isAlive
  const files = new Map(look.files.map((file) => [file.path, file]))
  const newest = new Map<string, number>()
  for (const { path, mtimeMs } of look.files) {
    const unit = path.split('/')[1] ?? ''
    newest.set(unit, Math.max(newest.get(unit) ?? 0, mtimeMs))
  }
  const unitStatuses = units.map((unit) => unitStatus(unit, look, atMs, files, newest.get(unit.id) ?? null))
  return {
    atMs,
    state: runState(look, exit, runnerAlive, isOurs, unitStatuses),
    runnerAlive,
    bootIdMatches,
    heartbeatAgeSeconds: look.heartbeatMs === null ? null : Math.max(0, (atMs - look.heartbeatMs) / 1000),
    progressAgeSeconds: look.quietSeconds,
    guard: look.guard,
    units: unitStatuses,
    exit,
    checkpoint: checkpointOf(look.checkpoint),
    newestArtifactMs: newest.size === 0 ? null : Math.max(...newest.values()),
    raw: look.raw,
  }
}

function runState(
  look: Look,
  exit: BoxExit | null,
  runnerAlive: boolean | null,
  isOurs: boolean,
  units: readonly UnitStatus[],
): BoxStatus['state'] {
  // The folder is gone: that is no proof of how the run ended.
  if (look.isMissing || !look.isWhole) return 'unknown'
  if (runnerAlive === true) {
    if (!isOurs) return 'unknown'
    return units.some((unit) => unit.state !== 'queued') || look.heartbeatMs !== null ? 'running' : 'starting'
  }
  if (exit !== null) return exit.code === 0 ? 'done' : exit.reason === 'stopped' ? 'cancelled' : 'failed'
  if (look.runner === null) return look.startingToken === null ? 'queued' : 'starting'
  return 'failed'
}

function unitStatus(
  unit: Unit,
  look: Look,
  atMs: number,
  files: ReadonlyMap<string, { readonly bytes: number }>,
  lastWriteMs: number | null,
): UnitStatus {
  const place = look.places.get(unit.id)
  const ended = look.exits.get(unit.id)
  const pid = look.pids.get(unit.id)
  const common = {
    unit: unit.id,
    index: unit.index,
    logBytes: files.get(`units/${unit.id}/log`)?.bytes ?? null,
    lastWriteMs,
  }
  // Its exit file first: between that and the move of its queue entry a unit has ended all the same.
  if (ended !== undefined) {
    const startedAtMs = wholeOf(ended.get('startedAtMs'))
    const endedAtMs = wholeOf(ended.get('endedAtMs'))
    const results = numbersOf(jsonOf(ended.get('results') ?? ''))
    const state = ended.get('state')
    return {
      ...common,
      state: state === 'done' || state === 'failed' || state === 'aborted' ? state : 'unknown',
      worker: wholeOf(ended.get('worker')),
      attempt: wholeOf(ended.get('attempt')) ?? 0,
      startedAtMs,
      endedAtMs,
      seconds:
        startedAtMs === null || endedAtMs === null || endedAtMs < startedAtMs ? null : (endedAtMs - startedAtMs) / 1000,
      exitCode: wholeOf(ended.get('code')),
      step: null,
      metrics: results,
      nanCount: results.nan_count ?? (ended.get('nan') === '1' ? 1 : 0),
    }
  }
  if (place === 'claimed') {
    const last = look.lastMetrics.get(unit.id)
    const { step = null, time: _time, ...metrics } = numbersOf(last)
    const startedAtMs = wholeOf(pid?.fields[4])
    return {
      ...common,
      // A process that is gone, or not noted yet, without an exit file: its worker is at it, or is gone too. Not known here.
      state: pid?.isAlive === true || look.isAlive === true ? 'running' : 'unknown',
      worker: wholeOf(pid?.fields[3]),
      attempt: wholeOf(pid?.fields[5]) ?? 1,
      startedAtMs,
      endedAtMs: null,
      seconds: startedAtMs === null ? null : Math.max(0, (atMs - startedAtMs) / 1000),
      exitCode: null,
      step,
      metrics,
      nanCount: look.nanLines.get(unit.id) ?? 0,
    }
  }
  if (place === 'done' || place === 'failed') return { ...blank(unit, 'unknown'), ...common }
  return { ...blank(unit, look.isMissing || !look.isWhole ? 'unknown' : 'queued'), ...common }
}

/** Top-level numbers of an object; text such as "NaN" becomes null: there, and not a number. */
function numbersOf(value: unknown): Record<string, number | null> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const numbers: Record<string, number | null> = {}
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') continue
    if (typeof item === 'number') numbers[key] = item
    else if (item === null || (typeof item === 'string' && /^[-+]?(NaN|Infinity|nan|inf)$/.test(item)))
      numbers[key] = null
  }
  return numbers
}

function exitOf(value: unknown): BoxExit | null {
  if (typeof value !== 'object' || value === null) return null
  const { code, reason, endedAtMs, units } = value as Record<string, unknown>
  const counts = (typeof units === 'object' && units !== null ? units : {}) as Record<string, unknown>
  const number = (n: unknown) => (typeof n === 'number' && Number.isFinite(n) ? n : 0)
  if (typeof code !== 'number' || typeof reason !== 'string' || typeof endedAtMs !== 'number') return null
  return {
    code,
    reason,
    endedAtMs,
    done: number(counts.done),
    failed: number(counts.failed),
    aborted: number(counts.aborted),
  }
}

function checkpointOf(value: unknown): BoxStatus['checkpoint'] {
  if (typeof value !== 'object' || value === null) return null
  const { completed, atMs } = value as Record<string, unknown>
  if (!Array.isArray(completed) || typeof atMs !== 'number') return null
  return { completed: completed.filter((unit) => typeof unit === 'string'), atMs }
}
