import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx launch`: the gate is in the service; here it is only asked when money may be spent. */
export async function launch(env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult> {
  return actOnRun(env, 'launch.start', args, {}, async (ctx) => (await import('../launch/service.ts')).launch(ctx))
}

/** `kx abort`: asks first; results so far stay. Also of a launch that waits for its first sign of life, here or in another kx. */
export async function abort(env: CommandEnvironment, args: { readonly reason: string }): Promise<ActResult> {
  const isAgreed =
    env.via === 'cli' ||
    (await env.ask.confirm('Stop this run?', [
      'The runner is asked to stop, then TERM, grace, KILL.',
      'Finished units and checkpoints stay; a relaunch goes on from them.',
    ]))
  if (!isAgreed) return { summary: 'the run goes on', exitCode: 3, data: null }
  return actOnRun(env, 'patrol.abort', args, { ofLaunch: 'alone' }, async (ctx) => {
    const patrol = await import('../patrol/service.ts')
    // A launch has its receipt with the first sign of life; before that it is stopped by its intent.
    const early = await (await import('../launch/service.ts')).abortLaunch(ctx, args.reason)
    if (early === null) return patrol.abort(ctx, args.reason)
    if (ctx.run.state().latest.Receipt === undefined) return early
    const { patrolLimits } = await import('./patrol-limits.ts')
    const after = await patrol.observe(ctx, { record: 'always', thresholds: await patrolLimits(env) })
    return { ...early, ...(after.proof === undefined ? {} : { proof: after.proof }) }
  })
}
