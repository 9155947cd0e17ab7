import { createHash } from 'node:crypto'
import type { CellRecord } from '../run/types.ts'
import type { CellPlan } from './contract.ts'
import type { CellDescription, RecipeDescription } from './describe.ts'

/** How far one cell came on one host. */
export type Outcome = 'done' | 'skipped' | 'failed' | 'unknown' | 'refused' | 'not-begun'

/** Where a cell is done, by its records in the journal. */
export interface CellKey {
  readonly recipeRun: string
  readonly cell: string
  readonly host: string
}

/** What the journal says of a cell: the newest of its records, and the one whose kept values count. */
export type Past =
  | { readonly kind: 'none' }
  | { readonly kind: 'done'; readonly cellId: string }
  | { readonly kind: 'failed'; readonly cellId: string }
  /** Begun, and nobody saw its end. */
  | { readonly kind: 'open'; readonly cellId: string }

const argsOf = (record: CellRecord) =>
  record.started.args as Partial<Record<'recipeRun' | 'cell' | 'host' | 'part', unknown>>

const isOf = (record: CellRecord, { recipeRun, cell, host }: CellKey, part: string) => {
  const args = argsOf(record)
  return args.recipeRun === recipeRun && args.cell === cell && args.host === host && args.part === part
}

/** Reads off the journal how far a cell came. What was undone afterwards counts as never done. */
export function pastOf(cells: readonly CellRecord[], key: CellKey): Past {
  const run = cells.findLast((record) => isOf(record, key, 'run'))
  if (run === undefined) return { kind: 'none' }
  const undo = cells.findLast((record) => isOf(record, key, 'undo'))
  if (undo !== undefined && undo.startedAtMs >= run.startedAtMs && undo.ended?.state === 'done') return { kind: 'none' }
  const { cellId } = run.started
  if (run.ended === null || run.ended.state === 'unknown') return { kind: 'open', cellId }
  return { kind: run.ended.state === 'done' ? 'done' : 'failed', cellId }
}

/** What is done about a cell that was begun and whose end nobody saw, by a fresh look at it. */
export type Decision = 'take-as-done' | 'run' | 'wait' | 'ask'

/**
 * Done: skipped. Running: waited for. Not done: run, because nobody else will. Unknown asks a person, unless doing it twice is as
 * doing it once.
 *
 * @param left processes of it that still run there; null: it cannot be told
 */
export function decide(
  cell: Pick<CellDescription, 'risk' | 'retry' | 'parts'>,
  probed: 'done' | 'running' | 'not-done' | 'unknown' | null,
  left: number | null,
): Decision {
  if (probed === 'running' || (left ?? 0) > 0) return 'wait'
  if (probed === 'done') return 'take-as-done'
  if (probed === 'not-done' && left !== null) return 'run'
  return cell.risk === 'read' || cell.retry !== null ? 'run' : 'ask'
}

/** Cells that go one host after another, and those between them that are done once. */
export interface Stretch {
  readonly on: 'each' | 'once'
  readonly cells: readonly CellDescription[]
}

/** The order of a recipe: stretches of cells on every host, with barriers where a cell is done once. */
export function stretchesOf({ cells }: Pick<RecipeDescription, 'cells'>): readonly Stretch[] {
  const stretches: { on: 'each' | 'once'; cells: CellDescription[] }[] = []
  for (const cell of cells) {
    const on = cell.on === 'each' ? 'each' : 'once'
    const last = stretches.at(-1)
    if (on === 'each' && last?.on === 'each') last.cells.push(cell)
    else stretches.push({ on, cells: [cell] })
  }
  return stretches
}

/** The same list always gives the same digest, in whatever order a look found it. */
export function targetsDigest(targets: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([...targets].sort()))
    .digest('hex')
}

/** Why a cell may not act on what was looked at anew; null when nothing moved. */
export function whyMoved(frozen: readonly string[] | null, fresh: readonly string[]): string | null {
  if (frozen === null || targetsDigest(frozen) === targetsDigest(fresh)) return null
  const gone = frozen.filter((each) => !fresh.includes(each))
  const more = fresh.filter((each) => !frozen.includes(each))
  const words = [
    gone.length > 0 ? `${gone.length} gone (${gone.slice(0, 3).join(', ')}${gone.length > 3 ? ', …' : ''})` : '',
    more.length > 0 ? `${more.length} new (${more.slice(0, 3).join(', ')}${more.length > 3 ? ', …' : ''})` : '',
  ].filter(Boolean)
  return `What it would touch is not what was planned: ${words.join('; ')}. Plan again, and look at it.`
}

/** One line of a plan, the three answers equally loud. */
export function planLine(cell: { readonly title: string }, host: string, plan: CellPlan): string {
  const word = { yes: 'WOULD CHANGE', no: 'NO CHANGE', unknown: 'UNKNOWN' }[plan.change]
  return `${word.padEnd(12)}  ${host}: ${cell.title} (${{ probe: 'looked', diff: 'compared', declared: 'declared' }[plan.foundBy]})`
}

/** What is shown of a plan: the answer and all of its lines, a long list cut with its number. */
export function planLines(cell: { readonly title: string }, host: string, plan: CellPlan): readonly string[] {
  const shown = plan.lines.slice(0, 20).map((line) => `              ${line}`)
  const more = plan.lines.length - shown.length
  return [planLine(cell, host, plan), ...shown, ...(more > 0 ? [`              and ${more} more`] : [])]
}
