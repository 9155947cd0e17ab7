import { childEnvironment } from '../child-environment.ts'
import { HostError, notBegun } from '../errors.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from '../local-exec.ts'
import { until } from '../local-process.ts'
import { type RemoteCommand, remoteCommand, remoteCommandOf } from '../remote/command.ts'
import type { MarkedStream } from '../remote/marked-stream.ts'
import { endingOf } from '../remote/marked-stream.ts'
import { scriptRunner } from '../remote/parts.ts'
import { endRemote, type KillOutcome } from '../remote/process.ts'
import type { Ending, ExecOptions, ExecResult, HostProcess, ScriptOptions, SpawnOptions } from '../types.ts'
import { ConnectError } from './connect-error.ts'
import { Connector } from './connector.ts'
import { KeptSession } from './kept.ts'
import type { Master } from './master.ts'
import {
  defaultMaxSessions,
  directArguments,
  type OpensshHostOptions,
  opensshTiming,
  sessionArguments,
} from './options.ts'
import { openProcess } from './process.ts'
import { Session } from './session.ts'
import { Slots } from './slots.ts'

const graceSeconds = 2
/** A kill at a deadline must not take much longer than the deadline itself when the link is dead. */
const killSeconds = 15
const longestTimerMilliseconds = 2_147_000_000
/** Sessions that stay free for commands when a shell is kept. */
const leastFree = 3

/** How one command is run: over the shared connection unless it says otherwise. */
export interface Way {
  /** May take the session that is kept, and does not kill in turn when it is late. */
  readonly isKill?: boolean
  /** Over a connection of its own. */
  readonly isDirect?: boolean
  /** Over this connection, which is not yet that of the host. */
  readonly master?: Master
}

interface Streams {
  readonly out: MarkedStream
  readonly err: MarkedStream
}

interface Timed {
  readonly signal: AbortSignal
  /** Why it was stopped, when it was. */
  readonly why: () => string
  readonly result: (ending: Ending, streams: Streams | null) => ExecResult
  readonly notBegun: (reason: string) => ExecResult
}

/** Runs commands of one host over its connection, each with a deadline, and tells how they ended. */
export class Runner {
  readonly connector: Connector
  readonly #options: OpensshHostOptions
  readonly #program: string
  readonly #slots: Slots
  readonly #running = new Set<AbortController>()
  #kept: KeptSession | null = null
  #isOpeningKept = false
  lastUse = performance.now()

  constructor(options: OpensshHostOptions, verify: (master: Master, signal: AbortSignal) => Promise<void>) {
    this.#options = options
    this.#program = options.program ?? 'ssh'
    this.#slots = new Slots(options.maxSessions ?? defaultMaxSessions)
    this.connector = new Connector(options, verify)
  }

  get #env(): NodeJS.ProcessEnv {
    return this.#options.env ?? childEnvironment()
  }

  get isIdle(): boolean {
    return this.#slots.used === 0
  }

  run(argv: readonly string[], given: ExecOptions = {}, way: Way = {}): Promise<ExecResult> {
    const command = remoteCommandOf(argv, given)
    return this.#timed(given, async (timed) => {
      const { signal, why } = timed
      for (let refusals = 0; ; refusals += 1) {
        if (signal.aborted) return timed.notBegun(why())
        const session = await this.#open(command, given, way, signal)
        if (session === null) return timed.notBegun(`${why()}, waiting for a free session`)
        if (way.isKill === true && way.isDirect !== true && !(await this.#beginsSoon(session, signal))) {
          // The shared connection does not answer. Whoever is to be killed is told by start time, so two kills do no harm.
          session.stop()
          return await this.run(argv, given, { isKill: true, isDirect: true })
        }
        await Promise.race([session.over, aborted(signal)])
        if (session.isRefused && !signal.aborted) {
          this.#lower()
          if (way.isKill === true && way.isDirect !== true)
            return await this.run(argv, given, { isKill: true, isDirect: true })
          await session.gone
          // A session that just ended here may still count there for a moment.
          await Promise.race([pause(Math.min(1000, 20 * 2 ** refusals)), aborted(signal)])
          continue
        }
        return timed.result(session.ending ?? (await this.#endedBy(session, signal, way, why)), session)
      }
    })
  }

  /**
   * Runs a script in the shell that is kept open; null when that is under way with another one, or sessions are short: the
   * caller then runs it in the usual way.
   */
  async ask(source: string, args: readonly string[], given: ScriptOptions): Promise<ExecResult | null> {
    if (this.#kept?.isOver === true) this.#kept = null
    if (this.#kept === null ? this.#isOpeningKept || !this.#hasRoom : !this.#kept.isFree) return null
    return await this.#timed(given, async (timed) => {
      const kept = this.#kept ?? (await this.#openKept(timed.signal))
      if (kept === null) return timed.notBegun(`${timed.why()}, waiting for a free session`)
      this.lastUse = performance.now()
      const asked = kept.ask(source, args, given.maxBytes ?? defaultMaxBytes)
      await Promise.race([asked.over, aborted(timed.signal)])
      const told = asked.err.ended === null ? null : endingOf(asked.out.ended)
      if (told !== null) return timed.result(told, asked)
      const ending = await this.#endedBy(kept.session, timed.signal, {}, timed.why)
      asked.out.flush()
      asked.err.flush()
      // The end of the kept shell is not that of the script.
      return timed.result(ending.kind === 'unknown' ? ending : { kind: 'unknown', reason: timed.why() }, asked)
    })
  }

  /** A session whose streams are the caller's. See `Host.spawn`. */
  async spawn(argv: readonly string[], given: SpawnOptions): Promise<HostProcess> {
    const command = remoteCommandOf(argv, given)
    const seconds = given.startSeconds ?? 60
    const deadline = AbortSignal.timeout(Math.min(longestTimerMilliseconds, Math.max(1, seconds * 1000)))
    const signal = given.signal === undefined ? deadline : AbortSignal.any([deadline, given.signal])
    const why = () => (deadline.aborted ? `did not begin within ${seconds} s` : 'was given up before it began')
    for (let refusals = 0; ; refusals += 1) {
      const session = await this.#openFor(command, given, signal)
      if (session === null) throw new HostError(`${argv[0]} ${why()}.`, notBegun)
      // It may begin at any moment from here on: only the deadline counts, or it would be left running unseen.
      await Promise.race([session.begun, aborted(deadline)])
      if (session.isRefused) {
        this.#lower()
        await session.gone
        await Promise.race([pause(Math.min(1000, 20 * 2 ** refusals)), aborted(signal)])
        continue
      }
      if (session.hasBegun) return openProcess(session)
      session.stop()
      const said = session.said()
      throw new HostError(`${argv[0]} was not seen to begin${said === '' ? '' : `: ${said}`}.`)
    }
  }

  async #openFor(command: RemoteCommand, given: SpawnOptions, signal: AbortSignal): Promise<Session | null> {
    if (signal.aborted) return null
    try {
      const giveBack = await this.#slots.take(signal)
      if (giveBack === null) return null
      try {
        const { socket } = await this.connector.connected(signal)
        this.lastUse = performance.now()
        const argv = [this.#program, ...sessionArguments(this.#options, socket, remoteCommand)]
        const session = new Session(argv, this.#env, command, 0, given, true)
        void session.gone.then(giveBack)
        return session
      } catch (error) {
        giveBack()
        throw error
      }
    } catch (error) {
      if (error instanceof ConnectError) throw new HostError(error.message, notBegun, error)
      throw error
    }
  }

  async close(): Promise<void> {
    for (const controller of this.#running) controller.abort()
    this.#kept?.close()
    await until(async () => this.#running.size === 0, killSeconds)
    await this.connector.close()
  }

  async #beginsSoon(session: Session, signal: AbortSignal): Promise<boolean> {
    const { killBeginSeconds } = this.#options.timing ?? opensshTiming
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), killBeginSeconds * 1000)
    })
    const begun = Promise.race([session.begun, aborted(signal)]).then(() => true)
    return await Promise.race([begun, late]).finally(() => clearTimeout(timer))
  }

  get #hasRoom(): boolean {
    return this.#slots.limit - this.#slots.used > leastFree
  }

  /** The server takes fewer sessions than was thought: where they are short, the kept shell gives its own to whoever waits. */
  #lower(): void {
    this.#slots.lower()
    if (this.#slots.limit <= leastFree) this.#kept?.close()
  }

  async #openKept(signal: AbortSignal): Promise<KeptSession | null> {
    this.#isOpeningKept = true
    try {
      const { socket } = await this.connector.connected(signal)
      const giveBack = await this.#slots.take(signal)
      if (giveBack === null) return null
      const command = remoteCommandOf(['sh'])
      const argv = [this.#program, ...sessionArguments(this.#options, socket, remoteCommand)]
      const kept = new KeptSession(
        (onStdout, onStderr) => new Session(argv, this.#env, command, 0, { onStdout, onStderr }, true),
      )
      void kept.session.gone.then(giveBack)
      this.#kept = kept
      return kept
    } finally {
      this.#isOpeningKept = false
    }
  }

  async #timed(given: ExecOptions, body: (timed: Timed) => Promise<ExecResult>): Promise<ExecResult> {
    const startedAtMs = Date.now()
    const began = performance.now()
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
    this.#running.add(stop)
    const result = (ending: Ending, streams: Streams | null): ExecResult => ({
      ending,
      timedOut,
      stdout: streams?.out.bytes() ?? new Uint8Array(),
      stderr: streams?.err.bytes() ?? new Uint8Array(),
      stdoutBytes: streams?.out.total ?? 0,
      stderrBytes: streams?.err.total ?? 0,
      startedAtMs,
      durationMs: performance.now() - began,
    })
    const notBegun = (reason: string) => result({ kind: 'unknown', reason: `not begun: ${reason}` }, null)
    const why = () => (timedOut ? `no answer within ${seconds} s` : 'given up')
    try {
      return await body({ signal: stop.signal, why, result, notBegun })
    } catch (error) {
      if (error instanceof ConnectError) return notBegun(error.message)
      throw error
    } finally {
      clearTimeout(deadline)
      given.signal?.removeEventListener('abort', onAbort)
      this.#running.delete(stop)
    }
  }

  /** A session that has begun to run the command; null when it was given up before there was one. */
  async #open(command: RemoteCommand, given: ExecOptions, way: Way, signal: AbortSignal): Promise<Session | null> {
    const maxBytes = given.maxBytes ?? defaultMaxBytes
    const start = (args: readonly string[]) =>
      new Session([this.#program, ...args], this.#env, command, maxBytes, given)
    if (way.isDirect === true) return start(directArguments(this.#options, remoteCommand))
    const giveBack = await this.#slots.take(signal, way.isKill === true || way.master !== undefined)
    if (giveBack === null) return null
    try {
      const { socket } = way.master ?? (await this.connector.connected(signal))
      this.lastUse = performance.now()
      const session = start(sessionArguments(this.#options, socket, remoteCommand))
      void session.gone.then(giveBack)
      void session.begun.then(() => session.process !== null && given.onBegun?.(session.process))
      return session
    } catch (error) {
      giveBack()
      throw error
    }
  }

  /** How a session ended whose end the other side did not tell, or not yet. */
  async #endedBy(session: Session, signal: AbortSignal, way: Way, why: () => string): Promise<Ending> {
    if (!signal.aborted) {
      const [when, said] = [session.hasBegun ? 'the end' : 'a begin', session.said()]
      return { kind: 'unknown', reason: `the link broke before ${when} was seen${said === '' ? '' : `: ${said}`}` }
    }
    const target = session.process
    if (target === null || way.isKill === true) {
      session.stop()
      const what = session.hasBegun ? 'who runs there was not told' : 'whether it began was not seen'
      return { kind: 'unknown', reason: `${why()}, and ${what}` }
    }
    const outcome = await endRemote(
      scriptRunner((argv, given) => this.run(argv, { ...given, timeoutSeconds: killSeconds }, { isKill: true })),
      target,
      graceSeconds,
    )
    // What the other side says about the end is better than what is concluded from a kill.
    if (outcome.result === 'gone' || outcome.result === 'was-gone')
      await Promise.race([session.over, pause(outcome.signal === 'SIGKILL' ? 200 : 2000)])
    session.stop()
    return session.ending ?? killed(outcome, why())
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
