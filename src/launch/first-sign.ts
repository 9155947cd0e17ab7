import { setTimeout as sleep } from 'node:timers/promises'
import { boxEngine } from '../engine/box/engine.ts'
import type { BoxHandle, BoxStatus } from '../engine/types.ts'
import type { ActContext } from '../run/act.ts'
import type { RunState } from '../run/types.ts'
import { formatDuration } from '../text/format.ts'
import { sanitise } from '../text/sanitise.ts'
import { askedToStop } from './asked.ts'
import type { FirstSign } from './types.ts'

/** Handbook lifecycle 6.5, `launch.alive-60s`. */
export const signWithinSeconds = 60
const everyMs = 400
const tailBytes = 4096

/**
 * Waits until a unit has done a step or finished; a log line is enough only where the smoke saw no steps, or none that come
 * as soon. Ends early when the runner is seen dead. `withinSeconds`: for tests.
 */
export async function firstSignOf(
  ctx: ActContext,
  handle: BoxHandle,
  withinSeconds: number = signWithinSeconds,
): Promise<FirstSign> {
  const stepSeconds = expectedStepSeconds(ctx.run.state(), withinSeconds)
  let logged: string | null = null
  const began = ctx.clock.monotonicMs()
  const elapsed = () => (ctx.clock.monotonicMs() - began) / 1000
  let last: BoxStatus | null = null
  while (elapsed() < withinSeconds && !ctx.signal.aborted) {
    last = await boxEngine.status(ctx.host, handle, ctx.loaded.units)
    // What somebody has stopped has no first sign any more, only an end.
    const stopped = askedToStop(await ctx.run.refresh(), handle.token)
    if (stopped !== null) {
      if (last.runnerAlive === false) return { kind: 'none', reason: `it was stopped: ${stopped}`, logTail: [] }
      await sleep(everyMs)
      continue
    }
    const failed = last.units.find((unit) => unit.state === 'failed')
    if (failed !== undefined)
      return {
        kind: 'none',
        reason: `unit ${failed.unit} ended with exit code ${failed.exitCode ?? 'unknown'}`,
        logTail: await said(ctx, handle, failed.unit),
      }
    const sign = signIn(last)
    if (sign !== null) {
      // A first line that is a traceback is no sign of life: what follows is the end.
      const lines = sign.kind === 'log' ? await tailOf(ctx, handle, sign.unit) : []
      const isCrash = lines.some((line) => line.includes('Traceback'))
      if (!isCrash && (sign.kind !== 'log' || stepSeconds === null)) return { ...sign, afterSeconds: elapsed() }
      if (!isCrash) logged = sign.unit
    }
    if (last.runnerAlive === false)
      return {
        kind: 'none',
        reason: last.exit === null ? 'the runner is gone without a word' : `the run ended: ${last.exit.reason}`,
        logTail: await said(ctx, handle, ctx.loaded.units[0]?.id ?? ''),
      }
    await sleep(everyMs)
  }
  const reason = ctx.signal.aborted
    ? 'given up while waiting'
    : last?.state === 'unreachable'
      ? `the host did not answer: ${last.raw}`
      : logged !== null
        ? `${logged} logs, and showed no step within ${withinSeconds} s; the smoke took ${formatDuration(stepSeconds)} a step`
        : `no log line and no step within ${withinSeconds} s`
  return { kind: 'none', reason, logTail: await said(ctx, handle, logged ?? ctx.loaded.units[0]?.id ?? '') }
}

/**
 * What the longest step of the smoke took, where a first one can be expected within the limit: half of it is left for
 * starting up. Null: no step is waited for.
 */
function expectedStepSeconds(state: RunState, withinSeconds: number): number | null {
  const payload = state.latest.SmokeProof?.payload as { readonly stepSeconds?: unknown } | null | undefined
  const steps = Array.isArray(payload?.stepSeconds)
    ? payload.stepSeconds.filter((each) => typeof each === 'number')
    : []
  const longest = Math.max(0, ...steps)
  return longest > 0 && longest <= withinSeconds / 2 ? longest : null
}

function signIn(status: BoxStatus): { kind: 'log' | 'step' | 'finished'; unit: string } | null {
  const done = status.units.find((unit) => unit.state === 'done')
  if (done !== undefined) return { kind: 'finished', unit: done.unit }
  const stepped = status.units.find((unit) => unit.state === 'running' && unit.step !== null)
  if (stepped !== undefined) return { kind: 'step', unit: stepped.unit }
  const logged = status.units.find((unit) => unit.state === 'running' && (unit.logBytes ?? 0) > 0)
  return logged === undefined ? null : { kind: 'log', unit: logged.unit }
}

/** The last lines of a log, shown in the cell too. */
async function said(ctx: ActContext, handle: BoxHandle, unit: string): Promise<readonly string[]> {
  const lines = await tailOf(ctx, handle, unit)
  for (const line of lines) ctx.cell.stderr(`${line}\n`)
  return lines
}

async function tailOf(ctx: ActContext, handle: BoxHandle, unit: string): Promise<readonly string[]> {
  try {
    const { size } = await boxEngine.log(ctx.host, handle, unit, 0, 0)
    if (size === null) return []
    const { bytes } = await boxEngine.log(ctx.host, handle, unit, Math.max(0, size - tailBytes), tailBytes)
    return sanitise(bytes ?? new Uint8Array(), { allowSgr: false })
      .split('\n')
      .filter((line) => line !== '')
      .slice(-20)
  } catch {
    return []
  }
}
