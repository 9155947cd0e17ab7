import type { HostIdentity } from '../../walk/proof.ts'
import { HostError } from '../errors.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from '../local-exec.ts'
import { until } from '../local-process.ts'
import { type RemoteCommand, remoteCommand, remoteCommandOf } from '../remote/command.ts'
import { identityRemote } from '../remote/identity.ts'
import { remoteHostParts, scriptRunner } from '../remote/parts.ts'
import { endRemote, type KillOutcome, killRemote } from '../remote/process.ts'
import { scriptInput } from '../script.ts'
import type { Ending, ExecOptions, ExecResult, Host } from '../types.ts'
import { ConnectError } from './connect-error.ts'
import { Connector } from './connector.ts'
import type { Master } from './master.ts'
import {
  defaultMaxSessions,
  defaultPersistSeconds,
  directArguments,
  type OpensshHostOptions,
  sessionArguments,
} from './options.ts'
import { Session } from './session.ts'
import { Slots } from './slots.ts'

const graceSeconds = 2
/** A kill at a deadline must not take much longer than the deadline itself when the link is dead. */
const killSeconds = 15
const longestTimerMilliseconds = 2_147_000_000

export interface OpensshHost extends Host {
  /** Tries to connect again at the next call, also after what is never tried again by itself. */
  reconnect(): void
}

/** How one command is run: over the shared connection unless it says otherwise. */
interface Way {
  /** May take the session that is kept, and does not kill in turn when it is late. */
  readonly isKill?: boolean
  /** Over a connection of its own. */
  readonly isDirect?: boolean
  /** Over this connection, which is not yet that of the host. */
  readonly master?: Master
}

/**
 * A host that the system's `ssh` reaches: certificates, hardware keys, ProxyCommand, GSSAPI, whatever it can do.
 * Commands share one connection (a control master) that is made at the first call, and again when it went.
 *
 * The end of a command is what the other side says, behind a mark in both streams: exit code 255 of `ssh` is never
 * taken for one of the command, and a link that breaks is `unknown`. A deadline ends the process group there through a
 * session that is kept for it, or through a connection of its own.
 */
export function createOpensshHost(options: OpensshHostOptions): OpensshHost {
  const { name } = options
  const env = options.env ?? process.env
  const program = options.program ?? 'ssh'
  const slots = new Slots(options.maxSessions ?? defaultMaxSessions)
  const running = new Set<AbortController>()
  let known: HostIdentity | null = null
  let lastUse = performance.now()
  let isClosed = false

  const connector = new Connector(options, async (master, signal) => {
    const found = await identityRemote(
      name,
      scriptRunner((argv, given) => run(argv, given, { master })),
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
    known = found
  })

  async function run(argv: readonly string[], given: ExecOptions = {}, way: Way = {}): Promise<ExecResult> {
    const command = remoteCommandOf(argv, given)
    const startedAtMs = Date.now()
    const began = performance.now()
    const maxBytes = given.maxBytes ?? defaultMaxBytes
    const seconds = given.timeoutSeconds ?? defaultTimeoutSeconds
    const stop = new AbortController()
    let timedOut = false
    const onAbort = () => stop.abort()
    const deadline = setTimeout(
      () => {
        timedOut = true
        stop.abort()
      },
      Math.min(longestTimerMilliseconds, Math.max(1, seconds * 1000)),
    )
    given.signal?.addEventListener('abort', onAbort, { once: true })
    if (given.signal?.aborted === true) stop.abort()
    running.add(stop)
    const resultOf = (ending: Ending, session: Session | null): ExecResult => ({
      ending,
      timedOut,
      stdout: session?.out.bytes() ?? new Uint8Array(),
      stderr: session?.err.bytes() ?? new Uint8Array(),
      stdoutBytes: session?.out.total ?? 0,
      stderrBytes: session?.err.total ?? 0,
      startedAtMs,
      durationMs: performance.now() - began,
    })
    const why = () => (timedOut ? `no answer within ${seconds} s` : 'given up')
    const nothing = (reason: string) => resultOf({ kind: 'unknown', reason: `not begun: ${reason}` }, null)
    try {
      for (let refusals = 0; ; refusals += 1) {
        if (stop.signal.aborted) return nothing(why())
        const session = await open(command, given, maxBytes, way, stop.signal)
        if (session === null) return nothing(`${why()}, waiting for a free session`)
        await Promise.race([session.over, aborted(stop.signal)])
        if (session.isRefused && !stop.signal.aborted) {
          slots.lower()
          if (way.isKill === true && way.isDirect !== true && way.master === undefined)
            return await run(argv, given, { isKill: true, isDirect: true })
          await session.gone
          // A session that just ended here may still count there for a moment.
          await Promise.race([pause(Math.min(1000, 20 * 2 ** refusals)), aborted(stop.signal)])
          continue
        }
        const ending = session.ending ?? (await endedBy(session, stop.signal, way, why))
        return resultOf(ending, session)
      }
    } catch (error) {
      if (error instanceof ConnectError) return nothing(error.message)
      throw error
    } finally {
      clearTimeout(deadline)
      given.signal?.removeEventListener('abort', onAbort)
      running.delete(stop)
    }
  }

  /** A session that has begun to run the command; null when it was given up before there was one. */
  async function open(
    command: RemoteCommand,
    given: ExecOptions,
    maxBytes: number,
    way: Way,
    signal: AbortSignal,
  ): Promise<Session | null> {
    if (way.isDirect === true)
      return new Session([program, ...directArguments(options, remoteCommand)], env, command, maxBytes, given)
    const giveBack = await slots.take(signal, way.isKill === true || way.master !== undefined)
    if (giveBack === null) return null
    try {
      const { socket } = way.master ?? (await connector.connected(signal))
      lastUse = performance.now()
      const argv = [program, ...sessionArguments(options, socket, remoteCommand)]
      const session = new Session(argv, env, command, maxBytes, given)
      void session.gone.then(giveBack)
      return session
    } catch (error) {
      giveBack()
      throw error
    }
  }

  /** How a session ended whose end the other side did not tell, or not yet. */
  async function endedBy(session: Session, signal: AbortSignal, way: Way, why: () => string): Promise<Ending> {
    if (!signal.aborted) {
      const said = session.said()
      return {
        kind: 'unknown',
        reason: `${session.hasBegun ? 'the link broke before the end was seen' : 'the link broke before a begin was seen'}${said === '' ? '' : `: ${said}`}`,
      }
    }
    const target = session.process
    if (target === null || way.isKill === true) {
      session.stop()
      return {
        kind: 'unknown',
        reason: session.hasBegun
          ? `${why()}, and who runs there was not told`
          : `${why()}, and whether it began was not seen`,
      }
    }
    const outcome = await endRemote(
      scriptRunner((argv, given) => run(argv, { ...given, timeoutSeconds: killSeconds }, { isKill: true })),
      target,
      graceSeconds,
    )
    // What the other side says about the end is better than what is concluded from a kill.
    if (outcome.result === 'gone' || outcome.result === 'was-gone')
      await Promise.race([session.over, pause(outcome.signal === 'SIGKILL' ? 200 : 2000)])
    session.stop()
    return session.ending ?? killed(outcome, why())
  }

  const exec: Host['exec'] = (argv, given) => {
    if (isClosed) return Promise.reject(new HostError(`Host ${name} is closed: open it again before running anything.`))
    return run(argv, given)
  }
  const parts = remoteHostParts(name, scriptRunner(exec))

  // Without use the master goes; a person should not be asked for a passphrase again while kx is open.
  const idleSeconds = (options.persistSeconds ?? defaultPersistSeconds) / 2
  const keeper = setInterval(
    () => {
      if (connector.open === null || slots.used > 0 || performance.now() - lastUse < idleSeconds * 1000) return
      lastUse = performance.now()
      void connector.open
        .isAlive()
        .then((isAlive) => (isAlive && !isClosed ? exec(['true']) : null))
        .catch(() => {})
    },
    Math.min(longestTimerMilliseconds, Math.max(1, idleSeconds * 500)),
  )
  keeper.unref()

  return {
    ...parts,
    name,
    kind: 'openssh',
    exec,
    script: (source, args, given = {}) => exec(['sh', '-s', '--', ...args], { ...given, stdin: scriptInput(source) }),
    kill: (process, seconds) =>
      killRemote(
        scriptRunner((argv, given) => (isClosed ? exec(argv) : run(argv, given, { isKill: true }))),
        process,
        seconds,
      ),
    reconnect: () => connector.retry(),
    close: async () => {
      if (isClosed) return
      isClosed = true
      clearInterval(keeper)
      for (const controller of running) controller.abort()
      await until(async () => running.size === 0, killSeconds)
      await connector.close()
    },
  }
}

function killed({ result, signal }: KillOutcome, why: string): Ending {
  if (result === 'gone' && signal !== null) return { kind: 'signalled', signal }
  if (result === 'was-gone' || result === 'gone')
    return { kind: 'unknown', reason: `${why}; nothing of it runs there, and how it ended was not seen` }
  return { kind: 'unknown', reason: `${why}; it was not seen to end there` }
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
