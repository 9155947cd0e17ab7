import { EventEmitter } from 'node:events'
import { finished, PassThrough, Writable } from 'node:stream'
import { codeOf, HostError, notBegun } from '../errors.ts'
import type { Ending, Host, HostProcess } from '../types.ts'
import { ChannelLostError } from './errors.ts'
import { forgetPid, newSyntheticPid } from './processes.ts'

/** For the end of a process to be heard of after it was seen gone. */
const afterKillMilliseconds = 5000
/** More than this waiting in somebody's stream holds the host back. */
const mostWaitingBytes = 4 * 1024 * 1024

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdio: readonly [string, string, string]
  readonly signal?: AbortSignal
  /** Input comes for certain; without it, the end of this turn decides. */
  readonly hasInput: boolean
  readonly startSeconds: number
  readonly graceSeconds: number
  readonly onEnded: (ending: Ending) => void
}

/**
 * A process on a host in the form that zx wants a child process (handbook notebook 8.1 and 8.2). It is there at once; what
 * it stands for begins behind it. `close` comes once, always, after both streams have ended. Nothing here ever signals a
 * process of this machine.
 */
export class HostChild extends EventEmitter {
  readonly pid: number
  readonly stdin: Writable | null
  readonly stdout: PassThrough | null
  readonly stderr: PassThrough | null
  exitCode: number | null = null
  signalCode: string | null = null
  killed = false
  readonly connected = false
  /** Settles after `close` was told. */
  readonly closed: Promise<void>
  readonly #host: Host
  readonly #options: ChildOptions
  readonly #giveUp = new AbortController()
  readonly #process: Promise<HostProcess | null>
  readonly #told = Promise.withResolvers<void>()
  readonly #readers = new Set<Writable>()
  #running: HostProcess | null = null
  #cause: Error | null = null
  #killing: Promise<void> | null = null
  #wasEndedByUs = false
  #isOver = false
  #held = 0

  constructor(host: Host, argv: readonly string[], options: ChildOptions) {
    super()
    this.#host = host
    this.#options = options
    this.closed = this.#told.promise
    // What nobody listens to must not end this process.
    this.on('error', () => {})
    this.pid = newSyntheticPid({ end: (signal) => this.end(signal) })
    const [input, out, err] = options.stdio
    this.stdout = out === 'ignore' ? null : new PassThrough()
    this.stderr = err === 'ignore' ? null : new PassThrough()
    this.stdin = input === 'ignore' ? null : this.#makeInput()
    this.#process = this.#start(argv)
    if (this.stdin === null) void this.#process.then((process) => process?.endInput())
    else if (!options.hasInput) this.#endInputUnlessUsed(this.stdin)
    const { signal } = options
    const onAbort = () => void this.#abort(signal?.reason)
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    void this.closed.then(() => signal?.removeEventListener('abort', onAbort))
  }

  /** zx calls it where it would signal; the way to the host is longer than a call. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    if (this.#isOver) return false
    this.end(signal).catch(() => {})
    return true
  }

  ref(): void {}
  unref(): void {}

  /** Somebody beside zx's own listeners takes the output: while he cannot keep up, the host is held back. */
  addReader(reader: Writable): void {
    this.#readers.add(reader)
    reader.once('close', () => this.#readers.delete(reader))
  }

  /**
   * Ends the process group on the host: start time compared, TERM, grace, KILL, seen gone. Asked for before the process has
   * said who it is, it waits for that.
   *
   * @throws HostError when it was not seen to end, or the signal is none that ends
   */
  end(signal: NodeJS.Signals): Promise<void> {
    if (!['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGQUIT'].includes(signal))
      return Promise.reject(
        new HostError(`kx ends a process on ${this.#host.name} or leaves it alone: send ${signal} with kill there.`),
      )
    if (this.#isOver) return Promise.resolve()
    this.killed = true
    this.#killing ??= this.#ladder(signal === 'SIGKILL' ? 0 : this.#options.graceSeconds).finally(() => {
      this.#killing = null
    })
    return this.#killing
  }

  async #ladder(graceSeconds: number): Promise<void> {
    this.#giveUp.abort()
    const process = await this.#process
    if (process === null || this.#isOver) return
    if (process.identity === null) {
      process.close()
      throw new HostError(`It cannot be ended: the kernel of ${this.#host.name} does not tell which process it is.`)
    }
    const result = await this.#host.kill(process.identity, graceSeconds)
    if (result === 'still-there') throw new HostError(`It was not seen to end on ${this.#host.name}: look there.`)
    this.#wasEndedByUs = result === 'gone'
    // Something that left its group may hold the streams.
    const late = setTimeout(() => process.close(), afterKillMilliseconds)
    void process.ending.then(() => clearTimeout(late))
  }

  async #abort(reason: unknown): Promise<void> {
    if (this.#isOver) return
    const error = new Error('The command was aborted', { cause: reason })
    error.name = 'AbortError'
    this.#fail(Object.assign(error, { code: 'ABORT_ERR' }))
    try {
      await this.end('SIGTERM')
    } catch {
      // Nothing more can be done from here; that its end was not seen stands in the ending.
      this.#running?.close()
    }
  }

  async #start(argv: readonly string[]): Promise<HostProcess | null> {
    const { cwd, env, startSeconds } = this.#options
    try {
      const process = await this.#host.spawn(argv, {
        startSeconds,
        signal: this.#giveUp.signal,
        ...(cwd === undefined ? {} : { cwd }),
        ...(env === undefined ? {} : { env }),
        onStdout: (chunk) => this.#take(this.stdout, chunk),
        onStderr: (chunk) => this.#take(this.stderr, chunk),
      })
      this.#running = process
      if (this.#held > 0) process.pause()
      void process.ending.then(async (ending) => {
        // What a kill saw is better than a channel that went without a word.
        if (ending.kind === 'unknown') await this.#killing?.catch(() => {})
        this.#ended(ending, process)
      })
      return process
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
      if (codeOf(error) === notBegun || error instanceof TypeError) this.#fail(error as Error)
      else this.#fail(new ChannelLostError(reason, null))
      void this.#finish({ kind: 'unknown', reason })
      return null
    }
  }

  #take(stream: PassThrough | null, chunk: Uint8Array): void {
    if (stream === null || stream.destroyed || stream.writableEnded) return
    // A copy of nothing: the view may be handed on as it is.
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (!stream.write(bytes)) this.#holdBack(stream)
    for (const reader of this.#readers) if (reader.writableLength > mostWaitingBytes) this.#holdBack(reader)
  }

  /** The host waits until this stream has been emptied. */
  #holdBack(stream: Writable): void {
    this.#held += 1
    if (this.#held === 1) this.#running?.pause()
    let isFree = false
    const free = () => {
      if (isFree) return
      isFree = true
      this.#held -= 1
      if (this.#held === 0) this.#running?.resume()
    }
    stream.once('drain', free)
    stream.once('close', free)
  }

  #ended(ending: Ending, process: HostProcess): void {
    if (ending.kind !== 'unknown') void this.#finish(ending)
    else if (this.#wasEndedByUs) void this.#finish({ kind: 'signalled', signal: 'SIGKILL' })
    else {
      this.#fail(new ChannelLostError(ending.reason.replace(/\.$/, ''), process.identity))
      void this.#finish(ending)
    }
  }

  /** zx keeps the first one as the cause. */
  #fail(error: Error): void {
    if (this.#cause !== null) return
    this.#cause = error
    // Not in the turn in which zx is still about to listen.
    setImmediate(() => this.emit('error', error))
  }

  async #finish(ending: Ending): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    forgetPid(this.pid)
    if (ending.kind === 'exited') this.exitCode = ending.code
    if (ending.kind === 'signalled') this.signalCode = ending.signal
    this.stdin?.destroy()
    const streams = [this.stdout, this.stderr].filter((stream) => stream !== null)
    // Who aborted does not read on, and would hold up the end for ever.
    for (const stream of streams) if (this.#options.signal?.aborted === true) stream.destroy()
    await Promise.all(
      streams.map((stream) => {
        const ended = new Promise<void>((resolve) => finished(stream, { writable: false }, () => resolve()))
        stream.end()
        return ended
      }),
    )
    // After the error, which waits for zx to listen.
    await new Promise((resolve) => setImmediate(resolve))
    this.#options.onEnded(ending)
    this.emit('exit', this.exitCode, this.signalCode)
    process.nextTick(() => {
      this.emit('close', this.exitCode, this.signalCode)
      this.#told.resolve()
    })
  }

  #makeInput(): Writable {
    const stdin = new Writable({
      decodeStrings: true,
      write: (chunk: Buffer, _encoding, done) => {
        void this.#process.then(async (process) => {
          if (process !== null && !this.#isOver && !process.write(chunk)) await process.drained()
          done()
        })
      },
      final: (done) => {
        void this.#process.then((process) => {
          process?.endInput()
          done()
        })
      },
    })
    stdin.on('error', () => {})
    return stdin
  }

  /**
   * An input that stays open lets a `cat` wait for ever, and zx connects one whether something comes or not. So whatever
   * nobody writes to or pipes into by the end of this turn is ended (handbook notebook 8.6).
   */
  #endInputUnlessUsed(stdin: Writable): void {
    let source: EventEmitter | null = null
    const onPipe = (from: EventEmitter) => {
      source = from
    }
    stdin.once('pipe', onPipe)
    let isWritten = false
    const { write } = stdin
    stdin.write = (...args: unknown[]) => {
      isWritten = true
      return Reflect.apply(write, stdin, args) as boolean
    }
    setImmediate(() => {
      stdin.write = write
      // zx puts a stream of its own between; whoever pipes into that one listens for `unpipe`.
      const isFed = source !== null && source.listenerCount('unpipe') > 0
      if (!isWritten && !isFed && !stdin.writableEnded) stdin.end()
    })
  }
}
