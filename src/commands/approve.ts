import type { ActResult } from '../run/act.ts'
import { formatDuration, formatUsd } from '../text/format.ts'
import { actOnRun } from './act.ts'
import { openForWriting } from './open.ts'
import type { CommandEnvironment } from './types.ts'

interface Priced {
  readonly hoursP50: number | null
  readonly hoursP90: number | null
  readonly usdP50: number | null
  readonly usdP90: number | null
  readonly capUsd: number
  readonly priceSource: string
  readonly leaseHours: number
  readonly leaseEnd?: string
}

const hours = (value: number | null) => (value === null ? 'unknown' : formatDuration(value * 3600))

/** `kx approve`: shows price, source and cap, and asks. Without a person there is no approval (exit 3). */
export async function approve(env: CommandEnvironment, args: { readonly expiresHours: number }): Promise<ActResult> {
  const run = await openForWriting(env, env.runId)
  const priced = run.state().latest.PricedPlan?.payload as Priced | undefined
  await run.close()
  if (priced === undefined) return { summary: 'nothing is priced yet; kx cost does that', exitCode: 1, data: null }
  const isAgreed = await env.ask.confirm(`Approve this run for ${args.expiresHours} h?`, [
    `Time   p50 ${hours(priced.hoursP50)}, p90 ${hours(priced.hoursP90)}`,
    `Money  p50 ${formatUsd(priced.usdP50)}, p90 ${formatUsd(priced.usdP90)}, cap ${formatUsd(priced.capUsd)}`,
    `Price  ${priced.priceSource}`,
    `Lease  ${hours(priced.leaseHours)}${priced.leaseEnd === undefined ? '' : `; then ${priced.leaseEnd}`}`,
  ])
  if (!isAgreed)
    return {
      summary: 'not approved: a person types yes to kx approve on a terminal, or presses a on the Cost screen',
      exitCode: 3,
      data: null,
    }
  return actOnRun(env, 'cost.approve', args, {}, async (ctx) =>
    (await import('../cost/service.ts')).approve(ctx, { by: env.who, expiresHours: args.expiresHours }),
  )
}
