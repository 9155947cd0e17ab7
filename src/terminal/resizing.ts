import type { TerminalSize } from './events.ts'
import { Settler } from './repaint.ts'
import type { FrameSink } from './sink.ts'
import type { FrameWriter } from './writer.ts'

export interface ResizingParts {
  readonly sink: FrameSink
  readonly writer: FrameWriter
  readonly sizeNow: () => TerminalSize
  /** Draws for the size that the sink has now. */
  readonly flush: () => Promise<void> | undefined
  /** The writer shows the new size; paints it, when the terminal is ours. */
  readonly onSettled: () => void
}

/** Painting stops until the size has been quiet; frames that Ink makes meanwhile only replace each other. */
export class Resizing {
  readonly #parts: ResizingParts
  readonly #settler = new Settler(() => void this.#settle())
  #isResizing = false
  #count = 0
  #isClosed = false

  constructor(parts: ResizingParts) {
    this.#parts = parts
  }

  signal(): void {
    this.#count += 1
    if (!this.#isResizing) {
      this.#isResizing = true
      this.#parts.writer.hold()
    }
    this.#settler.signal()
  }

  /** Waits for nothing more; `isOver` when nothing may be painted any more either. */
  close(isOver: boolean): void {
    this.#isClosed ||= isOver
    this.#settler.close()
  }

  async #settle(): Promise<void> {
    const { sink, writer, sizeNow, flush, onSettled } = this.#parts
    const mine = this.#count
    const size = sizeNow()
    if (size.columns !== sink.columns || size.rows !== sink.rows) {
      sink.setSize(size)
      await flush()
    }
    // A newer signal came meanwhile: its own settling paints.
    if (mine !== this.#count || this.#isClosed) return
    this.#isResizing = false
    writer.resize(size)
    writer.resume()
    onSettled()
  }
}
