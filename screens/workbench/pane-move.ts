import type { PlacedPane } from './layout.ts'
import { scrollLog } from './logs.ts'
import { type PaneModel, rowIdsOf } from './model.ts'
import { cursorOf, rowCount, scrolledTop } from './pane-rows.ts'
import type { PaneState, UiAction } from './ui-state.ts'

/** What a move by rows, or to one, means in a pane: its cursor moves where it has rows, its text scrolls where not. */
export function moveAction(
  model: PaneModel,
  state: PaneState,
  pane: PlacedPane,
  amount: number,
  how: 'by' | 'to',
): UiAction {
  const inner = pane.height - 2
  if (model.kind === 'log') return { type: 'scroll', pane: pane.id, ...scrollLog(model, state, amount, how, inner) }
  const rowIds = rowIdsOf(model)
  const cursor = cursorOf(state, rowIds)
  if (cursor < 0) {
    const count = rowCount(model, pane.width - 2)
    const top = scrolledTop(model, state, count, inner)
    const last = Math.max(0, count - inner)
    const next = Math.max(0, Math.min(last, how === 'by' ? top + amount : amount))
    return { type: 'scroll', pane: pane.id, top: next, isFollowing: next >= last }
  }
  const height = inner - (model.kind === 'table' ? 1 : 0)
  return { type: 'move', pane: pane.id, to: how === 'by' ? cursor + amount : amount, rowIds, height }
}
