import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx launch`: the gate is in the service; here it is only asked when money may be spent. */
export async function launch(env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult> {
  return actOnRun(env, 'launch.start', args, {}, async (ctx) => (await import('../launch/service.ts')).launch(ctx))
}

/** `kx abort`: asks first; results so far stay. */
export async function abort(env: CommandEnvironment, args: { readonly reason: string }): Promise<ActResult> {
  const isAgreed =
    env.via === 'cli' ||
    (await env.ask.confirm('Stop this run?', [
      'The runner is asked to stop, then TERM, grace, KILL.',
      'Finished units and checkpoints stay; a relaunch goes on from them.',
    ]))
  if (!isAgreed) return { summary: 'the run goes on', exitCode: 3, data: null }
  return actOnRun(env, 'patrol.abort', args, { ofLaunch: 'alone' }, async (ctx) =>
    (await import('../patrol/service.ts')).abort(ctx, args.reason),
  )
}
