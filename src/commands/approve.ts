import type { ActResult } from '../run/act.ts'
import type { RunState } from '../run/types.ts'
import { formatDuration, formatUsd } from '../text/format.ts'
import { actOnRun, loadProject } from './act.ts'
import { openForWriting, systemClock } from './open.ts'
import { declined } from './recorded.ts'
import { Refused } from './refused.ts'
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
  const state = run.state()
  const priced = state.latest.PricedPlan?.payload as Priced | undefined
  await run.close()
  if (priced === undefined) return { summary: 'nothing is priced yet; kx cost does that', exitCode: 1, data: null }
  const refused = await whyNot(env, state)
  if (refused !== null) return refused
  const isAgreed = await env.ask.confirm(`Approve this run for ${args.expiresHours} h?`, [
    `Time   p50 ${hours(priced.hoursP50)}, p90 ${hours(priced.hoursP90)}`,
    `Money  p50 ${formatUsd(priced.usdP50)}, p90 ${formatUsd(priced.usdP90)}, cap ${formatUsd(priced.capUsd)}`,
    `Price  ${priced.priceSource}`,
    `Lease  ${hours(priced.leaseHours)}${priced.leaseEnd === undefined ? '' : `; then ${priced.leaseEnd}`}`,
  ])
  if (!isAgreed)
    return declined(env, 'cost.approve', args, {
      summary: 'not approved: a person types yes to kx approve on a terminal, or presses a on the Cost screen',
      exitCode: 3,
      data: null,
    })
  return actOnRun(env, 'cost.approve', args, {}, async (ctx) =>
    (await import('../cost/service.ts')).approve(ctx, { by: env.who, expiresHours: args.expiresHours }),
  )
}

/** Nobody is asked for what would be refused afterwards. The act looks again: this is for the person's sake alone. */
async function whyNot(env: CommandEnvironment, state: RunState): Promise<ActResult | null> {
  try {
    const [{ gateFor }, { digests }] = await Promise.all([import('../walk/gates.ts'), loadProject(env)])
    const { missing } = gateFor('approve', { state, digests, nowMs: systemClock.nowMs(), host: null })
    const [first] = missing
    return first === undefined
      ? null
      : { summary: `Not approved: ${first.why} ${first.next}`, exitCode: 1, data: { missing } }
  } catch (error) {
    if (error instanceof Refused) return error.result
    throw error
  }
}
