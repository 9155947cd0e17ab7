import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { processWire, type Wire } from '../host/proxy/wire.ts'
import { Calls } from './calls.ts'
import { captureOutput } from './capture.ts'
import { Evaluator } from './evaluator.ts'
import { importName } from './rewrite.ts'
import { makeScope } from './scope.ts'
import type { FromWorker, ToWorker, WorkerSetup } from './types.ts'

/** Marks what is imported as seen from the project, and not from where kx lies. */
const projectScheme = 'kx-project:'

/** Imports by the project's own folder: its files, its packages. */
function makeImport(
  projectFolder: string,
): (name: unknown, options?: ImportCallOptions, wanted?: readonly string[]) => Promise<unknown> {
  const parentURL = pathToFileURL(resolve(projectFolder, 'kx-prompt.mjs')).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith(projectScheme)
        ? next(specifier.slice(projectScheme.length), { ...context, parentURL })
        : next(specifier, context),
  })
  return async (name, options, wanted = []) => {
    const from = `${projectScheme}${String(name)}`
    const isJson = options?.with?.type === 'json'
    const found = (await (isJson ? import(from, { with: { type: 'json' } }) : import(from))) as object
    const missing = wanted.find((each) => !(each in found))
    if (missing !== undefined) throw new SyntaxError(`${String(name)} exports no ${missing}`)
    return found
  }
}

const stepName = '__kxStep'
/** How often it is looked whether kx is still there. */
const parentMs = 2000

/**
 * Runs `work` so that SIGINT ends the code in it and nothing else: what it has declared and changed stays. Only the main
 * thread of a process can do that, and no thread beside it.
 */
function makeInterruptible(): (work: () => void) => boolean {
  const script = new Script(`${stepName}()`, { filename: 'kx-step' })
  // Outside of such code the signal means nothing; without a listener it would end the process.
  process.on('SIGINT', () => {})
  return (work) => {
    const step = () => {
      Reflect.deleteProperty(globalThis, stepName)
      work()
    }
    Object.defineProperty(globalThis, stepName, { value: step, configurable: true })
    try {
      script.runInThisContext({ breakOnSigint: true })
      return false
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') return true
      throw error
    }
  }
}

/** Ends this process when kx is gone, also in the middle of a loop: nobody would be left to end that. */
function endWithParent(wire: Wire): void {
  const end = process.exit.bind(process)
  void wire.closed.then(() => end(0))
  const source = `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL') }, ${parentMs})`
  new Worker(source, { eval: true, env: {}, stdout: true, stderr: true }).unref()
}

async function main(setup: WorkerSetup, wire: Wire): Promise<void> {
  const post = (message: FromWorker) => wire.send(message)
  const evaluator = new Evaluator({
    isAscii: setup.isAscii,
    interruptibly: makeInterruptible(),
    onStage: (cell, stage) => post({ type: 'stage', cell, stage }),
    onLate: (cell, isError, lines) => post({ type: 'late', cell, isError, lines }),
  })
  // Without these, one forgotten rejection would end the thread, and every variable with it.
  process.on('unhandledRejection', (reason) => evaluator.lateError(reason))
  process.on('uncaughtException', (error) => evaluator.lateError(error))
  endWithParent(wire)
  captureOutput((text) => post({ type: 'output', cell: evaluator.cellNow(), text }))
  process.exit = ((): never => {
    throw new Error('process.exit would end the prompt: leave it with Ctrl-D')
  }) as typeof process.exit
  const calls = new Calls(post, () => evaluator.cellNow())
  const scope = makeScope(setup, calls, wire)
  Object.defineProperty(globalThis, importName, { value: makeImport(setup.projectFolder), enumerable: false })
  await evaluator.begin()

  const take = async (message: ToWorker): Promise<void> => {
    // Talk of the hosts comes over the same port, without a type.
    switch (message.type) {
      case 'evaluate':
        if (message.request.needsShell) await scope.loadShells(message.request.source)
        return post({ type: 'evaluated', result: await evaluator.evaluate(message.request) })
      case 'preview':
        return post({ type: 'preview', id: message.id, line: await evaluator.preview(message.source, message.width) })
      case 'complete': {
        const found = await evaluator.complete(message.source, message.cursor)
        return post({ type: 'completions', id: message.id, ...found })
      }
      case 'interrupt':
        return evaluator.interrupt(message.cell, message.why)
      case 'ping':
        return post({ type: 'pong', id: message.id })
      case 'facts':
        return scope.setFacts(message.facts)
      case 'answer':
        return calls.onAnswer(message)
    }
  }
  wire.onMessage((raw) => {
    const message = raw as ToWorker
    take(message).catch((error: unknown) => {
      // A fault of ours must not leave an entry without an end.
      const text = `the prompt could not show this: ${error instanceof Error ? error.message : String(error)}`
      if (message.type === 'evaluate') {
        const { cell } = message.request
        post({
          type: 'evaluated',
          result: { cell, outcome: 'error', lines: [[{ text, tone: 'error' }]], durationMs: 0 },
        })
      }
    })
  })
  post({ type: 'ready' })
}

// The first message says how it is set up.
const wire = processWire(process)
const stop = wire.onMessage((message) => {
  stop()
  void main(message as WorkerSetup, wire)
})
