/** Where the cursor of a list is, and which row is the first on screen. */
export interface ListState {
  readonly cursor: number
  readonly top: number
}

export type ListAction =
  | { readonly type: 'move'; readonly by: number }
  | { readonly type: 'page'; readonly by: number }
  | { readonly type: 'home' }
  | { readonly type: 'end' }
  | { readonly type: 'set'; readonly index: number }
  /** Moves the view; the cursor follows only when it would leave the view. */
  | { readonly type: 'scroll'; readonly by: number }

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value))

/** First row to show so that `cursor` is visible and no blank rows follow the last one. */
export function visibleTop(top: number, cursor: number, height: number, count: number): number {
  const rows = Math.max(1, height)
  const last = Math.max(0, count - rows)
  const wanted = cursor < top ? cursor : cursor >= top + rows ? cursor - rows + 1 : top
  return clamp(wanted, 0, last)
}

/** Next state of a list of `count` rows in a view of `height` rows. */
export function reduceList(
  state: ListState,
  action: ListAction,
  view: { readonly count: number; readonly height: number },
): ListState {
  const { count } = view
  const height = Math.max(1, view.height)
  const last = Math.max(0, count - 1)
  const go = (cursor: number): ListState => {
    const index = clamp(cursor, 0, last)
    return { cursor: index, top: visibleTop(state.top, index, height, count) }
  }
  switch (action.type) {
    case 'move':
      return go(state.cursor + action.by)
    case 'page':
      return go(state.cursor + action.by * Math.max(1, height - 1))
    case 'home':
      return go(0)
    case 'end':
      return go(last)
    case 'set':
      return go(action.index)
    case 'scroll': {
      const top = clamp(state.top + action.by, 0, Math.max(0, count - height))
      return { top, cursor: clamp(state.cursor, Math.min(top, last), Math.min(top + height - 1, last)) }
    }
  }
}
