import { type ScreenId, screenIds } from '../../src/commands/types.ts'
import { freshPane, freshUi, type PaneState, type Prompt, type UiState } from './ui-state.ts'

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)
const text = (v: unknown): string => (typeof v === 'string' ? v.slice(0, 100_000) : '')
const count = (v: unknown): number => (typeof v === 'number' && Number.isInteger(v) && v >= 0 ? v : 0)
const texts = (v: unknown, most: number): string[] =>
  Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string').slice(-most) : []
const screen = (v: unknown): v is ScreenId => typeof v === 'string' && (screenIds as readonly string[]).includes(v)

function pane(v: unknown): PaneState {
  if (!isRecord(v)) return freshPane
  return {
    rowId: typeof v.rowId === 'string' ? v.rowId : null,
    index: count(v.index),
    top: count(v.top),
    filter: text(v.filter),
    open: texts(v.open, 200),
    isFollowing: v.isFollowing !== false,
  }
}

function prompt(v: unknown): Prompt | null {
  if (!isRecord(v)) return null
  const kind = v.kind
  if (kind !== 'command' && kind !== 'filter' && kind !== 'palette' && kind !== 'help') return null
  return { kind, text: text(v.text), cursor: count(v.cursor), index: count(v.index) }
}

/** Reads back what was remembered. Fields that do not fit fall back to a fresh start one by one; null when nothing fits. */
export function readUiState(stored: unknown): UiState | null {
  if (!isRecord(stored) || !screen(stored.screen)) return null
  const panes = isRecord(stored.panes)
    ? Object.fromEntries(Object.entries(stored.panes).map(([k, v]) => [k, pane(v)]))
    : {}
  const focus = isRecord(stored.focus)
    ? Object.fromEntries(
        Object.entries(stored.focus).filter((e): e is [string, string] => screen(e[0]) && typeof e[1] === 'string'),
      )
    : {}
  return {
    ...freshUi,
    screen: stored.screen,
    runId: typeof stored.runId === 'string' ? stored.runId : null,
    back: texts(stored.back, 50).filter(screen),
    forward: texts(stored.forward, 50).filter(screen),
    focus,
    isZoomed: stored.isZoomed === true,
    panes,
    prompt: prompt(stored.prompt),
    history: texts(stored.history, 500),
    hasMouse: stored.hasMouse !== false,
  }
}
