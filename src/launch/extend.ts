import { boxEngine } from '../engine/box/engine.ts'
import { extendLease } from '../engine/box/guard.ts'
import type { BoxHandle, BoxStatus, GuardStatus } from '../engine/types.ts'
import { guardActText } from '../profile/park-on-box.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { closeOnce, openIntent } from '../run/intent.ts'
import { leaseIn } from '../run/lease.ts'
import { type LeaseIntent, recordExtension, settleExtensions } from '../run/lease-settle.ts'
import type { RunState } from '../run/types.ts'
import { formatDuration, formatHours, formatMoment, formatUsd } from '../text/format.ts'
import { type ExtensionTerms, extensionTerms } from './lease-rules.ts'
import type { ReceiptPayload } from './types.ts'

/** The newest launch, as far as its lease is concerned. */
function launchedIn(state: RunState): BoxHandle | null {
  const payload = state.latest.Receipt?.payload as Partial<ReceiptPayload> | null | undefined
  return payload?.handle ?? null
}

const refusal = (ctx: ActContext, why: string, exitCode: 1 | 4): ActResult => {
  ctx.cell.say(why)
  return { summary: why, exitCode, data: { extended: false, reason: why } }
}

/** What the lease is, on record and on the box: read only. Exit codes: 0 armed or no lease, 1 not armed or an alarm, 4 not known. */
export async function showLease(ctx: ActContext): Promise<ActResult> {
  const state = await ctx.run.refresh()
  const handle = launchedIn(state)
  const lease = leaseIn(state)
  if (handle === null) return refusal(ctx, 'Nothing of this run was launched yet, so no lease runs: kx launch.', 1)
  if (lease === null)
    return { summary: 'The approval of this run names no lease.', exitCode: 0, data: { lease: null, guard: null } }
  const status = await boxEngine.status(ctx.host, handle, ctx.loaded.units)
  const guard = status.guard ?? null
  if (guard !== null) await settleExtensions(ctx.run, guard)
  const now = leaseIn(ctx.run.state()) ?? lease
  const leftMs = now.untilMs - ctx.clock.nowMs()
  const ends =
    leftMs > 0
      ? `ends ${formatMoment(now.untilMs)}, in ${formatDuration(leftMs / 1000)}`
      : `ended ${formatMoment(now.untilMs)}`
  const lines = [
    `lease ${now.number} ${ends}`,
    `on the box: ${guardText(status, guard)}`,
    `then: ${guardActText(ctx.profile)}`,
    ...now.extensions.map(
      (each) =>
        `extended ${formatMoment(each.atMs)} by ${each.by}: ${formatHours(each.hours)}, at most ${formatUsd(each.usd)}`,
    ),
  ]
  const isKnown = status.state !== 'unreachable'
  const isArmed = guard?.isAlive === true && guard.token === handle.token
  const isLost = guard != null && isLostByBoot(status, guard)
  const exitCode = !isKnown
    ? 4
    : isArmed && guard.alarm === null
      ? 0
      : isOver(status) && !isLost && guard?.alarm == null
        ? 0
        : 1
  return { summary: `The lease ${ends}`, exitCode, data: { lease: now, guard }, lines }
}

const isOver = ({ exit, runnerAlive }: BoxStatus) => exit !== null && runnerAlive === false

/** Nothing starts a guard again after a boot; one that had left by itself had nothing more to watch. */
const isLostByBoot = ({ bootIdMatches }: BoxStatus, guard: GuardStatus) =>
  !guard.isAlive && bootIdMatches === false && guard.acts.at(-1)?.event !== 'guard.dismissed'

function guardText(status: BoxStatus, guard: GuardStatus | null): string {
  if (status.state === 'unreachable') return 'not known, the host did not answer'
  if (guard === null) return 'no guard: nothing ends the meter by itself'
  if (isLostByBoot(status, guard))
    return 'the machine started anew and the guard is gone: nothing there watches the lease. Arm it again: kx lease arm'
  if (!guard.isAlive)
    return isOver(status) ? 'the guard left with the run' : 'the guard is gone: not armed. Arm it again: kx lease arm'
  const left = formatDuration(Math.max(0, guard.leaseSeconds - guard.spentSeconds))
  const alarm = guard.alarm === null ? '' : `; alarm: ${guard.alarm} (${guard.why})`
  return `armed with lease ${guard.number}, ${left} left by the clock of the box, run ${guard.run}${alarm}`
}

/** What an extension would come to, asked before a person is: terms, or a refusal. */
export async function askExtension(
  ctx: ActContext,
  hours: number,
): Promise<{ readonly terms: ExtensionTerms } | { readonly refused: ActResult }> {
  const state = await ctx.run.refresh()
  const handle = launchedIn(state)
  if (handle === null) return { refused: refusal(ctx, 'Nothing was launched yet, so there is no lease to extend.', 1) }
  const status = await boxEngine.status(ctx.host, handle, ctx.loaded.units)
  if (status.state === 'unreachable')
    return {
      refused: refusal(ctx, 'Not extended: the host did not answer, and a lease is held there. Try again.', 4),
    }
  const guard = status.guard ?? null
  if (guard !== null) await settleExtensions(ctx.run, guard)
  const terms = extensionTerms({
    hours,
    nowMs: ctx.clock.nowMs(),
    lease: leaseIn(ctx.run.state()),
    approval: ctx.run.state().latest.Approval?.payload ?? null,
    guard,
    token: handle.token,
  })
  return 'refused' in terms ? { refused: refusal(ctx, `Not extended: ${terms.refused}`, 1) } : { terms: terms.terms }
}

/**
 * More time for the run that was launched, by a person: on record before the box is told, written there over the very lease
 * that kx knows, and on record as extended once the guard says that it has taken it. Exit codes: 0 taken, 1 refused, 4 not
 * known whether it was.
 */
export async function extend(
  ctx: ActContext,
  request: { readonly hours: number; readonly by: string },
): Promise<ActResult> {
  const asked = await askExtension(ctx, request.hours)
  if ('refused' in asked) return asked.refused
  const { terms } = asked
  const handle = launchedIn(ctx.run.state())
  const lease = leaseIn(ctx.run.state())
  if (handle === null || lease === null) return refusal(ctx, 'Not extended: there is no lease any more.', 1)
  const payload: LeaseIntent = {
    approvalId: lease.approvalId,
    launchToken: handle.token,
    number: terms.number,
    hours: request.hours,
    untilMs: terms.untilMs,
    usd: terms.usd,
    by: request.by,
  }
  const attempt = ctx.run.state().intents.filter((intent) => intent.act === 'lease').length + 1
  const intentId = ctx.newId()
  try {
    const token = `kx-${ctx.run.id}-lease-${terms.number}-${attempt}`
    await openIntent(ctx.run, { intentId, act: 'lease', token, host: ctx.host.name, payload })
  } catch (error) {
    if (isRunError(error, 'refused')) return refusal(ctx, `Not extended: ${messageOf(error)}`, 1)
    throw error
  }
  failpoint('lease.after-intent')
  ctx.progress({ text: 'handing the lease to the guard on the box' })
  const made = await extendLease(
    ctx.host,
    handle,
    { expected: lease.number, number: terms.number, seconds: terms.seconds },
    ctx.signal,
  ).catch((error: unknown) => ({ kind: 'unknown' as const, why: messageOf(error) }))
  failpoint('lease.after-box')
  if (made.kind === 'refused') {
    await closeOnce(ctx.run, { intentId, outcome: 'failed', payload: { why: made.why } })
    return refusal(ctx, `Not extended: ${made.why}. Look again: kx lease`, 1)
  }
  if (made.kind === 'unknown') {
    await closeOnce(ctx.run, { intentId, outcome: 'unknown', payload: { why: made.why } })
    return refusal(ctx, `Not known whether it was extended: ${made.why}. Look again: kx lease`, 4)
  }
  const { launchToken, ...rest } = payload
  await recordExtension(ctx.run, { ...rest, host: ctx.host.name, token: launchToken })
  await closeOnce(ctx.run, { intentId, outcome: 'done', payload: { number: made.guard.number } })
  const summary = `${request.by} extended the lease by ${formatHours(request.hours)}: it ends ${formatMoment(terms.untilMs)}`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { extended: true, ...rest } }
}
