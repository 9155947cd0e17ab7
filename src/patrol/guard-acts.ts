import type { GuardStatus } from '../engine/types.ts'
import type { ActContext } from '../run/act.ts'
import { settleExtensions } from '../run/lease-settle.ts'
import type { GuardActed } from '../run/types.ts'

/** Of every launch, and no act. */
const isQuiet = (event: string) => event === 'guard.armed' || event === 'guard.dismissed'

/**
 * Puts on record what the guard did on the box while nobody looked, once each, also of a launch before this one; and
 * settles extensions whose answer was lost.
 */
export async function recordGuardActs(
  ctx: Pick<ActContext, 'run' | 'host' | 'cell'>,
  guard: GuardStatus,
): Promise<void> {
  const known = new Set(ctx.run.state().guardActs.flatMap((each) => (each.host === ctx.host.name ? [each.number] : [])))
  for (const { number, atMs, event, token, detail } of guard.acts) {
    if (known.has(number) || isQuiet(event)) continue
    const acted: GuardActed = { host: ctx.host.name, token, number, event, boxAtMs: atMs, detail }
    await ctx.run.append('guard.acted', acted)
    ctx.cell.say(`on the box at ${new Date(atMs).toISOString()}: ${event} ${JSON.stringify(detail)}`)
  }
  await settleExtensions(ctx.run, guard)
}
