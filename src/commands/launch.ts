import type { ActContext, ActResult } from '../run/act.ts'
import { ownersOf, releasedOf } from '../walk/shares.ts'
import { actOnRun } from './act.ts'
import { eachHost, onHosts, together, whichHost } from './hosts.ts'
import { loadSettings } from './open.ts'
import { declined } from './recorded.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

type GuardLimits = import('../launch/lease.ts').GuardLimits

/** `kx launch`: the gate is in the service; here it is only asked when money may be spent. */
export async function launch(
  env: CommandEnvironment,
  args: { readonly host?: string | undefined },
): Promise<ActResult> {
  return actOnRun(env, 'launch.start', args, {}, async (ctx) => startAt(ctx, args.host, await guardLimits(env)))
}

/** Times that the guard on the box goes by: fixed for this launch, and in its run configuration. */
async function guardLimits(env: CommandEnvironment): Promise<GuardLimits> {
  const { config } = await loadSettings(env.projectFolder, env.settings)
  return { absentSeconds: config.guard.absentMinutes * 60, stallSeconds: config.guard.stalledMinutes * 60 }
}

/**
 * Of several hosts: gives the units to hosts, once, and starts each host's share; one that fails leaves the others as they
 * are, and a later launch goes on with it. A host that works on what it has given away is stopped.
 */
async function startAt(ctx: ActContext, only: string | undefined, guard: GuardLimits): Promise<ActResult> {
  const refused = whichHost(ctx, only)
  if (refused !== null) return refused
  const service = await import('../launch/service.ts')
  if (ctx.at === undefined) return service.launch(ctx, { guard })
  const assigned = await (await import('../launch/shares.ts')).assignUnits(ctx)
  if (assigned !== null) return assigned
  const assignments = ctx.run.state().fleet?.assignments ?? []
  const owners = new Set([...ownersOf(assignments).values()].map((owner) => owner.host))
  const released = releasedOf(assignments)
  const results = await eachHost(
    ctx,
    {
      only,
      choose: (state, hosts) => hosts.filter((host) => owners.has(host) || launchedHosts(state, [host]).length > 0),
    },
    async (own) => {
      if (!released.has(own.run.scope ?? '')) return service.launch(own, { guard })
      return (await import('../launch/released.ts')).stopReleased(own)
    },
  )
  return together(results)
}

/** `kx abort`: asks first; results so far stay. Also of a launch that waits for its first sign of life, here or in another kx. */
export async function abort(
  env: CommandEnvironment,
  args: { readonly reason: string; readonly host?: string | undefined },
): Promise<ActResult> {
  const isAgreed =
    env.via === 'cli' ||
    (await env.ask.confirm(args.host === undefined ? 'Stop this run?' : `Stop this run on ${args.host}?`, [
      'The runner is asked to stop, then TERM, grace, KILL.',
      'Finished units and checkpoints stay; a relaunch goes on from them.',
    ]))
  if (!isAgreed) return declined(env, 'patrol.abort', args, { summary: 'the run goes on', exitCode: 3, data: null })
  const stop = async (ctx: ActContext): Promise<ActResult> => {
    const patrol = await import('../patrol/service.ts')
    // A launch has its receipt with the first sign of life; before that it is stopped by its intent.
    const early = await (await import('../launch/service.ts')).abortLaunch(ctx, args.reason)
    if (early === null) return patrol.abort(ctx, args.reason)
    if (ctx.run.state().latest.Receipt === undefined) return early
    const { patrolLimits } = await import('./patrol-limits.ts')
    const after = await patrol.observe(ctx, { record: 'always', thresholds: await patrolLimits(env) })
    return { ...early, ...(after.proof === undefined ? {} : { proof: after.proof }) }
  }
  return actOnRun(env, 'patrol.abort', args, { ofLaunch: 'alone' }, async (ctx) => {
    const begun = (intents: readonly { readonly act: string; readonly host: string }[], host: string) =>
      intents.some((intent) => intent.act === 'launch' && intent.host === host)
    const result = await onHosts(
      {
        only: args.host,
        share: 'held',
        choose: (state, hosts) => hosts.filter((host) => begun(state.intents, host)),
      },
      stop,
    )(ctx)
    if (ctx.at !== undefined)
      await (await import('../patrol/together.ts')).observeTogether(ctx, [], { record: 'always' })
    return result
  })
}
