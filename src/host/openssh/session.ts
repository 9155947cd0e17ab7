import { spawn } from 'node:child_process'
import { sanitiseLine } from '../../text/sanitise.ts'
import { killLocal, localProcessIdentity, signalGroup } from '../local-process.ts'
import type { RemoteCommand } from '../remote/command.ts'
import { endingOf, MarkedStream, processOf } from '../remote/marked-stream.ts'
import type { Ending, ExecOptions, ProcessIdentity } from '../types.ts'

/** The end was told but something keeps the channel open: how long silence counts as nothing more to come. */
const drainMilliseconds = 250

/** Whether `ssh` said that the server has no session left: then nothing was begun, and it can be asked again. */
const refusal = /session request failed: Session open refused by peer/

/** Said when the master went and the proxy that always fails was tried (see `sessionArguments`): it tells nothing. */
const ofNoProxy = /^kex_exchange_identification: |^Connection closed by UNKNOWN port /

/** One command over a connection: an `ssh` of its own at this side, and what came back through it. */
export class Session {
  readonly out: MarkedStream
  readonly err: MarkedStream
  /** Settles when the end was told on both streams, or when `ssh` is gone. Never rejects. */
  readonly over: Promise<void>
  /** Settles when `ssh` is gone, so that its session is free again. */
  readonly gone: Promise<void>
  /** Settles when the command has said who it is, or when nothing of it will come any more. */
  readonly begun: Promise<void>
  readonly #child: ReturnType<typeof spawn>
  #failure = ''

  constructor(
    argv: readonly string[],
    env: NodeJS.ProcessEnv,
    command: RemoteCommand,
    maxBytes: number,
    given: Pick<ExecOptions, 'stdin' | 'onStdout' | 'onStderr'>,
    hasOpenInput = false,
  ) {
    this.out = new MarkedStream(command.mark, maxBytes, given.onStdout)
    this.err = new MarkedStream(command.mark, maxBytes, given.onStderr)
    const [program = '', ...args] = argv
    const over = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    void over.promise.then(begun.resolve)
    this.begun = begun.promise
    this.over = over.promise
    this.gone = gone.promise
    this.#child = spawn(program, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    const child = this.#child
    let drain: NodeJS.Timeout | undefined
    const take = (stream: MarkedStream) => (chunk: Buffer) => {
      stream.take(chunk)
      if (this.out.begun !== null) begun.resolve()
      if (this.out.ended === null || this.err.ended === null) return
      over.resolve()
      drain ??= setTimeout(() => this.stop(), drainMilliseconds)
    }
    child.stdout?.on('data', take(this.out))
    child.stderr?.on('data', take(this.err))
    child.on('error', (error) => {
      this.#failure = error.message
      if (child.pid !== undefined) return
      over.resolve()
      gone.resolve()
    })
    child.on('close', () => {
      clearTimeout(drain)
      this.out.flush()
      this.err.flush()
      over.resolve()
      gone.resolve()
    })
    // A program that does not read its input closes the pipe: no concern of ours.
    child.stdin?.on('error', () => {})
    child.stdin?.write(command.input)
    if (!hasOpenInput) child.stdin?.end(given.stdin ?? '')
  }

  /** More input, where it was left open. False: wait for `drained` before writing more. */
  write(bytes: Uint8Array | string): boolean {
    const { stdin } = this.#child
    return stdin?.writable === true ? stdin.write(bytes) : true
  }

  drained(): Promise<void> {
    const { stdin } = this.#child
    if (stdin?.writableNeedDrain !== true) return Promise.resolve()
    return Promise.race([new Promise<void>((resolve) => stdin.once('drain', () => resolve())), this.gone])
  }

  pause(): void {
    this.#child.stdout?.pause()
    this.#child.stderr?.pause()
  }

  resume(): void {
    this.#child.stdout?.resume()
    this.#child.stderr?.resume()
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  /** The group leader of the command there; null while it has not begun, or where its kernel does not tell. */
  get process(): ProcessIdentity | null {
    const found = processOf(this.out.begun)
    return found !== null && found.group === found.pid ? found : null
  }

  get hasBegun(): boolean {
    return this.out.begun !== null
  }

  /** The end as the other side told it; null when it did not. */
  get ending(): Ending | null {
    return this.err.ended === null ? null : endingOf(this.out.ended)
  }

  /** True when the server had no session left: nothing was begun. */
  get isRefused(): boolean {
    return !this.hasBegun && refusal.test(this.err.noise())
  }

  /** What `ssh` said, for a reason why the end was not seen. */
  said(): string {
    const lines = this.err
      .noise()
      .split('\n')
      .filter((line) => !ofNoProxy.test(line))
    return sanitiseLine(this.#failure || lines.at(-1) || '', 300).trim()
  }

  /** Ends the `ssh` at this side. What runs at the other side is not ended by it. */
  stop(): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    signalGroup(pid, 'SIGTERM')
    const hard = setTimeout(() => void localProcessIdentity(pid).then((found) => found && killLocal(found, 0)), 2000)
    void this.gone.then(() => clearTimeout(hard))
  }
}
