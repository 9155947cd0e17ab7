import { type EditorAction, type EditorState, makeEditor, reduceEditor } from './line-editor.ts'
import { oneLine, wrap } from './text-fit.ts'

/** Keys are not taken until the dialog has been on screen for this long (handbook terminal 8.3). */
export const guardMs = 300

export interface DialogQuestion {
  readonly title: string
  readonly lines: readonly string[]
  /**
   * `notice` can only be left, `confirm` asks for a choice that starts at no, `typed` wants `expected` letter by letter,
   * `text` wants any line, `secret` one that is not shown.
   */
  readonly kind: 'notice' | 'confirm' | 'typed' | 'text' | 'secret'
  readonly expected?: string
  readonly initial?: string
  /** Of a secret: it may be empty, and it may be shown. */
  readonly mayBeEmpty?: boolean
  readonly isShown?: boolean
  /** Words of the two choices. */
  readonly yes?: string
  readonly no?: string
}

export interface DialogState {
  readonly question: DialogQuestion
  readonly seenMs: number
  /** When a frame with the dialog in it reached the terminal; null before. */
  readonly paintedAtMs: number | null
  readonly choice: 'yes' | 'no'
  readonly editor: EditorState
  /** What to tell the person, such as why an answer was not taken. */
  readonly message: string
  readonly outcome: 'open' | 'accepted' | 'cancelled'
  /** First line of the question that is shown, where not all of them have room. */
  readonly top: number
}

/** `atMs` is when the key came in, by the same clock as `painted`. */
export type DialogAction =
  | { readonly type: 'painted'; readonly atMs: number }
  | { readonly type: 'edit'; readonly edit: EditorAction; readonly atMs: number; readonly isPaste?: boolean }
  | { readonly type: 'choose'; readonly choice?: 'yes' | 'no'; readonly atMs: number }
  | { readonly type: 'accept'; readonly atMs: number }
  /** `last`: the furthest that `top` may go, by the size of the box. */
  | { readonly type: 'scroll'; readonly by: number; readonly last: number; readonly atMs: number }
  | { readonly type: 'cancel'; readonly atMs: number }

/** An open dialog that has not been painted. `guardMs`: how long it must have been seen before keys count. */
export function openDialog(question: DialogQuestion, seenMs = guardMs): DialogState {
  return {
    question,
    seenMs,
    paintedAtMs: null,
    choice: 'no',
    editor: makeEditor(question.kind === 'text' ? (question.initial ?? '') : ''),
    message: '',
    outcome: 'open',
    top: 0,
  }
}

/** True when input that came in at this time was meant for this dialog. */
export function takesInput(state: DialogState, atMs: number): boolean {
  return state.outcome === 'open' && state.paintedAtMs !== null && atMs >= state.paintedAtMs + state.seenMs
}

/** Next state. Input from before the dialog was seen changes nothing, not even a cancel. */
export function reduceDialog(state: DialogState, action: DialogAction): DialogState {
  if (action.type === 'painted') {
    return state.paintedAtMs === null ? { ...state, paintedAtMs: action.atMs } : state
  }
  if (!takesInput(state, action.atMs)) return state
  const { question } = state
  switch (action.type) {
    case 'cancel':
      return { ...state, outcome: 'cancelled' }
    case 'choose':
      if (question.kind !== 'confirm') return state
      return { ...state, choice: action.choice ?? (state.choice === 'yes' ? 'no' : 'yes') }
    case 'edit':
      if (question.kind !== 'typed' && question.kind !== 'text' && question.kind !== 'secret') return state
      if (question.kind === 'typed' && (action.isPaste || action.edit.type === 'yank')) {
        return { ...state, message: 'a paste is not taken here: type it' }
      }
      return { ...state, editor: reduceEditor(state.editor, action.edit), message: '' }
    case 'scroll':
      return { ...state, top: Math.max(0, Math.min(action.last, state.top + action.by)) }
    case 'accept':
      return accept(state)
  }
}

/** Lines of the question as a box of this width shows them. */
export function questionLines(question: DialogQuestion, width: number): readonly string[] {
  return question.lines.flatMap((line) => wrap(oneLine(line), Math.max(0, width - 4), '  '))
}

/** Rows that a box of this height leaves for them: the rest is its border, the message and the answer. */
export function questionRoom(question: DialogQuestion, height: number): number {
  return Math.max(0, height - 3 - (question.kind === 'notice' ? 1 : 2))
}

/** How far down the question can be moved; 0 when all of it is seen. One row says how much is not. */
export function lastTop(question: DialogQuestion, width: number, height: number): number {
  const lines = questionLines(question, width).length
  const room = questionRoom(question, height)
  return lines > room ? lines - Math.max(1, room - 1) : 0
}

function accept(state: DialogState): DialogState {
  const { question, editor, choice } = state
  switch (question.kind) {
    case 'notice':
    case 'text':
      return { ...state, outcome: 'accepted' }
    case 'secret':
      return editor.text === '' && question.mayBeEmpty !== true
        ? { ...state, message: 'nothing was typed' }
        : { ...state, outcome: 'accepted' }
    case 'confirm':
      return { ...state, outcome: choice === 'yes' ? 'accepted' : 'cancelled' }
    case 'typed':
      if (question.expected !== undefined && question.expected !== '' && editor.text === question.expected) {
        return { ...state, outcome: 'accepted' }
      }
      return { ...state, message: `not the same: type ${question.expected ?? ''} exactly, or cancel` }
  }
}

/** What is drawn of the answer: of a secret its length only, with the cursor where it is. */
export function shownAnswer({ question, editor }: DialogState): { readonly text: string; readonly cursor: number } {
  const isHidden = question.kind === 'secret' && question.isShown !== true
  return { text: isHidden ? '*'.repeat(editor.text.length) : editor.text, cursor: editor.cursor }
}

/** The dialog as lines, its answer included. For `--plain`, and the content of the drawn one. */
export function dialogLines(state: DialogState, width: number): string[] {
  const { question } = state
  const ask =
    question.kind === 'typed'
      ? [`Type ${question.expected ?? ''} to go on.`]
      : question.kind === 'confirm'
        ? [`${question.yes ?? 'yes'} / ${question.no ?? 'no'}`]
        : []
  return [question.title, ...question.lines, ...ask, ...(state.message === '' ? [] : [state.message])].flatMap((line) =>
    wrap(oneLine(line), width, '  '),
  )
}
