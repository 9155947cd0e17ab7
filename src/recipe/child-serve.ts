import { AsyncLocalStorage } from 'node:async_hooks'
import { format } from 'node:util'
import { codeOf } from '../host/errors.ts'
import type { Wire } from '../host/proxy/wire.ts'
import { channelLost } from '../host/zx/errors.ts'
import { askContext, type ContextDeps } from './child-context.ts'
import { loadRecipe } from './child-load.ts'
import type { CellContext, Recipe, RecipeCell, ServedFinding } from './contract.ts'
import { describeRecipe } from './describe.ts'
import { CellFailed } from './failed.ts'
import type { AskedCell, FailedHow, FromChild, ToChild } from './messages.ts'
import { servesRule } from './serves.ts'

type Context = CellContext<Record<string, unknown>>

/** The side of a recipe: loads it, and does of its cells what kx asks for. */
export function serveRecipe(wire: Wire): void {
  const aborts = new Map<number, AbortController>()
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const current = new AsyncLocalStorage<number>()
  let recipe: Recipe | null = null
  let seq = 0

  const tell = (message: FromChild) => wire.send(message)
  const request: ContextDeps['request'] = (message) => {
    seq += 1
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(seq, { resolve, reject })
    wire.send({ ...message, seq })
    return promise
  }
  const loaded = () => {
    if (recipe === null) throw new Error('no recipe is loaded')
    return recipe
  }
  const say = (id: number, line: string) => tell({ from: 'say', id, line })
  talkThrough((line) => {
    const id = current.getStore()
    if (id === undefined) process.stdout.write(`${line}\n`)
    else say(id, line)
  })

  const ask = async (id: number, asked: AskedCell): Promise<unknown> => {
    const cell = loaded().cells.find((each) => each.name === asked.cell)
    if (cell === undefined) throw new Error(`no cell ${asked.cell}`)
    const controller = new AbortController()
    aborts.set(id, controller)
    const { context, close } = await askContext(id, asked, { wire, tell, request, signal: controller.signal })
    try {
      return await current.run(id, () => doPart(cell, asked.part, context as never))
    } finally {
      aborts.delete(id)
      await close()
    }
  }

  const handle = async (message: Exclude<ToChild, { to: 'abort' | 'answer' }>): Promise<unknown> => {
    if (message.to === 'load') {
      const found = await loadRecipe(message.file)
      recipe = found.recipe
      return describeRecipe(found.recipe, found.isPlain)
    }
    if (message.to === 'parameters') return loaded().parameters.parse(message.given)
    if (message.to === 'fill') {
      const served = loaded().serves?.find((each) => servesRule(each.rule, message.rule))
      return served?.fill?.(message.finding as ServedFinding) ?? {}
    }
    return ask(message.id, message)
  }

  wire.onMessage((raw) => {
    const message = raw as ToChild
    if (message.to === undefined) return
    if (message.to === 'abort') {
      aborts.get(message.id)?.abort(new Error(message.reason))
      return
    }
    if (message.to === 'answer') {
      const asked = waiting.get(message.seq)
      waiting.delete(message.seq)
      if (message.error === null) asked?.resolve(message.value)
      else asked?.reject(new Error(message.error))
      return
    }
    handle(message).then(
      (value) => tell({ from: 'done', id: message.id, value }),
      (error: unknown) => tell({ from: 'failed', id: message.id, ...howItFailed(error) }),
    )
  })
}

/** Each part by its name; what a cell does not have is answered as the contract says. */
async function doPart(
  cell: RecipeCell<Record<string, unknown>>,
  part: AskedCell['part'],
  context: Context,
): Promise<unknown> {
  switch (part) {
    case 'plan':
      return (
        (await cell.plan?.(context)) ?? {
          change: cell.risk === 'read' ? 'no' : 'unknown',
          lines: [cell.risk === 'read' ? 'It only looks.' : 'This cell cannot tell before it is run.'],
          foundBy: 'declared',
        }
      )
    case 'when':
      return (await cell.when?.(context)) ?? true
    case 'isTrue':
      return (await cell.waitUntil?.isTrue(context)) ?? true
    case 'probe':
      return (await cell.probe?.(context)) ?? 'unknown'
    case 'run':
      return (await cell.run(context)) ?? null
    case 'undo':
      return (await cell.undo?.(context)) ?? null
  }
}

/** An end that nobody saw is told as such, however deep it lies in what was thrown. */
function howItFailed(error: unknown): { how: FailedHow; text: string; next: string | null } {
  if (error instanceof CellFailed) return { how: 'failed', text: error.message, next: error.next }
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if (codeOf(at) === channelLost) return { how: 'unknown', text: at.message, next: null }
  if (!(error instanceof Error)) return { how: 'error', text: String(error), next: null }
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/node:|node_modules/.test(line))
  return { how: 'error', text: error.message.trim(), next: frames[0]?.trim() ?? null }
}

/** What a recipe prints belongs into the output of its cell. */
function talkThrough(say: (line: string) => void): void {
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const)
    console[name] = (...args: unknown[]) => {
      for (const line of format(...args).split('\n')) say(line)
    }
}
