import { HostError } from '../errors.ts'
import type { SshConfig } from './config.ts'
import { agentSocket, type ExpandContext, expandPath } from './config-expand.ts'
import { knownHostsOf, type ResolvedTarget } from './config-resolve.ts'
import { preferredHostKeyAlgorithms } from './known-hosts.ts'
import type { VerifierTarget } from './known-hosts-verifier.ts'
import type { AskingMethod, SshHop } from './types.ts'

/** One machine on the way, with what its host key is looked up by. */
export interface PlannedHop {
  readonly hop: SshHop
  readonly config: SshConfig
  readonly target: VerifierTarget
}

/** ssh itself follows no longer chains in practice, and a config that jumps through itself has no end. */
const mostHops = 8

/**
 * The way to a target, jump hosts first (handbook ssh 5, `ProxyJump`). The nearest jump host may have jump hosts of its own, as
 * `ssh -J` would use them.
 *
 * @param resolve what the user's ssh config says of a name, see `resolveTarget`
 * @throws HostError when the way has no end, a hop needs the system's ssh, or a path of the config cannot be filled in
 */
export async function planHops(
  { config }: ResolvedTarget,
  context: ExpandContext,
  resolve: (written: string) => Promise<ResolvedTarget>,
): Promise<readonly PlannedHop[]> {
  const way = [config]
  for (let nearest = config; nearest.proxyJump.length > 0; ) {
    const jumps: SshConfig[] = []
    for (const written of nearest.proxyJump) jumps.push((await resolve(written)).config)
    way.unshift(...jumps)
    if (way.length > mostHops)
      throw new HostError(
        `The way to ${config.alias} has more than ${mostHops} machines. Look at ProxyJump in your ssh config: does it jump through itself?`,
      )
    const first = jumps[0]
    if (first === undefined) break
    nearest = first
  }
  for (const jump of way.slice(0, -1))
    if (jump.proxyCommand !== null)
      throw new HostError(
        `The jump host ${jump.alias} is reached by a ProxyCommand, which only the system's ssh can do: set transport to openssh.`,
      )
  return way.map((each) => plannedHop(each, context))
}

function plannedHop(config: SshConfig, context: ExpandContext): PlannedHop {
  const { alias, hostKeyAlias, port, requiredRsaBits, user, identitiesOnly } = config
  const hasKeys = config.pubkeyAuthentication && (config.preferredAuthentications?.includes('publickey') ?? true)
  const target = { alias, host: config.hostName, port, hostKeyAlias, requiredRsaBits }
  return {
    config,
    target,
    hop: {
      address: config.hostName,
      port,
      user,
      identityFiles: hasKeys ? config.identityFiles.map((path) => expandPath(path, config, context)) : [],
      identitiesOnly,
      agentSocket: hasKeys ? agentSocket(config, context) : null,
      asking: askingMethods(config),
      hostKeyAlgorithms: preferredHostKeyAlgorithms(knownHostsOf(config, context), target, config.hostKeyAlgorithms),
    },
  }
}

/** Ways in that the configuration allows and that ask a person, in its order; ssh prefers questions to a plain password. */
function askingMethods(config: SshConfig): readonly AskingMethod[] {
  const order = config.preferredAuthentications ?? ['keyboard-interactive', 'password']
  return order.filter(
    (name): name is AskingMethod =>
      (name === 'keyboard-interactive' && config.keyboardInteractiveAuthentication) ||
      (name === 'password' && config.passwordAuthentication),
  )
}
