import { Captured } from '../captured.ts'
import { HostError } from '../errors.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from '../local-exec.ts'
import { endRemote } from '../remote/process.ts'
import type { RunScript } from '../remote/types.ts'
import { scriptInput } from '../script.ts'
import type { Ending, ExecOptions, ExecResult } from '../types.ts'
import { runAside } from './aside.ts'
import type { SshConnection } from './connection.ts'
import { Deadline, raceSignal } from './deadline.ts'
import { messageOf } from './errors.ts'
import type { ControlLink } from './link.ts'
import { RemoteProcess } from './process.ts'

/** Between TERM and KILL when a deadline passes or the caller gives up. */
const graceSeconds = 2
/** For the end of a command to be heard of after it was seen gone. */
const afterKillSeconds = 5
/** A caller whose deadline has passed is held no longer than this, also on a link that is dead and not yet known so. */
const stopSeconds = graceSeconds + afterKillSeconds + 1
const longestTimerMilliseconds = 2_147_000_000

/** Which of the two connections of a host. */
export type Over = 'control' | 'bulk'

/** One piece of work that can be given up. */
export interface Stop {
  readonly signal: AbortSignal
  /** From here on only the caller and the host can end it. */
  stopClock(): void
  /** The work is over. */
  done(): void
}

/** Of a command that was gone before it said who it is. */
const noOne = () => undefined

/** The commands of one host that run to their end: each is ended when its time, its caller or its host is over. */
export class Running {
  readonly #link: ControlLink
  readonly #connect: (over: Over, signal: AbortSignal) => Promise<SshConnection>
  readonly #stops = new Set<AbortController>()
  readonly #settled = new Set<Promise<unknown>>()

  constructor(link: ControlLink, connect: (over: Over, signal: AbortSignal) => Promise<SshConnection>) {
    this.#link = link
    this.#connect = connect
  }

  /** Also after `close` began: what ends running commands is a command. */
  run(argv: readonly string[], given: ExecOptions, over: Over, isUrgent = false): Promise<ExecResult> {
    return this.counted(this.#run(argv, given, over, isUrgent))
  }

  /** Work that `endAll` waits for. */
  counted<T>(work: Promise<T>): Promise<T> {
    const settled = work.finally(() => this.#settled.delete(settled)).catch(() => {})
    this.#settled.add(settled)
    return work
  }

  /**
   * A script in the shell that is kept for it, or before everybody who waits for a channel; where none is free, over a
   * connection of its own.
   */
  readonly urgently: RunScript = async (source, args, given) => {
    const standing = this.#link.standing
    if (standing?.isFree === true && given.stdin === undefined) return standing.run(source, args, given)
    const { slots } = this.#link
    // Whoever holds the only channels may be the one that is to be ended.
    if (slots !== null && slots.taken >= slots.limit && given.stdin === undefined)
      return this.counted(runAside(this.#link, source, args, given))
    return this.run(['sh', '-s', '--', ...args], { ...given, stdin: scriptInput(source) }, 'control', true)
  }

  /** What gives up a piece of work when its caller does, when its time is over, or when the host is closed. */
  stopOf(given: Pick<ExecOptions, 'signal'>, seconds: number, onLate = () => {}): Stop {
    const stop = new AbortController()
    const onAbort = () => stop.abort()
    this.#stops.add(stop)
    given.signal?.addEventListener('abort', onAbort, { once: true })
    const deadline = setTimeout(
      () => {
        onLate()
        stop.abort()
      },
      Math.min(longestTimerMilliseconds, Math.max(1, seconds * 1000)),
    )
    return {
      signal: stop.signal,
      stopClock: () => clearTimeout(deadline),
      done: () => {
        clearTimeout(deadline)
        this.#stops.delete(stop)
        given.signal?.removeEventListener('abort', onAbort)
      },
    }
  }

  /** Ends whatever runs, as on this machine. That needs the link, and is given up when it does not answer. */
  async endAll(): Promise<void> {
    for (const stop of this.#stops) stop.abort()
    const late = new Deadline(stopSeconds, () => new Error('too late'))
    await late.race(Promise.allSettled([...this.#settled])).catch(() => {})
    late.clear()
  }

  /** TERM to the group of a process of ours, grace, KILL, through another channel. */
  async end(process: RemoteProcess): Promise<void> {
    const late = new Deadline(graceSeconds, () => new HostError('its shell did not say who it is'))
    let identity: Awaited<RemoteProcess['begun']>
    try {
      identity = await late.race(process.begun)
    } finally {
      late.clear()
    }
    if (identity === null) throw new HostError('the kernel there does not tell who it is')
    const { result } = await endRemote(this.urgently, identity, graceSeconds)
    if (result === 'still-there') throw new HostError('it was not seen gone')
  }

  async #run(argv: readonly string[], given: ExecOptions, over: Over, isUrgent: boolean): Promise<ExecResult> {
    const captured = new Captured(given.maxBytes ?? defaultMaxBytes)
    let timedOut = false
    const unknown = (reason: string) => captured.result({ kind: 'unknown', reason }, timedOut)
    if (given.signal?.aborted === true) return unknown('given up before it began')

    const seconds = given.timeoutSeconds ?? defaultTimeoutSeconds
    const stop = this.stopOf(given, seconds, () => {
      timedOut = true
    })
    try {
      let process: RemoteProcess
      try {
        const connection = await this.#connect(over, stop.signal)
        process = await RemoteProcess.start(
          connection,
          argv,
          {
            ...given,
            stdin: given.stdin ?? '',
            isUrgent,
            onStdout: (chunk) => {
              captured.out.add(chunk)
              given.onStdout?.(chunk)
            },
            onStderr: (chunk) => {
              captured.err.add(chunk)
              given.onStderr?.(chunk)
            },
          },
          stop.signal,
        )
      } catch (error) {
        if (error instanceof TypeError) throw error
        if (!stop.signal.aborted) return unknown(`nothing was begun: ${messageOf(error)}`)
        return unknown(timedOut ? `no link or channel within ${seconds} s: ${this.#why()}` : 'given up before it began')
      }
      if (given.onBegun !== undefined) void process.begun.then((who) => who && given.onBegun?.(who), noOne)
      const ending = await raceSignal(process.ending, stop.signal).catch(() => this.#stopped(process))
      if (process.failure !== null) throw process.failure
      return captured.result(ending, timedOut)
    } finally {
      stop.done()
    }
  }

  /** Ends what runs, and says how it ended if that was seen. */
  async #stopped(process: RemoteProcess): Promise<Ending> {
    const late = new Deadline(stopSeconds, () => new HostError('the host did not answer'))
    const failure: unknown = await late.race(this.end(process)).then(
      () => null,
      (error) => error,
    )
    late.clear()
    const reason =
      failure === null ? 'kx ended it, and did not hear how it ended' : `it could not be ended: ${messageOf(failure)}`
    const heard = new Deadline(failure === null ? afterKillSeconds : 0, () => new Error('too late'))
    const ending = await heard.race(process.ending).catch((): Ending => ({ kind: 'unknown', reason }))
    heard.clear()
    process.close()
    return ending
  }

  #why(): string {
    const { state, reason } = this.#link.status()
    const slots = this.#link.slots
    if (state === 'up' && slots !== null && slots.taken >= slots.limit)
      return `what runs already holds all ${slots.limit} channels that the server lets kx open at once (MaxSessions of sshd, at most 8 are used)`
    return reason === '' ? `the link is ${state}` : reason
  }
}
