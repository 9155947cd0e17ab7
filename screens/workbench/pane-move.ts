import { type GridPane, gridPlaceOf } from './grid.tsx'
import type { PlacedPane } from './layout.ts'
import { scrollLog } from './logs.ts'
import { type PaneModel, rowIdsOf } from './model.ts'
import { cursorOf, rowCount, scrolledTop } from './pane-rows.ts'
import type { PaneState, UiAction } from './ui-state.ts'

/** By rows, to a row, or in a grid by cells. */
export type Move = 'by' | 'to' | 'cells'

/** Cell of a grid that a move by rows comes to: straight up or down, to the last cell of a short row, else nowhere. */
function gridTarget(pane: GridPane, cursor: number, rows: number, columns: number): number {
  const { perRow } = gridPlaceOf(pane, columns)
  const last = pane.cells.length - 1
  const row = Math.floor(cursor / perRow)
  const to = Math.max(0, Math.min(Math.floor(last / perRow), row + rows))
  return Math.min(last, cursor + (to - row) * perRow)
}

/** What a move by rows, or to one, means in a pane: its cursor moves where it has rows, its text scrolls where not. */
export function moveAction(model: PaneModel, state: PaneState, pane: PlacedPane, amount: number, how: Move): UiAction {
  const inner = pane.height - 2
  if (model.kind === 'log')
    return { type: 'scroll', pane: pane.id, ...scrollLog(model, state, amount, how === 'to' ? 'to' : 'by', inner) }
  const rowIds = rowIdsOf(model)
  const cursor = cursorOf(state, rowIds)
  if (cursor < 0) {
    const count = rowCount(model, pane.width - 2)
    const top = scrolledTop(model, state, count, inner)
    const last = Math.max(0, count - inner)
    const next = Math.max(0, Math.min(last, how === 'to' ? amount : top + amount))
    return { type: 'scroll', pane: pane.id, top: next, isFollowing: next >= last }
  }
  const height = inner - (model.kind === 'table' ? 1 : 0)
  const to =
    how === 'to'
      ? amount
      : how === 'by' && model.kind === 'grid'
        ? gridTarget(model, cursor, amount, pane.width - 2)
        : cursor + amount
  return { type: 'move', pane: pane.id, to, rowIds, height }
}
