import { formatDuration, plural } from '../../text/format.ts'
import { runEndOf } from '../../walk/run-end.ts'
import type { Liveness, Signals } from '../types.ts'
import type { Thresholds } from './thresholds.ts'

export interface LivenessInput {
  readonly signals: Signals
  readonly nowMs: number
  /** `deadSinceMs` of the tick before. */
  readonly deadSinceMs: number | null
  readonly thresholds: Thresholds
}

/**
 * Which of the five states a run is in (decision table of handbook monitoring 3.2). Unknown is an answer of its own.
 * Dead without an exit file is said only when nothing has come back to life for `deadRecheckSeconds`, because a single
 * look can fall between two processes; a reboot or a machine that is gone needs no second look. A runner that wrote its
 * exit file has ended in order, whatever it says: that is finished, with an end of its own, and never dead.
 */
export function decideLiveness(input: LivenessInput): Liveness {
  const { signals } = input
  if (signals.isSameMachine === false) return unknown('another machine answers under this name')
  if (signals.isProcessAlive === true) return whileAlive(input)
  if (signals.isProcessAlive === null) {
    if (signals.provider === 'gone') return dead('the machine is gone; its meter has ended', input.deadSinceMs)
    if (signals.exit !== null && signals.isSameBoot !== null) return ended(input)
    return unknown('the host does not say whether the run is alive')
  }
  return signals.exit === null ? withoutExit(input) : ended(input)
}

const unknown = (reason: string, deadSinceMs: number | null = null): Liveness => ({
  state: 'unknown',
  reasons: [reason],
  isSuspect: false,
  deadSinceMs,
})
const dead = (reason: string, deadSinceMs: number | null): Liveness => ({
  state: 'dead',
  reasons: [reason],
  isSuspect: false,
  deadSinceMs,
})
const alive = (state: 'running' | 'stalled', reasons: readonly string[]): Liveness => ({
  state,
  reasons,
  isSuspect: false,
  deadSinceMs: null,
})

function whileAlive({ signals, thresholds }: LivenessInput): Liveness {
  if (signals.exit !== null) return alive('running', ['it runs past its own end: nothing may be removed'])
  const silence = signals.newestWriteAgeSeconds
  const allowed = signals.stalledAfterSeconds
  const isBusy = (signals.cpuFraction ?? 0) >= 0.05 || (signals.gpuPercent ?? 0) > 0
  if (signals.heartbeatAgeSeconds !== null && signals.heartbeatAgeSeconds > thresholds.heartbeatStaleSeconds)
    return alive('stalled', [`the runner's heartbeat is ${formatDuration(signals.heartbeatAgeSeconds)} old`])
  if (signals.unitsRunning !== null && signals.unitsRunning > 0 && silence !== null && silence > allowed)
    return alive('stalled', [
      `nothing was written for ${formatDuration(silence)}`,
      isBusy ? 'the machine computes: output may be buffered' : 'the machine is idle',
    ])
  if (silence === null && signals.heartbeatAgeSeconds === null)
    return unknown('a process is there, but neither heartbeat nor files of the run can be read')
  return alive('running', [
    silence === null ? 'alive; nothing is written yet' : `alive; newest file ${formatDuration(silence)} old`,
  ])
}

function withoutExit({ signals, nowMs, deadSinceMs, thresholds }: LivenessInput): Liveness {
  if (signals.isSameBoot === false)
    return dead('the machine was started anew: the run ended with it', deadSinceMs ?? nowMs)
  if (signals.isSameBoot === null)
    return unknown('no process is seen, and it is not known whether the machine was restarted')
  // Workers finish what they have when their runner dies: until then there is something that could be lost.
  if ((signals.unitsRunning ?? 0) > 0)
    return alive('stalled', [`the runner is gone, and ${plural(signals.unitsRunning ?? 0, 'unit')} of it still run`])
  const since = deadSinceMs ?? nowMs
  const wrote = signals.newestWriteAgeSeconds
  if (wrote !== null && wrote < thresholds.deadRecheckSeconds)
    return unknown('the runner is gone without an exit file, but files of the run are still new', since)
  if (nowMs - since < thresholds.deadRecheckSeconds * 1000)
    return unknown('no process and no exit file; it is looked at once more before it is called dead', since)
  return dead('no process and no exit file', since)
}

function ended({ signals, thresholds }: LivenessInput): Liveness {
  const { exit } = signals
  if (exit === null) return unknown('no exit file')
  const end = runEndOf(exit)
  if (end.word !== 'completed') {
    const reasons = [`${end.word}: ${end.text}`, `${signals.unitsDone ?? '?'} of ${signals.unitsTotal} units done`]
    return { state: 'finished', reasons, isSuspect: false, deadSinceMs: null }
  }
  const isShort = signals.unitsDone === null || signals.unitsDone < signals.unitsTotal
  const isFast = isFastFinish(signals.elapsedSeconds, signals.expectedSeconds, thresholds)
  const reasons = [`completed: ${signals.unitsDone ?? '?'} of ${signals.unitsTotal} units`]
  if (isShort) reasons.push('the roster is short')
  if (isFast) reasons.push('it took under half of the expected time')
  return { state: 'finished', reasons, isSuspect: isShort || isFast, deadSinceMs: null }
}

/**
 * Silence from which a unit is stalled: as long as a hundred of its steps or a whole unit take, three times a unit that
 * shows no steps; ten minutes where nothing was measured. A plan that ends silent runs is told before it does.
 */
export function stalledAfterSeconds(
  measured: { readonly stepSeconds: number | null; readonly unitSeconds: number | null },
  idleSeconds: number | null,
  thresholds: Thresholds,
): number {
  const { stepSeconds, unitSeconds } = measured
  const { stallSeconds, stallFloorSeconds, stallSteps, stallTimesExpected } = thresholds
  const own =
    stepSeconds !== null
      ? Math.min(
          Math.max(stallSteps * stepSeconds, unitSeconds ?? 0),
          Math.max(stallSeconds, stallTimesExpected * stepSeconds),
        )
      : unitSeconds !== null
        ? stallTimesExpected * unitSeconds
        : stallSeconds
  const allowed = Math.max(Math.min(stallFloorSeconds, stallSeconds), own)
  // Never sooner than what is usual, also where the plan asks for the impossible.
  return idleSeconds === null ? allowed : Math.min(allowed, Math.max(idleSeconds / 2, stepSeconds ?? unitSeconds ?? 0))
}

/** Finished in under about half of the expected time: a probable failure (handbook monitoring 3.1). */
export function isFastFinish(
  elapsedSeconds: number | null,
  expectedSeconds: number | null,
  thresholds: Thresholds,
): boolean {
  if (elapsedSeconds === null || expectedSeconds === null || expectedSeconds <= 0) return false
  return elapsedSeconds < expectedSeconds * thresholds.fastFinishFraction
}
