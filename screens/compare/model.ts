import type { CompareRow, CompareView, RowBand, RowMark } from '../../src/compare/types.ts'
import { plural } from '../../src/text/format.ts'
import type { Token } from '../../src/ui/theme.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { curvesPane } from './curves.ts'
import { optionOf } from './options.ts'
import { inView } from './views.ts'

const tokens: Readonly<Record<RowMark, Token>> = {
  better: 'state.pass',
  worse: 'state.fail',
  warning: 'severity.warn',
  critical: 'severity.error',
  plain: 'text.normal',
  muted: 'text.muted',
}
const bands: readonly RowBand[] = ['changed', 'metrics', 'findings']
const bandTitles: Readonly<Record<RowBand, string>> = { changed: 'Changed', metrics: 'Metrics', findings: 'Findings' }

/** A row that opens a band; the cursor may stand on it, and it says how much is hidden. */
const headOf = (band: RowBand, rows: readonly CompareRow[], hidden: number): Row => {
  const shown = rows.length - hidden
  const count = hidden > 0 ? `${shown} (+${hidden} same)` : String(shown)
  return {
    id: `#${band}`,
    cells: [`${bandTitles[band]}: ${shown === 0 && band === 'findings' ? 'the rules found nothing' : count}`],
    token: 'text.strong',
  }
}

function rowsFor(view: CompareView, isAll: boolean): readonly Row[] {
  return bands.flatMap((band) => {
    const all = view.rows.filter((row) => row.band === band)
    const shown = isAll || band !== 'changed' ? all : all.filter(({ isDifferent }) => isDifferent)
    return [
      headOf(band, all, all.length - shown.length),
      ...shown.map(
        (row): Row => ({
          id: row.id,
          cells: [`  ${row.name}`, ...row.cells],
          token: tokens[row.mark],
          detail: row.detail,
        }),
      ),
    ]
  })
}

/** The baseline is pinned; of the others those from `first` on stand beside it, as many as there is room for. */
function columnsOf(view: CompareView, first: number) {
  const others = view.runs.map((_, at) => at).filter((at) => at !== view.baseline)
  const turned = [...others.slice(first), ...others.slice(0, first)]
  const runColumn = (at: number, isBaseline: boolean, dropOrder: number) =>
    column(at + 1, isBaseline ? `baseline ${view.runs[at]?.name ?? '?'}` : (view.runs[at]?.name ?? '?'), {
      flex: 2,
      min: 16,
      dropOrder,
    })
  return [
    column(0, 'Key', { flex: 3, min: 22 }),
    ...(view.runs.length > 0 ? [runColumn(view.baseline, true, 0)] : []),
    ...turned.map((at, place) => runColumn(at, false, place === 0 ? 0 : place)),
  ]
}

function summaryOf(view: CompareView | null): StyledLine {
  if (view === null || view.state === 'reading') return 'Reading runs …'
  if (view.state === 'empty')
    return 'No runs to compare: kx compare FOLDER …, or launch one; any folder of W&B, TensorBoard, MLflow and others will do'
  return view.verdict
}

/** Runs side by side: what changed, what it did to the metrics, and what the rules find. */
export function compareModel(input: ScreenInput): ScreenModel {
  const view = input.shelves.compare ?? null
  const options = input.options ?? []
  const isAll = optionOf(options, 'all') === 'yes'
  const count = view?.runs.length ?? 0
  const first = count > 1 ? Number(optionOf(options, 'first') || 0) % (count - 1) : 0
  const selected = view?.rows.find(({ id }) => id === input.selected('rows'))
  const rows: PaneModel = {
    id: 'rows',
    title: 'Runs',
    note: view === null ? '' : [`${plural(count, 'run')}, ${view.aggregator} of each curve`, plural(count, 'run')],
    kind: 'table',
    columns: view === null ? [column(0, 'Key')] : columnsOf(view, first),
    rows: view === null || view.state !== 'ready' ? [] : rowsFor(view, isAll),
    empty: view === null || view.state === 'reading' ? 'reading runs' : 'no runs were found',
    isCursorOpen: false,
  }
  const detail: readonly StyledLine[] =
    selected === undefined
      ? ['Move to a row: what it rests on stands here.']
      : [[{ text: selected.name, token: 'text.strong' }], ...selected.detail, '', ...valuesOf(selected, view)]
  const table: ScreenModel = {
    id: 'compare',
    title: 'Compare',
    summary: summaryOf(view),
    panes: [
      rows,
      { id: 'detail', title: 'Why', kind: 'text', lines: detail },
      curvesPane(view, options, input.isUnicode),
      {
        id: 'notes',
        title: 'Reading',
        note: view === null ? '' : String(view.notes.length),
        kind: 'text',
        lines: view === null || view.notes.length === 0 ? ['Every run was read whole.'] : view.notes,
      },
    ],
    columns: [
      { weight: 3, panes: [{ id: 'rows', weight: 1 }] },
      {
        weight: 2,
        panes: [
          { id: 'curves', weight: 3 },
          { id: 'detail', weight: 2 },
          { id: 'notes', weight: 1 },
        ],
      },
    ],
  }
  return inView(view, input, table)
}

/** All values of a row by the names of their runs: cells of a table may be cut. */
function valuesOf(row: CompareRow, view: CompareView | null): readonly string[] {
  if (view === null || row.band === 'findings') return []
  return row.cells.map((cell, at) => `${at === view.baseline ? '* ' : '  '}${view.runs[at]?.name ?? '?'}: ${cell}`)
}
