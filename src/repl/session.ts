import type { Wire } from '../host/proxy/wire.ts'
import type { ExecResult } from '../host/types.ts'
import type { CellWriter } from '../run/act.ts'
import { keepProcess } from '../run/cell-process.ts'
import type { Risk } from '../run/types.ts'
import { completeText } from './complete-text.ts'
import { Engine } from './engine.ts'
import { endExpression, endShellLine } from './entry-record.ts'
import type { History } from './history.ts'
import type { ReplHouse } from './house.ts'
import { HouseCalls } from './house-calls.ts'
import { LiveOutput } from './live-output.ts'
import { isUnfinished } from './parse.ts'
import { safeLines, safeText } from './safe-lines.ts'
import { endingWords, runShellLine } from './shell-lines.ts'
import type { Completions, DisplayLine, Entered, FromWorker, OnLines, OpenPrompt, Outcome } from './types.ts'

export interface ReplOptions {
  readonly house: ReplHouse
  readonly history: History | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isAscii: boolean
  readonly clock: { nowMs(): number; monotonicMs(): number }
  /** Safe lines that come while an entry runs, or after it. */
  readonly onLines: OnLines
  readonly timeoutMs?: number
  readonly awaitMs?: number
}

/** Code that does not pause is ended after so long. */
const defaultTimeoutMs = 5000
/** The prompt comes back after so long; what it waited for goes on. */
const defaultAwaitMs = 60_000
/** An entry that only looks is put on record once its result is shown, or after so long. */
const recordAfterMs = 250

const plain = (text: string, tone: 'muted' | 'error' | 'plain' = 'plain'): DisplayLine => [{ text, tone }]
interface Open {
  readonly abort: AbortController
  writer: CellWriter | null
}

/** A prompt in the main process: takes what is typed, has it carried out, puts it on record, remembers it. */
export class ReplSession implements OpenPrompt {
  readonly #options: ReplOptions
  readonly #house: ReplHouse
  readonly #open = new Map<number, Open>()
  readonly #calls: HouseCalls
  readonly #output: LiveOutput
  /** Records that are still being written. */
  readonly #records = new Set<Promise<void>>()
  #engine: Engine | null = null
  #cell = 0

  constructor(options: ReplOptions) {
    this.#options = options
    this.#house = options.house
    this.#output = new LiveOutput(options.house.secrets, options.onLines)
    this.#calls = new HouseCalls({
      house: options.house,
      onFacts: (facts) => this.#engine?.setFacts(facts),
      signalOf: (cell) => this.#open.get(cell)?.abort.signal ?? new AbortController().signal,
    })
  }

  get history(): History | null {
    return this.#options.history
  }
  get isBusy(): boolean {
    return this.#open.size > 0
  }
  /** Host that `$` and `!` mean now; null before it is known. */
  get host(): string | null {
    return this.#calls.host
  }

  /** Starts the worker, so that the first entry need not wait for it. */
  async begin(): Promise<void> {
    await (await this.#engineNow()).begin()
  }

  /** Carries out one entry: an expression, `! cmd`, `!! cmd`, or `:command`. */
  async enter(text: string, { wantsJson = false, width = 100 } = {}): Promise<Entered> {
    this.#cell += 1
    const cell = this.#cell
    const open: Open = { abort: new AbortController(), writer: null }
    this.#open.set(cell, open)
    this.#output.begin(cell)
    const startedMs = this.#options.clock.monotonicMs()
    let entered: Entered
    try {
      const trimmed = text.trim()
      // Without the blank it is the operator of the language.
      const shell = /^(!!?)\s+(.*)$/s.exec(trimmed)
      if (shell !== null)
        entered = await this.#shell(cell, open, shell[1] === '!!' ? 'local' : null, shell[2] ?? '', text)
      else if (trimmed.startsWith(':')) entered = await this.#line(cell, open, trimmed.slice(1))
      else entered = await this.#expression(cell, open, text, { wantsJson, width })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      entered = this.#result(cell, 'error', [plain(message, 'error')], null)
    } finally {
      this.#open.delete(cell)
      this.#output.end(cell)
    }
    const durationMs = this.#options.clock.monotonicMs() - startedMs
    const done = { ...entered, durationMs }
    if (done.outcome !== 'incomplete') this.#remember(text, done)
    return done
  }

  isUnfinished(text: string): boolean {
    return !/^\s*(?:!!?\s|:)/.test(text) && isUnfinished(text)
  }

  preview(text: string, width: number): Promise<DisplayLine | null> {
    if (/^\s*(?:!!?\s|:)/.test(text) || this.#engine === null) return Promise.resolve(null)
    return this.#engine
      .preview(text, width)
      .then((line) => (line === null ? null : (safeLines([line], this.#house.secrets)[0] ?? null)))
  }

  async complete(text: string, cursor: number): Promise<Completions> {
    const engine = await this.#engineNow()
    return completeText(text, cursor, this.#house, (source, at) => engine.complete(source, at))
  }

  search(query: string): readonly string[] {
    return (this.#options.history?.search(query) ?? []).map((entry) => entry.text)
  }

  ghost(text: string): string {
    return this.#options.history?.ghost(text) ?? ''
  }

  async interrupt(): Promise<void> {
    for (const { abort } of this.#open.values()) abort.abort(new Error('interrupted'))
    await this.#engine?.interrupt()
  }

  /** Ends the worker; its variables are lost, connections stay. */
  async kill(): Promise<void> {
    for (const { abort } of this.#open.values()) abort.abort(new Error('interrupted'))
    await this.#engine?.kill()
  }

  async close(): Promise<void> {
    for (const { abort } of this.#open.values()) abort.abort(new Error('the prompt is closed'))
    await this.#engine?.close()
    await Promise.all(this.#records)
    await this.#calls.close()
  }

  // ── kinds of entries ────────────────────────────────────────────────────────────────────────────────────────────

  async #expression(
    cell: number,
    open: Open,
    source: string,
    { wantsJson, width }: { readonly wantsJson: boolean; readonly width: number },
  ): Promise<Entered> {
    const { timeoutMs = defaultTimeoutMs, awaitMs = defaultAwaitMs } = this.#options
    const engine = await this.#engineNow()
    if (/\b(?:run|plan|profile|cells|hosts)\b|\$|\bsh\b/.test(source)) await this.#calls.renewFacts()
    const needsShell = /\$/.test(source) && /\$`|\$\(|\bon\(|\blocal\$/.test(source)
    const risk: Risk = needsShell || /\bsh\(|\bkx\b|\bon\(/.test(source) ? 'change' : 'read'
    const record = () => this.#record(cell, open, source, risk)
    // What may change something is on record before it happens; a look is shown first.
    let recording = risk === 'read' ? null : record()
    await recording
    if (open.abort.signal.aborted) {
      await open.writer?.end({ state: 'unknown', summary: 'interrupted before it began', cause: 'aborted' })
      return this.#result(cell, 'interrupted', [plain('interrupted before it began', 'muted')], null)
    }
    const timer = setTimeout(() => {
      recording ??= record()
    }, recordAfterMs)
    const result = await engine.evaluate({ cell, source, timeoutMs, awaitMs, width, wantsJson, needsShell })
    clearTimeout(timer)
    const lines = safeLines(result.lines, this.#house.secrets)
    if (result.outcome === 'incomplete') return this.#result(cell, result.outcome, [], null)
    const ending = (async () => {
      await (recording ?? record())
      await endExpression(open.writer, result, lines)
    })()
    if (risk === 'read') this.#recordLater(ending)
    else await ending
    const exitCode = result.outcome === 'value' || result.outcome === 'nothing' ? 0 : 1
    return {
      ...this.#result(cell, result.outcome, lines, exitCode),
      ...('json' in result ? { json: result.json } : {}),
    }
  }

  async #shell(cell: number, open: Open, host: string | null, command: string, source: string): Promise<Entered> {
    if (command === '') return this.#result(cell, 'nothing', [], null)
    if (host === null) await this.#calls.renewFacts()
    const name = host ?? this.host ?? 'local'
    await this.#record(cell, open, source, 'change', name)
    const { signal } = open.abort
    let done: ExecResult
    try {
      done = await runShellLine(await this.#calls.hostOf(name, signal), command, {
        signal,
        maxBytes: 64 * 1024,
        onBegun: (process) => open.writer !== null && keepProcess(open.writer, name, process),
        onStdout: (chunk) => this.#output.take(cell, 'stdout', chunk),
        onStderr: (chunk) => this.#output.take(cell, 'stderr', chunk),
      })
    } catch (error) {
      await open.writer?.end({ state: 'unknown', summary: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      // All of it is shown before its end is said.
      this.#output.end(cell)
    }
    const { ending, timedOut } = done
    const exitCode = ending.kind === 'exited' ? ending.code : null
    const summary = `${endingWords(ending, timedOut)} on ${name}`
    await endShellLine(open.writer, { ending, summary, timedOut, isGivenUp: signal.aborted })
    const lines = exitCode === 0 ? [] : [plain(summary, 'error')]
    return this.#result(cell, exitCode === 0 ? 'nothing' : signal.aborted ? 'interrupted' : 'error', lines, exitCode)
  }

  /** A command makes a cell of its own. */
  async #line(cell: number, open: Open, line: string): Promise<Entered> {
    const result = await this.#house.line(line, open.abort.signal)
    const isGood = result.exitCode === 0
    const lines = safeLines(
      [...result.summary.split('\n'), ...(result.lines ?? [])].map((text) => plain(text, isGood ? 'plain' : 'error')),
      this.#house.secrets,
    )
    return { ...this.#result(cell, isGood ? 'value' : 'error', lines, result.exitCode), json: result.data ?? null }
  }

  #result(cell: number, outcome: Outcome, lines: readonly DisplayLine[], exitCode: number | null): Entered {
    return { cell, outcome, lines: safeLines(lines, this.#house.secrets), exitCode, durationMs: 0 }
  }

  // ── worker ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #engineNow(): Promise<Engine> {
    if (this.#engine !== null) return this.#engine
    const { house, env, isAscii } = this.#options
    this.#engine = new Engine({
      setup: {
        projectFolder: house.projectFolder,
        isAscii,
        commands: house.commands,
        facts: this.#calls.facts ?? {
          host: 'local',
          hosts: ['local'],
          run: null,
          plan: null,
          profile: null,
          cells: [],
        },
      },
      env,
      onOutput: (cell, text) => this.#output.take(cell, 'stdout', text),
      onLate: (late) => this.#late(late),
      onCall: (call, wire: Wire) => this.#calls.answer(call, wire),
      onLost: () => this.#calls.forgetLanes(),
    })
    return this.#engine
  }

  // ── records ──────────────────────────────────────────────────────────────────────────────────────────

  #late(late: Extract<FromWorker, { type: 'late' }>): void {
    const label = plain(
      late.isError ? `entry ${late.cell} failed later:` : `entry ${late.cell} has a result now:`,
      'muted',
    )
    this.#options.onLines(late.cell, [label, ...safeLines(late.lines, this.#house.secrets)], true)
  }

  async #record(cell: number, open: Open, source: string, risk: Risk, host = this.host ?? 'local'): Promise<void> {
    open.writer = await this.#house.record({ source, risk, host })
    this.#output.recordIn(cell, open.writer)
  }

  /** The result of a look is not held up by its record; a record that fails is said all the same. */
  #recordLater(ending: Promise<void>): void {
    const told = ending
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        this.#options.onLines(this.#cell, [plain(`not in the notebook: ${why}`, 'error')], true)
      })
      .finally(() => this.#records.delete(told))
    this.#records.add(told)
  }

  #remember(text: string, { outcome, exitCode, durationMs }: Entered): void {
    const runId = (this.#calls.facts?.run as { runId?: string } | null)?.runId ?? null
    const isShell = /^\s*!!?\s/.test(text)
    try {
      this.#options.history?.add({
        atMs: this.#options.clock.nowMs(),
        text: safeText(text, this.#house.secrets).trim(),
        projectFolder: this.#house.projectFolder,
        runId,
        host: /^\s*!!\s/.test(text) ? 'local' : (this.host ?? 'local'),
        ending: isShell && exitCode !== null ? `exit ${exitCode}` : outcome,
        durationMs: Math.round(durationMs),
      })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#options.onLines(this.#cell, [plain(`the history could not be written: ${why}`, 'error')], true)
    }
  }
}
