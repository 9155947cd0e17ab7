import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { type OpensshReason, opensshReasons, type SshConfig } from './ssh/config.ts'
import { type ExpandContext, expandPath } from './ssh/config-expand.ts'
import { knownHostsOf, type ResolvedTarget } from './ssh/config-resolve.ts'
import { knownKeys } from './ssh/known-hosts.ts'
import type { KnownHostsFile } from './ssh/known-hosts-file.ts'

export type Transport = 'ssh' | 'openssh'

/** What decides on the transport beside the configuration itself. */
export interface TransportFacts {
  /** Key types of the identity files that are there: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`; null: cannot be told. */
  readonly keyTypes: readonly (string | null)[]
  /** Certificates that lie beside identity files: `ssh` offers them by itself. */
  readonly certificatesBesideKeys: readonly string[]
  /** Known_hosts files of this target. */
  readonly knownHosts: readonly KnownHostsFile[]
  /** An `ssh` program answered here. */
  readonly hasSsh: boolean
}

export interface TransportChoice {
  readonly transport: Transport
  readonly by: 'wish' | 'need' | 'default'
  /** Everything that speaks for the system's ssh, also what did not decide. */
  readonly reasons: readonly OpensshReason[]
  /** One line for a person: which transport, and why. */
  readonly words: string
}

/**
 * Which transport a target needs: the system's ssh where ssh2 cannot do what is asked (handbook ssh 5 and 7), else ssh2.
 * The wish of the user wins; what it goes against is said.
 */
export function chooseTransport(
  config: SshConfig,
  facts: TransportFacts,
  wish: Transport | null = null,
): TransportChoice {
  const reasons = [...opensshReasons(config), ...factReasons(config, facts)]
  const binding = reasons.filter((reason) => reason.isBinding)
  const because = binding.map(({ option, why }) => `${option}: ${why}`).join('; ')
  const lack = facts.hasSsh ? '' : ' There is no ssh program here: install an OpenSSH client.'
  if (wish === 'ssh')
    return {
      transport: 'ssh',
      by: 'wish',
      reasons,
      words: `ssh2, as you chose${because === '' ? '.' : `, though it cannot do all of it. ${because}.`}`,
    }
  if (wish === 'openssh')
    return { transport: 'openssh', by: 'wish', reasons, words: `The system's ssh, as you chose.${lack}` }
  if (binding.length > 0)
    return { transport: 'openssh', by: 'need', reasons, words: `The system's ssh. ${because}.${lack}` }
  return { transport: 'ssh', by: 'default', reasons, words: 'ssh2: nothing here needs the system’s ssh.' }
}

function factReasons(config: SshConfig, facts: TransportFacts): readonly OpensshReason[] {
  const reasons: OpensshReason[] = []
  const isHardware = (type: string | null) => type !== null && /^(?:sk|webauthn-sk)-/.test(type)
  if (facts.keyTypes.some(isHardware))
    reasons.push({
      option: 'IdentityFile',
      why: 'ssh2 cannot use hardware keys (sk-…)',
      // Another key may do; with none there is nothing to log in with.
      isBinding: facts.keyTypes.every(isHardware),
    })
  if (facts.certificatesBesideKeys.length > 0 && config.certificateFiles.length === 0)
    reasons.push({
      option: 'IdentityFile',
      why: `a certificate lies beside a key (${facts.certificatesBesideKeys.join(', ')}), and ssh2 cannot log in with it`,
      isBinding: true,
    })
  const target = { host: config.hostName, port: config.port, hostKeyAlias: config.hostKeyAlias }
  const known = knownKeys(facts.knownHosts, target)
  if (known.some((key) => key.marker === 'cert-authority'))
    reasons.push({
      option: '@cert-authority',
      why: 'this host is trusted through a certificate authority, which only the system’s ssh can check',
      isBinding: !known.some((key) => key.marker === 'none'),
    })
  return reasons
}

/** Looks at the files that a configuration names. Reads no secret: of a private key, only the public half at its head. */
export function transportFacts({ config, source }: ResolvedTarget, context: ExpandContext): TransportFacts {
  const files = config.identityFiles.map((path) => expandPath(path, config, context))
  return {
    keyTypes: files.filter((path) => existsSync(path) || existsSync(`${path}.pub`)).map(keyTypeOf),
    certificatesBesideKeys: files.map((path) => `${path}-cert.pub`).filter((path) => existsSync(path)),
    knownHosts: knownHostsOf(config, context),
    hasSsh: source === 'ssh -G',
  }
}

/** Type of a key file by its public half: beside it, or at the head of an OpenSSH private key. Null: cannot be told. */
export function keyTypeOf(path: string): string | null {
  const word = /^[a-z0-9@.-]+(?= [A-Za-z0-9+/])/.exec(head(`${path}.pub`))?.[0]
  if (word !== undefined) return word
  const body = /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)/.exec(head(path))?.[1]
  if (body === undefined) return null
  // PROTOCOL.key of OpenSSH: magic, cipher, kdf, kdf options, number of keys, first public key; each with its length.
  const bytes = Buffer.from(body, 'base64')
  const magic = 'openssh-key-v1\0'
  if (bytes.toString('latin1', 0, magic.length) !== magic) return null
  let at = magic.length
  const next = (): Buffer | null => {
    if (at + 4 > bytes.length) return null
    const from = at + 4
    at = from + bytes.readUInt32BE(at)
    return at <= bytes.length ? bytes.subarray(from, at) : null
  }
  if (next() === null || next() === null || next() === null) return null
  at += 4
  at += 4
  const type = next()?.toString('latin1')
  return type !== undefined && /^[a-z0-9@.-]{4,64}$/.test(type) ? type : null
}

function head(path: string): string {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const buffer = Buffer.alloc(4096)
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
  } catch {
    return ''
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
