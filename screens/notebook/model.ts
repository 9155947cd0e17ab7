import { cellFilter, hostOf, type Notebook, staleWhy } from '../../src/notebook/rules.ts'
import { cellIdOf, endStateOf } from '../../src/run/cell-record.ts'
import type { CellRecord, RunState } from '../../src/run/types.ts'
import { formatDuration, formatTime, plural } from '../../src/text/format.ts'
import type { Token } from '../../src/ui/theme.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, Row, ScreenModel } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

type TablePane = Extract<PaneModel, { kind: 'table' }>
/** What the rows are made from: as long as it is the same, they are the same objects. */
type From = Pick<ScreenInput, 'staleness' | 'live' | 'shelves' | 'nowMs' | 'mask'> & { readonly run: RunState }

const tokens: Readonly<Record<string, Token>> = {
  done: 'text.normal',
  failed: 'state.fail',
  running: 'state.running',
  unknown: 'state.unknown',
}

let made: {
  readonly key: readonly unknown[]
  readonly rows: readonly Row[]
  readonly byFilter: Map<string, readonly Row[]>
} | null = null

/** Rows of the whole notebook, newest first. Their words are made when they are drawn: of many thousand, those on screen. */
function rowsOf(from: From) {
  const { run, staleness, live, shelves } = from
  const key = [run.cells, run.cellNotes, run.bookmarks, staleness, live === null, shelves.openOutputs]
  if (made !== null && key.every((part, i) => part === made?.key[i])) return made
  const notes = new Map<string, number>()
  for (const { cellId } of run.cellNotes ?? []) if (cellId !== null) notes.set(cellId, (notes.get(cellId) ?? 0) + 1)
  const marked = new Set(run.bookmarks)
  const count = run.cells.length
  const all: Made = { ...from, notes, marked, worded: new Map() }
  const rows = Array.from({ length: count }, (_, i): Row => {
    const at = count - 1 - i
    return new CellRow(at, all)
  })
  made = { key, rows, byFilter: new Map() }
  return made
}

/** What all rows of one notebook are made from. */
interface Made extends From {
  readonly notes: ReadonlyMap<string, number>
  readonly marked: ReadonlySet<string>
  /** Rows in words, by their place. */
  readonly worded: Map<number, readonly string[]>
}

/** Words of rows that were drawn are kept for so many: a table asks for them once a column and again for every key. */
const mostWorded = 200

/** A row that is put into words when it is drawn. An object of a class is cheap enough to have many thousand of. */
class CellRow implements Row {
  readonly #at: number
  readonly #made: Made

  constructor(at: number, made: Made) {
    this.#at = at
    this.#made = made
  }

  get id(): string {
    return cellIdOf(this.#cell)
  }

  get #cell(): CellRecord {
    return this.#made.run.cells[this.#at] as CellRecord
  }

  get #state() {
    return endStateOf(this.#cell) ?? (this.#made.live === null ? 'unknown' : 'running')
  }

  get #stale(): string | null {
    return staleWhy(this.#made.run.cells, this.#at, this.#made.staleness)
  }

  get token(): Token {
    return tokens[this.#state] ?? 'text.normal'
  }

  get cells(): readonly string[] {
    const { worded } = this.#made
    const known = worded.get(this.#at)
    if (known !== undefined) return known
    const words = this.#words()
    if (worded.size >= mostWorded) worded.clear()
    worded.set(this.#at, words)
    return words
  }

  /** What a person or a host wrote is masked; the rest is in words of kx. */
  #words(): readonly string[] {
    const { notes, marked, mask = (text) => text } = this.#made
    const { started, ended, startedAtMs } = this.#cell
    const state = this.#state
    const count = notes.get(started.cellId) ?? 0
    const marks = [
      marked.has(started.cellId) ? 'mark' : '',
      count > 0 ? plural(count, 'note') : '',
      this.#stale === null ? '' : 'stale',
    ]
    return [
      `#${this.#at + 1}`,
      state,
      mask(started.title),
      ended === null ? '' : formatDuration(ended.durationMs / 1000),
      formatTime(startedAtMs).slice(5, 19).replace('T', ' '),
      mask(hostOf(this.#cell)),
      marks.filter((mark) => mark !== '').join(' '),
      ended === null
        ? state === 'unknown'
          ? 'no end on record: another kx runs it, or is gone'
          : ''
        : mask(ended.summary),
    ]
  }

  get detail(): readonly string[] {
    const { run, shelves, mask = (text) => text } = this.#made
    return detailOf(run, this.#at, this.#stale, shelves.openOutputs?.get(this.id)).map(mask)
  }
}

/** What opens below a row: what was asked for, what people wrote, and the end of what was printed. */
function detailOf(
  run: Notebook,
  at: number,
  stale: string | null,
  output: { readonly lines: readonly string[]; readonly before: number } | null | undefined,
): readonly string[] {
  const { started, ended } = run.cells[at] as CellRecord
  const notes = (run.cellNotes ?? []).filter(({ cellId }) => cellId === started.cellId)
  const more = [
    `by ${started.who} (${started.via})`,
    ended?.approvedBy == null ? '' : `approved by ${ended.approvedBy}`,
    ended?.cause == null ? '' : `cause ${ended.cause}`,
    ended === null || ended.redactions === 0 ? '' : `${plural(ended.redactions, 'place')} masked`,
  ]
  return [
    started.source ?? `${started.name} ${JSON.stringify(started.args ?? {})}`,
    more.filter((word) => word !== '').join(', '),
    ...(stale === null ? [] : [`stale: ${stale}`]),
    ...notes.flatMap(({ text, by }) => [...text.split('\n').map((line) => `note: ${line}`), `note by ${by}`]),
    ...(output === undefined ? ['reading its output …'] : output === null ? ['no output kept'] : []),
    ...(output != null && output.before > 0 ? [`… ${output.before} lines before`] : []),
    ...(output?.lines ?? []),
  ]
}

const mostFilters = 8

/** Rows that a filter lets through; remembered, since every key asks for them. */
function filteredRows(from: From, filter: string): readonly Row[] {
  const all = rowsOf(from)
  // What is of today changes at midnight: the day is part of the question.
  const key = `${Math.floor(from.nowMs / 60_000)} ${filter}`
  const known = all.byFilter.get(key)
  if (known !== undefined) return known
  const test = cellFilter(filter, from.nowMs, from.run)
  const count = from.run.cells.length
  const rows = all.rows.filter((_, i) => test(from.run.cells[count - 1 - i] as CellRecord))
  if (all.byFilter.size >= mostFilters) all.byFilter.clear()
  all.byFilter.set(key, rows)
  return rows
}

const columns = [
  column(0, '#', { width: 6, align: 'right' }),
  column(1, 'state', { width: 8 }),
  column(2, 'act', { width: 20 }),
  column(3, 'took', { width: 10, align: 'right' }),
  column(4, 'when (UTC)', { width: 14, dropOrder: 3 }),
  column(5, 'host', { width: 10, dropOrder: 2 }),
  column(6, 'marks', { width: 11, dropOrder: 4 }),
  column(7, 'result', { flex: 1, min: 20, dropOrder: 1 }),
]

function hitsPane({ hits }: ScreenInput): readonly PaneModel[] {
  if (hits == null) return []
  return [
    {
      kind: 'table',
      id: 'hits',
      title: `Found: ${hits.text}`,
      note: plural(hits.hits.length, 'place'),
      columns: [
        column(0, '#', { width: 6, align: 'right' }),
        column(1, 'line', { width: 7, align: 'right' }),
        column(2, 'text', { flex: 1, min: 20 }),
      ],
      rows: hits.hits.map(({ cellId, number, line, text }) => ({
        id: `${cellId}:${line}`,
        cells: [`#${number}`, line === 0 ? 'asked' : `${line}`, text],
      })),
      empty: 'nothing was found',
    },
  ]
}

/** Words of the summary; counted once a notebook. */
const counted = new WeakMap<readonly CellRecord[], string>()
function countsOf(cells: readonly CellRecord[]): string {
  const known = counted.get(cells)
  if (known !== undefined) return known
  const failed = cells.filter((cell) => endStateOf(cell) === 'failed').length
  const text = `${plural(cells.length, 'act')} recorded in this run${failed === 0 ? '' : `, ${failed} failed`}`
  counted.set(cells, text)
  return text
}

export function notebookModel(input: ScreenInput): ScreenModel {
  const { run, shelves } = input
  const from = run === null ? null : { ...input, run }
  const table: TablePane = {
    kind: 'table',
    id: 'cells',
    title: 'Notebook',
    columns,
    rows: from === null ? [] : rowsOf(from).rows,
    ...(from === null ? {} : { rowsFor: (filter: string) => filteredRows(from, filter), rowsFrom: rowsOf(from).rows }),
    empty: run === null ? 'open a run on the home screen (0)' : 'nothing was done yet',
  }
  const chosen = shelves.cellOutput?.cellId
  const at = chosen === undefined || run === null ? undefined : run.cells.findLast((cell) => cellIdOf(cell) === chosen)
  const hits = hitsPane(input)
  return {
    id: 'notebook',
    title: 'Notebook',
    summary: run === null ? 'no run is open' : [{ text: countsOf(run.cells), token: 'text.muted' }],
    panes: [
      table,
      ...hits,
      {
        kind: 'log',
        id: 'output',
        title: at === undefined ? 'Output' : `Output of ${at.started.title}`,
        log: shelves.cellOutput?.log ?? null,
        empty: 'no output kept',
      },
    ],
    columns: [
      {
        weight: 1,
        panes: [{ id: 'cells', weight: 3 }, ...hits.map(({ id }) => ({ id, weight: 2 })), { id: 'output', weight: 2 }],
      },
    ],
  }
}
