import type { ScreenId } from '../../src/commands/types.ts'

/** Where one pane stands. The row is remembered by id, so that it stays the same when rows come and go above it. */
export interface PaneState {
  readonly rowId: string | null
  readonly index: number
  readonly top: number
  readonly filter: string
  /** Rows whose detail is open. */
  readonly open: readonly string[]
  /** A log follows its end. */
  readonly isFollowing: boolean
}

export const freshPane: PaneState = { rowId: null, index: 0, top: 0, filter: '', open: [], isFollowing: true }

/** What the workbench remembers over a crash. Plain JSON. */
export interface UiState {
  readonly screen: ScreenId
  readonly runId: string | null
  readonly back: readonly ScreenId[]
  readonly forward: readonly ScreenId[]
  /** Focused pane by screen. */
  readonly focus: Readonly<Partial<Record<ScreenId, string>>>
  readonly isZoomed: boolean
  /** By `screen/pane`. */
  readonly panes: Readonly<Record<string, PaneState>>
  /** Which text field is open, with its half-typed text. */
  readonly prompt: Prompt | null
  /** Command lines typed before, newest last. */
  readonly history: readonly string[]
  readonly hasMouse: boolean
}

export interface Prompt {
  readonly kind: 'command' | 'filter' | 'palette' | 'help'
  readonly text: string
  readonly cursor: number
  /** Highlighted row of the palette or help. */
  readonly index: number
}

export const freshUi: UiState = {
  screen: 'home',
  runId: null,
  back: [],
  forward: [],
  focus: {},
  isZoomed: false,
  panes: {},
  prompt: null,
  history: [],
  hasMouse: true,
}

/** Marked rows of a screen are kept like the opened ones of a pane, and its order like a filter: both outlive a crash. */
export const marksPane = '#marks'
export const sortPane = '#sort'
/** What was chosen on the compare screen. */
export const comparePane = '#compare'
/** Host of several that a person chose to see on a screen. */
export const hostPane = '#host'

export type UiAction =
  | { readonly type: 'go'; readonly screen: ScreenId }
  | { readonly type: 'back' }
  | { readonly type: 'forward' }
  | { readonly type: 'open-run'; readonly runId: string | null }
  | { readonly type: 'focus'; readonly pane: string }
  | { readonly type: 'zoom' }
  | {
      readonly type: 'move'
      readonly pane: string
      readonly to: number
      readonly rowIds: readonly string[]
      readonly height: number
    }
  | { readonly type: 'scroll'; readonly pane: string; readonly top: number; readonly isFollowing: boolean }
  | { readonly type: 'toggle-open'; readonly pane: string; readonly rowId: string }
  | { readonly type: 'filter'; readonly pane: string; readonly filter: string }
  | { readonly type: 'prompt'; readonly prompt: Prompt | null }
  | { readonly type: 'remember-line'; readonly line: string }
  | { readonly type: 'mouse'; readonly on: boolean }

const maxStack = 50
const maxHistory = 500

export function paneKey(state: UiState, pane: string): string {
  return `${state.screen}/${pane}`
}

export function paneOf(state: UiState, pane: string): PaneState {
  return state.panes[paneKey(state, pane)] ?? freshPane
}

function withPane(state: UiState, pane: string, change: Partial<PaneState>): UiState {
  const key = paneKey(state, pane)
  return { ...state, panes: { ...state.panes, [key]: { ...(state.panes[key] ?? freshPane), ...change } } }
}

/** Keeps the cursor's row inside the visible rows, moving the window as little as possible. */
export function topFor(index: number, top: number, height: number, count: number): number {
  const last = Math.max(0, count - height)
  if (index < top) return Math.min(index, last)
  if (index >= top + height) return Math.min(last, Math.max(0, index - height + 1))
  return Math.max(0, Math.min(top, last))
}

/** Index of the remembered row among the rows there are now; the nearest position when it is gone. */
export function indexIn(pane: PaneState, rowIds: readonly string[]): number {
  // Nearly always it is where it was: a list of many thousand rows is not gone through for every key.
  if (pane.rowId !== null && rowIds[pane.index] === pane.rowId) return pane.index
  const found = pane.rowId === null ? -1 : rowIds.indexOf(pane.rowId)
  return found >= 0 ? found : Math.max(0, Math.min(pane.index, rowIds.length - 1))
}

/** One step of what is on screen. Pure: keys that land in one frame add up. */
export function reduceUi(state: UiState, action: UiAction): UiState {
  switch (action.type) {
    case 'go':
      if (action.screen === state.screen) return state
      return {
        ...state,
        screen: action.screen,
        back: [...state.back, state.screen].slice(-maxStack),
        forward: [],
        isZoomed: false,
      }
    case 'back': {
      const screen = state.back.at(-1)
      if (screen === undefined) return state
      return {
        ...state,
        screen,
        back: state.back.slice(0, -1),
        forward: [...state.forward, state.screen],
        isZoomed: false,
      }
    }
    case 'forward': {
      const screen = state.forward.at(-1)
      if (screen === undefined) return state
      return {
        ...state,
        screen,
        forward: state.forward.slice(0, -1),
        back: [...state.back, state.screen],
        isZoomed: false,
      }
    }
    case 'open-run':
      return { ...state, runId: action.runId }
    case 'focus':
      return { ...state, focus: { ...state.focus, [state.screen]: action.pane } }
    case 'zoom':
      return { ...state, isZoomed: !state.isZoomed }
    case 'move': {
      const count = action.rowIds.length
      const index = Math.max(0, Math.min(count - 1, action.to))
      const top = topFor(index, paneOf(state, action.pane).top, action.height, count)
      return withPane(state, action.pane, { index, rowId: action.rowIds[index] ?? null, top })
    }
    case 'scroll':
      return withPane(state, action.pane, { top: Math.max(0, action.top), isFollowing: action.isFollowing })
    case 'toggle-open': {
      const open = paneOf(state, action.pane).open
      const isOpen = open.includes(action.rowId)
      return withPane(state, action.pane, {
        open: isOpen ? open.filter((r) => r !== action.rowId) : [...open, action.rowId].slice(-200),
      })
    }
    case 'filter':
      return withPane(state, action.pane, { filter: action.filter, top: 0, index: 0 })
    case 'prompt':
      return { ...state, prompt: action.prompt }
    case 'remember-line':
      if (action.line.trim() === '' || state.history.at(-1) === action.line) return state
      return { ...state, history: [...state.history.filter((l) => l !== action.line), action.line].slice(-maxHistory) }
    case 'mouse':
      return { ...state, hasMouse: action.on }
  }
}
