import { setTimeout as sleep } from 'node:timers/promises'
import type { HostIdentity } from '../../walk/proof.ts'
import { HostError } from '../errors.ts'
import { identityRemote } from '../remote/identity.ts'
import type { RunScript } from '../remote/types.ts'
import { SshConnection } from './connection.ts'
import { raceSignal } from './deadline.ts'
import { isPlainNo, messageOf, SshError } from './errors.ts'
import type { KeyRing } from './keys.ts'
import type { RemoteProcess } from './process.ts'
import { RemoteShell } from './shell.ts'
import type { Slots } from './slots.ts'
import { backoffSeconds, type SshTiming } from './timing.ts'
import type { SshHostOptions, SshState, SshStatus } from './types.ts'

interface Waiter {
  readonly resolve: (connection: SshConnection) => void
  readonly reject: (error: Error) => void
}

/**
 * The control connection of a host, made again when it is lost (handbook ssh 8): some tries with full jitter, then a
 * pause until a person says go on; at once a pause where another try cannot help. Who asks meanwhile waits.
 */
export class ControlLink {
  /** Kept for kill and heartbeat; null when it is being opened anew, or the server takes one channel only. */
  standing: RemoteShell | null = null
  /** Told when a call has to wait for a channel. */
  onCrowded: () => void = () => {}
  readonly #options: SshHostOptions
  readonly #timing: SshTiming
  readonly #keys: KeyRing
  readonly #endShell: (process: RemoteProcess, why: string) => Promise<void>
  readonly #closing = new AbortController()
  #wake = new AbortController()
  #connection: SshConnection | null = null
  #waiters: Waiter[] = []
  #error: SshError | null = null
  #identity: HostIdentity | null = null
  #isRunning = false
  /** The no that the network gave to the last try; kept only while the link was never up. */
  #plainNo: SshError | null = null
  #isSingle = false
  #tries = 0
  #heardAtMs: number | null = null
  #status: Pick<SshStatus, 'state' | 'sinceMs' | 'reason' | 'problem' | 'nextTryAtMs'> = {
    state: 'idle',
    sinceMs: Date.now(),
    reason: '',
    problem: null,
    nextTryAtMs: null,
  }

  constructor(
    options: SshHostOptions,
    timing: SshTiming,
    keys: KeyRing,
    endShell: (process: RemoteProcess, why: string) => Promise<void>,
  ) {
    this.#options = options
    this.#timing = timing
    this.#keys = keys
    this.#endShell = endShell
  }

  status(): SshStatus {
    return {
      ...this.#status,
      heardAtMs: this.#connection?.heardAtMs ?? this.#heardAtMs,
      tries: this.#tries,
      keyExchange: this.#connection?.keyExchange ?? null,
      isAsked: this.#connection?.isAsked ?? false,
    }
  }

  /** Channels of the connection; null while there is none. */
  get slots(): Slots | null {
    return this.#connection?.slots ?? null
  }

  /** The machine that answered first; null before. */
  get identity(): HostIdentity | null {
    return this.#identity
  }

  /**
   * The connection, once it is up and the machine is the right one.
   *
   * A link that was up is waited for, however it went. One that never was is not, once the network has said no: then the
   * tries go on by themselves, and whoever asks hears the no.
   *
   * @throws SshError at once when the link is paused or closed; the reason of the signal when it comes first
   */
  async connection(signal: AbortSignal): Promise<SshConnection> {
    signal.throwIfAborted()
    const { state } = this.#status
    if (this.#connection !== null && this.#connection.error === null) return this.#connection
    if (state === 'closed' || state === 'paused') throw this.#error ?? this.#closedError()
    if (state === 'down' && this.#plainNo !== null) throw this.#plainNo
    this.#start()
    const { promise, resolve, reject } = Promise.withResolvers<SshConnection>()
    const waiter = { resolve, reject }
    this.#waiters.push(waiter)
    try {
      return await raceSignal(promise, signal)
    } finally {
      this.#waiters = this.#waiters.filter((each) => each !== waiter)
    }
  }

  /** Tries at once, with all tries ahead again. */
  resume(): void {
    if (this.#status.state !== 'paused' && this.#status.state !== 'down') return
    this.#tries = 0
    // Of a try that is over: who asks from now on waits for the one that comes.
    this.#plainNo = null
    this.#wake.abort()
    this.#start()
  }

  /** For good where another try cannot help: another part of the host saw why. */
  pause(error: SshError): void {
    if (this.#closing.signal.aborted || error.problem === 'unreachable') return
    this.#error = error
    this.#connection?.destroy(error)
  }

  close(): void {
    if (this.#closing.signal.aborted) return
    const error = this.#closedError()
    this.#closing.abort(error)
    this.#error = error
    this.#set('closed', '')
    this.standing?.close()
    this.#connection?.destroy(error)
    this.#refuse(error)
  }

  #closedError(): SshError {
    return new SshError(`Host ${this.#options.name} is closed: open it again before running anything.`, 'unreachable')
  }

  #start(): void {
    if (this.#isRunning || this.#closing.signal.aborted) return
    this.#isRunning = true
    this.#error = null
    void this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#tries += 1
      this.#set('connecting', this.#status.reason)
      const error = await this.#once()
      if (this.#closing.signal.aborted) return
      if (error.problem !== 'unreachable') return this.#pauseWith(error)
      if (this.#tries >= this.#timing.tries)
        return this.#pauseWith(
          new SshError(`${error.message} ${this.#tries} tries failed; kx waits until you let it go on.`, 'unreachable'),
        )
      this.#plainNo = this.#identity === null && isPlainNo(error) ? error : null
      await this.#wait(error)
    }
  }

  /** One try, and the life of the connection if there is one. Returns why it is over. */
  async #once(): Promise<SshError> {
    let connection: SshConnection
    try {
      connection = await this.open('control')
    } catch (error) {
      return sshError(error)
    }
    const upAt = performance.now()
    try {
      await this.#greet(connection)
    } catch (error) {
      const failure = connection.error ?? sshError(error)
      connection.destroy(failure)
      return failure
    }
    this.#connection = connection
    this.#set('up', '')
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(connection)
    const beat = setInterval(() => void this.#beat(connection), this.#timing.heartbeatSeconds * 1000)
    const error = await connection.ended
    clearInterval(beat)
    this.#heardAtMs = connection.heardAtMs
    this.#connection = null
    this.standing = null
    if (performance.now() - upAt > this.#timing.settledSeconds * 1000) this.#tries = 0
    return this.#error ?? error
  }

  /** A connection of this host, with none of its own state. @throws SshError */
  open(role: 'control' | 'bulk'): Promise<SshConnection> {
    return SshConnection.open({
      hops: this.#options.hops,
      role,
      keys: this.#keys,
      verify: this.#options.verify,
      timing: this.#timing,
      signal: this.#closing.signal,
      onBanner: this.#options.onBanner ?? (() => {}),
      ...(role === 'bulk' ? {} : { onStale: (isStale: boolean) => this.#onStale(isStale) }),
    })
  }

  /** Refuses a machine that is not the one of before: an address may belong to another one by now. */
  async check(run: RunScript): Promise<void> {
    const { name } = this.#options
    const identity = await identityRemote(name, run)
    const known = this.#identity
    if (known !== null && known.machineId !== null && identity.machineId !== known.machineId)
      throw new SshError(
        `${name} is another machine than before: machine-id ${identity.machineId ?? 'not told'}, not ${known.machineId}. Its address may have been given to someone else; nothing was run there.`,
        'identity',
      )
    const why = this.#options.refuseIdentity?.(identity) ?? null
    if (why !== null) throw new SshError(why, 'identity')
    this.#identity ??= identity
  }

  async #greet(connection: SshConnection): Promise<void> {
    this.#isSingle = false
    connection.onCrowded = () => this.#makeRoom(connection)
    const shell = await this.#openShell(connection)
    const begun = await shell.begun().then(
      () => null,
      (error) => error,
    )
    if (begun !== null && connection.error === null)
      throw new SshError(
        `${this.#options.name}: ${messageOf(begun).replace(/\.$/, '')}. kx needs an account that runs commands.`,
        'shell',
      )
    this.standing = shell
    await this.check((source, args, options) => shell.run(source, args, options))
  }

  #openShell(connection: SshConnection): Promise<RemoteShell> {
    return RemoteShell.open(connection, this.#endShell, connection.signal)
  }

  /** A server with a single channel: it is needed for what is asked, and a kill then waits for its turn. */
  #makeRoom(connection: SshConnection): void {
    this.onCrowded()
    if (connection.slots.limit > 1 || this.standing?.isFree !== true) return
    this.#isSingle = true
    this.standing.close()
    this.standing = null
  }

  async #beat(connection: SshConnection): Promise<void> {
    const shell = this.standing
    try {
      if (shell?.isFree === true) await shell.beat(this.#timing.controlDeadSeconds)
      else if (this.#isSingle || shell?.isOver === false) await connection.ping()
      else if (connection.slots.taken < connection.slots.limit) this.standing = await this.#openShell(connection)
    } catch {
      // The silence is measured by the connection itself.
    }
  }

  #onStale(isStale: boolean): void {
    const { state } = this.#status
    if (isStale && state === 'up') this.#set('stale', 'Nothing was heard from the host for some seconds.')
    if (!isStale && state === 'stale') this.#set('up', '')
  }

  async #wait(error: SshError): Promise<void> {
    const seconds = backoffSeconds(this.#tries, Math.random(), this.#timing)
    this.#wake = new AbortController()
    this.#set('down', error.message, { nextTryAtMs: Date.now() + seconds * 1000 })
    if (this.#plainNo !== null) this.#refuse(this.#plainNo)
    await sleep(seconds * 1000, undefined, {
      signal: AbortSignal.any([this.#wake.signal, this.#closing.signal]),
    }).catch(() => {})
  }

  #pauseWith(error: SshError): void {
    this.#error = error
    // Before it is told: whoever hears it may go on at once.
    this.#isRunning = false
    this.#set('paused', error.message, { problem: error.problem })
    this.#refuse(error)
  }

  #refuse(error: SshError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #set(state: SshState, reason: string, more: Partial<Pick<SshStatus, 'problem' | 'nextTryAtMs'>> = {}): void {
    if (this.#status.state === 'closed') return
    const sinceMs = this.#status.state === state ? this.#status.sinceMs : Date.now()
    this.#status = { state, sinceMs, reason, problem: null, nextTryAtMs: null, ...more }
    this.#options.onStatus?.(this.status())
  }
}

function sshError(error: unknown): SshError {
  if (error instanceof SshError) return error
  const message = error instanceof HostError ? error.message : `The link could not be made: ${messageOf(error)}.`
  return new SshError(message, 'unreachable', error)
}
