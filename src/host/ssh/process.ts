import type { ClientChannel } from 'ssh2'
import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'
import { processOf } from '../remote/marked-stream.ts'
import type { Ending, ExecOptions, ProcessIdentity } from '../types.ts'
import { BeginStream } from './begin-stream.ts'
import { directCommandOf } from './command.ts'
import type { SshConnection } from './connection.ts'
import { widenWindow } from './wide-window.ts'

/**
 * The program has ended, but something it left behind holds its output: so long a silence, and then one round trip in
 * which nothing came, count as the end of it.
 */
const drainMilliseconds = 250

export interface StartOptions extends Pick<ExecOptions, 'cwd' | 'env'> {
  /** Written behind the command; the input is ended after it. Undefined: the caller writes. */
  readonly stdin?: Uint8Array | string
  readonly onStdout: (chunk: Buffer) => void
  readonly onStderr: (chunk: Buffer) => void
  /** Before all others that wait for a channel. */
  readonly isUrgent?: boolean
  /** Bytes that may be on their way at once; default what ssh2 gives. */
  readonly windowBytes?: number
}

/** A program over one channel of a connection. */
export class RemoteProcess {
  /** Who it is, once its shell has said so. Rejects when the login shell did not get that far. */
  readonly begun: Promise<ProcessIdentity | null>
  /** Settles once, always. Exit or signal as the server said it, or `unknown`: no third way (handbook ssh T3). */
  readonly ending: Promise<Ending>
  readonly #channel: ClientChannel
  readonly #connection: SshConnection
  readonly #settle: (ending: Ending) => void
  readonly #out: BeginStream
  readonly #err: BeginStream
  #exit: Ending | null = null
  #isOver = false
  #isPaused = false
  #drain: NodeJS.Timeout | undefined
  #pieces = 0
  #failure: unknown = null

  private constructor(channel: ClientChannel, connection: SshConnection, mark: string, options: StartOptions) {
    this.#channel = channel
    this.#connection = connection
    const ending = Promise.withResolvers<Ending>()
    const begun = Promise.withResolvers<ProcessIdentity | null>()
    this.begun = begun.promise
    // Those who only wait for the end need not look at the beginning.
    this.begun.catch(() => {})
    this.ending = ending.promise
    this.#settle = ending.resolve
    // An exception inside of a handler would close the whole connection (handbook ssh T9).
    const safely = (listener: (chunk: Buffer) => void) => (chunk: Buffer) => {
      try {
        listener(chunk)
      } catch (error) {
        this.#failure ??= error
      }
    }
    this.#out = new BeginStream(mark, safely(options.onStdout))
    this.#err = new BeginStream(mark, safely(options.onStderr))
    let hasBegun = false
    const take = (stream: BeginStream) => (chunk: Buffer) => {
      if (this.#isOver) return
      this.#pieces += 1
      stream.take(chunk)
      if (!hasBegun && this.#out.begun !== null) {
        hasBegun = true
        begun.resolve(identityOf(this.#out.begun))
      }
      if (this.#exit !== null) this.#armDrain()
    }
    // Both are always read: an unread one stops the other, and the exit never comes (handbook ssh T8).
    channel.on('data', take(this.#out))
    channel.stderr.on('data', take(this.#err))
    channel.on('error', () => {})
    channel.stderr.on('error', () => {})
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit =
        typeof code === 'number'
          ? { kind: 'exited', code }
          : typeof signal === 'string'
            ? { kind: 'signalled', signal }
            : { kind: 'unknown', reason: 'the server gave neither exit code nor signal' }
      this.#armDrain()
    })
    // ssh2 waits for stdout only; what is left of stderr comes after.
    const outClosed = new Promise<void>((resolve) => channel.once('close', () => resolve()))
    const errEnded = new Promise<void>((resolve) => {
      channel.stderr.once('end', () => resolve())
      channel.stderr.once('close', () => resolve())
    })
    void Promise.all([outClosed, errEnded]).then(() => this.#finish(this.#exit))
    const onLost = () => this.#finish({ kind: 'unknown', reason: this.#lostReason() })
    if (connection.signal.aborted) onLost()
    connection.signal.addEventListener('abort', onLost, { once: true })
    void this.ending.then((ended) => {
      connection.signal.removeEventListener('abort', onLost)
      clearTimeout(this.#drain)
      if (!hasBegun) begun.reject(this.#notBegun(ended))
    })
  }

  /**
   * Starts a program: the command is one constant line, and everything else goes over standard input.
   *
   * @throws SshError or the reason of the signal when no channel could be had
   */
  static async start(
    connection: SshConnection,
    argv: readonly string[],
    options: StartOptions,
    signal: AbortSignal,
  ): Promise<RemoteProcess> {
    const command = directCommandOf(argv, options)
    const channel = await connection.exec(signal, options.isUrgent)
    const started = new RemoteProcess(channel, connection, command.mark, options)
    if (options.windowBytes !== undefined) widenWindow(channel, options.windowBytes)
    channel.write(command.input)
    if (options.stdin !== undefined) channel.end(options.stdin)
    return started
  }

  /** What a listener threw; null when none did. */
  get failure(): unknown {
    return this.#failure
  }

  write(bytes: Uint8Array | string): boolean {
    return this.#isOver ? true : this.#channel.write(bytes)
  }

  drained(): Promise<void> {
    if (this.#isOver || !this.#channel.writableNeedDrain) return Promise.resolve()
    const drained = new Promise<void>((resolve) => this.#channel.once('drain', () => resolve()))
    return Promise.race([drained, this.ending.then(() => {})])
  }

  endInput(): void {
    if (!this.#isOver) this.#channel.end()
  }

  pause(): void {
    this.#isPaused = true
    this.#channel.pause()
    this.#channel.stderr.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#channel.resume()
    this.#channel.stderr.resume()
    if (this.#exit !== null) this.#armDrain()
  }

  /** Gives the channel up. What runs there may go on. */
  close(why = 'kx gave the channel up'): void {
    this.#finish({ kind: 'unknown', reason: why })
  }

  #armDrain(): void {
    clearTimeout(this.#drain)
    if (!this.#isOver) this.#drain = setTimeout(() => void this.#drained(), drainMilliseconds)
  }

  async #drained(): Promise<void> {
    if (this.#isPaused || this.#isOver || this.#exit === null) return
    const before = this.#pieces
    try {
      await this.#connection.ping()
    } catch {
      // The connection is at its end, which is told in another place.
      return
    }
    if (this.#pieces === before && !this.#isPaused) this.#finish(this.#exit)
  }

  /** Null: the other side closed the channel and told no end. */
  #finish(ending: Ending | null): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#drain)
    this.#out.flush()
    this.#err.flush()
    const hasBegun = this.#out.begun !== null
    if (hasBegun) this.#settle(ending ?? { kind: 'unknown', reason: 'the channel was closed before its end was seen' })
    else this.#settle(ending?.kind === 'unknown' ? ending : { kind: 'unknown', reason: this.#noShell() })
    try {
      this.#channel.close()
    } catch {
      // Closed already.
    }
    // What still comes is read and dropped, so that the connection is not held up.
    this.#channel.resume()
    this.#channel.stderr.resume()
  }

  #lostReason(): string {
    const why = this.#connection.error?.message ?? 'the link was lost'
    return this.#exit === null ? why : `${why} It had ended, but not all of its output had come.`
  }

  #noShell(): string {
    const said = sanitiseLine([this.#out.noise(), this.#err.noise()].filter((text) => text !== '').join(' / '), 300)
    return `the account there did not run sh${said === '' ? '' : `; it said: ${said}`}`
  }

  #notBegun(ended: Ending): HostError {
    return new HostError(
      ended.kind === 'unknown' ? ended.reason : this.#noShell(),
      this.#connection.error === null ? null : 'ENOLINK',
    )
  }
}

function identityOf(words: readonly string[]): ProcessIdentity | null {
  const found = processOf(words)
  return found === null ? null : { pid: found.pid, startTicks: found.startTicks, bootId: found.bootId }
}
