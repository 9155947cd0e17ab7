import type { MouseInput } from '../../src/terminal/events.ts'
import type { Desk } from './desk.ts'
import type { Layers } from './layers.ts'
import { rowIdsOf } from './model.ts'
import { openIdsOf } from './pane-rows.ts'
import { paneOf } from './ui-state.ts'

/** What a wheel or a click does to what is on screen; false when a question keeps it out. */
export function point(mouse: MouseInput, desk: Desk, layers: Layers): boolean {
  if (layers.hasQuestion) return false
  const pane = desk.paneAt(mouse.column, mouse.row)
  if (mouse.kind === 'wheel') {
    const by = (mouse.direction === 'up' ? -1 : 1) * Math.min(3 * mouse.count, 30)
    if (layers.wholeMessage.isOpen) layers.wholeMessage.scroll(by)
    else if (layers.finder.isOpen) layers.finder.scroll(by)
    else if (pane !== null) desk.move(pane, by, 'by')
  } else if (mouse.kind === 'press' && mouse.button === 'left' && !layers.hasOverlay && pane !== null) {
    desk.do({ type: 'focus', pane: pane.id })
    const model = desk.pane(pane.id)
    const state = paneOf(desk.ui, pane.id)
    const row = mouse.row - pane.y - 1 - (model?.kind === 'table' ? 1 : 0) + state.top
    // With opened rows the screen row is not the item; the click then only focuses.
    const isRow =
      model !== null && row >= 0 && row < rowIdsOf(model).length && openIdsOf(model, state, pane.width - 2).length === 0
    if (isRow && (model.kind === 'table' || model.kind === 'checklist')) desk.move(pane, row, 'to')
  }
  return true
}
