import type { ActContext, ActResult } from '../run/act.ts'
import { releasedOf } from '../walk/shares.ts'
import { actOnRun } from './act.ts'
import { eachHost, together, whichHost, worstCode } from './hosts.ts'
import { loadSettings } from './open.ts'
import { noRoomTogether } from './room.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx teardown verify`: pulls and verifies, on the one host or on each that was launched, and puts together what several made. */
export function verify(env: CommandEnvironment, args: { readonly host?: string | undefined }): Promise<ActResult> {
  return actOnRun(env, 'teardown.verify', args, { ofLaunch: 'with-project' }, async (ctx) =>
    verifyAt(ctx, args.host, await rsyncUse(env)),
  )
}

export type RsyncUse = 'auto' | 'never' | 'always'

/** What a person wants of rsync, for everything that is pulled. */
export async function rsyncUse(env: CommandEnvironment): Promise<RsyncUse> {
  const { config } = await loadSettings(env.projectFolder, env.settings)
  return config.transfer.rsync
}

async function verifyAt(ctx: ActContext, only: string | undefined, rsync: RsyncUse): Promise<ActResult> {
  const refused = whichHost(ctx, only)
  if (refused !== null) return refused
  const service = await import('../teardown/service.ts')
  if (ctx.at === undefined) return service.verify(ctx, { rsync })
  const perHost = { only, choose: launchedHosts }
  const full = await noRoomTogether(ctx, perHost)
  if (full !== null) return full
  const results = await eachHost(ctx, perHost, (own) => service.verify(own, { rsync }))
  const each = together(results, 'nothing of this run was launched yet')
  if (results.length === 0) return each
  const all = await (await import('../teardown/gather.ts')).gatherHosts(ctx)
  // A host that gave its units back holds nothing up when every unit is safe without it; it is said all the same.
  const released = releasedOf(ctx.run.state().fleet?.assignments ?? [])
  const asked = results.flatMap(({ host, result }) => (released.has(host) ? [] : [result.exitCode]))
  const exitCode = worstCode([all.exitCode, ...asked])
  const lines = [...(each.lines ?? []), ...(all.lines ?? [])]
  const summary = exitCode === all.exitCode ? all.summary : `${all.summary}; ${each.summary}`
  return { ...all, exitCode, summary, lines, data: { ...(each.data as object), together: all.data } }
}

/** Hosts of a run that something was launched on. */
export const launchedHosts = (
  { proofs }: { readonly proofs: readonly { readonly kind: string; readonly host?: { readonly host: string } }[] },
  hosts: readonly string[],
): readonly string[] =>
  hosts.filter((host) => proofs.some((proof) => proof.kind === 'Receipt' && proof.host?.host === host))
