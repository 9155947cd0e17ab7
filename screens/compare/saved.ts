import type { CompareView, SavedView } from '../../src/compare/types.ts'
import { sanitiseLine } from '../../src/text/sanitise.ts'
import type { Row, ScreenModel } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { optionOf } from './options.ts'

/** Whether the list of saved views lies over the comparison. */
export const isListing = (options: readonly string[]): boolean => optionOf(options, 'listing') === 'yes'

/** Views that were kept in the project: Enter opens one. */
export function savedModel(view: CompareView | null): ScreenModel {
  const saved = view?.saved ?? null
  return {
    id: 'compare',
    title: 'Compare',
    summary: 'Enter opens a view; C goes back; there K keeps what is compared',
    panes: [
      {
        id: 'saved',
        title: 'Saved views',
        note: saved === null ? '' : String(saved.length),
        kind: 'table',
        columns: [column(0, 'Name', { flex: 1, min: 14 }), column(1, 'What it keeps', { flex: 3, min: 24 })],
        rows: (saved ?? []).map(rowOf),
        empty: saved === null ? 'reading the views of this project' : 'none yet: K keeps what is compared now',
        isCursorOpen: true,
      },
    ],
  }
}

function rowOf({ name, words, filter, problem }: SavedView): Row {
  const kept = [...words, ...(filter === '' ? [] : [`rows: ${filter}`])].map((word) => sanitiseLine(word, 200))
  return problem === ''
    ? { id: name, cells: [name, kept.join('  ') || 'all runs of the project'], detail: kept }
    : {
        id: name,
        cells: [sanitiseLine(name, 80), `not opened: ${sanitiseLine(problem, 200)}`],
        token: 'state.fail',
        detail: [sanitiseLine(problem, 400)],
      }
}
