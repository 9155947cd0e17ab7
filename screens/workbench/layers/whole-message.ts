import type { Desk } from '../desk.ts'
import { messageLines } from '../message.ts'
import type { Message, Overlay } from '../snapshot.ts'
import { hintsOf, type Layer } from './layer.ts'

/** The newest message, whole, however long: it is read here after its row was taken by another thing, too. */
export class WholeMessageLayer implements Layer {
  readonly #desk: Desk
  #open: { readonly message: Message; readonly top: number } | null = null

  constructor(desk: Desk) {
    this.#desk = desk
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  open(message: Message): void {
    this.#open = { message, top: 0 }
    this.#desk.changed()
  }

  key(chord: string, _text: string): void {
    const page = this.#room - 1
    const by = {
      j: 1,
      down: 1,
      k: -1,
      up: -1,
      pagedown: page,
      space: page,
      pageup: -page,
      home: -1e6,
      end: 1e6,
    }[chord]
    if (by !== undefined) this.scroll(by)
    else if (['esc', 'enter', 'q', 'm', 'ctrl+c'].includes(chord)) this.#open = null
    this.#desk.changed()
  }

  scroll(by: number): void {
    if (this.#open === null) return
    const last = Math.max(0, this.#lines(this.#open.message).length - this.#room)
    this.#open = { ...this.#open, top: Math.max(0, Math.min(last, this.#open.top + by)) }
  }

  /** There is no field here; pasted text is let go. */
  paste(_text: string): void {}

  hints() {
    return hintsOf('j/k move, PgDn page, Esc close')
  }

  overlay(): Overlay | null {
    if (this.#open === null) return null
    return {
      kind: 'message',
      lines: this.#lines(this.#open.message),
      top: this.#open.top,
      tone: this.#open.message.tone,
    }
  }

  #lines(message: Message): readonly string[] {
    return messageLines(message, this.#desk.size.columns - 4)
  }

  /** Rows of the box: that of the panes, less its border. */
  get #room(): number {
    return Math.max(1, this.#desk.chrome().panes.height - 2)
  }
}
