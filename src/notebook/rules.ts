import { cellIdOf } from '../run/cell-record.ts'
import type { CellRecord, RunState } from '../run/types.ts'
import type { Staleness } from '../walk/proof.ts'

/** What the notebook is read from. */
export type Notebook = Pick<RunState, 'cells' | 'cellNotes' | 'bookmarks'>

/** Two cells are executions of one when the same act was asked for with the same arguments. */
const identities = new WeakMap<CellRecord['started'], string>()
function identityOf({ started }: CellRecord): string {
  let identity = identities.get(started)
  if (identity === undefined) {
    identity = `${started.name} ${JSON.stringify(started.args ?? {})} ${started.host?.host ?? ''}`
    identities.set(started, identity)
  }
  return identity
}

interface Index {
  readonly byId: ReadonlyMap<string, number>
  /** Places of the executions of one cell, oldest first. */
  readonly executions: ReadonlyMap<string, readonly number[]>
}

const indexes = new WeakMap<readonly CellRecord[], Index>()

/** Made when it is first asked for: a notebook of many thousand cells is drawn without it. */
function indexOf(cells: readonly CellRecord[]): Index {
  const known = indexes.get(cells)
  if (known !== undefined) return known
  const byId = new Map<string, number>()
  const executions = new Map<string, number[]>()
  for (const [at, cell] of cells.entries()) {
    byId.set(cellIdOf(cell), at)
    const identity = identityOf(cell)
    const of = executions.get(identity)
    if (of === undefined) executions.set(identity, [at])
    else of.push(at)
  }
  const index = { byId, executions }
  indexes.set(cells, index)
  return index
}

/**
 * Address of a cell, the same for good: a journal only grows, so the number of a cell in it never changes.
 * `kx open <run>#<number>` opens it.
 */
export const addressOf = (runId: string, number: number): string => `${runId}#${number}`

/** Splits `run#cell`; without a run the open one is meant. Null: it is no address. */
export function parseAddress(text: string): { readonly run: string | null; readonly cell: string } | null {
  const match = /^((?:[A-Za-z0-9][\w.-]*)?)#([A-Za-z0-9-]{1,64})$/.exec(text.trim())
  if (match === null) return /^[A-Za-z0-9-]{1,64}$/.test(text.trim()) ? { run: null, cell: text.trim() } : null
  return { run: match[1] === '' ? null : (match[1] ?? null), cell: match[2] ?? '' }
}

/** A cell by its number from 1, its id, or the only id that ends so. Returns its place; the text says why there is none. */
export function findCell(cells: readonly CellRecord[], reference: string): number | string {
  if (/^\d{1,7}$/.test(reference)) {
    const at = Number(reference) - 1
    if (cells[at] !== undefined) return at
    return cells.length === 0
      ? 'nothing was done in this run yet'
      : `there is no cell ${reference}; the run has ${cells.length}`
  }
  const exact = indexOf(cells).byId.get(reference)
  if (exact !== undefined) return exact
  const found = cells.flatMap(({ started }, at) => (started.cellId.endsWith(reference) ? [at] : []))
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  return only === undefined
    ? `no cell of this run is called ${reference}; kx cell list shows them`
    : `${found.length} cells end with ${reference}; give more of the id, or the number`
}

/** Place of the cell with this id; -1: there is none. */
export const placeOf = (cells: readonly CellRecord[], cellId: string): number => indexOf(cells).byId.get(cellId) ?? -1

/** Places of all executions of the cell at this place, itself among them, oldest first. */
export function executionsOf(cells: readonly CellRecord[], at: number): readonly number[] {
  const cell = cells[at]
  return cell === undefined ? [] : (indexOf(cells).executions.get(identityOf(cell)) ?? [at])
}

/** So near the end of a notebook a look at the cells after it costs less than an index of all. */
const nearEnd = 500

function lastExecution(cells: readonly CellRecord[], at: number): number {
  const cell = cells[at]
  if (cell === undefined) return -1
  if (indexes.has(cells) || cells.length - at > nearEnd) return executionsOf(cells, at).at(-1) ?? at
  const identity = identityOf(cell)
  for (let later = cells.length - 1; later > at; later -= 1)
    if (identityOf(cells[later] as CellRecord) === identity) return later
  return at
}

/**
 * Why a cell no longer says how things are: what its proof spoke of has changed, or the same cell was run again later.
 * Null: it does. Nothing is run again because of it; it is shown, and a person decides.
 */
export function staleWhy(
  cells: readonly CellRecord[],
  at: number,
  proofs: ReadonlyMap<string, Staleness>,
): string | null {
  const proofId = cells[at]?.ended?.proofId ?? null
  const proof = proofId === null ? undefined : proofs.get(proofId)
  if (proof !== undefined) return proof.text
  const last = lastExecution(cells, at)
  return last <= at ? null : `run again later as #${last + 1}`
}

export type ShownState = 'running' | 'done' | 'failed' | 'unknown'

/** Where a cell runs or ran, in a word or two. */
export function hostOf({ started, ended }: CellRecord): string {
  const several = ended?.hosts ?? []
  return several.length > 0 ? several.map((each) => each.host).join(',') : (started.host?.host ?? '')
}

const dayMs = 86_400_000
/** By UTC, as every time on screen is. */
const dayOf = (atMs: number): number => Math.floor(atMs / dayMs)

/** One word of a filter: what a cell must be. */
type Word = (cell: CellRecord, place: { readonly nowMs: number; readonly notebook: Notebook }) => boolean

function wordOf(word: string): Word {
  const text = word.toLowerCase()
  const [key, value = ''] = text.split(/:(.*)/s)
  if (text === 'failed' || text === 'done' || text === 'unknown')
    return (cell) => (cell.ended?.state ?? 'running') === text
  if (text === 'running') return (cell) => cell.ended === null
  if (text === 'today') return (cell, { nowMs }) => dayOf(cell.startedAtMs) === dayOf(nowMs)
  if (text === 'marked') return (cell, { notebook }) => notebook.bookmarks?.includes(cell.started.cellId) === true
  if (text === 'noted')
    return (cell, { notebook }) => notebook.cellNotes?.some(({ cellId }) => cellId === cell.started.cellId) === true
  if (key === 'host')
    return (cell) =>
      hostOf(cell)
        .toLowerCase()
        .split(',')
        .some((host) => host.startsWith(value))
  if (key === 'phase') return (cell) => (cell.started.phase ?? '').toLowerCase().startsWith(value)
  if (key === 'who') return (cell) => cell.started.who.toLowerCase().startsWith(value)
  return (cell) => inputText(cell).toLowerCase().includes(text)
}

/** Everything that was asked for and said of a cell in its record: what a search over inputs looks at. */
export function inputText({ started, ended }: CellRecord): string {
  return `${started.title} ${started.name} ${started.source ?? JSON.stringify(started.args ?? {})} ${started.who} ${ended?.summary ?? ''}`
}

/**
 * Reads a filter: words that all must hold. `failed`, `done`, `running`, `unknown`, `today`, `marked`, `noted`, `host:name`,
 * `phase:name`, `who:name`; anything else is looked for in what was asked and what came of it. `!` turns a word round.
 */
export function cellFilter(typed: string, nowMs: number, notebook: Notebook): (cell: CellRecord) => boolean {
  const words = typed
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!')
  const tests = words.map((word): Word => {
    if (!word.startsWith('!')) return wordOf(word)
    const inner = wordOf(word.slice(1))
    return (cell, place) => !inner(cell, place)
  })
  const place = { nowMs, notebook }
  return (cell) => tests.every((test) => test(cell, place))
}
