import { homedir, hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { sanitiseLine } from '../../text/sanitise.ts'
import { childEnvironment } from '../child-environment.ts'
import { HostError } from '../errors.ts'
import { execLocal } from '../local-exec.ts'
import { parseSshConfig, type SshConfig } from './config.ts'
import { type ExpandContext, expandPath } from './config-expand.ts'
import { readTarget, type WrittenTarget } from './config-names.ts'
import { hostKeyAlgorithms } from './known-hosts.ts'
import { type KnownHostsFile, readKnownHostsFiles } from './known-hosts-file.ts'

export interface ResolveOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `-F`: instead of the user's and the system's configuration. */
  readonly configFile?: string
  /** Program that is asked; default `ssh`, found through PATH. */
  readonly ssh?: string
  readonly signal?: AbortSignal
}

export interface ResolvedTarget {
  readonly config: SshConfig
  /** `written`: there is no ssh here, so only what was written is known, and no configuration was read. */
  readonly source: 'ssh -G' | 'written'
  /** For a person, when something is not as they may expect. */
  readonly notes: readonly string[]
}

const timeoutSeconds = 15
const maxBytes = 1024 * 1024
const notFound = 127

/**
 * What the user's ssh config says of a target, by asking `ssh -G` (handbook ssh 5): it alone resolves Include, Host, Match and
 * canonical names. It runs `Match exec` commands, so only the user's own configuration may be named by `configFile`.
 *
 * Without an ssh program only `user@host:port` is understood, and said so.
 *
 * @throws HostError when the target cannot be a name, ssh refuses its configuration, or its answer cannot be read
 */
export async function resolveTarget(written: string, options: ResolveOptions): Promise<ResolvedTarget> {
  const target = readTarget(written)
  const argv = [
    options.ssh ?? 'ssh',
    '-G',
    ...(options.configFile === undefined ? [] : ['-F', options.configFile]),
    ...(target.user === null ? [] : ['-l', target.user]),
    ...(target.port === null ? [] : ['-p', String(target.port)]),
    '--',
    target.host,
  ]
  const ran = await execLocal(
    argv,
    { timeoutSeconds, maxBytes, ...(options.signal === undefined ? {} : { signal: options.signal }) },
    childEnvironment({ ...options.env }),
  )
  if (ran.ending.kind === 'exited' && ran.ending.code === notFound) return withoutSsh(written, target, options)
  const said = sanitiseLine(new TextDecoder().decode(ran.stderr).trim().split('\n').at(-1) ?? '', 300)
  if (ran.timedOut)
    throw new HostError(
      `ssh -G ${sanitiseLine(target.host)} did not answer within ${timeoutSeconds} s. A "Match exec" of your ssh config may hang.`,
    )
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0)
    throw new HostError(
      `ssh does not accept its configuration for ${sanitiseLine(target.host)}: ${said}. Try: ssh -G ${sanitiseLine(target.host)}`,
    )
  if (ran.stdoutBytes > maxBytes) throw new HostError('ssh -G printed more than a configuration can be.')
  let printed: string
  try {
    printed = new TextDecoder('utf-8', { fatal: true }).decode(ran.stdout)
  } catch (error) {
    throw new HostError('Your ssh config holds bytes that are not UTF-8. Write those paths in UTF-8.', null, error)
  }
  return { config: { ...parseSshConfig(printed), alias: target.host }, source: 'ssh -G', notes: [] }
}

function withoutSsh(written: string, target: WrittenTarget, options: ResolveOptions): ResolvedTarget {
  const missing = 'There is no ssh program here, so no ssh config was read.'
  if (target.user === null)
    throw new HostError(
      `${missing} "${sanitiseLine(written, 80)}" may be an alias that only ssh knows. Install an OpenSSH client, or write user@host:port.`,
    )
  const home = options.env.HOME || homedir()
  const key = (name: string) => join(home, '.ssh', name)
  return {
    source: 'written',
    notes: [`${missing} Only what you wrote is used, with the usual keys and known_hosts files.`],
    config: {
      alias: target.host,
      hostName: target.host.toLowerCase(),
      port: target.port ?? 22,
      user: target.user,
      identityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(key),
      identitiesOnly: false,
      identityAgent: null,
      certificateFiles: [],
      proxyJump: [],
      proxyCommand: null,
      pkcs11Provider: null,
      userKnownHostsFiles: ['known_hosts', 'known_hosts2'].map(key),
      globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      hasUnclearKnownHostsFiles: false,
      hostKeyAlias: null,
      hashKnownHosts: false,
      strictHostKeyChecking: 'yes',
      revokedHostKeys: null,
      knownHostsCommand: null,
      hostKeyAlgorithms: [...hostKeyAlgorithms],
      pubkeyAcceptedAlgorithms: [...hostKeyAlgorithms],
      requiredRsaBits: 1024,
      gssapiAuthentication: false,
      preferredAuthentications: null,
      pubkeyAuthentication: true,
      passwordAuthentication: true,
      keyboardInteractiveAuthentication: true,
      forwardAgent: 'no',
      controlMaster: 'no',
      controlPath: null,
      controlPersist: 'no',
      connectTimeoutSeconds: null,
      serverAliveIntervalSeconds: 0,
      serverAliveCountMax: 3,
      tcpKeepAlive: true,
      compression: false,
      addressFamily: 'any',
      bindAddress: null,
      sendEnv: [],
      setEnv: [],
      remoteCommand: null,
    },
  }
}

/** What tokens in paths stand for on this machine. */
export function expandContext(env: Readonly<Record<string, string | undefined>>): ExpandContext {
  const user = userInfo()
  return {
    homeFolder: env.HOME || user.homedir,
    localUser: user.username,
    localHostName: hostname(),
    uid: user.uid < 0 ? null : user.uid,
    workingFolder: process.cwd(),
    env,
  }
}

/** The known_hosts files of a target, read: the user's first, then the system's, whose paths ssh takes as they stand. */
export function knownHostsOf(config: SshConfig, context: ExpandContext): readonly KnownHostsFile[] {
  const user = config.userKnownHostsFiles.map((path) => expandPath(path, config, context))
  const global = config.globalKnownHostsFiles.map((path) => resolve(context.workingFolder, path))
  return readKnownHostsFiles([...user, ...global])
}
