import { AsyncLocalStorage } from 'node:async_hooks'
import type { Runtime } from 'node:inspector'
import { inspect, types } from 'node:util'
import { completeNames } from './complete-names.ts'
import { errorLines } from './display/errors.ts'
import { ownDisplay, type RenderOptions, render, renderShort } from './display/render.ts'
import { toJson } from './display/to-json.ts'
import { OwnInspector } from './own-inspector.ts'
import { isExpression, prepare } from './parse.ts'
import { declaredAs } from './redeclare.ts'
import type { Completions, DisplayLine, Evaluated, EvaluateRequest, Outcome } from './types.ts'

/** Results that are kept under `_1`, `_2` and so on; older ones are let go. */
const keptResults = 100
/** Sources that are kept to show the line that an error points at. */
const keptSources = 200
/** For looks ahead and completions, which nobody waits for. */
const lookMs = 50

export interface EvaluatorOptions {
  readonly isAscii: boolean
  /** Runs code that a signal may end; true where one did. */
  readonly interruptibly: (work: () => void) => boolean
  /** Between the two its code may be ended from outside, and nothing else may (see Engine). */
  readonly onStage: (cell: number, stage: 'begun' | 'passed') => void
  /** What happens to an entry after the prompt came back. */
  readonly onLate: (cell: number, isError: boolean, lines: readonly DisplayLine[]) => void
}

interface Boxed {
  readonly value: unknown
}

interface Ended {
  readonly outcome: Outcome
  readonly remote?: Runtime.RemoteObject
  readonly thrown?: Runtime.ExceptionDetails
  /** The value or the error itself, where it did not come by a handle. */
  readonly boxed?: Boxed
  readonly message?: string
  /** Said below the value. */
  readonly note?: string
}

/**
 * Evaluates entries one beside the other, in the process it lives in, by an inspector session on itself (handbook notebook
 * 6). It is given control by messages, and can do nothing while an entry computes: that one is ended by a signal.
 */
export class Evaluator {
  readonly #inspector = new OwnInspector()
  readonly #options: EvaluatorOptions
  readonly #cells = new AsyncLocalStorage<number>()
  readonly #interrupts = new Map<number, (why: 'timeout' | 'interrupted') => void>()
  readonly #givenUp = new Set<number>()
  readonly #sources = new Map<number, string>()
  #bridge = ''
  #taken: unknown
  #last: { readonly value: unknown } | null = null
  #beforeLast: unknown

  constructor(options: EvaluatorOptions) {
    this.#options = options
  }

  async begin(): Promise<void> {
    this.#inspector.connect()
    const name = '__kxBridge'
    const bridge = {
      take: (value: unknown) => {
        this.#taken = value
      },
    }
    Object.defineProperty(globalThis, name, { value: bridge, configurable: true })
    const { result } = await this.#inspector.evaluate({ expression: name })
    Reflect.deleteProperty(globalThis, name)
    this.#bridge = result.objectId ?? ''
  }

  /** Entry that the running code belongs to; the newest one where that cannot be told. */
  cellNow(): number {
    return this.#cells.getStore() ?? [...this.#sources.keys()].at(-1) ?? 0
  }

  async evaluate(request: EvaluateRequest): Promise<Evaluated> {
    const { cell, source } = request
    const startedMs = performance.now()
    const done = (outcome: Outcome, lines: readonly DisplayLine[], json?: unknown): Evaluated => {
      const durationMs = performance.now() - startedMs
      return { cell, outcome, lines, durationMs, ...(request.wantsJson && json !== undefined ? { json } : {}) }
    }
    if (this.#givenUp.delete(cell)) return done('interrupted', [said('interrupted before it began.')])
    const prepared = prepare(source)
    if (prepared.kind === 'empty') return done('nothing', [])
    if (prepared.kind === 'incomplete') return done('incomplete', [])
    if (prepared.kind === 'error') {
      const lines = syntaxLines(source, prepared)
      this.#setGlobal('_error', new SyntaxError(prepared.message))
      return done('error', lines, { error: { name: 'SyntaxError', message: prepared.message } })
    }
    this.#sources.set(cell, source)
    for (const old of this.#sources.keys()) if (old <= cell - keptSources) this.#sources.delete(old)
    const ended = await this.#cells.run(cell, () => this.#run(request, prepared.code))
    try {
      return await this.#told(request, ended, done)
    } finally {
      // The value itself is held by `_1` and its like; the inspector need not hold it too.
      if (ended.outcome !== 'pending') this.#inspector.release(`cell-${cell}`)
    }
  }

  /** Ends the wait for an entry whose code was stopped from outside, or that a person gave up. */
  interrupt(cell: number, why: 'timeout' | 'interrupted'): void {
    const end = this.#interrupts.get(cell)
    if (end !== undefined) end(why)
    // It came before what it is about.
    else if (!this.#sources.has(cell)) this.#givenUp.add(cell)
  }

  /** What an expression would give, where finding out changes nothing; null otherwise. */
  async preview(source: string, width: number): Promise<DisplayLine | null> {
    if (!isExpression(source)) return null
    const value = await this.#look(source)
    if (value === null || value.value === undefined || typeof value.value === 'function') return null
    return renderShort(value.value, this.#renderOptions(width))
  }

  complete(source: string, cursor: number): Promise<Completions> {
    return completeNames(source, cursor, {
      lexicalNames: () => this.#inspector.lexicalNames(),
      look: (expression) => this.#look(expression),
    })
  }

  /** An error that nobody waited for. */
  lateError(error: unknown): void {
    const stack = types.isNativeError(error) ? (error.stack ?? '') : ''
    const named = /cell-(\d+):\d+/.exec(stack)?.[1]
    const cell = this.#cells.getStore() ?? (named === undefined ? this.cellNow() : Number(named))
    this.#setGlobal('_error', error)
    this.#options.onLate(cell, true, this.#errorLines(error))
  }

  async #run({ cell, timeoutMs, awaitMs }: EvaluateRequest, code: string): Promise<Ended> {
    const startedMs = performance.now()
    const interrupted = Promise.withResolvers<Ended>()
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    this.#interrupts.set(cell, (why) => interrupted.resolve({ outcome: why }))
    const waited = new Promise<Ended>((resolve) => {
      timer = setTimeout(() => resolve({ outcome: 'pending' }), awaitMs)
    })
    const work = this.#settled(cell, code, timeoutMs, startedMs)
    try {
      const ended = await Promise.race([work, interrupted.promise, waited])
      isOver = true
      if (ended.outcome === 'pending') void work.then((late) => this.#settledLate(cell, late))
      return ended
    } finally {
      clearTimeout(timer)
      if (isOver) this.#interrupts.delete(cell)
    }
  }

  /** Evaluates, and where a promise comes out waits for that as well. */
  async #settled(cell: number, code: string, timeoutMs: number, startedMs: number): Promise<Ended> {
    const first = await this.#evaluated(cell, code, timeoutMs, startedMs)
    const name = declaredBefore(first.thrown)
    if (name === null) return first
    // A name that was declared by another kind is refused before anything of the entry has run.
    for (const kind of ['let', 'const', 'var'] as const) {
      const other = declaredAs(code, name, kind)
      if (other === null) break
      const ended = await this.#evaluated(cell, other, timeoutMs, startedMs)
      if (declaredBefore(ended.thrown) === name) continue
      const wasConst = declaredAs(code, name, 'const') === code
      if (wasConst === (kind === 'const')) return ended
      const note = wasConst ? `${name} can still be given another value` : `${name} stays a constant`
      return { ...ended, note: `${note}, as it was first declared` }
    }
    return first
  }

  async #evaluated(cell: number, code: string, timeoutMs: number, startedMs: number): Promise<Ended> {
    const objectGroup = `cell-${cell}`
    let answer: Runtime.EvaluateReturnType | undefined
    let wasInterrupted = false
    try {
      this.#options.onStage(cell, 'begun')
      let answering: Promise<Runtime.EvaluateReturnType> | undefined
      // It comes back when the code first waits for something, or ends.
      wasInterrupted = this.#options.interruptibly(() => {
        answering = this.#inspector.evaluateEntry({
          expression: `${code}\n//# sourceURL=cell-${cell}`,
          ...{ objectGroup, replMode: true, awaitPromise: true, timeout: timeoutMs, silent: true },
        })
      })
      this.#options.onStage(cell, 'passed')
      answer = await answering
    } catch (error) {
      // The engine says "Internal error" of an entry that was stopped, whoever stopped it (handbook notebook 6.3).
      const isTimeout = !wasInterrupted && performance.now() - startedMs >= timeoutMs * 0.95
      return { outcome: isTimeout ? 'timeout' : 'interrupted', message: String(error) }
    }
    // Ended before there was an answer to wait for.
    if (answer === undefined) return { outcome: 'interrupted' }
    if (answer.exceptionDetails !== undefined) return { outcome: 'error', thrown: answer.exceptionDetails }
    const { result } = answer
    if (result.subtype !== 'promise' || result.objectId === undefined) return { outcome: 'value', remote: result }
    const { value: promise } = await this.#take(result)
    try {
      return { outcome: 'value', boxed: { value: await promise } }
    } catch (error) {
      return { outcome: 'error', boxed: { value: error } }
    }
  }

  async #told(
    request: EvaluateRequest,
    ended: Ended,
    done: (outcome: Outcome, lines: readonly DisplayLine[], json?: unknown) => Evaluated,
  ): Promise<Evaluated> {
    const { cell, width, timeoutMs, awaitMs } = request
    switch (ended.outcome) {
      case 'error': {
        const { value: error } = ended.boxed ?? (await this.#take(ended.thrown?.exception))
        this.#setGlobal('_error', error)
        return done('error', this.#errorLines(error), { error: toJson(error) })
      }
      case 'timeout':
        return done('timeout', [
          said(`ended: it kept the processor for ${timeoutMs} ms without a pause. Variables are kept.`),
        ])
      case 'interrupted':
        return done('interrupted', [said('interrupted. Variables are kept.')])
      case 'pending':
        return done('pending', [
          said(`still pending after ${awaitMs} ms; it goes on, and its result comes as _${cell} when there is one.`),
        ])
      default: {
        const { value } = ended.boxed ?? (await this.#take(ended.remote))
        this.#keep(cell, value)
        const notes = ended.note === undefined ? [] : [said(ended.note)]
        if (value === undefined) return done('nothing', notes, null)
        const lines = [...render(value, this.#renderOptions(width)), ...notes]
        return done('value', lines, request.wantsJson ? toJson(value) : undefined)
      }
    }
  }

  async #settledLate(cell: number, late: Ended): Promise<void> {
    if (late.outcome === 'error') {
      const { value: error } = late.boxed ?? (await this.#take(late.thrown?.exception))
      this.#setGlobal('_error', error)
      this.#options.onLate(cell, true, this.#errorLines(error))
    } else if (late.outcome === 'value') {
      const { value } = late.boxed ?? (await this.#take(late.remote))
      this.#keep(cell, value)
      if (value !== undefined) this.#options.onLate(cell, false, render(value, this.#renderOptions(100)))
    }
    this.#inspector.release(`cell-${cell}`)
  }

  #errorLines(error: unknown): readonly DisplayLine[] {
    if (ownDisplay(error) !== null) return render(error, this.#renderOptions(100))
    if (types.isNativeError(error)) return errorLines(error, this.#frames())
    const [first = [], ...more] = render(error, this.#renderOptions(100))
    return [[{ text: 'thrown: ', tone: 'error' }, ...first], ...more]
  }

  #frames() {
    return { sourceOf: (cell: number) => this.#sources.get(cell) ?? null }
  }

  #renderOptions(width: number): RenderOptions {
    return { width, isAscii: this.#options.isAscii, frames: this.#frames() }
  }

  /** The value behind a handle of the inspector. */
  async #take(remote: Runtime.RemoteObject | undefined): Promise<Boxed> {
    if (remote === undefined) return { value: undefined }
    const argument =
      remote.objectId !== undefined
        ? { objectId: remote.objectId }
        : remote.unserializableValue !== undefined
          ? { unserializableValue: remote.unserializableValue }
          : { value: remote.value as unknown }
    this.#taken = undefined
    await this.#inspector.callFunctionOn({
      functionDeclaration: 'function (value) { this.take(value) }',
      objectId: this.#bridge,
      arguments: [argument],
      silent: true,
    })
    const value = this.#taken
    this.#taken = undefined
    // In a box: a promise that is given a thenable would call it.
    return { value }
  }

  /** Evaluates without any effect, or not at all. */
  async #look(expression: string): Promise<Boxed | null> {
    const objectGroup = 'look'
    try {
      const { result, exceptionDetails } = await this.#inspector.evaluate({
        expression: `(${expression}\n)`,
        ...{ objectGroup, throwOnSideEffect: true, timeout: lookMs, silent: true },
      })
      return exceptionDetails === undefined ? await this.#take(result) : null
    } catch {
      return null
    } finally {
      this.#inspector.release(objectGroup)
    }
  }

  #keep(cell: number, value: unknown): void {
    this.#setGlobal(`_${cell}`, value)
    Reflect.deleteProperty(globalThis, `_${cell - keptResults}`)
    if (value === undefined) return
    const now: unknown = Object.getOwnPropertyDescriptor(globalThis, '_')?.value
    // Somebody who gives `_` a value of his own means that one from then on.
    if (this.#last !== null && !Object.is(now, this.#last.value)) return
    this.#setGlobal('__', this.#beforeLast)
    this.#setGlobal('_', value)
    // The next value makes this one the one before it.
    this.#beforeLast = value
    this.#last = { value }
  }

  #setGlobal(name: string, value: unknown): void {
    try {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
    } catch {
      // The person froze it.
    }
  }
}

/** Name that an entry declares although it was declared before; the engine says so before it runs anything. */
function declaredBefore(thrown: Runtime.ExceptionDetails | undefined): string | null {
  const description = thrown?.exception?.description ?? ''
  return /^SyntaxError: Identifier '([^']+)' has already been declared/.exec(description)?.[1] ?? null
}

const said = (text: string): DisplayLine => [{ text, tone: 'muted' }]

/** The line in question, a caret under the place, and what the engine says of it. */
function syntaxLines(
  source: string,
  { message, line, column }: { readonly message: string; readonly line: number; readonly column: number },
): readonly DisplayLine[] {
  const code = source.split('\n')[line - 1] ?? ''
  const head: DisplayLine = [{ text: `SyntaxError: ${message}`, tone: 'error' }]
  if (code.trim() === '' || code.length > 200) return [head]
  const at = Math.max(0, Math.min(column - 1, code.length))
  return [head, [{ text: `  ${code}`, tone: 'muted' }], [{ text: `  ${' '.repeat(at)}^`, tone: 'muted' }]]
}

/** For the console of the worker: text of values, by the engine's own printer. */
export function consoleText(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : inspect(value, { depth: 2 }))).join(' ')
}
