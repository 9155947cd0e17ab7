import type { ActContext, ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import { eachHost, whichHost } from './hosts.ts'
import { patrolLimits } from './patrol-limits.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

/** A host of several that has not answered a look by then counts as silent for that look. */
const hostTimeoutMs = 15_000
/** One that was silent before: the others are looked at every few seconds, and it must not make them old. */
const silentTimeoutMs = 3_000
/** Links looked through at once. */
const hostsAtOnce = 16

/** By run, the hosts that did not answer the last look of this process. */
const silentOf = new Map<string, ReadonlySet<string>>()

/** `kx patrol`: one bounded look, at the one host or at all of them side by side. */
export function patrol(env: CommandEnvironment, args: { readonly host?: string | undefined }): Promise<ActResult> {
  const options = { isQuietCell: env.via === 'auto', ofLaunch: 'alone' } as const
  return actOnRun(env, 'patrol.tick', args, options, (ctx) => lookAt(env, ctx, args.host))
}

/** The look itself, in an act that is under way. */
export async function lookAt(
  env: CommandEnvironment,
  ctx: ActContext,
  only?: string,
  record: 'change' | 'always' = 'change',
): Promise<ActResult> {
  const refused = whichHost(ctx, only)
  if (refused !== null) return refused
  const { observe } = await import('../patrol/service.ts')
  const limits = { thresholds: await patrolLimits(env), record }
  if (ctx.at === undefined) return observe(ctx, limits)
  const silentBefore = silentOf.get(ctx.run.id) ?? new Set()
  const results = await eachHost(
    ctx,
    {
      only,
      choose: launchedHosts,
      share: 'held',
      atOnce: hostsAtOnce,
      timeoutMs: (host) => (silentBefore.has(host) ? silentTimeoutMs : hostTimeoutMs),
    },
    (own) => observe(own, limits),
  )
  const silent = results.flatMap(({ host, result }) =>
    result.data === null && result.exitCode === 4 ? [{ host, why: result.summary }] : [],
  )
  const looked = new Set(results.map(({ host }) => host))
  const stillSilent = [...silentBefore].filter((host) => !looked.has(host))
  silentOf.set(ctx.run.id, new Set([...stillSilent, ...silent.map(({ host }) => host)]))
  return (await import('../patrol/together.ts')).observeTogether(ctx, silent, limits)
}
