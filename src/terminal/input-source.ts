import type { FocusInput, KeyEvent, MouseInput, PasteInput, TerminalReply } from './events.ts'
import { InputParser } from './input.ts'
import type { TtyInput } from './tty.ts'

export interface InputListeners {
  readonly onKey: (key: KeyEvent) => void
  readonly onMouse?: ((mouse: MouseInput) => void) | undefined
  readonly onPaste?: ((paste: PasteInput) => void) | undefined
  readonly onFocus?: ((focus: FocusInput) => void) | undefined
  readonly onReply?: ((reply: TerminalReply) => void) | undefined
  /** The terminal sends nothing any more. */
  readonly onGone: (reason: string) => void
}

/** A paste whose end marker never comes is handed over after this much silence. */
const PASTE_SILENCE_MS = 1000

/** Owns the bytes of `stdin` while started: raw mode, decoding, the Esc timer, adding up wheel reports. */
export class InputSource {
  #stdin: TtyInput
  #listeners: InputListeners
  #escTimeoutMs: number
  #parser = new InputParser()
  #timer: NodeJS.Timeout | null = null
  #wheel: MouseInput | null = null
  #isStarted = false

  constructor(stdin: TtyInput, listeners: InputListeners, escTimeoutMs: number) {
    this.#stdin = stdin
    this.#listeners = listeners
    this.#escTimeoutMs = escTimeoutMs
  }

  setEscTimeout(milliseconds: number): void {
    this.#escTimeoutMs = milliseconds
  }

  /** Takes the terminal's input. Safe to call again: it asserts raw mode anew, which a shell may have undone. */
  start(): void {
    this.#setRaw(false)
    this.#setRaw(true)
    if (this.#isStarted) return
    this.#isStarted = true
    this.#stdin.on('data', this.#onData)
    this.#stdin.on('end', this.#onEnd)
    this.#stdin.on('close', this.#onEnd)
    this.#stdin.on('error', this.#onError)
    this.#stdin.resume()
  }

  /** Gives the input back, in cooked mode. */
  stop(): void {
    this.#clearTimer()
    this.#parser = new InputParser()
    this.#wheel = null
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#stdin.off('data', this.#onData)
    this.#stdin.off('end', this.#onEnd)
    this.#stdin.off('close', this.#onEnd)
    // The error listener stays: a terminal that goes away later must not crash the process.
    this.#stdin.pause()
    this.#setRaw(false)
  }

  #setRaw(isRaw: boolean): void {
    try {
      this.#stdin.setRawMode?.(isRaw)
    } catch {
      // The terminal is gone; its end is reported by the stream.
    }
  }

  #onEnd = (): void => this.#listeners.onGone('the terminal closed its input')

  #onError = (error: Error): void => this.#listeners.onGone(`reading the terminal failed: ${error.message}`)

  #onData = (chunk: Buffer): void => {
    this.#clearTimer()
    this.#deliver(this.#parser.push(chunk))
    const waiting = this.#parser.waitingFor()
    if (waiting === null || !this.#isStarted) return
    this.#timer = setTimeout(
      () => this.#deliver(this.#parser.flush()),
      waiting === 'paste' ? PASTE_SILENCE_MS : this.#escTimeoutMs,
    )
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #deliver(events: ReturnType<InputParser['push']>): void {
    for (const event of events) {
      // A listener may hand the terminal away (suspend, editor) in the middle of a chunk.
      if (!this.#isStarted) return
      if (event.type === 'mouse' && event.kind === 'wheel') {
        this.#addWheel(event)
        continue
      }
      this.#flushWheel()
      if (event.type === 'key') this.#listeners.onKey(event)
      else if (event.type === 'mouse') this.#listeners.onMouse?.(event)
      else if (event.type === 'paste') this.#listeners.onPaste?.(event)
      else if (event.type === 'focus') this.#listeners.onFocus?.(event)
      else this.#listeners.onReply?.(event)
    }
  }

  /** Multiplexers send thousands of wheel reports a second: those in one direction are added up until the loop turns. */
  #addWheel(event: MouseInput): void {
    if (this.#wheel !== null && this.#wheel.direction === event.direction) {
      this.#wheel = { ...event, count: this.#wheel.count + 1 }
      return
    }
    const isFirst = this.#wheel === null
    this.#flushWheel()
    this.#wheel = event
    if (isFirst) setImmediate(() => this.#flushWheel())
  }

  #flushWheel(): void {
    const wheel = this.#wheel
    this.#wheel = null
    if (wheel !== null && this.#isStarted) this.#listeners.onMouse?.(wheel)
  }
}
