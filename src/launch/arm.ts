import { boxEngine } from '../engine/box/engine.ts'
import { armGuardAgain } from '../engine/box/guard.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { leaseIn } from '../run/lease.ts'
import { formatMoment } from '../text/format.ts'
import type { ReceiptPayload } from './types.ts'

/**
 * Arms the guard of the newest launch once more, where it is gone: after a reboot of the machine, or when somebody killed
 * it. Same lease, same thresholds; the time that has passed counts. Exit codes: 0 armed, or it is alive; 1 refused; 4 not
 * known.
 */
export async function armAgain(ctx: ActContext): Promise<ActResult> {
  const state = await ctx.run.refresh()
  const handle = (state.latest.Receipt?.payload as Partial<ReceiptPayload> | null | undefined)?.handle ?? null
  const lease = leaseIn(state)
  if (handle === null) return refusal(ctx, 'nothing was launched yet, so there is nothing to watch: kx launch', 1)
  if (lease === null) return refusal(ctx, 'the approval of this run names no lease, so its launch armed no guard', 1)
  const status = await boxEngine.status(ctx.host, handle, ctx.loaded.units)
  if (status.state === 'unreachable') return refusal(ctx, 'the host did not answer. Try again: kx lease arm', 4)
  const { guard } = status
  if (guard == null || guard.token !== handle.token)
    return refusal(ctx, 'no guard of this launch was ever there. A launch arms one: kx launch', 1)
  if (guard.isAlive) {
    const summary = `It is armed already, with lease ${guard.number}`
    ctx.cell.say(summary)
    return { summary, exitCode: 0, data: { armed: true, isNew: false, guard } }
  }
  ctx.progress({ text: 'starting the guard on the box' })
  const made = await armGuardAgain(ctx.host, handle, {
    plan: ctx.loaded.plan,
    ways: ctx.profile.detach.filter((way) => way === 'systemd' || way === 'tmux' || way === 'setsid'),
    signal: ctx.signal,
  })
  if (made.kind === 'refused') return refusal(ctx, made.why, 1)
  if (made.kind === 'unknown') return refusal(ctx, `${made.why}. Look: kx lease`, 4)
  const summary = `The guard is armed again with lease ${made.guard.number}, until ${formatMoment(lease.untilMs)}; the time without it counts`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { armed: true, isNew: true, guard: made.guard } }
}

function refusal(ctx: ActContext, why: string, exitCode: 1 | 4): ActResult {
  const summary = `Not armed: ${why}`
  ctx.cell.say(summary)
  return { summary, exitCode, data: { armed: false, reason: why } }
}
