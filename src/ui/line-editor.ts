import { graphemes, oneLine, textWidth } from './text-fit.ts'

/** Text that a person edits, one line of it or several. Plain data, so that what is half typed survives in the session. */
export interface EditorState {
  readonly text: string
  /** Offset in UTF-16 units, always between two graphemes. */
  readonly cursor: number
  /** What was killed last, for yanking it back. */
  readonly killed: string
  /** Earlier lines, oldest first. */
  readonly history: readonly string[]
  /** Which earlier line is shown; null for the line being written. */
  readonly historyIndex: number | null
  /** The line being written, while an earlier one is shown. */
  readonly draft: string
  readonly undo: readonly { readonly text: string; readonly cursor: number }[]
  /** Single letters in a row are undone together. */
  readonly isTyping: boolean
  /** Line ends are kept; absent: they become blanks. */
  readonly isMultiLine?: boolean
}

export type EditorUnit = 'character' | 'word' | 'blank-word' | 'line'

export type EditorAction =
  | { readonly type: 'insert'; readonly text: string }
  /** ctrl-h: character, alt-backspace and alt-d: word, ctrl-w: blank-word, ctrl-u and ctrl-k: line. */
  | { readonly type: 'delete'; readonly unit: EditorUnit; readonly direction: 'back' | 'forward' }
  /** ctrl-b/f: character, alt-b/f: word, ctrl-a/e and home/end: line. */
  | { readonly type: 'go'; readonly unit: EditorUnit; readonly direction: 'back' | 'forward' }
  | { readonly type: 'history'; readonly by: -1 | 1 }
  /** The line above or below, in the same column as far as there is one. */
  | { readonly type: 'row'; readonly by: -1 | 1 }
  | { readonly type: 'yank' }
  | { readonly type: 'undo' }
  | { readonly type: 'set'; readonly text: string }
  /** Empties the line and remembers it. */
  | { readonly type: 'submit' }

const undoLimit = 100
const historyLimit = 500
/** Text as this editor takes it: whole lines without control characters, or all of it on one line. */
const taken = (state: Pick<EditorState, 'isMultiLine'>, text: string) =>
  state.isMultiLine === true ? text.replace(/\r\n?/g, '\n').split('\n').map(oneLine).join('\n') : oneLine(text)

/** Longer input is not typed by hand; what is beyond is dropped. */
export const longestLine = 16_384

/** A fresh line, with the cursor at its end. */
export function makeEditor(text = '', history: readonly string[] = [], isMultiLine = false): EditorState {
  const line = taken({ isMultiLine }, text).slice(0, longestLine)
  return {
    ...(isMultiLine ? { isMultiLine } : {}),
    text: line,
    cursor: line.length,
    killed: '',
    history,
    historyIndex: null,
    draft: '',
    undo: [],
    isTyping: false,
  }
}

/** Offsets between graphemes, ends included. */
function borders(text: string): number[] {
  let at = 0
  return [0, ...graphemes(text).map((g) => (at += g.length))]
}

function snap(text: string, cursor: number): number {
  return borders(text).find((b) => b >= cursor) ?? text.length
}

const isWord = (c: string) => /[\p{L}\p{N}_]/u.test(c)
const isInk = (c: string) => c.trim() !== ''

function target(state: EditorState, unit: EditorUnit, direction: 'back' | 'forward'): number {
  const { text, cursor } = state
  if (unit === 'line') {
    if (direction === 'back') return text.lastIndexOf('\n', cursor - 1) + 1
    const end = text.indexOf('\n', cursor)
    return end < 0 ? text.length : end
  }
  const all = borders(text)
  let i = all.indexOf(cursor)
  if (i < 0) i = all.length - 1
  const step = direction === 'back' ? -1 : 1
  if (unit === 'character') return all[Math.max(0, Math.min(all.length - 1, i + step))] ?? cursor
  const belongs = unit === 'word' ? isWord : isInk
  const cell = (n: number) => text.slice(all[n] ?? 0, all[n + 1] ?? text.length)
  const ahead = () => (direction === 'back' ? i > 0 : i < all.length - 1)
  const next = () => cell(direction === 'back' ? i - 1 : i)
  while (ahead() && !belongs(next())) i += step
  while (ahead() && belongs(next())) i += step
  return all[i] ?? cursor
}

function change(state: EditorState, text: string, cursor: number, isTyping = false): EditorState {
  const cutText = text.slice(0, longestLine)
  const undo =
    isTyping && state.isTyping
      ? state.undo
      : [...state.undo, { text: state.text, cursor: state.cursor }].slice(-undoLimit)
  return { ...state, text: cutText, cursor: snap(cutText, Math.min(cursor, cutText.length)), undo, isTyping }
}

/** Next state of the line. Line ends and control characters in inserted text become blanks: a paste never runs. */
export function reduceEditor(state: EditorState, action: EditorAction): EditorState {
  switch (action.type) {
    case 'insert': {
      const text = taken(state, action.text)
      if (text === '') return state
      const isTyping = graphemes(text).length === 1 && text.trim() !== ''
      return change(
        state,
        state.text.slice(0, state.cursor) + text + state.text.slice(state.cursor),
        state.cursor + text.length,
        isTyping,
      )
    }
    case 'delete': {
      const to = target(state, action.unit, action.direction)
      if (to === state.cursor) return state
      const [start, end] = to < state.cursor ? [to, state.cursor] : [state.cursor, to]
      const next = change(state, state.text.slice(0, start) + state.text.slice(end), start)
      return action.unit === 'character' ? next : { ...next, killed: state.text.slice(start, end) }
    }
    case 'go':
      return { ...state, cursor: target(state, action.unit, action.direction), isTyping: false }
    case 'yank':
      return state.killed === ''
        ? state
        : reduceEditor({ ...state, isTyping: false }, { type: 'insert', text: state.killed })
    case 'undo': {
      const previous = state.undo.at(-1)
      if (previous === undefined) return state
      return { ...state, ...previous, undo: state.undo.slice(0, -1), isTyping: false }
    }
    case 'set': {
      const text = taken(state, action.text)
      return text === state.text ? { ...state, cursor: text.length } : change(state, text, text.length)
    }
    case 'row':
      return { ...state, cursor: otherRow(state, action.by) ?? state.cursor, isTyping: false }
    case 'history':
      return walkHistory(state, action.by)
    case 'submit': {
      const isNew = state.text.trim() !== '' && state.text !== state.history.at(-1)
      return makeEditor(
        '',
        isNew ? [...state.history, state.text].slice(-historyLimit) : state.history,
        state.isMultiLine === true,
      )
    }
  }
}

/** Where the cursor comes to on the line above or below; null at the first or last one. */
export function otherRow({ text, cursor }: Pick<EditorState, 'text' | 'cursor'>, by: -1 | 1): number | null {
  const start = text.lastIndexOf('\n', cursor - 1) + 1
  const end = text.indexOf('\n', cursor)
  if (by < 0 ? start === 0 : end < 0) return null
  const otherStart = by < 0 ? text.lastIndexOf('\n', start - 2) + 1 : end + 1
  const otherEnd = text.indexOf('\n', otherStart)
  const to = Math.min(otherStart + (cursor - start), otherEnd < 0 ? text.length : otherEnd)
  return snap(text, to)
}

function walkHistory(state: EditorState, by: -1 | 1): EditorState {
  const { history, historyIndex } = state
  const from = historyIndex ?? history.length
  const to = from + by
  if (to < 0 || to > history.length) return state
  const draft = historyIndex === null ? state.text : state.draft
  const text = to === history.length ? draft : (history[to] ?? '')
  return {
    ...state,
    text,
    cursor: text.length,
    draft,
    historyIndex: to === history.length ? null : to,
    undo: [],
    isTyping: false,
  }
}

/** The part of a line that is seen in `width` cells: before, under and after the cursor. */
export interface EditorView {
  readonly before: string
  readonly at: string
  readonly after: string
}

/** Cuts the line so that the cursor is always seen; at the end it stands on a blank. */
export function editorView(state: Pick<EditorState, 'text' | 'cursor'>, width: number): EditorView {
  const at = graphemes(state.text.slice(state.cursor))[0] ?? ' '
  const room = Math.max(0, width - Math.max(1, textWidth(at)))
  const left = graphemes(state.text.slice(0, state.cursor))
  const right = graphemes(state.text.slice(state.cursor + (state.cursor < state.text.length ? at.length : 0)))
  let before = ''
  let used = 0
  // Up to a quarter of the line shows what follows, so that one sees what is being typed into.
  const reserve = Math.min(right.length, Math.floor(room / 4))
  for (const g of left.reverse()) {
    const w = textWidth(g)
    if (used + w > room - reserve) break
    used += w
    before = g + before
  }
  let after = ''
  for (const g of right) {
    const w = textWidth(g)
    if (used + w > room) break
    used += w
    after += g
  }
  return { before, at, after }
}
