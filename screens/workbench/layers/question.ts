import {
  type DialogAction,
  type DialogQuestion,
  type DialogState,
  lastTop,
  openDialog,
  reduceDialog,
} from '../../../src/ui/dialog-model.ts'
import { editorAction } from '../../../src/ui/editor-keys.ts'
import type { Desk } from '../desk.ts'
import type { Overlay } from '../snapshot.ts'
import { hintsOf, type Layer } from './layer.ts'

interface Asked {
  readonly question: DialogQuestion
  readonly resolve: (answer: string | null) => void
  /** A link asks, not the act in the foreground. */
  readonly isOfLink: boolean
}

/**
 * Questions, one at a time. A new one of an act cancels the one before it; one that a link asks waits for its turn, and
 * is waited for: neither may take the other's keys.
 */
export class QuestionLayer implements Layer {
  readonly #desk: Desk
  #open: (Asked & { readonly state: DialogState }) | null = null
  #waiting: Asked[] = []

  constructor(desk: Desk) {
    this.#desk = desk
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  /** Settles with what was answered; null when it was cancelled. */
  ask(question: DialogQuestion): Promise<string | null> {
    return new Promise((resolve) => {
      if (this.#open?.isOfLink === false) {
        this.#open.resolve(null)
        this.#open = null
      }
      this.#take({ question, resolve, isOfLink: false })
    })
  }

  /** A question of a link, taken back when the signal says that nobody waits for it. */
  askForLink(question: DialogQuestion, signal: AbortSignal): Promise<string | null> {
    if (signal.aborted) return Promise.resolve(null)
    return new Promise((resolve) => {
      const asked: Asked = {
        question,
        isOfLink: true,
        resolve: (answer) => {
          signal.removeEventListener('abort', onAbort)
          resolve(answer)
        },
      }
      const onAbort = () => {
        this.#waiting = this.#waiting.filter((each) => each !== asked)
        if (this.#open?.resolve === asked.resolve) this.#next()
        asked.resolve(null)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#take(asked)
    })
  }

  #take(asked: Asked): void {
    this.#waiting.push(asked)
    if (this.#open === null) this.#next()
  }

  #next(): void {
    const next = this.#waiting.shift()
    this.#open = next === undefined ? null : { ...next, state: openDialog(next.question, this.#desk.guardMs) }
    this.#desk.changed()
  }

  /** The frame with the newest question has reached the terminal: from now on its keys count. */
  painted(): void {
    if (this.#open?.state.paintedAtMs === null) this.#to({ type: 'painted', atMs: this.#desk.clock.monotonicMs() })
  }

  close(): void {
    this.#open?.resolve(null)
    for (const each of this.#waiting.splice(0)) each.resolve(null)
  }

  key(chord: string, text: string): void {
    const atMs = this.#desk.clock.monotonicMs()
    const isConfirm = this.#open?.state.question.kind === 'confirm'
    if (chord === 'esc' || chord === 'ctrl+c') this.#to({ type: 'cancel', atMs })
    else if (chord === 'enter') this.#to({ type: 'accept', atMs })
    else if (chord === 'pagedown' || chord === 'pageup') this.#scroll(chord === 'pagedown' ? 1 : -1)
    else if (isConfirm && ['left', 'right', 'tab', 'shift+tab'].includes(chord)) this.#to({ type: 'choose', atMs })
    else if (isConfirm && (chord === 'y' || chord === 'n'))
      this.#to({ type: 'choose', choice: chord === 'y' ? 'yes' : 'no', atMs })
    else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#to({ type: 'edit', edit, atMs })
    }
  }

  paste(text: string): void {
    // The line end that comes with a copied passphrase is not part of it.
    const edit = { type: 'insert', text: text.replace(/[\r\n]+$/, '') } as const
    this.#to({ type: 'edit', edit, atMs: this.#desk.clock.monotonicMs(), isPaste: true })
  }

  hints() {
    const isConfirm = this.#open?.state.question.kind === 'confirm'
    const page = this.#last > 0 ? 'PgDn more, ' : ''
    return hintsOf(`${page}${isConfirm ? 'y yes, n no, ' : ''}Enter accept, Esc cancel`)
  }

  overlay(): Overlay | null {
    return this.#open === null ? null : { kind: 'dialog', state: this.#open.state }
  }

  #scroll(way: 1 | -1): void {
    const page = Math.max(1, this.#desk.chrome().panes.height - 8)
    this.#to({ type: 'scroll', by: way * page, last: this.#last, atMs: this.#desk.clock.monotonicMs() })
  }

  get #last(): number {
    const { size } = this.#desk
    return this.#open === null ? 0 : lastTop(this.#open.state.question, size.columns, this.#desk.chrome().panes.height)
  }

  #to(action: DialogAction): void {
    if (this.#open === null) return
    const { resolve } = this.#open
    const state = reduceDialog(this.#open.state, action)
    if (state.outcome === 'open') this.#open = { ...this.#open, state }
    else this.#next()
    if (state.outcome === 'cancelled') resolve(null)
    if (state.outcome === 'accepted') resolve(state.question.kind === 'confirm' ? 'yes' : state.editor.text)
    this.#desk.changed()
  }
}
