import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { processWire, type Wire } from '../host/proxy/wire.ts'
import type {
  Completions,
  DisplayLine,
  Evaluated,
  EvaluateRequest,
  FromWorker,
  ScopeFacts,
  ToWorker,
  WorkerSetup,
} from './types.ts'

export interface EngineOptions {
  readonly setup: WorkerSetup
  /** Environment of the worker: without secrets. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onOutput: (cell: number, text: string) => void
  readonly onLate: (late: Extract<FromWorker, { type: 'late' }>) => void
  /** A call of the scope; hosts are lent over the wire. */
  readonly onCall: (call: Extract<FromWorker, { type: 'call' }>, wire: Wire) => Promise<unknown>
  /** The worker went, with all variables of the session. */
  readonly onLost: (why: string) => void
}

/** How often a running entry is asked whether it lets anybody else have a turn. */
const pingMs = 250
const answerMs = 500
/** It is sent again where the code had not yet begun when it came. */
const signalEveryMs = 250
/** With signals sent, before the worker is ended: on a crowded machine they may be late. */
const mostSignalMs = 2500
/** Code that has not let go after so long is sent a signal; it ends code alone, so sending one too many does no harm. */
const pauseMs = 60
/** Beyond the limit given to the engine, before the worker is ended. */
const graceMs = 750

interface Running {
  readonly resolve: (result: Evaluated) => void
  readonly request: EvaluateRequest
  readonly startedMs: number
  stage: 'sent' | 'begun' | 'passed'
}

const lostLine: DisplayLine = [
  { text: 'the prompt was ended and begun anew: its variables are lost. ', tone: 'error' },
  { text: 'Recorded cells, connections and jobs on hosts are as they were.', tone: 'muted' },
]

/**
 * The worker of the prompt, a process of its own, from outside: starts it late, ends code that does not pause, and as a
 * last resort the worker. Nothing that must live longer than a variable lives in it.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #running = new Map<number, Running>()
  readonly #asked = new Map<number, (message: FromWorker | null) => void>()
  #setup: WorkerSetup
  #worker: ChildProcess | null = null
  #wire: Wire | null = null
  #ready: Promise<void> | null = null
  #nextId = 1
  #pingTimer: NodeJS.Timeout | undefined
  #pongAtMs = 0
  #isClosed = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#setup = options.setup
  }

  get isBusy(): boolean {
    return this.#running.size > 0
  }

  /** Starts the worker where it is not running; settles when it answers. */
  begin(): Promise<void> {
    this.#ready ??= this.#start()
    return this.#ready
  }

  async evaluate(request: EvaluateRequest): Promise<Evaluated> {
    const settled = Promise.withResolvers<Evaluated>()
    // From now on it can be interrupted, also while the worker still starts.
    const running: Running = { resolve: settled.resolve, request, startedMs: performance.now(), stage: 'sent' }
    this.#running.set(request.cell, running)
    try {
      await this.begin()
    } catch (error) {
      this.#running.delete(request.cell)
      throw error
    }
    if (!this.#running.has(request.cell)) return settled.promise
    this.#watch()
    this.#post({ type: 'evaluate', request })
    return settled.promise
  }

  setFacts(facts: ScopeFacts): void {
    this.#setup = { ...this.#setup, facts }
    if (this.#worker !== null) this.#post({ type: 'facts', facts })
  }

  /** Null where nothing can be said, or not soon enough. */
  async preview(source: string, width: number): Promise<DisplayLine | null> {
    const answer = await this.#ask((id) => ({ type: 'preview', id, source, width }))
    return answer?.type === 'preview' ? answer.line : null
  }

  async complete(source: string, cursor: number): Promise<Completions> {
    const answer = await this.#ask((id) => ({ type: 'complete', id, source, cursor }))
    return answer?.type === 'completions' ? { from: answer.from, names: answer.names } : { from: cursor, names: [] }
  }

  /**
   * Ends the wait of the running entries, with their variables kept. Code that has not paused yet is ended by SIGINT, which
   * the worker takes while it evaluates (an inspector from another thread would do it too, and can stop the whole process,
   * Node 24.21). A loop after its first pause is beyond both, and so is one that V8 itself does not stop
   * (`for (;;) { new Array(1000).fill(1) }`): it takes the worker with it.
   */
  async interrupt(): Promise<void> {
    if (this.#running.size === 0) return
    await this.#ready?.catch(() => undefined)
    const worker = this.#worker
    const askedAtMs = performance.now()
    for (const cell of this.#running.keys()) this.#post({ type: 'interrupt', cell, why: 'interrupted' })
    this.#post({ type: 'ping', id: 0 })
    const isOver = () => this.#running.size === 0 || this.#worker !== worker || this.#pongAtMs >= askedAtMs
    const isComputing = () => [...this.#running.values()].some(({ stage }) => stage === 'begun')
    let signalledAtMs = askedAtMs - signalEveryMs + pauseMs
    while (!isOver()) {
      const nowMs = performance.now()
      if (nowMs - askedAtMs > (isComputing() ? mostSignalMs : answerMs)) break
      if (isComputing() && nowMs - signalledAtMs > signalEveryMs) {
        worker?.kill('SIGINT')
        signalledAtMs = nowMs
      }
      await wait(5)
    }
    if (!isOver()) await this.kill('it did not let itself be interrupted')
  }

  /** Ends the worker and begins a new one when it is next needed. Variables are lost. */
  async kill(why = 'killed'): Promise<void> {
    const worker = this.#worker
    if (worker === null) return
    this.#forget()
    await ended(worker)
    this.#lost(why)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#forget()
    for (const { resolve, request } of this.#running.values())
      resolve({ cell: request.cell, outcome: 'lost', lines: [lostLine], durationMs: 0 })
    this.#running.clear()
    if (worker !== null) await ended(worker)
  }

  async #start(): Promise<void> {
    // In the sources it is TypeScript beside this file; in a build it lies in a folder of its own.
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './repl/worker.js'
    const worker = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      env: { ...this.#options.env },
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // What code prints comes by message.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // In a group of its own: a Ctrl-C at the terminal is kx's to hand on.
      detached: true,
    })
    this.#worker = worker
    this.#wire = processWire(worker)
    this.#wire.send(this.#setup)
    const isReady = Promise.withResolvers<void>()
    worker.on('message', (raw) => {
      const message = raw as FromWorker
      if (message.type === 'ready') isReady.resolve()
      else this.#take(message)
    })
    worker.on('error', (error) => isReady.reject(error))
    worker.on('exit', (code, signal) => {
      isReady.reject(new Error(`the worker of the prompt ended with ${signal ?? code} before it was ready`))
      if (this.#worker !== worker) return
      this.#forget()
      this.#lost(`the worker ended by itself (${signal ?? `code ${code}`})`)
    })
    await isReady.promise
    if (this.#running.size === 0) hold(worker, false)
  }

  #post(message: ToWorker): void {
    this.#wire?.send(message)
  }

  #take(message: FromWorker): void {
    switch (message.type) {
      case 'evaluated': {
        const running = this.#running.get(message.result.cell)
        this.#running.delete(message.result.cell)
        this.#unwatch()
        running?.resolve(message.result)
        return
      }
      case 'stage': {
        const running = this.#running.get(message.cell)
        if (running !== undefined) running.stage = message.stage
        return
      }
      case 'pong':
        this.#pongAtMs = performance.now()
        return
      case 'late':
        return this.#options.onLate(message)
      case 'output':
        return this.#options.onOutput(message.cell, message.text)
      case 'preview':
      case 'completions':
        this.#asked.get(message.id)?.(message)
        return
      case 'call':
        return void this.#call(message)
      case 'ready':
        return
    }
  }

  async #call(call: Extract<FromWorker, { type: 'call' }>): Promise<void> {
    const worker = this.#worker
    const wire = this.#wire
    if (worker === null || wire === null) return
    const send = (message: ToWorker) => {
      if (this.#worker === worker) this.#post(message)
    }
    try {
      const value = await this.#options.onCall(call, wire)
      send({ type: 'answer', id: call.id, value })
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      const code = (error as { code?: unknown }).code
      const { name, message } = error
      send({ type: 'answer', id: call.id, error: { name, message, ...(typeof code === 'string' ? { code } : {}) } })
    }
  }

  async #ask(make: (id: number) => ToWorker): Promise<FromWorker | null> {
    if (this.#worker === null || this.isBusy) return null
    await this.#ready
    const id = this.#nextId
    this.#nextId += 1
    const answered = Promise.withResolvers<FromWorker | null>()
    this.#asked.set(id, answered.resolve)
    const timer = setTimeout(() => answered.resolve(null), answerMs)
    this.#post(make(id))
    try {
      return await answered.promise
    } finally {
      clearTimeout(timer)
      this.#asked.delete(id)
    }
  }

  /** While an entry runs the worker is asked for a sign now and then; without one for too long its code is ended. */
  #watch(): void {
    if (this.#worker !== null) hold(this.#worker, true)
    if (this.#pingTimer !== undefined) return
    this.#pongAtMs = performance.now()
    this.#pingTimer = setInterval(() => {
      this.#post({ type: 'ping', id: 0 })
      const limit = Math.max(...[...this.#running.values()].map(({ request }) => request.timeoutMs))
      if (performance.now() - this.#pongAtMs < limit + graceMs) return
      // The engine's own limit did not reach it: it loops after a pause, or does not come back from native code.
      void this.kill(`it kept the processor for more than ${limit} ms`)
    }, pingMs)
  }

  #unwatch(): void {
    if (this.#running.size > 0) return
    clearInterval(this.#pingTimer)
    this.#pingTimer = undefined
    if (this.#worker !== null) hold(this.#worker, false)
  }

  #forget(): void {
    this.#worker = null
    this.#wire = null
    this.#ready = null
    clearInterval(this.#pingTimer)
    this.#pingTimer = undefined
    for (const answer of this.#asked.values()) answer(null)
  }

  #lost(why: string): void {
    const running = [...this.#running.values()]
    this.#running.clear()
    if (this.#isClosed) return
    for (const { resolve, request, startedMs } of running)
      resolve({ cell: request.cell, outcome: 'lost', lines: [lostLine], durationMs: performance.now() - startedMs })
    this.#options.onLost(why)
  }
}

/** A prompt that nobody waits at must not hold kx open. */
function hold(worker: ChildProcess, isHeld: boolean): void {
  const what = isHeld ? 'ref' : 'unref'
  worker[what]()
  worker.channel?.[what]()
}

/** Ends the process and sees it gone. */
async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null || worker.pid === undefined) return
  hold(worker, true)
  const gone = once(worker, 'exit')
  worker.kill('SIGKILL')
  await gone
}
