import type { ColumnView, CompareRow, CompareView, RowBand, RowMark } from '../../src/compare/types.ts'
import type { Column } from '../../src/ui/table-model.ts'
import { textWidth } from '../../src/ui/text-fit.ts'
import type { Token } from '../../src/ui/theme.ts'
import type { PaneModel, Row } from '../workbench/model.ts'
import { optionOf } from './options.ts'

const tokens: Readonly<Record<RowMark, Token>> = {
  better: 'state.pass',
  worse: 'state.fail',
  warning: 'severity.warn',
  critical: 'severity.error',
  plain: 'text.normal',
  muted: 'text.muted',
}
const bands: readonly RowBand[] = ['changed', 'metrics', 'findings', 'ignored']
const bandTitles: Readonly<Record<RowBand, string>> = {
  changed: 'Changed',
  metrics: 'Metrics',
  findings: 'Findings',
  ignored: 'Ignored',
}

/** What is made of the rows of a comparison once, and not for every key. */
interface Kept {
  /** Rows of the table, by whether what is the same is shown. */
  readonly made: Map<boolean, readonly Row[]>
  /** Widest cell of a column, by its place and whether cells are short. */
  readonly widths: Map<string, number>
  readonly fits: Map<string, (width: number) => Fitted>
}
const kept = new WeakMap<readonly CompareRow[], Kept>()
function keptOf(rows: readonly CompareRow[]): Kept {
  let known = kept.get(rows)
  if (known === undefined) {
    known = { made: new Map(), widths: new Map(), fits: new Map() }
    kept.set(rows, known)
  }
  return known
}

/** A row that opens a band; the cursor may stand on it, and it says how much is hidden. */
function headOf(band: RowBand, rows: readonly CompareRow[], hidden: number): Row {
  const shown = rows.length - hidden
  const count =
    band === 'findings' && shown === 0
      ? 'none'
      : band === 'ignored'
        ? `${rows.length} (i: back)`
        : hidden > 0
          ? `${shown} (+${hidden} same)`
          : String(shown)
  return { id: `#${band}`, cells: [`${bandTitles[band]}: ${count}`], token: 'text.strong' }
}

const isShownFor = (isAll: boolean) => (row: CompareRow) => isAll || row.band !== 'changed' || row.isDifferent

function bandRows(all: readonly CompareRow[], isWanted: (row: CompareRow) => boolean): readonly Row[] {
  return bands.flatMap((band) => {
    const own = all.filter((row) => row.band === band)
    if (band === 'ignored' && own.length === 0) return []
    const shown = own.filter(isWanted)
    return [
      headOf(band, own, own.length - shown.length),
      ...shown.map(
        (row): Row => ({
          id: row.id,
          cells: [`  ${row.name}`, ...row.cells, ...(row.shortCells ?? row.cells)],
          token: tokens[row.mark],
          detail: row.detail,
        }),
      ),
    ]
  })
}

function rowsFor(all: readonly CompareRow[], isAll: boolean): readonly Row[] {
  const { made } = keptOf(all)
  let rows = made.get(isAll)
  if (rows === undefined) {
    rows = bandRows(all, isShownFor(isAll))
    made.set(isAll, rows)
  }
  return rows
}

/** Columns in the order in which they stand: the baseline, what is pinned, then the others from `first` on. */
export function columnOrder(
  view: CompareView,
  options: readonly string[],
): {
  readonly places: readonly number[]
  /** Place of the column that keys act on, the first that is neither baseline nor pinned; -1: there is none. */
  readonly current: number
  readonly others: number
} {
  const [held, rest] = [view.shown.slice(0, view.held), view.shown.slice(view.held)]
  const wanted = optionOf(options, 'beside')
  const first = Math.max(
    0,
    rest.findIndex((at) => view.columns[at]?.id === wanted),
  )
  return {
    places: [...held, ...rest.slice(first), ...rest.slice(0, first)],
    current: rest[first] ?? -1,
    others: rest.length,
  }
}

interface Fitted {
  readonly columns: readonly Column<Row>[]
  readonly note: readonly string[]
}

/** Narrower than this, cells leave out what can be read elsewhere, and one column stands against the baseline. */
const roomy = 100
const gap = 2
const [leastKey, leastCell, mostCell] = [20, 14, 60]

/** The columns that fit into a pane, at widths at which their cells can be read, and how many do not. */
function layOut(view: CompareView, options: readonly string[], mark: string, width: number): Fitted {
  const { widths } = keptOf(view.rows)
  const isNarrow = width < roomy
  const room = width - 2
  const names = view.rows.reduce((most, { name }) => Math.max(most, textWidth(name) + 2), 0)
  const keyWidth = Math.max(leastKey, Math.min(names, Math.floor(room * 0.32)))
  const left = room - keyWidth - gap
  const widestOf = (at: number, hasShort: boolean, band: RowBand | 'any' = 'any'): number => {
    const key = `${at} ${hasShort} ${band}`
    let known = widths.get(key)
    if (known === undefined) {
      const rows = band === 'any' ? view.rows : view.rows.filter((row) => row.band === band)
      const cells = rows.map((row) => (hasShort ? row.shortCells : undefined)?.[at] ?? row.cells[at] ?? '')
      known = cells.reduce((most, cell) => Math.max(most, textWidth(cell)), 0)
      widths.set(key, known)
    }
    return known
  }
  const { places, current, others } = columnOrder(view, options)
  // Of many columns more are seen where each says less.
  const isShort =
    isNarrow || (places.length > 2 && places.slice(0, 4).reduce((sum, at) => sum + gap + widestOf(at, false), 0) > left)
  const widest = (at: number, band: RowBand | 'any' = 'any') => widestOf(at, isShort, band)
  const title = (at: number): string => {
    const { name = '?', isBaseline = false } = view.columns[at] ?? {}
    if (isBaseline) return isNarrow ? `base: ${name}` : `${name} (baseline)`
    return at === current && others > 1 ? `${mark} ${name}` : name
  }
  const wish = (at: number) => Math.max(leastCell, Math.min(mostCell, Math.max(widest(at), textWidth(title(at)))))
  // Where there is room for one beside the baseline, it is the one that keys act on.
  const first = places[0]
  const second = isNarrow && current >= 0 ? current : places[1]
  const chosen: { readonly at: number; readonly width: number }[] = []
  if (first !== undefined && (isNarrow || places.length < 3)) {
    // Of two, the one that is held against the baseline has more to say; its figures are the last to be cut.
    const needed = second === undefined ? 0 : gap + Math.max(leastCell, widest(second, 'metrics'))
    const own = Math.max(leastCell, widest(first, 'metrics'), Math.min(wish(first), left - needed))
    chosen.push({ at: first, width: second === undefined ? left : Math.min(own, Math.floor(left / 2)) })
    const rest = left - gap - (chosen[0]?.width ?? 0)
    if (second !== undefined) chosen.push({ at: second, width: isNarrow ? rest : Math.min(rest, wish(second)) })
  } else {
    let free = left
    for (const at of places) {
      // The baseline, and one beside it, are always there.
      const own = Math.min(
        wish(at),
        chosen.length === 0 ? Math.floor(left / 2) - gap : chosen.length === 1 ? free : wish(at),
      )
      if (own > free) break
      chosen.push({ at, width: own })
      free -= own + gap
    }
  }
  const count = view.columns.length
  return {
    columns: [
      columnAt(0, 'Key', keyWidth),
      ...chosen.map((each) => columnAt(each.at + 1 + (isShort ? count : 0), title(each.at), each.width)),
    ],
    note: notesOf(view, chosen.length, places.length),
  }
}

/** How many runs there are, and how to come to the columns that are not on screen; from long to short. */
function notesOf(view: CompareView, shown: number, all: number): readonly string[] {
  const hidden = all - shown
  const long = hidden > 0 ? `, ${hidden} more to the right: o, O` : ''
  const short = hidden > 0 ? `, +${hidden}: o` : ''
  const { scope } = view
  return [
    ...scope.map((each) => `${each}, ${view.aggregator}${long}`),
    ...scope.map((each) => `${each}${short}`),
    ...scope,
  ]
}

/** Columns that were asked for before: the same words give the same column, so that nothing is drawn again for them. */
const columns = new Map<string, Column<Row>>()
function columnAt(index: number, title: string, width: number): Column<Row> {
  const key = `${index} ${width} ${title}`
  const known = columns.get(key)
  if (known !== undefined) return known
  if (columns.size >= 500) columns.clear()
  const made: Column<Row> = {
    id: String(index),
    title,
    width,
    value: (row) => row.cells[index] ?? '',
    token: (row) => row.token ?? 'text.normal',
  }
  columns.set(key, made)
  return made
}

/** The table of the comparison: made once for its rows, and laid out for the room that there is. */
export function tablePane(view: CompareView, options: readonly string[], isUnicode: boolean): PaneModel {
  const isAll = optionOf(options, 'all') === 'yes'
  const rows = rowsFor(view.rows, isAll)
  const { fits } = keptOf(view.rows)
  const mark = isUnicode ? '▸' : '>'
  const key = JSON.stringify([view.shown, view.held, view.scope, view.aggregator, optionOf(options, 'beside'), mark])
  let fitFor = fits.get(key)
  if (fitFor === undefined) {
    const made = new Map<number, Fitted>()
    fitFor = (width) => {
      const known = made.get(width) ?? layOut(view, options, mark, width)
      made.set(width, known)
      return known
    }
    fits.set(key, fitFor)
  }
  return {
    id: 'rows',
    title: 'Runs',
    kind: 'table',
    columns: view.columns.length === 0 ? [] : fitFor(10_000).columns,
    fit: fitFor,
    note: view.scope,
    rows,
    empty: 'no runs were found',
    isCursorOpen: false,
  }
}

/** Column that keys act on; null: the baseline stands alone. */
export function currentColumn(view: CompareView, options: readonly string[]): ColumnView | null {
  return view.columns[columnOrder(view, options).current] ?? null
}
