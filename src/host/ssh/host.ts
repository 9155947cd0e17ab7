import type { SFTPWrapper } from 'ssh2'
import { BoundedBytes } from '../bounded-bytes.ts'
import { HostError, notBegun } from '../errors.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from '../local-exec.ts'
import { remoteHostParts, scriptRunner } from '../remote/parts.ts'
import { endRemote } from '../remote/process.ts'
import type { RunScript } from '../remote/types.ts'
import { scriptInput } from '../script.ts'
import type { Ending, ExecOptions, ExecResult, Host, HostProcess, ScriptOptions } from '../types.ts'
import { BulkLink } from './bulk.ts'
import type { SshConnection } from './connection.ts'
import { Deadline, raceSignal } from './deadline.ts'
import { messageOf, SshError } from './errors.ts'
import { KeptRemoteShells } from './kept-shells.ts'
import { KeyRing } from './keys.ts'
import { ControlLink } from './link.ts'
import { RemoteProcess } from './process.ts'
import { sshTiming } from './timing.ts'
import type { SshHost, SshHostOptions, SshSpawnOptions } from './types.ts'

/** Between TERM and KILL when a deadline passes or the caller gives up. */
const graceSeconds = 2
/** For the end of a command to be heard of after it was seen gone. */
const afterKillSeconds = 5
/** A caller whose deadline has passed is held no longer than this, also on a link that is dead and not yet known so. */
const stopSeconds = graceSeconds + afterKillSeconds + 1
/** More than this at once goes over the connection for bulk data. */
const bulkBytes = 256 * 1024

/**
 * A machine behind SSH as a host. Connects at the first call, and again by itself when the link is lost; what was under
 * way then is `unknown`, and is not begun again. While there is no link, a call waits for it until its own deadline.
 *
 * @throws TypeError when there is nowhere to go, or nothing that checks host keys
 */
export function createSshHost(options: SshHostOptions): SshHost {
  checkOptions(options)
  const host = new Ssh2Host(options)
  const parts = remoteHostParts(
    options.name,
    scriptRunner((argv, given) => host.exec(argv, given)),
  )
  const bulk = remoteHostParts(
    options.name,
    scriptRunner((argv, given) => host.exec(argv, given, 'bulk')),
  )
  const urgent = remoteHostParts(options.name, host.urgently)
  return {
    name: options.name,
    kind: 'ssh',
    ...parts,
    read: (path, offset, length) => (length > bulkBytes ? bulk : parts).read(path, offset, length),
    write: (path, bytes, mode) => (sizeOf(bytes) > bulkBytes ? bulk : parts).write(path, bytes, mode),
    kill: urgent.kill,
    exec: (argv, given) => host.exec(argv, given),
    script: host.script,
    status: () => host.link.status(),
    connect: host.connect,
    resume: () => host.link.resume(),
    spawn: host.spawn,
    sftp: host.sftp,
    close: host.close,
  }
}

const sizeOf = (bytes: Uint8Array | string) => (typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength)

function checkOptions({ hops, verify }: SshHostOptions): void {
  if (hops.length === 0) throw new TypeError('An SSH host needs an address')
  if (typeof verify !== 'function') throw new TypeError('An SSH connection needs something that checks the host key')
  for (const { address, port, user } of hops) {
    // Never handed to a shell here, but what looks like an option was not meant as a name.
    if (address === '' || address.startsWith('-') || user === '' || user.startsWith('-'))
      throw new TypeError('The address or user of an SSH host is empty or begins with a dash')
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`${port} is no port`)
  }
}

class Ssh2Host {
  readonly link: ControlLink
  readonly #bulk: BulkLink
  readonly #shells: KeptRemoteShells
  readonly #options: SshHostOptions
  readonly #running = new Set<AbortController>()
  readonly #settled = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(options: SshHostOptions) {
    const timing = options.timing ?? sshTiming
    this.#options = options
    this.link = new ControlLink(options, timing, new KeyRing(options.name, options.logins), (process) =>
      this.#end(process),
    )
    this.#bulk = new BulkLink(this.link, (connection) => this.#runOn(connection))
    this.#shells = new KeptRemoteShells((process) => this.#end(process))
    this.link.onCrowded = () => this.#shells.makeRoom()
  }

  readonly connect = async (signal?: AbortSignal): Promise<void> => {
    await this.link.connection(signal ?? new AbortController().signal)
  }

  readonly exec = async (
    argv: readonly string[],
    given: ExecOptions = {},
    over: 'control' | 'bulk' = 'control',
  ): Promise<ExecResult> => {
    this.#checkOpen()
    return this.run(argv, given, over)
  }

  readonly script: Host['script'] = async (source, args, given = {}) => {
    this.#checkOpen()
    const began = performance.now()
    if (canBeKept(given)) {
      const kept = await this.#keptScript(source, args, given)
      if (kept !== null) return kept
    }
    const seconds = (given.timeoutSeconds ?? defaultTimeoutSeconds) - (performance.now() - began) / 1000
    const timeoutSeconds = Math.max(0.001, seconds)
    return this.exec(['sh', '-s', '--', ...args], { ...given, timeoutSeconds, stdin: scriptInput(source) })
  }

  /** A script in the shell that is kept for it, or before everybody who waits for a channel. */
  readonly urgently: RunScript = async (source, args, given) => {
    const standing = this.link.standing
    if (standing?.isFree === true && given.stdin === undefined) return standing.run(source, args, given)
    return this.run(['sh', '-s', '--', ...args], { ...given, stdin: scriptInput(source) }, 'control', true)
  }

  readonly spawn = async (argv: readonly string[], given: SshSpawnOptions): Promise<HostProcess> => {
    this.#checkOpen()
    const seconds = given.startSeconds ?? 60
    const deadline = new Deadline(seconds, () => new HostError(`${argv[0]} did not begin within ${seconds} s.`))
    const giveUp = () => deadline.fail(new HostError(`${argv[0]} was given up before it began.`))
    if (given.signal?.aborted === true) giveUp()
    given.signal?.addEventListener('abort', giveUp, { once: true })
    try {
      let process: RemoteProcess
      try {
        const connection = await this.#connection(given.over ?? 'control', deadline.signal)
        process = await RemoteProcess.start(connection, argv, given, deadline.signal)
      } catch (error) {
        if (error instanceof TypeError) throw error
        // Without a channel nothing was sent, so nothing can have begun.
        throw new HostError(messageOf(error), notBegun, error)
      }
      // From here on it may begin at any moment: giving up would leave it running unseen.
      given.signal?.removeEventListener('abort', giveUp)
      const identity = await deadline.race(process.begun).catch((error: unknown) => {
        process.close()
        throw error
      })
      return {
        identity,
        ending: process.ending,
        write: (bytes) => process.write(bytes),
        drained: () => process.drained(),
        endInput: () => process.endInput(),
        pause: () => process.pause(),
        resume: () => process.resume(),
        close: () => process.close(),
      }
    } finally {
      deadline.clear()
      given.signal?.removeEventListener('abort', giveUp)
    }
  }

  readonly sftp = async (seconds = 60): Promise<SFTPWrapper> => {
    this.#checkOpen()
    const deadline = new Deadline(seconds, () => new HostError(`SFTP did not begin within ${seconds} s.`))
    try {
      const connection = await this.#connection('bulk', deadline.signal)
      return await connection.sftp(deadline.signal)
    } finally {
      deadline.clear()
    }
  }

  readonly close = async (): Promise<void> => {
    if (this.#isClosed) return
    this.#isClosed = true
    // What runs is ended as on this machine; that needs the link, so it is given up last.
    for (const controller of this.#running) controller.abort()
    const late = new Deadline(stopSeconds, () => new Error('too late'))
    await late.race(Promise.allSettled([...this.#settled])).catch(() => {})
    late.clear()
    this.#shells.close()
    this.#bulk.close()
    this.link.close()
  }

  /** Also after `close` began: what ends running commands is a command. */
  run(argv: readonly string[], given: ExecOptions, over: 'control' | 'bulk', isUrgent = false): Promise<ExecResult> {
    return this.#counted(this.#run(argv, given, over, isUrgent))
  }

  /** Work that `close` waits for. */
  #counted<T>(work: Promise<T>): Promise<T> {
    const settled = work.finally(() => this.#settled.delete(settled)).catch(() => {})
    this.#settled.add(settled)
    return work
  }

  async #run(
    argv: readonly string[],
    given: ExecOptions,
    over: 'control' | 'bulk',
    isUrgent: boolean,
  ): Promise<ExecResult> {
    const startedAtMs = Date.now()
    const began = performance.now()
    const out = new BoundedBytes(given.maxBytes ?? defaultMaxBytes)
    const err = new BoundedBytes(given.maxBytes ?? defaultMaxBytes)
    let timedOut = false
    const result = (ending: Ending): ExecResult => ({
      ending,
      timedOut,
      stdout: out.bytes(),
      stderr: err.bytes(),
      stdoutBytes: out.total,
      stderrBytes: err.total,
      startedAtMs,
      durationMs: performance.now() - began,
    })
    const unknown = (reason: string) => result({ kind: 'unknown', reason })
    if (given.signal?.aborted === true) return unknown('given up before it began')

    const stop = new AbortController()
    this.#running.add(stop)
    const onAbort = () => stop.abort()
    given.signal?.addEventListener('abort', onAbort, { once: true })
    const seconds = given.timeoutSeconds ?? defaultTimeoutSeconds
    const deadline = setTimeout(
      () => {
        timedOut = true
        stop.abort()
      },
      Math.min(2_147_000_000, Math.max(1, seconds * 1000)),
    )
    try {
      let process: RemoteProcess
      try {
        const connection = await this.#connection(over, stop.signal)
        process = await RemoteProcess.start(
          connection,
          argv,
          {
            ...given,
            stdin: given.stdin ?? '',
            isUrgent,
            onStdout: (chunk) => {
              out.add(chunk)
              given.onStdout?.(chunk)
            },
            onStderr: (chunk) => {
              err.add(chunk)
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
      const ending = await raceSignal(process.ending, stop.signal).catch(() => this.#stopped(process))
      if (process.failure !== null) throw process.failure
      return result(ending)
    } finally {
      clearTimeout(deadline)
      this.#running.delete(stop)
      given.signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Ends what runs, and says how it ended if that was seen. */
  async #stopped(process: RemoteProcess): Promise<Ending> {
    const late = new Deadline(stopSeconds, () => new HostError('the host did not answer'))
    const failure: unknown = await late.race(this.#end(process)).then(
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

  /** TERM to the group of a process of ours, grace, KILL, through another channel. */
  async #end(process: RemoteProcess): Promise<void> {
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

  async #keptScript(source: string, args: readonly string[], given: ScriptOptions): Promise<ExecResult | null> {
    const seconds = given.timeoutSeconds ?? defaultTimeoutSeconds
    const began = performance.now()
    const stop = new AbortController()
    const onAbort = () => stop.abort()
    given.signal?.addEventListener('abort', onAbort, { once: true })
    this.#running.add(stop)
    const deadline = setTimeout(onAbort, Math.min(2_147_000_000, seconds * 1000))
    try {
      const connection = await this.link.connection(stop.signal)
      const shell = await this.#shells.free(connection, stop.signal)
      clearTimeout(deadline)
      // Someone else may have taken it meanwhile.
      if (shell?.isFree !== true || stop.signal.aborted) return null
      const timeoutSeconds = Math.max(0.001, seconds - (performance.now() - began) / 1000)
      return await this.#counted(shell.run(source, args, { ...given, timeoutSeconds, signal: stop.signal }))
    } catch {
      // The usual way says why.
      return null
    } finally {
      clearTimeout(deadline)
      this.#running.delete(stop)
      given.signal?.removeEventListener('abort', onAbort)
    }
  }

  #runOn(connection: SshConnection): RunScript {
    return async (source, args) => {
      const out = new BoundedBytes(defaultMaxBytes)
      const err = new BoundedBytes(defaultMaxBytes)
      const startedAtMs = Date.now()
      const began = performance.now()
      const process = await RemoteProcess.start(
        connection,
        ['sh', '-s', '--', ...args],
        { stdin: scriptInput(source), onStdout: (chunk) => out.add(chunk), onStderr: (chunk) => err.add(chunk) },
        connection.signal,
      )
      const ending = await process.ending
      return {
        ending,
        timedOut: false,
        stdout: out.bytes(),
        stderr: err.bytes(),
        stdoutBytes: out.total,
        stderrBytes: err.total,
        startedAtMs,
        durationMs: performance.now() - began,
      }
    }
  }

  #connection(over: 'control' | 'bulk', signal: AbortSignal): Promise<SshConnection> {
    return over === 'control' ? this.link.connection(signal) : this.#bulk.connection(signal)
  }

  #why(): string {
    const { state, reason } = this.link.status()
    const slots = this.link.slots
    if (state === 'up' && slots !== null && slots.taken >= slots.limit)
      return `what runs already holds all ${slots.limit} channels that the server lets kx open at once (MaxSessions of sshd, at most 8 are used)`
    return reason === '' ? `the link is ${state}` : reason
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new SshError(`Host ${this.#options.name} is closed: open it again before running anything.`, 'unreachable')
  }
}

/** A kept shell stands in one folder with one environment, and its output is not shown as it comes. */
const canBeKept = (given: ScriptOptions) =>
  given.isRepeated === true &&
  given.cwd === undefined &&
  given.env === undefined &&
  given.onStdout === undefined &&
  given.onStderr === undefined &&
  given.signal?.aborted !== true
