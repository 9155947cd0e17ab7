import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitUntil } from './wait.ts'

const run = promisify(execFile)
let count = 0

export interface TmuxOptions {
  /** Argument vector of the program in the only pane. */
  readonly command: readonly string[]
  readonly cwd?: string
  /** Added to the environment of the pane. */
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
}

/** The version tmux reports, or null when there is none. */
export async function tmuxVersion(): Promise<string | null> {
  try {
    return (await run('tmux', ['-V'])).stdout.trim()
  } catch {
    return null
  }
}

/**
 * Whether tests with tmux can run. Missing tmux skips them on a person's machine, with the reason; under `CI=true` it
 * is an error, because a suite that silently shrinks proves nothing.
 */
export async function needsTmux(): Promise<{ skip: boolean; reason: string }> {
  if ((await tmuxVersion()) !== null) return { skip: false, reason: '' }
  const reason = 'tmux is not installed: tests that need a real terminal multiplexer cannot run. Install tmux.'
  if (process.env.CI === 'true') throw new Error(reason)
  console.warn(`skipped: ${reason}`)
  return { skip: true, reason }
}

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** A tmux server of its own (private socket, no user configuration) with one session of one pane. */
export class Tmux {
  readonly socket: string
  /** Holds the socket; tmux leaves it behind when its server ends. */
  #folder = mkdtempSync(join(tmpdir(), 'kx-tmux-'))
  #columns: number
  #rows: number

  private constructor(socket: string, columns: number, rows: number) {
    this.socket = socket
    this.#columns = columns
    this.#rows = rows
  }

  static async start(options: TmuxOptions): Promise<Tmux> {
    const { columns = 80, rows = 24 } = options
    count += 1
    const tmux = new Tmux(`kx-test-${process.pid}-${count}`, columns, rows)
    const env = Object.entries(options.env ?? {}).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    await tmux.command(
      ...['-f', '/dev/null', 'new-session', '-d', '-s', 'main', '-x', String(columns), '-y', String(rows)],
      ...(options.cwd === undefined ? [] : ['-c', options.cwd]),
      ...env,
      // tmux runs several words as they are, and a single one through a shell.
      ...(options.command.length === 1 ? options.command.map(quote) : options.command),
    )
    // Without a client the window follows the size we give it.
    await tmux.command('set-option', '-g', 'window-size', 'manual')
    await tmux.command('set-option', '-g', 'status', 'off')
    await tmux.command('set-option', '-g', 'escape-time', '10')
    await tmux.command('set-option', '-g', 'focus-events', 'on')
    await tmux.command('set-option', '-g', 'remain-on-exit', 'on')
    await tmux.resize(columns, rows)
    return tmux
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#columns, rows: this.#rows }
  }

  /** Runs one tmux command on this server and returns what it printed. */
  async command(...args: string[]): Promise<string> {
    const { TMUX: _outer, ...env } = process.env
    const { stdout } = await run('tmux', ['-u', '-L', this.socket, ...args], {
      env: { ...env, TMUX_TMPDIR: this.#folder, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' },
      maxBuffer: 16 * 1024 * 1024,
    })
    return stdout
  }

  /** Keys by tmux's names: `Enter`, `Escape`, `C-l`, `Up`, `Tab`, or characters. */
  async keys(...keys: string[]): Promise<void> {
    await this.command('send-keys', '-t', 'main', ...keys)
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.command('send-keys', '-t', 'main', '-l', '--', text)
  }

  /** What the pane shows, one string a row, trailing blanks cut. */
  async capture(): Promise<string[]> {
    const text = await this.command('capture-pane', '-p', '-t', 'main')
    const rows = text.split('\n')
    if (rows.at(-1) === '') rows.pop()
    while (rows.length < this.#rows) rows.push('')
    return rows.map((row) => row.trimEnd())
  }

  /** The same with SGR sequences. */
  async captureStyled(): Promise<string> {
    return await this.command('capture-pane', '-p', '-e', '-t', 'main')
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.#columns = columns
    this.#rows = rows
    await this.command('resize-window', '-t', 'main', '-x', String(columns), '-y', String(rows))
  }

  /** Process in the pane. */
  async pid(): Promise<number> {
    return Number(await this.command('display-message', '-p', '-t', 'main', '#{pane_pid}'))
  }

  async waitFor(
    predicate: (rows: string[]) => unknown,
    options: { timeoutMs?: number; what?: string } = {},
  ): Promise<string[]> {
    let last: string[] = []
    await waitUntil(
      async () => {
        last = await this.capture()
        return Boolean(predicate(last))
      },
      { ...options, describe: () => last.join('\n') },
    )
    return last
  }

  async waitForText(text: string, timeoutMs?: number): Promise<string[]> {
    const options = { what: `"${text}" in the pane` }
    return await this.waitFor(
      (rows) => rows.some((row) => row.includes(text)),
      timeoutMs === undefined ? options : { ...options, timeoutMs },
    )
  }

  async kill(): Promise<void> {
    try {
      await this.command('kill-server')
    } catch {
      // The server ends by itself with its last pane.
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
