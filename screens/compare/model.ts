import type { CompareView } from '../../src/compare/types.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { curvesPane } from './curves.ts'
import { isPicking, pickerModel } from './picker.ts'
import { isListing, savedModel } from './saved.ts'
import { withPlainSigns } from './signs.ts'
import { tablePane } from './table.ts'
import { inView } from './views.ts'
import { whyLines } from './why.ts'

function summaryOf(view: CompareView | null): StyledLine {
  if (view === null || view.state === 'reading') return 'Reading runs …'
  // Nothing that could be read is not nothing that is there.
  if (view.state === 'empty' && view.notes.length > 0) return `No run could be read: ${view.notes[0]}`
  if (view.state === 'empty')
    return 'No runs to compare: kx compare FOLDER …, or launch one; any folder of W&B, TensorBoard, MLflow and others will do'
  return view.verdict
}

/** Runs side by side: what changed, what it did to the metrics, and what the rules find. */
export function compareModel(input: ScreenInput): ScreenModel {
  const given = input.shelves.compare ?? null
  const view = given === null || input.isUnicode ? given : withPlainSigns(given)
  const options = input.options ?? []
  if (isListing(options)) return savedModel(view)
  if (isPicking(options)) return pickerModel(view, options, input.nowMs, input.selected('pool'))
  const rows: PaneModel =
    view === null || view.state !== 'ready'
      ? {
          id: 'rows',
          title: 'Runs',
          kind: 'table',
          columns: [column(0, 'Key')],
          rows: [],
          empty: view === null || view.state === 'reading' ? 'reading runs' : 'no runs were found',
        }
      : tablePane(view, options, input.isUnicode)
  const ready = view?.state === 'ready' ? view : null
  const table: ScreenModel = {
    id: 'compare',
    title: 'Compare',
    summary: summaryOf(view),
    panes: [
      rows,
      { id: 'detail', title: 'Why', kind: 'text', lines: whyLines(ready, input.selected('rows'), options) },
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
      // At 120 columns the table has what a narrow terminal gives it.
      { weight: 2, panes: [{ id: 'rows', weight: 1 }] },
      {
        weight: 1,
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
