import {
  type DialogAction,
  type DialogQuestion,
  type DialogState,
  openDialog,
  reduceDialog,
} from '../../../src/ui/dialog-model.ts'
import type { Desk } from '../desk.ts'
import { editorAction } from '../editor-keys.ts'
import type { Overlay } from '../snapshot.ts'
import { hintsOf, type Layer } from './layer.ts'

/** A question of an act. A new one cancels the one before it. */
export class QuestionLayer implements Layer {
  readonly #desk: Desk
  #open: { readonly state: DialogState; readonly resolve: (answer: string | null) => void } | null = null

  constructor(desk: Desk) {
    this.#desk = desk
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  /** Settles with what was answered; null when it was cancelled. */
  ask(question: DialogQuestion): Promise<string | null> {
    return new Promise((resolve) => {
      this.#open?.resolve(null)
      this.#open = { state: openDialog(question, this.#desk.guardMs), resolve }
      this.#desk.changed()
    })
  }

  /** The frame with the newest question has reached the terminal: from now on its keys count. */
  painted(): void {
    if (this.#open?.state.paintedAtMs === null) this.#to({ type: 'painted', atMs: this.#desk.clock.monotonicMs() })
  }

  close(): void {
    this.#open?.resolve(null)
  }

  key(chord: string, text: string): void {
    const atMs = this.#desk.clock.monotonicMs()
    const isConfirm = this.#open?.state.question.kind === 'confirm'
    if (chord === 'esc' || chord === 'ctrl+c') this.#to({ type: 'cancel', atMs })
    else if (chord === 'enter') this.#to({ type: 'accept', atMs })
    else if (isConfirm && ['left', 'right', 'tab', 'shift+tab'].includes(chord)) this.#to({ type: 'choose', atMs })
    else if (isConfirm && (chord === 'y' || chord === 'n'))
      this.#to({ type: 'choose', choice: chord === 'y' ? 'yes' : 'no', atMs })
    else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#to({ type: 'edit', edit, atMs })
    }
  }

  paste(text: string): void {
    const edit = { type: 'insert', text } as const
    this.#to({ type: 'edit', edit, atMs: this.#desk.clock.monotonicMs(), isPaste: true })
  }

  hints() {
    const isConfirm = this.#open?.state.question.kind === 'confirm'
    return hintsOf(isConfirm ? 'y yes, n no, Enter accept, Esc cancel' : 'Enter accept, Esc cancel')
  }

  overlay(): Overlay | null {
    return this.#open === null ? null : { kind: 'dialog', state: this.#open.state }
  }

  #to(action: DialogAction): void {
    if (this.#open === null) return
    const { resolve } = this.#open
    const state = reduceDialog(this.#open.state, action)
    this.#open = state.outcome === 'open' ? { state, resolve } : null
    if (state.outcome === 'cancelled') resolve(null)
    if (state.outcome === 'accepted') resolve(state.question.kind === 'confirm' ? 'yes' : state.editor.text)
    this.#desk.changed()
  }
}
