import { hostEnvironment } from '../host/environment.ts'
import { resolveTierPath, tierFor } from '../profile/tiers.ts'
import type { ActContext } from './act.ts'

/** Folder of the profile's data tier on the host; a reason when it cannot be told: nothing is guessed. */
export async function dataTier(
  ctx: Pick<ActContext, 'host' | 'profile' | 'signal'>,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const tier = tierFor(ctx.profile, 'data')
  if (tier === null) return { reason: `the profile ${ctx.profile.platform} has no data tier` }
  const path = resolveTierPath(tier, await hostEnvironment(ctx.host, ctx.signal))
  return path === null
    ? { reason: `the path ${tier.path} of tier ${tier.id} cannot be resolved on ${ctx.host.name}` }
    : { path }
}
