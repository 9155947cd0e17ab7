import type { HostIdentity } from '../../walk/proof.ts'
import { HostError } from '../errors.ts'
import type { SshStatus } from '../ssh/types.ts'
import type { SeenKey } from './seen-key.ts'

export interface OpensshHostOptions {
  /** Name as the plan knows it. */
  readonly name: string
  /** Alias or host name as the user's `ssh` knows it. */
  readonly target: string
  readonly user?: string
  readonly port?: number
  /** In place of the user's own configuration file. */
  readonly configFile?: string
  /** In place of the known_hosts files of the configuration. */
  readonly knownHostsFiles?: readonly string[]
  /** Only these keys are offered (`IdentitiesOnly`). */
  readonly identityFiles?: readonly string[]
  /** Further settings of `ssh_config`, name and value. */
  readonly settings?: Readonly<Record<string, string>>
  /** Environment of the `ssh` programs, from which secrets are taken away; default: the one of this process. */
  readonly env?: NodeJS.ProcessEnv
  /** Answers what `ssh` asks (passphrase, code of a second factor); null gives up. Without it nothing is asked. */
  readonly askpass?: ((prompt: string, signal: AbortSignal) => Promise<string | null>) | undefined
  /** With `askpass`: unknown host keys are asked about too, in the words of `ssh`; changed ones are refused. */
  readonly asksHostKeys?: boolean
  /**
   * Looks at the machine that answered, after every connect and before any command; a text refuses it, and says why.
   * Another machine id than at the first connect is refused without asking.
   */
  readonly refuseIdentity?: (identity: HostIdentity, key: SeenKey | null) => string | null
  /** Told each change of state. Must not throw. */
  readonly onStatus?: (status: SshStatus) => void
  /** Until the connection counts as failed; time that a person takes to answer is not counted. Default 60. */
  readonly connectSeconds?: number
  /** How long a master outlives its last use, and so kx itself when that is killed. Default 120. */
  readonly persistSeconds?: number
  /** Sessions at once over one connection, one of them kept for kill. Default 8, as sshd allows 10. */
  readonly maxSessions?: number
  /** How long silence may be, and what it then means. Tests make the clock faster. */
  readonly timing?: OpensshTiming
  /** Program; default `ssh`. */
  readonly program?: string
}

export interface OpensshTiming {
  /** Between looks at the clock. */
  readonly tickSeconds: number
  /** Between questions to the other side. */
  readonly beatSeconds: number
  /** Nothing heard for so long: old. */
  readonly staleSeconds: number
  /** Nothing heard for so long: the master at this side is asked whether it lives. */
  readonly hungSeconds: number
  /** What the master has for its answer. */
  readonly checkSeconds: number
  /** Keepalive of `ssh` itself, whole seconds: silence of (count + 1) times the interval ends the connection. */
  readonly aliveSeconds: number
  readonly aliveCount: number
  /** What a kill over the shared connection has to begin, before it takes a connection of its own. */
  readonly killBeginSeconds: number
}

/** Stale within 15 s, dead within 40 s (handbook ssh 8.1): (3 + 1) x 9 s by `ssh`, 30 + 5 s where `ssh` itself hangs. */
export const opensshTiming: OpensshTiming = {
  tickSeconds: 1,
  beatSeconds: 5,
  staleSeconds: 12,
  hungSeconds: 30,
  checkSeconds: 5,
  aliveSeconds: 9,
  aliveCount: 3,
  killBeginSeconds: 5,
}

export const defaultConnectSeconds = 60
export const defaultPersistSeconds = 120
export const defaultMaxSessions = 8

/** A value of ssh_config that is a file name: quoted, and its `%` doubled, because ssh would read both. */
function fileValue(path: string): string {
  if (/["\n\r\0]/.test(path)) throw new HostError(`ssh cannot be given a file name with quotes or line ends: ${path}`)
  return `"${path.replaceAll('%', '%%')}"`
}

const option = (name: string, value: string | number) => ['-o', `${name}=${value}`]

/** The target as arguments of `ssh`. A name that `ssh` would read as an option is refused (handbook ssh 5). */
function destination({ target, user, port }: OpensshHostOptions): readonly string[] {
  for (const word of [target, user ?? 'x'])
    if (word === '' || word.startsWith('-') || /[\s\0]/.test(word))
      throw new HostError(`Refused to connect to ${JSON.stringify(word)}: no host or user has such a name.`)
  return [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    target,
  ]
}

/** What holds for every connection: nothing asked, nothing forwarded, unknown host keys refused, silence noticed. */
function connection(options: OpensshHostOptions): readonly string[] {
  const { knownHostsFiles, identityFiles, configFile, timing = opensshTiming } = options
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    '-T',
    '-a',
    '-x',
    ...option('StrictHostKeyChecking', options.asksHostKeys === true && options.askpass !== undefined ? 'ask' : 'yes'),
    ...option('BatchMode', options.askpass === undefined ? 'yes' : 'no'),
    // A wrong answer is never tried again by itself: it costs others their access too (handbook ssh T14).
    ...option('NumberOfPasswordPrompts', 1),
    ...option('ConnectionAttempts', 1),
    ...option('ConnectTimeout', 15),
    ...option('ServerAliveInterval', timing.aliveSeconds),
    ...option('ServerAliveCountMax', timing.aliveCount),
    ...option('LogLevel', 'ERROR'),
    ...option('UpdateHostKeys', 'no'),
    ...option('VisualHostKey', 'no'),
    ...option('AddKeysToAgent', 'no'),
    ...option('GSSAPIDelegateCredentials', 'no'),
    ...option('ClearAllForwardings', 'yes'),
    ...option('ForwardAgent', 'no'),
    ...option('PermitLocalCommand', 'no'),
    ...option('RemoteCommand', 'none'),
    ...option('Tunnel', 'no'),
    ...(knownHostsFiles === undefined
      ? []
      : [
          ...option('UserKnownHostsFile', knownHostsFiles.map(fileValue).join(' ') || 'none'),
          ...option('GlobalKnownHostsFile', 'none'),
        ]),
    ...(identityFiles === undefined
      ? []
      : [
          ...option('IdentitiesOnly', 'yes'),
          ...identityFiles.flatMap((path) => option('IdentityFile', fileValue(path))),
        ]),
    ...Object.entries(options.settings ?? {}).flatMap(([name, value]) => option(name, value)),
  ]
}

/** Arguments that start a master: it goes to the background, and its parent ends with 0, once it is connected. */
export const masterArguments = (options: OpensshHostOptions, socket: string): readonly string[] => [
  '-M',
  '-N',
  '-S',
  socket,
  // Says which host key was shown (see seen-key.ts). Once it is connected, it says nothing any more: its stderr is closed.
  ...option('LogLevel', 'DEBUG1'),
  ...connection(options),
  ...option('ControlMaster', 'yes'),
  ...option('ControlPersist', options.persistSeconds ?? defaultPersistSeconds),
  ...destination(options),
]

/**
 * Arguments for one command over a master. No configuration is read, and the proxy that always fails keeps `ssh` from
 * making a connection of its own where the master does not answer, which it would do in silence.
 */
export const sessionArguments = (options: OpensshHostOptions, socket: string, command: string): readonly string[] => [
  '-F',
  'none',
  '-S',
  socket,
  '-T',
  '-a',
  '-x',
  ...option('ControlMaster', 'no'),
  ...option('ProxyCommand', 'false'),
  ...option('LogLevel', 'ERROR'),
  ...option('BatchMode', 'yes'),
  ...destination(options),
  command,
]

/** Arguments for one command over a connection of its own: the way to kill where the master has no session left. */
export const directArguments = (options: OpensshHostOptions, command: string): readonly string[] => [
  '-S',
  'none',
  // It asks nothing: whoever could answer may not be there, and a kill cannot wait.
  ...connection({ ...options, askpass: undefined }),
  ...option('ControlMaster', 'no'),
  ...destination(options),
  command,
]

/** Arguments that ask a master something: `check` or `exit`. */
export const controlArguments = (options: OpensshHostOptions, socket: string, what: 'check' | 'exit') => [
  '-F',
  'none',
  '-S',
  socket,
  '-O',
  what,
  ...option('LogLevel', 'ERROR'),
  ...destination(options),
]
