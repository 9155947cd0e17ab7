import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { portWire } from '../host/proxy/wire.ts'
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

async function main(port: NonNullable<typeof parentPort>): Promise<void> {
  const setup = workerData as WorkerSetup
  const post = (message: FromWorker) => port.postMessage(message)
  const evaluator = new Evaluator({
    isAscii: setup.isAscii,
    onStage: (cell, stage) => post({ type: 'stage', cell, stage }),
    onLate: (cell, isError, lines) => post({ type: 'late', cell, isError, lines }),
  })
  // Without these, one forgotten rejection would end the thread, and every variable with it.
  process.on('unhandledRejection', (reason) => evaluator.lateError(reason))
  process.on('uncaughtException', (error) => evaluator.lateError(error))
  captureOutput((text) => post({ type: 'output', cell: evaluator.cellNow(), text }))
  process.exit = ((): never => {
    throw new Error('process.exit would end the prompt: leave it with Ctrl-D')
  }) as typeof process.exit
  const calls = new Calls(post, () => evaluator.cellNow())
  const scope = makeScope(setup, calls, portWire(port))
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
  port.on('message', (message: ToWorker) => {
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

if (parentPort !== null) await main(parentPort)
