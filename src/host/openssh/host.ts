import type { HostIdentity } from '../../walk/proof.ts'
import { childEnvironment } from '../child-environment.ts'
import { HostError } from '../errors.ts'
import { identityRemote } from '../remote/identity.ts'
import { remoteHostParts, scriptRunner } from '../remote/parts.ts'
import { killRemote } from '../remote/process.ts'
import { canBeKept, scriptInput } from '../script.ts'
import type { Host } from '../types.ts'
import { ConnectError } from './connect-error.ts'
import { defaultPersistSeconds, type OpensshHostOptions, opensshTiming } from './options.ts'
import { startPulse } from './pulse.ts'
import { Runner } from './runner.ts'

const longestTimerMilliseconds = 2_147_000_000

export interface OpensshHost extends Host {
  readonly kind: 'openssh'
  /** Connects if that was not done yet; rejects with the reason when it cannot be. */
  connect(signal?: AbortSignal): Promise<void>
  /** Tries to connect again at the next call, also after what is never tried again by itself. */
  reconnect(): void
  /** The same, at once. */
  resume(): void
}

/**
 * A host that the system's `ssh` reaches: certificates, hardware keys, ProxyCommand, GSSAPI, whatever it can do.
 * Commands share one connection (a control master) that is made at the first call, and again when it went.
 *
 * The end of a command is what the other side says, behind a mark in both streams: exit code 255 of `ssh` is never
 * taken for one of the command, and a link that breaks is `unknown`. A deadline ends the process group there through a
 * session that is kept for it, or through a connection of its own.
 */
export function createOpensshHost(given: OpensshHostOptions): OpensshHost {
  const { name } = given
  const options: OpensshHostOptions = {
    ...given,
    // Asked for at each start of a program: what is known to be a secret grows while the host is open.
    get env() {
      return childEnvironment(given.env)
    },
  }
  let known: HostIdentity | null = null
  let isClosed = false

  const runner = new Runner(options, async (master, signal) => {
    const found = await identityRemote(
      name,
      scriptRunner((argv, given) => runner.run(argv, given, { master })),
      signal,
    )
    // An address can belong to another machine by now, also with the same host key: images are copied.
    if (known !== null && known.machineId !== found.machineId)
      throw new ConnectError(
        name,
        'host-key',
        `another machine answers: machine-id ${found.machineId ?? 'not told'}, it was ${known.machineId ?? 'not told'}`,
        'Look which one it is before you go on.',
      )
    const refused = options.refuseIdentity?.(found, master.hostKey) ?? null
    if (refused !== null) throw new ConnectError(name, 'host-key', refused, '')
    known = found
  })

  const whenOpen = async <T>(act: () => Promise<T>): Promise<T> => {
    if (isClosed) throw new HostError(`Host ${name} is closed: open it again before running anything.`)
    return await act()
  }
  const exec: Host['exec'] = (argv, given) => whenOpen(() => runner.run(argv, given))
  const byKill = scriptRunner((argv, given) => whenOpen(() => runner.run(argv, given, { isKill: true })))

  // Without use the master goes; a person should not be asked for a passphrase again while kx is open.
  const idleSeconds = (options.persistSeconds ?? defaultPersistSeconds) / 2
  const keepUp = async () => {
    const master = runner.connector.open
    if (master === null || !runner.isIdle || performance.now() - runner.lastUse < idleSeconds * 1000) return
    if (await master.isAlive()) await exec(['true'])
  }
  const keeper = setInterval(
    () => void keepUp().catch(() => {}),
    Math.min(longestTimerMilliseconds, Math.max(1, idleSeconds * 500)),
  )
  keeper.unref()

  const stopPulse = options.onStatus === undefined ? () => {} : startPulse(runner, options.timing ?? opensshTiming)
  const connect = (signal = new AbortController().signal) =>
    whenOpen(async () => {
      await runner.connector.connected(signal)
    })

  const parts = remoteHostParts(name, scriptRunner(exec))
  /** With the host key of the connection over which it was told: the same one is open before and after. */
  const identity = async (signal?: AbortSignal): Promise<HostIdentity> => {
    const before = runner.connector.open
    const told = await parts.identity(signal)
    const after = runner.connector.open
    if (after !== null && before !== after) return await identity(signal)
    const fingerprint = after?.hostKey?.fingerprint
    return fingerprint === undefined ? told : { ...told, hostKey: fingerprint }
  }

  return {
    ...parts,
    identity,
    connect,
    name,
    kind: 'openssh',
    exec,
    script: (source, args, given = {}) =>
      whenOpen(
        async () =>
          (canBeKept(given) ? await runner.ask(source, args, given) : null) ??
          (await runner.run(['sh', '-s', '--', ...args], { ...given, stdin: scriptInput(source) })),
      ),
    spawn: (argv, given) => whenOpen(() => runner.spawn(argv, given)),
    kill: (process, graceSeconds) => killRemote(byKill, process, graceSeconds),
    reconnect: () => runner.connector.retry(),
    resume: () => {
      runner.connector.retry()
      connect().catch(() => {})
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      clearInterval(keeper)
      stopPulse()
      await runner.close()
    },
  }
}
