import { Asked, askedText, beatText } from '../kept-shell.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from '../local-exec.ts'
import type { ExecResult, ScriptOptions } from '../types.ts'
import type { SshConnection } from './connection.ts'
import { Deadline } from './deadline.ts'
import { RemoteProcess } from './process.ts'

/** Whoever asked is held no longer than this after the deadline. */
const stopSeconds = 8

/** A shell over one channel that stays open: one for kill and heartbeat, some for scripts that are asked again. */
export class RemoteShell {
  readonly #process: RemoteProcess
  readonly #end: (process: RemoteProcess, why: string) => Promise<void>
  #asked: Asked | null = null
  isOver = false

  private constructor(process: RemoteProcess, end: (process: RemoteProcess, why: string) => Promise<void>) {
    this.#process = process
    this.#end = end
    void process.ending.then((ending) => {
      this.isOver = true
      this.#asked?.end({
        kind: 'unknown',
        reason: ending.kind === 'unknown' ? ending.reason : 'the shell there ended',
      })
    })
  }

  /**
   * @param end ends a shell whose script goes past its deadline, with all that it runs
   */
  static async open(
    connection: SshConnection,
    end: (process: RemoteProcess, why: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<RemoteShell> {
    const box: { shell?: RemoteShell } = {}
    const process = await RemoteProcess.start(
      connection,
      ['sh'],
      {
        onStdout: (chunk) => box.shell?.take('out', chunk),
        onStderr: (chunk) => box.shell?.take('err', chunk),
      },
      signal,
    )
    box.shell = new RemoteShell(process, end)
    return box.shell
  }

  /** Rejects when the account there does not get as far as a shell. */
  async begun(): Promise<void> {
    await this.#process.begun
  }

  get isFree(): boolean {
    return !this.isOver && this.#asked === null
  }

  take(name: 'out' | 'err', chunk: Buffer): void {
    this.#asked?.take(name, chunk)
  }

  /** Runs one script. The shell must be free. */
  run(source: string, args: readonly string[], options: ScriptOptions): Promise<ExecResult> {
    return this.#ask((mark) => askedText(mark, source, args), options)
  }

  /** True when the shell there echoed a nonce in time. */
  async beat(timeoutSeconds: number): Promise<boolean> {
    const { ending } = await this.#ask(beatText, { timeoutSeconds })
    return ending.kind === 'exited' && ending.code === 0
  }

  /** At rest it reads the end of its input and goes. */
  close(): void {
    if (this.#asked === null) this.#process.endInput()
    else void this.#stop('kx closed the host')
  }

  async #ask(text: (mark: string) => string, options: ScriptOptions): Promise<ExecResult> {
    const asked = new Asked(options.maxBytes ?? defaultMaxBytes)
    if (this.isOver) {
      asked.end({ kind: 'unknown', reason: 'the shell there ended' })
      return asked.result
    }
    this.#asked = asked
    const onAbort = () => void this.#stop('given up')
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted === true) onAbort()
    const seconds = options.timeoutSeconds ?? defaultTimeoutSeconds
    const deadline = setTimeout(
      () => {
        asked.timedOut = true
        void this.#stop(`no answer within ${seconds} s`)
      },
      Math.min(2_147_000_000, seconds * 1000),
    )
    this.#process.write(text(asked.mark))
    try {
      return await asked.result
    } finally {
      clearTimeout(deadline)
      options.signal?.removeEventListener('abort', onAbort)
      this.#asked = null
    }
  }

  async #stop(why: string): Promise<void> {
    if (this.isOver) return
    this.isOver = true
    const asked = this.#asked
    const late = new Deadline(stopSeconds, () => new Error('too late'))
    await late.race(this.#end(this.#process, why)).catch(() => {})
    late.clear()
    this.#process.close(why)
    asked?.end({ kind: 'unknown', reason: why })
  }
}
