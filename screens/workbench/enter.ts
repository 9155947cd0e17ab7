import type { ScreenId } from '../../src/commands/types.ts'
import type { RunRow } from '../../src/session/view.ts'
import type { Desk } from './desk.ts'
import { hasDetail } from './model.ts'

/** What Enter does at the cursor. `hint`: the word for it. */
export type Enter = { readonly hint: string } & (
  | { readonly kind: 'run'; readonly row: RunRow }
  | { readonly kind: 'tick' }
  | { readonly kind: 'detail'; readonly pane: string; readonly rowId: string }
  /** Goes to a cell of the notebook where something was found. */
  | { readonly kind: 'cell'; readonly cellId: string }
  /** Compares the runs that were picked. */
  | { readonly kind: 'picked' }
  /** Opens a saved view. */
  | { readonly kind: 'saved'; readonly name: string }
  /** Shows the unit of a cell of the grid: its row, its log, its metrics. */
  | { readonly kind: 'unit'; readonly unit: string }
)

/** What Enter does where the cursor stands now; null: nothing, and then nobody is told that it does. */
export function enterAt(desk: Desk): Enter | null {
  const pane = desk.pane(desk.focus())
  const rowId = pane === null ? null : desk.selected(pane.id)
  if (pane === null || rowId === null) return null
  const { screen } = desk.ui
  if (screen === 'home') {
    const home = desk.workspace.shelves().home
    const runId = pane.id === 'meters' ? home?.meters.find((m) => m.meterId === rowId)?.runId : rowId
    const row = home?.runs.find((r) => r.runId === runId)
    return row === undefined ? null : { kind: 'run', row, hint: 'open run' }
  }
  if (screen === 'checklists') return { kind: 'tick', hint: 'tick' }
  if (screen === 'patrol' && pane.id === 'grid') return { kind: 'unit', unit: rowId, hint: 'log' }
  if (screen === 'compare' && pane.id === 'pool') return { kind: 'picked', hint: 'compare' }
  if (screen === 'compare' && pane.id === 'saved') return { kind: 'saved', name: rowId, hint: 'open view' }
  if (screen === 'notebook' && pane.id === 'hits')
    return { kind: 'cell', cellId: rowId.split(':')[0] ?? '', hint: 'go to cell' }
  if (pane.kind === 'checklist' || hasDetail(pane, rowId)) return { kind: 'detail', pane: pane.id, rowId, hint: 'open' }
  return null
}

/** Screen where a run goes on, by how far it is. What is or was under way is patrolled. */
const goesOn: Readonly<Record<string, ScreenId>> = {
  new: 'plan',
  planned: 'audit',
  audited: 'smoke',
  smoked: 'cost',
  priced: 'cost',
  approved: 'launch',
  verified: 'teardown',
  'torn down': 'report',
  unconfirmed: 'teardown',
  'written off': 'report',
}

/** Screen that an opened run is shown on, by the state on its row of the home screen. */
export function screenOfRun(row: Pick<RunRow, 'state'>): ScreenId {
  return goesOn[row.state] ?? 'patrol'
}
