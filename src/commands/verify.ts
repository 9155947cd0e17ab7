import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx teardown verify`: pulls and verifies, on the one host or on each that was launched. */
export function verify(env: CommandEnvironment, args: { readonly host?: string | undefined }): Promise<ActResult> {
  return actOnRun(
    env,
    'teardown.verify',
    args,
    { ofLaunch: 'with-project', perHost: { only: args.host, choose: launchedHosts } },
    async (ctx) => (await import('../teardown/service.ts')).verify(ctx),
  )
}

/** Hosts of a run that something was launched on. */
export const launchedHosts = (
  { proofs }: { readonly proofs: readonly { readonly kind: string; readonly host?: { readonly host: string } }[] },
  hosts: readonly string[],
): readonly string[] =>
  hosts.filter((host) => proofs.some((proof) => proof.kind === 'Receipt' && proof.host?.host === host))
