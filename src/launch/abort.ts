import { setTimeout as sleep } from 'node:timers/promises'
import { boxEngine } from '../engine/box/engine.ts'
import type { BoxHandle } from '../engine/types.ts'
import type { Ending } from '../host/types.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { closeOnce, openIntent, openIntents } from '../run/intent.ts'
import { otherAt } from '../run/open-cells.ts'
import { tokenFor } from '../run/token.ts'
import type { IntentClosed, RunState } from '../run/types.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { launchInDoubt } from '../walk/end.ts'
import { adoptedFrom, runningCell } from './before.ts'
import { boxFolder } from './box.ts'
import { receiptFor } from './receipt.ts'
import type { LaunchIntent, ReceiptPayload } from './types.ts'

const everyMs = 300
/** A push of much code may stand between the intent and the runner: as long as a launch itself waits for a sign. */
const defaultWaitSeconds = 60
/** The kx that launches looks every 0.4 s; after this long without its receipt it is taken to be gone. */
const receiptWithinSeconds = 15

type Intent = RunState['intents'][number]

/**
 * Stops a launch that has no receipt yet: the stop is journalled first, so that a kx which is at the launch starts nothing
 * more; what runs under the token is found and ended, and a receipt that its own kx can no longer write is written here.
 * Null: no launch is open (the receipt's way holds). Exit codes: 0 stopped, 4 it is not known whether all of it is gone.
 */
export async function abortLaunch(
  ctx: ActContext,
  reason: string,
  graceSeconds = 20,
  options: { readonly waitSeconds?: number } = {},
): Promise<ActResult | null> {
  const deadline = ctx.clock.monotonicMs() + (options.waitSeconds ?? defaultWaitSeconds) * 1000
  const isTimeLeft = () => ctx.clock.monotonicMs() < deadline && !ctx.signal.aborted
  let launch = openLaunch(await ctx.run.refresh())
  // A launch that is still at its checks has nothing on record yet but its cell.
  while (launch === null && otherAt(ctx.run.state(), 'launch.start', ctx.cell.cellId) !== null && isTimeLeft()) {
    await sleep(everyMs)
    launch = openLaunch(await ctx.run.refresh())
  }
  if (launch === null) return null
  const clean = sanitiseLine(reason, 200)
  await askToStop(ctx, launch, clean)
  failpoint('launch.abort-asked')
  ctx.progress({ text: 'stopping the launch' })

  let why = 'no time to look'
  do {
    const found = await find(ctx, launch)
    if (found.kind === 'one') return end(ctx, launch, found.handle, { reason: clean, graceSeconds })
    why = found.kind === 'unknown' ? found.reason : 'another kx is at the launch and has not said what became of it'
    const isUnderWay = runningCell(await ctx.run.refresh(), cellOf(launch)) !== null
    if (hasFailed(ctx.run.state(), launch) || (found.kind === 'none' && !isUnderWay))
      return nothingStarted(ctx, launch, clean)
    await sleep(everyMs)
  } while (isTimeLeft())
  await closeAborts(ctx, 'unknown', { why })
  return {
    summary: `Not known whether the launch was stopped: ${sanitiseLine(why, 300)}. Try again: kx abort`,
    exitCode: 4,
    data: { stopped: null, reason: why },
  }
}

function openLaunch(state: RunState): Intent | null {
  const doubt = launchInDoubt(state)
  return doubt === null ? null : (state.intents[doubt.index] ?? null)
}

const cellOf = (launch: Intent) => (launch.payload as Partial<LaunchIntent> | null)?.cellId

const hasFailed = (state: RunState, launch: Intent) =>
  state.intents.find((each) => each.intentId === launch.intentId)?.closed?.outcome === 'failed'

async function askToStop(ctx: ActContext, launch: Intent, reason: string): Promise<void> {
  const attempt = ctx.run.state().intents.filter((intent) => intent.act === 'abort').length + 1
  await openIntent(ctx.run, {
    intentId: ctx.newId(),
    act: 'abort',
    token: tokenFor(ctx.run.id, 'abort', attempt, ctx.run.scope),
    host: ctx.host.name,
    payload: { reason, by: ctx.who, launchToken: launch.token, folder: folderOf(launch) },
  })
}

function folderOf(launch: Intent): string | null {
  const folder = (launch.payload as Partial<LaunchIntent> | null)?.folder
  return typeof folder === 'string' && folder.startsWith('/') ? folder : null
}

/** The runner by the receipt that came meanwhile, else by asking the host for the token. */
async function find(ctx: ActContext, launch: Intent): Promise<Awaited<ReturnType<typeof boxEngine.find>>> {
  const receipt = receiptWith(ctx.run.state(), launch.token)
  if (receipt !== null) return { kind: 'one', handle: receipt.handle }
  try {
    const own = folderOf(launch)
    const place = own === null ? await boxFolder(ctx) : { folder: own }
    if ('reason' in place) return { kind: 'unknown', reason: place.reason }
    return await boxEngine.find(ctx.host, place.folder, launch.token)
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) }
  }
}

function receiptWith(state: RunState, token: string): ReceiptPayload | null {
  const proof = state.proofs.findLast(
    (each) => each.kind === 'Receipt' && (each.payload as Partial<ReceiptPayload> | null)?.token === token,
  )
  return (proof?.payload as ReceiptPayload | undefined) ?? null
}

async function nothingStarted(ctx: ActContext, launch: Intent, reason: string): Promise<ActResult> {
  const why = `stopped before anything was started: ${reason}`
  await closeOnce(ctx.run, { intentId: launch.intentId, outcome: 'failed', payload: { why } })
  await closeAborts(ctx, 'done', { ending: null })
  const summary = `stopped: ${reason}; nothing had been started`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { stopped: true, started: false } }
}

async function end(
  ctx: ActContext,
  launch: Intent,
  handle: BoxHandle,
  how: { readonly reason: string; readonly graceSeconds: number },
): Promise<ActResult> {
  let ending: Ending
  try {
    ending = await boxEngine.cancel(ctx.host, handle, how.reason, how.graceSeconds)
  } catch (error) {
    ending = { kind: 'unknown', reason: messageOf(error) }
  }
  failpoint('launch.abort-cancelled')
  await closeOnce(ctx.run, { intentId: launch.intentId, outcome: 'done', payload: { handle, stopped: how.reason } })
  const isGone = ending.kind !== 'unknown'
  await closeAborts(ctx, isGone ? 'done' : 'unknown', { ending })
  await oweReceipt(ctx, launch, handle)
  const summary = isGone
    ? `stopped before the first sign of life was on record: ${how.reason}`
    : `Not known whether it stopped: ${ending.kind === 'unknown' ? sanitiseLine(ending.reason, 300) : ''}. Look again: kx patrol`
  ctx.cell.say(summary)
  return { summary, exitCode: isGone ? 0 : 4, data: { stopped: isGone ? true : null, started: true, ending } }
}

/** What was started has a receipt: patrol, teardown and the meter go by it. Its own kx writes it while it lives. */
async function oweReceipt(ctx: ActContext, launch: Intent, handle: BoxHandle): Promise<void> {
  const until = ctx.clock.monotonicMs() + receiptWithinSeconds * 1000
  while (receiptWith(await ctx.run.refresh(), launch.token) === null) {
    const isUnderWay = runningCell(ctx.run.state(), cellOf(launch)) !== null
    if (!isUnderWay || ctx.clock.monotonicMs() > until) {
      const identity = await ctx.host.identity(ctx.signal)
      const began = ctx.clock.monotonicMs()
      const known = adoptedFrom(ctx.run.state(), launch, handle)
      await receiptFor(ctx, { identity, began, ...known, isAdopted: true, foreignGpuProcesses: null })
      return
    }
    await sleep(everyMs)
  }
}

/** Stops of this run that are open, those of a kx that was killed too. */
async function closeAborts(ctx: ActContext, outcome: IntentClosed['outcome'], payload: unknown): Promise<void> {
  for (const { act, intentId } of openIntents(await ctx.run.refresh()))
    if (act === 'abort') await closeOnce(ctx.run, { intentId, outcome, payload })
}
