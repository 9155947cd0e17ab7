import { type EditorAction, makeEditor, reduceEditor } from '../../src/ui/line-editor.ts'
import type { DialogView } from './snapshot.ts'

/** Keys that came before the question was on screen, or within this time after, were meant for something else. */
export const guardMs = 300

export interface OpenDialog {
  readonly view: DialogView
  /** Monotonic time of the first paint with it; null until then. */
  readonly paintedAtMs: number | null
  readonly resolve: (answer: string | null) => void
}

export interface Question {
  readonly kind: DialogView['kind']
  readonly question: string
  readonly detail: readonly string[]
  readonly expected?: string
  readonly initial?: string
}

export function openDialog(question: Question, resolve: (answer: string | null) => void): OpenDialog {
  return {
    view: {
      kind: question.kind,
      question: question.question,
      detail: question.detail,
      expected: question.kind === 'confirm' ? 'y' : (question.expected ?? ''),
      editor: makeEditor(question.initial ?? ''),
      problem: null,
    },
    paintedAtMs: null,
    resolve,
  }
}

/** True while keys must be ignored. */
export function isGuarded(dialog: OpenDialog, nowMs: number): boolean {
  return dialog.paintedAtMs === null || nowMs - dialog.paintedAtMs < guardMs
}

/** Editing of the answer. */
export function editDialog(dialog: OpenDialog, action: EditorAction): OpenDialog {
  return { ...dialog, view: { ...dialog.view, editor: reduceEditor(dialog.view.editor, action), problem: null } }
}

export type Submitted =
  | { readonly done: true; readonly answer: string }
  | { readonly done: false; readonly dialog: OpenDialog }

/** Enter: the answer, or why it is none. Nothing is ever confirmed by a single key. */
export function submitDialog(dialog: OpenDialog): Submitted {
  const { view } = dialog
  const typed = view.editor.text.trim()
  const fits =
    view.kind === 'text' ? typed !== '' : view.kind === 'confirm' ? /^y(es)?$/i.test(typed) : typed === view.expected
  if (fits) return { done: true, answer: view.kind === 'confirm' ? 'yes' : typed }
  const problem =
    view.kind === 'text'
      ? 'an answer is needed; Esc leaves it'
      : `that is not ${view.expected}; type it exactly, or Esc`
  return { done: false, dialog: { ...dialog, view: { ...view, problem } } }
}

/** A paste into a field that confirms something is refused (handbook terminal 8.6); into a free text it is typed. */
export function pasteIntoDialog(dialog: OpenDialog, text: string): OpenDialog {
  if (dialog.view.kind === 'text') return editDialog(dialog, { type: 'insert', text })
  return { ...dialog, view: { ...dialog.view, problem: 'pasting is not taken here: type it' } }
}
