import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'
import { hostProblem, portOf, userProblem } from './config-names.ts'

/** What `ssh -G` says of one host, typed. Paths and names may still hold `~`, `%` tokens and `${VARIABLES}`. */
export interface SshConfig {
  /** The name that was asked for. */
  readonly alias: string
  readonly hostName: string
  readonly port: number
  readonly user: string
  readonly identityFiles: readonly string[]
  readonly identitiesOnly: boolean
  /** A path, `SSH_AUTH_SOCK`, `$VARIABLE` or `none`; null: the usual one. */
  readonly identityAgent: string | null
  readonly certificateFiles: readonly string[]
  /** `user@host:port` of each hop, the first one nearest to here. */
  readonly proxyJump: readonly string[]
  readonly proxyCommand: string | null
  readonly pkcs11Provider: string | null
  readonly userKnownHostsFiles: readonly string[]
  readonly globalKnownHostsFiles: readonly string[]
  /** A name of a known_hosts file holds a blank, and `ssh -G` does not say where one ends. */
  readonly hasUnclearKnownHostsFiles: boolean
  readonly hostKeyAlias: string | null
  readonly hashKnownHosts: boolean
  readonly strictHostKeyChecking: 'yes' | 'accept-new' | 'ask' | 'no'
  readonly revokedHostKeys: string | null
  readonly knownHostsCommand: string | null
  readonly hostKeyAlgorithms: readonly string[]
  readonly pubkeyAcceptedAlgorithms: readonly string[]
  readonly requiredRsaBits: number
  readonly gssapiAuthentication: boolean
  readonly preferredAuthentications: readonly string[] | null
  readonly pubkeyAuthentication: boolean
  readonly passwordAuthentication: boolean
  readonly keyboardInteractiveAuthentication: boolean
  /** `no`, `yes`, or the agent that is handed on. */
  readonly forwardAgent: string
  readonly controlMaster: string
  readonly controlPath: string | null
  /** Seconds; `yes` keeps it for good. */
  readonly controlPersist: string
  readonly connectTimeoutSeconds: number | null
  readonly serverAliveIntervalSeconds: number
  readonly serverAliveCountMax: number
  readonly tcpKeepAlive: boolean
  readonly compression: boolean
  readonly addressFamily: 'any' | 'inet' | 'inet6'
  readonly bindAddress: string | null
  readonly sendEnv: readonly string[]
  readonly setEnv: readonly string[]
  readonly remoteCommand: string | null
}

/** Why a host cannot be reached by ssh2, or not as its configuration says. */
export interface OpensshReason {
  readonly option: string
  readonly why: string
  /** False: ssh2 can still do it by other means, so it is only said. */
  readonly isBinding: boolean
}

const mostLines = 1000
const longestValue = 65_536
const several = new Set([
  'identityfile',
  'certificatefile',
  'sendenv',
  'setenv',
  'localforward',
  'remoteforward',
  'dynamicforward',
])
const yesses: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false }

/**
 * Reads what `ssh -G` printed. Strict: a value of another form than expected is an error, never a default; options that kx
 * does not know are passed over.
 *
 * @throws HostError with the line that was not understood
 */
export function parseSshConfig(printed: string): SshConfig {
  const values = new Map<string, string[]>()
  const lines = printed.split('\n')
  if (lines.length > mostLines) throw unread('it has too many lines')
  for (const line of lines) {
    if (line === '') continue
    const [, name = '', value = ''] = /^([A-Za-z0-9]+)(?: (.*))?$/.exec(line) ?? []
    if (name === '') throw unread(`a line has no option: ${line.slice(0, 80)}`)
    if (/[\p{Cc}]/u.test(value.replaceAll('\t', '')) || value.length > longestValue)
      throw unread(`${name} holds control characters`)
    const key = name.toLowerCase()
    const list = values.get(key) ?? []
    if (list.length > 0 && !several.has(key)) throw unread(`${name} is there twice`)
    values.set(key, [...list, value])
  }
  return typed(new Reader(values))
}

function typed(read: Reader): SshConfig {
  const user = read.files('userknownhostsfile')
  const global = read.files('globalknownhostsfile')
  const hostName = read.text('hostname')
  const problem = hostProblem(hostName)
  if (problem !== null) throw unread(`hostname is no name of a host: ${problem}`)
  const name = read.text('user')
  // A blank in a user name is odd but harmless: it never meets a shell.
  const userIssue = userProblem(name.replaceAll(' ', '_'))
  if (userIssue !== null) throw unread(`user is not one: ${userIssue}`)
  const hostKeyAlias = read.optional('hostkeyalias')
  return {
    alias: read.optional('host') ?? hostName,
    hostName,
    port: read.port('port'),
    user: name,
    identityFiles: read.all('identityfile').filter((file) => file !== 'none'),
    identitiesOnly: read.flag('identitiesonly', false),
    identityAgent: read.raw('identityagent'),
    certificateFiles: read.all('certificatefile').filter((file) => file !== 'none'),
    proxyJump: read.optional('proxyjump')?.split(',') ?? [],
    proxyCommand: read.optional('proxycommand'),
    pkcs11Provider: read.optional('pkcs11provider'),
    userKnownHostsFiles: user.paths,
    globalKnownHostsFiles: global.paths,
    hasUnclearKnownHostsFiles: user.isUnclear || global.isUnclear,
    hostKeyAlias,
    hashKnownHosts: read.flag('hashknownhosts', false),
    strictHostKeyChecking: strictness(read.raw('stricthostkeychecking') ?? 'ask'),
    revokedHostKeys: read.optional('revokedhostkeys'),
    knownHostsCommand: read.optional('knownhostscommand'),
    hostKeyAlgorithms: read.list('hostkeyalgorithms') ?? [],
    pubkeyAcceptedAlgorithms: read.list('pubkeyacceptedalgorithms') ?? read.list('pubkeyacceptedkeytypes') ?? [],
    requiredRsaBits: Math.max(1024, read.number('requiredrsasize') ?? 1024),
    gssapiAuthentication: read.flag('gssapiauthentication', false),
    preferredAuthentications: read.list('preferredauthentications'),
    pubkeyAuthentication: read.raw('pubkeyauthentication') !== 'no' && read.raw('pubkeyauthentication') !== 'false',
    passwordAuthentication: read.flag('passwordauthentication', true),
    keyboardInteractiveAuthentication: read.flag('kbdinteractiveauthentication', true),
    forwardAgent: read.raw('forwardagent') ?? 'no',
    controlMaster: read.raw('controlmaster') ?? 'no',
    controlPath: read.optional('controlpath'),
    controlPersist: read.raw('controlpersist') ?? 'no',
    connectTimeoutSeconds: read.number('connecttimeout'),
    serverAliveIntervalSeconds: read.number('serveraliveinterval') ?? 0,
    serverAliveCountMax: read.number('serveralivecountmax') ?? 3,
    tcpKeepAlive: read.flag('tcpkeepalive', true),
    compression: read.flag('compression', false),
    addressFamily: family(read.raw('addressfamily') ?? 'any'),
    bindAddress: read.optional('bindaddress'),
    sendEnv: read.all('sendenv'),
    setEnv: read.all('setenv'),
    remoteCommand: read.optional('remotecommand'),
  }
}

function strictness(value: string): SshConfig['strictHostKeyChecking'] {
  if (value === 'accept-new' || value === 'ask') return value
  if (value === 'yes' || value === 'true') return 'yes'
  if (value === 'no' || value === 'off' || value === 'false') return 'no'
  throw unread(`stricthostkeychecking ${value}`)
}

function family(value: string): SshConfig['addressFamily'] {
  if (value === 'any' || value === 'inet' || value === 'inet6') return value
  throw unread(`addressfamily ${value}`)
}

class Reader {
  readonly #values: ReadonlyMap<string, readonly string[]>
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  all(key: string): readonly string[] {
    return this.#values.get(key)?.filter((value) => value !== '') ?? []
  }

  raw(key: string): string | null {
    return this.all(key)[0] ?? null
  }

  /** Null when it is not there or `none`. */
  optional(key: string): string | null {
    const value = this.raw(key)
    return value === 'none' ? null : value
  }

  text(key: string): string {
    const value = this.raw(key)
    if (value === null) throw unread(`${key} is missing`)
    return value
  }

  port(key: string): number {
    const port = portOf(this.text(key))
    if (port === null) throw unread(`${key} ${this.text(key)} is no port`)
    return port
  }

  flag(key: string, usual: boolean): boolean {
    const value = this.raw(key)
    if (value === null) return usual
    const flag = Object.hasOwn(yesses, value) ? yesses[value] : undefined
    if (flag === undefined) throw unread(`${key} ${value} is neither yes nor no`)
    return flag
  }

  number(key: string): number | null {
    const value = this.optional(key)
    if (value === null) return null
    if (!/^\d{1,9}$/.test(value)) throw unread(`${key} ${value} is no number`)
    return Number(value)
  }

  list(key: string): readonly string[] | null {
    const value = this.optional(key)
    return value === null ? null : value.split(',').filter((item) => item !== '')
  }

  /** Paths printed with blanks between them: one that does not begin like a path belongs to the one before it. */
  files(key: string): { readonly paths: readonly string[]; readonly isUnclear: boolean } {
    const paths: string[] = []
    let isUnclear = false
    for (const word of (this.raw(key) ?? '').split(' ')) {
      const last = paths.length - 1
      if (/^[/~$%]/.test(word) || (last < 0 && word !== '') || word === 'none') paths.push(word)
      else {
        isUnclear = true
        if (last >= 0) paths[last] += ` ${word}`
      }
    }
    return { paths: paths.filter((path) => path !== 'none'), isUnclear: isUnclear && paths.length > 0 }
  }
}

function unread(why: string): HostError {
  return new HostError(
    `What ssh says about this host cannot be read: ${sanitiseLine(why, 200)}. Look at it with ssh -G, or write user@host:port instead of the alias.`,
  )
}

/**
 * What the configuration asks for and ssh2 cannot do (handbook ssh 5): then the transport is the system's ssh, with this reason
 * shown. GSSAPI and certificates beside keys are named only, since Debian switches the first on for everyone.
 */
export function opensshReasons(config: SshConfig): readonly OpensshReason[] {
  const reasons: OpensshReason[] = []
  const say = (option: string, why: string, isBinding = true) => reasons.push({ option, why, isBinding })
  if (config.proxyCommand !== null) say('ProxyCommand', 'a program makes the connection, and kx runs none for ssh2')
  if (config.certificateFiles.length > 0) say('CertificateFile', 'ssh2 cannot log in with certificates')
  if (config.pkcs11Provider !== null) say('PKCS11Provider', 'ssh2 cannot use keys on smart cards')
  if (config.revokedHostKeys !== null) say('RevokedHostKeys', 'kx does not read lists of revoked host keys')
  if (config.knownHostsCommand !== null)
    say('KnownHostsCommand', 'a program answers for host keys, and kx runs none for ssh2')
  if (config.hasUnclearKnownHostsFiles)
    say('UserKnownHostsFile', 'a file name with a blank cannot be told from two names')
  if (config.remoteCommand !== null) say('RemoteCommand', 'this host runs a fixed command and no other', false)
  const methods = config.preferredAuthentications
  const hasOwn =
    methods === null || methods.some((m) => m === 'publickey' || m === 'password' || m === 'keyboard-interactive')
  if (config.gssapiAuthentication)
    say('GSSAPIAuthentication', 'ssh2 cannot log in with Kerberos; a key or a password still works', !hasOwn)
  const isHardware = (name: string) => /^(sk|webauthn-sk)-/.test(name) || name.includes('-cert-')
  if (config.hostKeyAlgorithms.length > 0 && config.hostKeyAlgorithms.every(isHardware))
    say('HostKeyAlgorithms', 'only certificates or hardware keys of the host are allowed')
  if (config.pubkeyAcceptedAlgorithms.length > 0 && config.pubkeyAcceptedAlgorithms.every(isHardware))
    say('PubkeyAcceptedAlgorithms', 'only certificates or hardware keys may log in')
  return reasons
}
