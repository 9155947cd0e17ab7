import type { LogBuffer } from '../../src/text/log-buffer.ts'
import { type LogIndex, type LogState, logTop, makeLogIndex, reduceLog } from '../../src/ui/log-model.ts'
import type { PaneModel } from './model.ts'
import type { PaneState } from './ui-state.ts'

export type LogPane = Extract<PaneModel, { kind: 'log' }>

/** The index of a log for the filter that it was last shown with: lines are looked at once, not at every frame. */
const indexes = new WeakMap<LogBuffer, { readonly filter: string; readonly index: LogIndex }>()

/** Lines of a log pane that pass its filter, up to date; null when there is no log. */
export function indexOf(pane: LogPane): LogIndex | null {
  if (pane.log === null) return null
  const { buffer } = pane.log
  const filter = pane.filter ?? ''
  const known = indexes.get(buffer)
  const index = known?.filter === filter ? known.index : makeLogIndex(buffer, filter)
  if (known?.index !== index) indexes.set(buffer, { filter, index })
  index.refresh()
  return index
}

/** How a log pane is looked at. The line at the top is kept by its number, so that lines which are dropped move nothing. */
export function logStateOf(pane: LogPane, state: PaneState): LogState {
  return { top: state.isFollowing ? null : state.top, filter: pane.filter ?? '' }
}

/** Place of the first row on screen. */
export function logTopOf(pane: LogPane, state: PaneState, height: number): number {
  const index = indexOf(pane)
  return index === null ? 0 : logTop(logStateOf(pane, state), index, height)
}

/** The pane after a move by rows, or to its beginning or end; at the end it follows again. */
export function scrollLog(
  pane: LogPane,
  state: PaneState,
  amount: number,
  how: 'by' | 'to',
  height: number,
): Pick<PaneState, 'top' | 'isFollowing'> {
  const index = indexOf(pane)
  if (index === null) return { top: 0, isFollowing: true }
  const action =
    how === 'by' ? ({ type: 'move', by: amount } as const) : ({ type: amount === 0 ? 'home' : 'end' } as const)
  const { top } = reduceLog(logStateOf(pane, state), action, index, height)
  return { top: top ?? index.at(Math.max(0, index.count() - height)), isFollowing: top === null }
}

/** Every line that is held and passes, the growing one last: for the pager and the clipboard. */
export function logText(pane: LogPane): string[] {
  const index = indexOf(pane)
  if (index === null) return []
  const lines = Array.from({ length: index.count() }, (_, place) => index.buffer.line(index.at(place)))
  const pending = pane.log?.pending ?? ''
  return pending !== '' && index.filter.test(pending) ? [...lines, pending] : lines
}
