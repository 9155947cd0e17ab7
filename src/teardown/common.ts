import { join } from 'node:path'
import type { ActContext, ActResult } from '../run/act.ts'
import { writtenOffIn } from '../walk/end.ts'
import { gateFor } from '../walk/gates.ts'
import type { Act } from '../walk/graph.ts'
import { hostIdentityText } from '../walk/graph.ts'
import type { HostIdentity } from '../walk/proof.ts'

export const artifactsFolder = (ctx: Pick<ActContext, 'run'>): string => join(ctx.run.folder, 'artifacts')

export function refusal(summary: string, data: unknown, exitCode: 1 | 3 | 4 = 1): ActResult {
  return { summary, exitCode, data }
}

/** Whether the gate of an act is open, with the machine that answers and the manifest as they are now. */
export function closedGate(
  ctx: ActContext,
  act: Act,
  identity: HostIdentity,
  manifestSha256: string | null,
): ActResult | null {
  const suspect = (ctx.run as { suspect?: () => string | null }).suspect?.() ?? null
  const answer = gateFor(act, {
    state: ctx.run.state(),
    digests: {
      ...ctx.loaded.digests,
      host: hostIdentityText(identity),
      ...(manifestSha256 !== null && { manifest: manifestSha256 }),
    },
    nowMs: ctx.clock.nowMs(),
    host: identity,
    suspect,
  })
  if (answer.open) return null
  const first = answer.missing[0]
  for (const missing of answer.missing) ctx.cell.say(`${missing.why} ${missing.next}`)
  return refusal(first === undefined ? 'the gate is closed' : `${first.why} ${first.next}`, { missing: answer.missing })
}

/**
 * A box folder that is not there has nothing left to pull: a manifest of nothing would take the place of one that speaks
 * of results. Null: it is there.
 */
export async function whyGone(ctx: Pick<ActContext, 'host' | 'run'>, folder: string): Promise<ActResult | null> {
  if ((await ctx.host.stat(folder)) !== null) return null
  const given = writtenOffIn(ctx.run.state())
  const next =
    given === null
      ? 'If it was removed by hand, write off its meter: kx writeoff <run>'
      : `Its meter was written off by ${given.by}: ${given.reason}`
  return refusal(`${folder} is not there on ${ctx.host.name}; what was pulled before stays as it is. ${next}`, {
    folder,
  })
}

/** An earlier removal of this folder was begun with a permit and did not come to its end. */
export function wasRemovalBegun(ctx: ActContext, folder: string): boolean {
  return ctx.run
    .state()
    .intents.some(
      (intent) => intent.act === 'remove' && (intent.payload as { folder?: unknown } | null)?.folder === folder,
    )
}
