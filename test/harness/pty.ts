import { type IPty, spawn } from '@lydell/node-pty'
import { Emulator, type ScreenCell } from './emulator.ts'
import { type ProcessUse, processUse } from './proc.ts'
import { waitUntil } from './wait.ts'

export interface PtyOptions {
  readonly command: string
  readonly args?: readonly string[]
  readonly cwd?: string
  /** The child's whole environment; `TERM` is set to xterm-256color unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly columns?: number
  readonly rows?: number
  /** Answer the child's queries as the emulator would; default true. */
  readonly isAnswering?: boolean
}

export interface PtyExit {
  readonly exitCode: number
  readonly signal: number
}

/** Names of keys that are not characters, for `press`. */
export const keyBytes: Readonly<Record<string, string>> = {
  enter: '\r',
  tab: '\t',
  'shift+tab': '\u001b[Z',
  esc: '\u001b',
  backspace: '\u007f',
  delete: '\u001b[3~',
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  home: '\u001b[H',
  end: '\u001b[F',
  pageup: '\u001b[5~',
  pagedown: '\u001b[6~',
  space: ' ',
  f1: '\u001bOP',
}

function bytesOf(key: string): string {
  const known = keyBytes[key]
  if (known !== undefined) return known
  const control = /^ctrl\+([a-z])$/.exec(key)?.[1]
  if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) - 0x60)
  const alt = /^alt\+(.)$/.exec(key)?.[1]
  return alt === undefined ? key : `\u001b${alt}`
}

/** A command in a pseudo-terminal, watched through an emulator. */
export class PtyApp {
  readonly emulator: Emulator
  readonly pid: number
  /** Bytes and chunks the child wrote since the last `resetCounters`. */
  bytes = 0
  chunks = 0
  /** Everything the child wrote, kept only after `record()`. */
  raw = ''
  lastOutputAtMs = 0
  firstOutputAtMs: number | null = null
  readonly startedAtMs = performance.now()
  readonly exited: Promise<PtyExit>
  exit: PtyExit | null = null
  #pty: IPty
  #isRecording = false
  #listeners = new Set<(chunk: string, atMs: number) => void>()

  constructor(options: PtyOptions) {
    const { columns = 80, rows = 24 } = options
    const env = { TERM: 'xterm-256color', ...(options.env ?? process.env) }
    const defined = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
    this.#pty = spawn(options.command, [...(options.args ?? [])], {
      name: env.TERM,
      cols: columns,
      rows,
      cwd: options.cwd ?? process.cwd(),
      env: defined as Record<string, string>,
    })
    this.pid = this.#pty.pid
    this.emulator = new Emulator(columns, rows, (bytes) => {
      if (options.isAnswering !== false && this.exit === null) this.#pty.write(bytes)
    })
    this.#pty.onData((chunk) => this.#onData(chunk))
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.exit = { exitCode, signal: signal ?? 0 }
        resolve(this.exit)
      })
    })
  }

  #onData(chunk: string): void {
    const atMs = performance.now()
    this.firstOutputAtMs ??= atMs
    this.lastOutputAtMs = atMs
    this.bytes += Buffer.byteLength(chunk)
    this.chunks += 1
    if (this.#isRecording) this.raw += chunk
    this.emulator.write(chunk)
    for (const listener of this.#listeners) listener(chunk, atMs)
  }

  /** Hears every chunk with the time it came; returns what ends it. */
  onOutput(listener: (chunk: string, atMs: number) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Keeps all output in `raw` from now on. */
  record(): void {
    this.#isRecording = true
    this.raw = ''
  }

  resetCounters(): void {
    this.bytes = 0
    this.chunks = 0
  }

  screen(): string[] {
    return this.emulator.screen()
  }

  text(): string {
    return this.screen().join('\n')
  }

  cells(row: number): ScreenCell[] {
    return this.emulator.cells(row)
  }

  /** Sends raw bytes, as a terminal would. */
  send(bytes: string): void {
    this.#pty.write(bytes)
  }

  /** Sends keys by name (`enter`, `ctrl+l`, `up`) or as typed text. */
  press(...keys: string[]): void {
    for (const key of keys) this.#pty.write(bytesOf(key))
  }

  /** Puts bytes on the screen behind the child's back. */
  async junk(bytes: string): Promise<void> {
    this.emulator.write(bytes)
    await this.emulator.settled()
  }

  /** The window changes first, then the child hears of it, as in a real terminal. */
  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows)
    this.#pty.resize(columns, rows)
  }

  /** Stops and resumes reading: a terminal that does not read. */
  pause(): void {
    this.#pty.pause()
  }

  resume(): void {
    this.#pty.resume()
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  use(): ProcessUse {
    return processUse(this.pid)
  }

  /** Waits until the predicate holds on the settled screen. */
  waitFor(
    predicate: (screen: string[]) => unknown,
    options: { timeoutMs?: number; what?: string } = {},
  ): Promise<unknown> {
    return waitUntil(
      async () => {
        await this.emulator.settled()
        return Boolean(predicate(this.screen()))
      },
      { ...options, describe: () => `${this.#status()}\n${this.text()}` },
    )
  }

  waitForText(text: string, timeoutMs?: number): Promise<unknown> {
    const options = { what: `"${text}" on screen` }
    return this.waitFor(
      (screen) => screen.some((row) => row.includes(text)),
      timeoutMs === undefined ? options : { ...options, timeoutMs },
    )
  }

  #status(): string {
    return this.exit === null ? `pid ${this.pid} is running` : `exited ${JSON.stringify(this.exit)}`
  }

  /** The window is closed: the child's terminal is gone, the child is told by SIGHUP and by errors. */
  hangUp(): void {
    const destroy: unknown = Reflect.get(this.#pty, 'destroy')
    if (typeof destroy === 'function') destroy.call(this.#pty)
  }

  /** Ends the child if it still runs and waits for it. */
  async dispose(): Promise<void> {
    if (this.exit === null) {
      try {
        process.kill(this.pid, 'SIGKILL')
      } catch {
        // Already gone.
      }
    }
    await this.exited
    this.emulator.terminal.dispose()
  }
}

/** Starts a command in a pseudo-terminal. Dispose it in `afterEach`, or with `await using`-like care. */
export function startPty(options: PtyOptions): PtyApp {
  return new PtyApp(options)
}
