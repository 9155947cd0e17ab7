import type { ActResult } from '../run/act.ts'
import { formatHours, formatMoment, formatUsd, formatUsdPerHour } from '../text/format.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

/** `kx lease`: the lease on record and on the box. */
export async function show(env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult> {
  return actOnRun(env, 'lease.show', args, { ofLaunch: 'alone', perHost: { choose: launchedHosts } }, async (ctx) =>
    (await import('../launch/extend.ts')).showLease(ctx),
  )
}

/** `kx lease arm`: the guard once more, on each host where it is gone. */
export async function arm(env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult> {
  return actOnRun(env, 'lease.arm', args, { ofLaunch: 'alone', perHost: { choose: launchedHosts } }, async (ctx) =>
    (await import('../launch/arm.ts')).armAgain(ctx),
  )
}

/** `kx lease extend`: shows what the time costs and what of the cap is left, and asks. Without a person there is no more time (exit 3). */
export async function extend(env: CommandEnvironment, args: { readonly hours: number }): Promise<ActResult> {
  // One after the other: each host has a lease of its own, and a person answers for its money.
  const perHost = { choose: launchedHosts, atOnce: 1 }
  return actOnRun(env, 'lease.extend', args, { ofLaunch: 'alone', perHost }, async (ctx) => {
    const service = await import('../launch/extend.ts')
    const asked = await service.askExtension(ctx, args.hours)
    if ('refused' in asked) return asked.refused
    const { terms } = asked
    const isAgreed = await env.ask.confirm(`Extend the lease by ${formatHours(args.hours)}?`, [
      `Ends   ${formatMoment(terms.untilMs)}`,
      `Money  at most ${formatUsd(terms.usd)} more, at ${formatUsdPerHour(terms.usdPerHour)}`,
      `Cap    ${terms.capText}`,
    ])
    if (!isAgreed)
      return {
        summary: 'not extended: a person types yes to kx lease extend on a terminal, or presses E on the Patrol screen',
        exitCode: 3,
        data: { extended: false },
      }
    return service.extend(ctx, { hours: args.hours, by: env.who })
  })
}
