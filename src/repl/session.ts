import { serveHost } from '../host/proxy/server.ts'
import type { Wire } from '../host/proxy/wire.ts'
import type { Ending, Host } from '../host/types.ts'
import type { ActResult, CellWriter } from '../run/act.ts'
import { keepProcess } from '../run/cell-process.ts'
import type { Risk } from '../run/types.ts'
import { createRedactor, type SecretSet } from '../text/redact.ts'
import { createSanitiser } from '../text/sanitise.ts'
import { completeText } from './complete-text.ts'
import { Engine } from './engine.ts'
import type { History } from './history.ts'
import { isUnfinished } from './parse.ts'
import { safeLines, safeText } from './safe-lines.ts'
import type {
  CommandFact,
  Completions,
  DisplayLine,
  Entered,
  Evaluated,
  FromWorker,
  OnLines,
  OpenPrompt,
  Outcome,
  ScopeFacts,
} from './types.ts'

/** The house around a prompt: what it may ask of the main process. Gates are on this side. */
export interface ReplHouse {
  readonly projectFolder: string
  readonly secrets: SecretSet | null
  readonly commands: readonly CommandFact[]
  /** What is known of the run now; cheap when nothing has changed. */
  facts(): Promise<ScopeFacts>
  openHost(name: string, signal: AbortSignal): Promise<Host>
  /** A command of the registry, with its arguments checked and its questions asked. */
  command(id: string, args: unknown, signal: AbortSignal): Promise<ActResult>
  /** A line as it would be typed after `:`. */
  line(text: string, signal: AbortSignal): Promise<ActResult>
  completeLine(text: string): readonly string[]
  runs(): Promise<readonly object[]>
  /** Series that there are, or the points of one. */
  samples(name: string | null, sinceMs: number | null): Promise<unknown>
  /** Names that a string may hold, by what it is given to. */
  names(kind: 'hosts' | 'runs' | 'files' | 'recipes' | 'columns', beginning: string): Promise<readonly string[]>
  /** Opens the cell of an entry; null where there is no run to write it into. */
  record(entry: { readonly source: string; readonly risk: Risk; readonly host: string }): Promise<CellWriter | null>
}

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
/** A shell line at the prompt has an end, like every call to a host. */
const shellSeconds = 3600
/** Lines of one entry that are shown as they come; the cell holds them all. */
const mostLiveLines = 2000
/** An entry that only looks is put on record once its result is shown, or after so long. */
const recordAfterMs = 250

const inBash = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; else exec sh -c "$1"; fi'
const plain = (text: string, tone: 'muted' | 'error' | 'plain' = 'plain'): DisplayLine => [{ text, tone }]
const textOf = (lines: readonly DisplayLine[]) =>
  lines.map((line) => `${line.map((span) => span.text).join('')}\n`).join('')

interface Open {
  readonly abort: AbortController
  writer: CellWriter | null
  shownLines: number
}

/** A prompt in the main process: takes what is typed, has it carried out, puts it on record, remembers it. */
export class ReplSession implements OpenPrompt {
  readonly #options: ReplOptions
  readonly #house: ReplHouse
  readonly #open = new Map<number, Open>()
  readonly #lanes = new Map<string, { readonly wire: Wire; readonly lane: string }>()
  /** Records that are still being written. */
  readonly #records = new Set<Promise<void>>()
  #engine: Engine | null = null
  #facts: ScopeFacts | null = null
  #chosenHost: string | null = null
  #cell = 0

  constructor(options: ReplOptions) {
    this.#options = options
    this.#house = options.house
  }

  get history(): History | null {
    return this.#options.history
  }
  get isBusy(): boolean {
    return this.#open.size > 0
  }
  /** Host that `$` and `!` mean now; null before it is known. */
  get host(): string | null {
    return this.#chosenHost ?? this.#facts?.host ?? null
  }

  /** Starts the worker, so that the first entry need not wait for it. */
  async begin(): Promise<void> {
    await (await this.#engineNow()).begin()
  }

  /** Carries out one entry: an expression, `! cmd`, `!! cmd`, or `:command`. */
  async enter(text: string, { wantsJson = false, width = 100 } = {}): Promise<Entered> {
    this.#cell += 1
    const cell = this.#cell
    const open: Open = { abort: new AbortController(), writer: null, shownLines: 0 }
    this.#open.set(cell, open)
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

  async interrupt(): Promise<string | null> {
    for (const { abort } of this.#open.values()) abort.abort(new Error('interrupted'))
    if ((await this.#engine?.interrupt()) !== 'at-its-limit') return null
    const seconds = (this.#options.timeoutMs ?? defaultTimeoutMs) / 1000
    return `it does not pause: ended at ${seconds} s, variables kept; Ctrl-C again drops them now`
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
    for (const host of await Promise.allSettled(this.#hosts.values()))
      if (host.status === 'fulfilled') await host.value.close()
    this.#hosts.clear()
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
    if (/\b(?:run|plan|profile|cells|hosts)\b|\$|\bsh\b/.test(source)) await this.#renewFacts()
    const needsShell = /\$/.test(source) && /\$`|\$\(|\bon\(|\blocal\$/.test(source)
    const risk: Risk = needsShell || /\bsh\(|\bkx\b|\bon\(/.test(source) ? 'change' : 'read'
    const record = () => this.#record(open, source, risk)
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
      await this.#endRecord(open, result, lines)
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
    if (host === null) await this.#renewFacts()
    const name = host ?? this.host ?? 'local'
    await this.#record(open, source, 'change', name)
    const { signal } = open.abort
    let ending: Ending
    let timedOut = false
    const shown = (['stdout', 'stderr'] as const).map((stream) => this.#liveStream(cell, open, stream))
    try {
      const opened = await this.#hostOf(name, signal)
      const done = await opened.exec(['sh', '-c', inBash, 'kx', command], {
        signal,
        timeoutSeconds: shellSeconds,
        maxBytes: 64 * 1024,
        onBegun: (process) => open.writer !== null && keepProcess(open.writer, name, process),
        onStdout: (chunk) => shown[0]?.take(chunk),
        onStderr: (chunk) => shown[1]?.take(chunk),
      })
      ending = done.ending
      timedOut = done.timedOut
    } catch (error) {
      await open.writer?.end({ state: 'unknown', summary: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      for (const stream of shown) stream.end()
    }
    const exitCode = ending.kind === 'exited' ? ending.code : null
    const word =
      ending.kind === 'exited'
        ? `exit ${ending.code}`
        : ending.kind === 'signalled'
          ? `ended by ${ending.signal}${timedOut ? `, after ${shellSeconds} s` : ''}`
          : `how it ended is unknown: ${ending.reason}`
    await open.writer?.end({
      state: ending.kind === 'unknown' ? 'unknown' : exitCode === 0 ? 'done' : 'failed',
      summary: `${word} on ${name}`,
      exitCode,
      signal: ending.kind === 'signalled' ? ending.signal : null,
      cause: timedOut ? 'timeout' : signal.aborted ? 'aborted' : ending.kind === 'unknown' ? 'channel-lost' : null,
    })
    const lines = exitCode === 0 ? [] : [plain(`${word} on ${name}`, 'error')]
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
        facts: this.#facts ?? { host: 'local', hosts: ['local'], run: null, plan: null, profile: null, cells: [] },
      },
      env,
      onOutput: (cell, text) => this.#printed(cell, text),
      onLate: (late) => this.#late(late),
      onCall: (call, wire) => this.#call(call, wire),
      onLost: () => this.#lanes.clear(),
    })
    return this.#engine
  }

  async #call(call: Extract<FromWorker, { type: 'call' }>, wire: Wire): Promise<unknown> {
    const [first, second] = call.args
    const signal = this.#open.get(call.cell)?.abort.signal ?? new AbortController().signal
    switch (call.name) {
      case 'host.open': {
        const name = String(first)
        const known = this.#lanes.get(name)
        if (known?.wire === wire) return known.lane
        const host = await this.#hostOf(name, signal)
        const lane = `host ${name}`
        serveHost(host, wire, lane)
        this.#lanes.set(name, { wire, lane })
        return lane
      }
      case 'scope.use':
        await this.#hostOf(String(first), signal)
        this.#chosenHost = String(first)
        await this.#renewFacts()
        return null
      case 'scope.runs':
        return this.#house.runs()
      case 'scope.samples':
        return this.#house.samples(
          first === undefined ? null : String(first),
          typeof second === 'number' ? second : null,
        )
      case 'scope.sh':
        return this.#sh(first === null ? null : String(first), String(second), signal)
      case 'command': {
        const result = await this.#house.command(String(first), second, signal)
        const data = JSON.parse(JSON.stringify(result.data ?? null)) as unknown
        return { exitCode: result.exitCode, summary: result.summary, lines: result.lines ?? [], data }
      }
      default:
        throw new Error(`the prompt has no ${call.name}`)
    }
  }

  async #sh(name: string | null, command: string, signal: AbortSignal) {
    if (name === null) await this.#renewFacts()
    const host = await this.#hostOf(name ?? this.host ?? 'local', signal)
    const done = await host.exec(['sh', '-c', inBash, 'kx', command], { signal, timeoutSeconds: shellSeconds })
    const decoder = new TextDecoder()
    const { ending } = done
    return {
      text: decoder.decode(done.stdout) + decoder.decode(done.stderr),
      exitCode: ending.kind === 'exited' ? ending.code : null,
      ending:
        ending.kind === 'exited'
          ? `exit ${ending.code}`
          : ending.kind === 'signalled'
            ? `ended by ${ending.signal}`
            : `how it ended is unknown: ${ending.reason}`,
    }
  }

  readonly #hosts = new Map<string, Promise<Host>>()

  #hostOf(name: string, signal: AbortSignal): Promise<Host> {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = this.#house.openHost(name, signal)
      // The next call asks again: a host that was away may be back.
      host.catch(() => this.#hosts.delete(name))
      this.#hosts.set(name, host)
    }
    return host
  }

  async #renewFacts(): Promise<void> {
    const found = await this.#house.facts()
    const facts = this.#chosenHost === null ? found : { ...found, host: this.#chosenHost }
    if (facts === this.#facts) return
    this.#facts = facts
    this.#engine?.setFacts(facts)
  }

  // ── output and records ──────────────────────────────────────────────────────────────────────────────────────────

  #printed(cell: number, text: string): void {
    const open = this.#open.get(cell)
    open?.writer?.stdout(text)
    const safe = safeText(text, this.#house.secrets).replace(/\n$/, '')
    this.#show(
      cell,
      open,
      safe.split('\n').map((line) => plain(line)),
    )
  }

  #late(late: Extract<FromWorker, { type: 'late' }>): void {
    const label = plain(
      late.isError ? `entry ${late.cell} failed later:` : `entry ${late.cell} has a result now:`,
      'muted',
    )
    this.#options.onLines(late.cell, [label, ...safeLines(late.lines, this.#house.secrets)], true)
  }

  #show(cell: number, open: Open | undefined, lines: readonly DisplayLine[]): void {
    if (open === undefined) return this.#options.onLines(cell, lines.slice(0, mostLiveLines), true)
    const room = mostLiveLines - open.shownLines
    if (room <= 0) return
    open.shownLines += lines.length
    const kept = lines.slice(0, room)
    const isCut = open.shownLines >= mostLiveLines
    this.#options.onLines(
      cell,
      isCut ? [...kept, plain('… more of it is in the cell of this entry', 'muted')] : kept,
      false,
    )
  }

  /** Bytes of a program, in whole lines, safe to show. */
  #liveStream(cell: number, open: Open, stream: 'stdout' | 'stderr') {
    const sanitiser = createSanitiser({ allowSgr: false, mark: '' })
    const redactor = createRedactor(this.#house.secrets)
    let rest = ''
    const show = (text: string, isEnd: boolean) => {
      rest += text
      const lines = rest.split('\n')
      rest = isEnd ? '' : (lines.pop() ?? '')
      if (isEnd && lines.at(-1) === '') lines.pop()
      if (lines.length > 0)
        this.#show(
          cell,
          open,
          lines.map((line) => plain(line)),
        )
    }
    return {
      take: (chunk: Uint8Array) => {
        open.writer?.[stream](chunk)
        show(redactor.push(sanitiser.push(chunk)), false)
      },
      end: () => show(redactor.push(sanitiser.end()) + redactor.end(), true),
    }
  }

  async #record(open: Open, source: string, risk: Risk, host = this.host ?? 'local'): Promise<void> {
    open.writer = await this.#house.record({ source, risk, host })
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

  async #endRecord(open: Open, result: Evaluated, lines: readonly DisplayLine[]): Promise<void> {
    const { writer } = open
    if (writer === null) return
    const text = textOf(lines)
    if (text !== '') writer.stdout(text)
    const isGood = result.outcome === 'value' || result.outcome === 'nothing'
    const state = isGood ? 'done' : result.outcome === 'error' ? 'failed' : 'unknown'
    const cause = result.outcome === 'timeout' ? 'timeout' : result.outcome === 'interrupted' ? 'aborted' : null
    const summary = (text.split('\n')[0] ?? '').slice(0, 200)
    await writer.end({
      state,
      summary: summary === '' ? 'no value' : summary,
      cause,
      durationMs: Math.round(result.durationMs),
    })
  }

  #remember(text: string, { outcome, exitCode, durationMs }: Entered): void {
    const runId = (this.#facts?.run as { runId?: string } | null)?.runId ?? null
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
