import { randomInt } from 'node:crypto'
import { childEnvironment } from '../child-environment.ts'
import { HostError } from '../errors.ts'
import type { SshState, SshStatus } from '../ssh/types.ts'
import { ConnectError } from './connect-error.ts'
import { type Guardian, startGuardian } from './guardian.ts'
import { type Master, makeSocketFolder, removeSocketFolder, startMaster } from './master.ts'
import type { OpensshHostOptions } from './options.ts'

/** Between tries 1 to 30 s with full jitter, ten tries, then a person says when (handbook ssh 8.1). */
const longestWaitSeconds = 30
const mostTries = 10

/**
 * The connection of a host: made when it is needed, made again when it went, never more than one at a time. What must
 * not be tried again by itself (a failed login, a host key that is not the known one) stays failed until a person asks.
 */
export class Connector {
  readonly #options: OpensshHostOptions
  readonly #verify: (master: Master, signal: AbortSignal) => Promise<void>
  readonly #over = new AbortController()
  #folder: Promise<string> | null = null
  #guardian: Guardian | null = null
  #master: Master | null = null
  #connecting: Promise<Master> | null = null
  /** Of one that was given up. */
  #ending: Promise<void> = Promise.resolve()
  #failed: ConnectError | null = null
  #tries = 0
  #notBefore = 0
  #status: SshStatus = {
    state: 'idle',
    sinceMs: Date.now(),
    reason: '',
    problem: null,
    heardAtMs: null,
    tries: 0,
    nextTryAtMs: null,
    keyExchange: null,
  }
  /** When the other side was last heard, by the clock that never jumps. */
  heardAt = performance.now()

  /** `verify` looks who answers, before anything else is run there; what it throws ends the connection. */
  constructor(options: OpensshHostOptions, verify: (master: Master, signal: AbortSignal) => Promise<void>) {
    this.#options = options
    this.#verify = verify
  }

  /** The open connection; made first where there is none. Throws ConnectError. */
  async connected(signal: AbortSignal): Promise<Master> {
    if (this.#master !== null && (await this.#master.isAlive())) return this.#master
    this.#refuseEarly()
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    const givenUp = Promise.withResolvers<never>()
    const onAbort = () =>
      givenUp.reject(new ConnectError(this.#options.name, 'other', 'not connected in time', 'Look again later.'))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      return await Promise.race([this.#connecting, givenUp.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** The connection if there is one now; nothing is begun for it. */
  get open(): Master | null {
    return this.#master
  }

  /** The other side answered. */
  heard(): void {
    this.heardAt = performance.now()
    this.#status = { ...this.#status, heardAtMs: Date.now() }
    if (this.#status.state === 'stale') this.#tell('up')
  }

  /** The other side owes an answer. */
  silent(): void {
    if (this.#status.state === 'up') this.#tell('stale', 'Nothing was heard from the host for some seconds.')
  }

  /** Tries a connection that was lost again, when its time has come; one that waits for a person is left alone. */
  again(): void {
    if (this.#status.state !== 'down' || this.#connecting !== null || performance.now() < this.#notBefore) return
    void this.connected(this.#over.signal).catch(() => {})
  }

  /** The connection cannot be used any more, and its `ssh` does not see it: that is ended, and the next call makes another. */
  abandon(master: Master): void {
    if (this.#master !== master || this.#connecting !== null) return
    this.lost(master)
    this.#ending = master.kill().catch(() => {})
  }

  /** The connection went by itself; the next call makes another. */
  lost(master: Master): void {
    if (this.#master !== master || this.#connecting !== null) return
    this.#master = null
    this.#tell('down', 'The connection was lost.')
  }

  /** A person says to try again, whatever was before. */
  retry(): void {
    this.#failed = null
    this.#tries = 0
    this.#notBefore = 0
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.#tell('closed')
    await this.#connecting?.catch(() => {})
    await this.#ending
    await this.#master?.exit()
    await this.#guardian?.dismiss()
    if (this.#folder !== null) await this.#folder.then(removeSocketFolder, () => {})
  }

  #refuseEarly(): void {
    const failed = this.#failed
    if (failed === null || this.#connecting !== null) return
    if (failed.isFinal) throw failed
    if (this.#tries >= mostTries)
      throw new ConnectError(
        this.#options.name,
        failed.failure,
        failed.message,
        `${mostTries} tries failed: say when to try again.`,
      )
    if (performance.now() < this.#notBefore) throw failed
  }

  async #connect(): Promise<Master> {
    const before = this.#master
    this.#master = null
    this.#tell('connecting', this.#status.reason)
    try {
      await before?.exit()
      const folder = await this.#place()
      const master = await startMaster(this.#options, folder, this.#over.signal)
      try {
        await this.#verify(master, this.#over.signal)
      } catch (error) {
        await master.exit()
        throw error
      }
      this.#master = master
      this.retry()
      this.heard()
      this.#tell('up')
      return master
    } catch (error) {
      const failed =
        error instanceof ConnectError
          ? error
          : new ConnectError(
              this.#options.name,
              'other',
              error instanceof HostError || error instanceof Error ? error.message : String(error),
              'Look at the host.',
            )
      this.#failed = failed
      this.#tries += 1
      const most = Math.min(longestWaitSeconds, 2 ** Math.min(this.#tries, 5))
      const waitMs = randomInt(1000, most * 1000 + 1)
      this.#notBefore = performance.now() + waitMs
      this.#tellFailed(failed, waitMs)
      throw failed
    }
  }

  #tellFailed(failed: ConnectError, waitMs: number): void {
    const { failure, message } = failed
    const problem = failure === 'authentication' || failure === 'host-key' ? failure : 'unreachable'
    if (failed.isFinal || this.#tries >= mostTries) this.#tell('paused', message, { problem })
    else this.#tell('down', message, { nextTryAtMs: Date.now() + waitMs })
  }

  #tell(state: SshState, reason = '', more: Partial<SshStatus> = {}): void {
    if (this.#status.state === 'closed') return
    const sinceMs = this.#status.state === state ? this.#status.sinceMs : Date.now()
    const { heardAtMs } = this.#status
    const tries = this.#tries + (state === 'connecting' ? 1 : 0)
    this.#status = {
      state,
      sinceMs,
      reason,
      problem: null,
      heardAtMs,
      tries,
      nextTryAtMs: null,
      keyExchange: this.#master?.keyExchange ?? null,
      ...more,
    }
    this.#options.onStatus?.(this.#status)
  }

  async #place(): Promise<string> {
    this.#folder ??= makeSocketFolder(this.#options.env)
    const folder = await this.#folder
    const { program = 'ssh', target, env = childEnvironment() } = this.#options
    this.#guardian ??= startGuardian(program, folder, target, env)
    return folder
  }
}
