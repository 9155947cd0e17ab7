import { EventEmitter } from 'node:events'
import type { TerminalSize } from './events.ts'

type Done = (error?: Error | null) => void

/** Control sequences only, no text and no newline: mode switches that bypass Ink's frames. SGR alone is not one. */
const onlyControls = /^(?:\u001b\[[0-9:;<=>?]*[ -/]*[@-~]|\u001b[ -/]*[0-Z\\^-~])+$/

/**
 * Stands in for `stdout` under Ink's debug mode: each non-empty write is one whole frame. The size Ink sees is set
 * here, so kx decides when a resize has settled (handbook terminal 3.4).
 */
export class FrameSink extends EventEmitter {
  readonly isTTY = true
  readonly writable = true
  columns: number
  rows: number
  /** Lets mode switches through; only for the fallback in which Ink writes to the terminal itself. */
  keepControls = false
  #onFrame: (frame: string) => void
  #droppedChunks = 0

  constructor(size: TerminalSize, onFrame: (frame: string) => void) {
    super()
    this.columns = size.columns
    this.rows = size.rows
    this.#onFrame = onFrame
    // Every component that asks for the window size adds a resize listener.
    this.setMaxListeners(0)
  }

  /** Chunks of mode switches that were swallowed. */
  get droppedChunks(): number {
    return this.#droppedChunks
  }

  /** An empty chunk is Ink's barrier: it waits for the callback and must not blank the screen. */
  write(chunk: string | Uint8Array, encoding?: BufferEncoding | Done, callback?: Done): boolean {
    const done = typeof encoding === 'function' ? encoding : callback
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    if (text !== '') {
      if (!this.keepControls && onlyControls.test(text) && !/^(?:\u001b\[[0-9:;]*m)+$/.test(text))
        this.#droppedChunks += 1
      else this.#onFrame(text)
    }
    if (done !== undefined) queueMicrotask(() => done(null))
    return true
  }

  end(): this {
    return this
  }

  /** Tells Ink the new size, once it is final. */
  setSize(size: TerminalSize): void {
    this.columns = size.columns
    this.rows = size.rows
    this.emit('resize')
  }

  /** The sink in the clothes Ink asks for; it uses only what is implemented above. */
  asStdout(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream
  }
}
