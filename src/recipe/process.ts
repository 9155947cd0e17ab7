import { type ChildProcess, fork } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareEnvironment } from '../host/child-environment.ts'
import { serveHost } from '../host/proxy/server.ts'
import { processWire } from '../host/proxy/wire.ts'
import type { Host, ProcessIdentity } from '../host/types.ts'
import type { KxAnswer } from './contract.ts'
import type { RecipeDescription } from './describe.ts'
import type { Answers, AskedCell, FailedHow, FromChild, Part, ToChild } from './messages.ts'

/** How long the child may take to say that a question was given up; after that it hangs, and is ended. */
const giveUpMilliseconds = 5000
/** Loading a recipe runs its imports. */
const loadMilliseconds = 20_000

/** What a question needs of kx while it is worked on. */
export interface AskHooks {
  readonly host: Host
  readonly here: Host
  readonly signal: AbortSignal
  /** Every process that it starts carries this in its environment. */
  readonly mark: string
  out(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  say(line: string): void
  record(name: string, value: unknown): Promise<void>
  kx(commandId: string, args: Readonly<Record<string, unknown>>): Promise<KxAnswer>
  question(text: string): Promise<string>
  began?(identity: ProcessIdentity, ending: Promise<unknown>): void
}

/** A question to a cell that did not go well. */
export class AskFailed extends Error {
  override readonly name = 'AskFailed'
  readonly how: FailedHow | 'timeout' | 'aborted'
  readonly next: string | null

  constructor(how: FailedHow | 'timeout' | 'aborted', text: string, next: string | null = null) {
    super(text)
    this.how = how
    this.next = next
  }
}

/** The child process of one recipe. */
export interface RecipeProcess {
  readonly pid: number | null
  /** The one that was loaded last is the one that is asked; asked for again, it is not read again. */
  load(file: string): Promise<RecipeDescription>
  /** Checks parameters with the recipe's own schema. Throws AskFailed in its words. */
  parameters(given: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>
  fill(rule: string, finding: unknown): Promise<Readonly<Record<string, unknown>>>
  /** Ends what the part started, on the hosts, when its time is over, when it is given up, and when it has ended. */
  ask<P extends Part>(
    part: P,
    asked: Omit<AskedCell, 'part'>,
    timeoutSeconds: number,
    hooks: AskHooks,
  ): Promise<Answers[P]>
  close(): Promise<void>
}

export interface RecipeProcessOptions {
  /** What the child prints by itself, outside of any cell. */
  readonly onPrinted: (text: string) => void
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly hooks: AskHooks | null
}

/** What kx compiles is kept for its children too; Node puts a folder of its version below the one that it is told. */
function compileCache(): Record<string, string> {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}

const isBuilt = () => !import.meta.url.endsWith('.ts')

/** Begins the child. Nothing of a recipe is loaded into kx itself. */
export function startRecipeProcess(options: RecipeProcessOptions): RecipeProcess {
  const file = fileURLToPath(new URL(isBuilt() ? `./recipe-child.mjs` : `./child.ts`, import.meta.url))
  const child: ChildProcess = fork(file, [], {
    serialization: 'advanced',
    env: { ...bareEnvironment(), ...compileCache() },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // In a group of its own: a Ctrl-C at the terminal is kx's to handle, not the recipe's.
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => options.onPrinted(text))
  const wire = processWire(child)
  const waiting = new Map<number, Waiting>()
  let next = 1
  let isOver = false
  let loaded: { readonly path: string; readonly description: Promise<RecipeDescription> } | null = null

  const send = (message: ToChild) => wire.send(message)
  const over = (why: string) => {
    if (isOver) return
    isOver = true
    for (const each of waiting.values()) each.reject(new AskFailed('unknown', why))
    waiting.clear()
  }
  void wire.closed.then(() => over('The process of the recipe went away before the end was seen.'))
  child.once('error', (error) => over(`The process of the recipe could not be started: ${error.message}.`))

  const answer = async (seq: number, work: () => Promise<unknown>) => {
    try {
      send({ to: 'answer', seq, value: await work(), error: null })
    } catch (error) {
      send({ to: 'answer', seq, value: null, error: error instanceof Error ? error.message : String(error) })
    }
  }
  wire.onMessage((raw) => {
    const message = raw as FromChild
    if (message.from === undefined) return
    const asked = waiting.get(message.id)
    if (asked === undefined) return
    const { hooks } = asked
    if (message.from === 'done') asked.resolve(message.value as never)
    else if (message.from === 'failed') asked.reject(new AskFailed(message.how, message.text, message.next))
    else if (message.from === 'out') hooks?.out(message.stream, message.bytes)
    else if (message.from === 'say') hooks?.say(message.line)
    else if (hooks === null) void answer(message.seq, () => Promise.reject(new Error('no cell asks')))
    else if (message.from === 'record') void answer(message.seq, () => hooks.record(message.name, message.value))
    else if (message.from === 'kx') void answer(message.seq, () => hooks.kx(message.commandId, message.args))
    else void answer(message.seq, () => hooks.question(message.text))
  })

  const question = async <T>(message: (id: number) => ToChild, hooks: AskHooks | null, limit: Limit): Promise<T> => {
    if (isOver) throw new AskFailed('unknown', 'The process of the recipe is not there any more.')
    const id = next
    next += 1
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.set(id, { resolve, reject, hooks })
    const served =
      hooks === null
        ? []
        : (
            [
              ['there', hooks.host],
              ['here', hooks.here],
            ] as const
          ).map(([lane, host]) =>
            serveHost(host, wire, `${id}:${lane}`, {
              env: { KX_CELL_MARK: hooks.mark },
              ...(hooks.began === undefined || lane === 'here' ? {} : { onBegan: hooks.began }),
            }),
          )
    let why: AskFailed | null = null
    let late: NodeJS.Timeout | undefined
    const giveUp = (error: AskFailed) => {
      if (why !== null) return
      why = error
      send({ to: 'abort', id, reason: error.message })
      for (const each of served) void each.endAll()
      // What does not even hear that it is to stop is ended as a whole; the other cells of it are then unknown.
      late = setTimeout(() => {
        child.kill('SIGKILL')
        reject(error)
      }, giveUpMilliseconds)
    }
    const timer = setTimeout(() => giveUp(new AskFailed('timeout', limit.words)), limit.milliseconds)
    const onAbort = () => giveUp(new AskFailed('aborted', 'It was given up.'))
    hooks?.signal.addEventListener('abort', onAbort, { once: true })
    if (hooks?.signal.aborted === true) onAbort()
    else send(message(id))
    if (hooks?.signal.aborted === true) reject(new AskFailed('aborted', 'It was given up.'))
    try {
      const value = await promise
      if (why !== null) throw why
      return value
    } catch (error) {
      throw why ?? error
    } finally {
      clearTimeout(timer)
      clearTimeout(late)
      hooks?.signal.removeEventListener('abort', onAbort)
      waiting.delete(id)
      await Promise.allSettled(served.map((each) => each.close()))
    }
  }
  const loading: Limit = {
    milliseconds: loadMilliseconds,
    words: 'It took longer than 20 s: a recipe must do nothing while it is loaded.',
  }

  return {
    pid: child.pid ?? null,
    load: (path) => {
      if (loaded?.path !== path)
        loaded = { path, description: question((id) => ({ to: 'load', id, file: path }), null, loading) }
      return loaded.description
    },
    parameters: (given) => question((id) => ({ to: 'parameters', id, given }), null, loading),
    fill: (rule, finding) => question((id) => ({ to: 'fill', id, rule, finding }), null, loading),
    ask: (part, asked, timeoutSeconds, hooks) =>
      question((id) => ({ to: 'ask', id, ...asked, part }), hooks, {
        milliseconds: timeoutSeconds * 1000,
        words: `Its time of ${timeoutSeconds} s is over.`,
      }),
    close: async () => {
      const ended = new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve()
        else child.once('exit', () => resolve())
      })
      wire.close()
      const late = setTimeout(() => child.kill('SIGKILL'), 1000)
      await ended
      clearTimeout(late)
    },
  }
}

interface Limit {
  readonly milliseconds: number
  readonly words: string
}
