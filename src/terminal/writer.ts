import type { CursorPosition, TerminalSize } from './events.ts'
import { Painter } from './paint.ts'
import { blankRow, type GateCount, parseRow, type Row } from './row.ts'
import { type ColorDepth, StyleTable } from './sgr.ts'

const ESC = '\u001b'
const BEGIN_SYNC = `${ESC}[?2026h`
const END_SYNC = `${ESC}[?2026l`

/** The part of a writable stream the writer needs; `process.stdout` has it. */
export interface FrameTarget {
  write(bytes: string): boolean
  readonly writableNeedDrain?: boolean
  once(event: 'drain', listener: () => void): unknown
}

export interface WriterStats {
  /** Frames painted. */
  readonly frames: number
  /** Frames replaced by a newer one before they were painted: they cost nothing on the wire. */
  readonly skippedFrames: number
  readonly bytes: number
  /** Full erases: at start, after a resize, on request, after a resume. */
  readonly clears: number
  /** Rows that a frame had beyond the terminal: a layout bug upstream. */
  readonly excessRows: number
  /** Characters and sequences the gate did not let through. */
  readonly dropped: number
}

/**
 * Puts whole frames on the terminal: only the cells that changed, by absolute address, one write a paint.
 * Holds the rows it believes are on screen, the newest frame wanted, the size, and whether belief is void (`force`).
 */
export class FrameWriter {
  #target: FrameTarget
  #table: StyleTable
  #size: TerminalSize
  #believedSource: string[] = []
  #believed: Row[] = []
  #wanted: string | null = null
  #isFrameNew = false
  #isDirty = false
  #mustClear = true
  #isScheduled = false
  #isWaitingForDrain = false
  #holds = 0
  #isClosed = false
  #hasSync = false
  #cursor: CursorPosition | null = null
  #shownCursor: CursorPosition | null = null
  #frames = 0
  #skipped = 0
  #bytes = 0
  #clears = 0
  #excess = 0
  #gate: GateCount = { dropped: 0 }
  #schedule: (paint: () => void) => void

  constructor(options: {
    target: FrameTarget
    size: TerminalSize
    colorDepth?: ColorDepth
    /** When to paint after a frame came; tests pass their own. */
    schedule?: (paint: () => void) => void
  }) {
    this.#target = options.target
    this.#size = options.size
    this.#table = new StyleTable(options.colorDepth ?? 'truecolor')
    this.#schedule = options.schedule ?? ((paint) => void setImmediate(paint))
  }

  get stats(): WriterStats {
    return {
      frames: this.#frames,
      skippedFrames: this.#skipped,
      bytes: this.#bytes,
      clears: this.#clears,
      excessRows: this.#excess,
      dropped: this.#gate.dropped,
    }
  }

  /** A new frame: rows joined by newline. The last one before the paint wins. */
  accept(frame: string): void {
    if (this.#isClosed) return
    if (this.#isFrameNew) this.#skipped += 1
    if (frame === this.#wanted && !this.#isDirty) return
    this.#isFrameNew = true
    this.#wanted = frame
    this.#isDirty = true
    this.#request()
  }

  /** Synchronized-update marks around paints; only for terminals that answered they know them. */
  setSync(hasSync: boolean): void {
    this.#hasSync = hasSync
  }

  /** Where the cursor shows after each paint; null hides it. */
  setCursor(position: CursorPosition | null): void {
    const before = this.#cursor
    if (before?.column === position?.column && before?.row === position?.row) return
    this.#cursor = position
    this.#isDirty = true
    this.#request()
  }

  /** Forgets what is believed, erases and paints everything at the next chance. */
  force(): void {
    this.#mustClear = true
    this.#isDirty = true
    this.#request()
  }

  /** The terminal has another size now: nothing believed holds. */
  resize(size: TerminalSize): void {
    this.#size = size
    this.force()
  }

  /** Stops painting until `resume`, as often as it was held: during a resize, while a child owns the terminal. */
  hold(): void {
    this.#holds += 1
  }

  resume(): void {
    this.#holds = Math.max(0, this.#holds - 1)
    if (this.#isDirty) this.#request()
  }

  /** Bytes beside the frames (mode switches, queries, clipboard). Lost when the writer is closed. */
  control(bytes: string): void {
    if (this.#isClosed || bytes === '') return
    this.#write(bytes)
  }

  /** No byte after this. */
  close(): void {
    this.#isClosed = true
    this.#wanted = null
  }

  /** Paints now if anything is to paint and nothing holds it back. */
  paint(): void {
    if (this.#isClosed || this.#holds > 0 || !this.#isDirty || this.#wanted === null) return
    if (this.#target.writableNeedDrain === true) {
      this.#awaitDrain()
      return
    }
    const bytes = this.#compose(this.#wanted)
    this.#isDirty = false
    this.#isFrameNew = false
    if (bytes === '') return
    this.#frames += 1
    this.#write(bytes)
  }

  #request(): void {
    if (this.#isScheduled || this.#isClosed || this.#holds > 0) return
    this.#isScheduled = true
    this.#schedule(() => {
      this.#isScheduled = false
      this.paint()
    })
  }

  #awaitDrain(): void {
    if (this.#isWaitingForDrain) return
    this.#isWaitingForDrain = true
    this.#target.once('drain', () => {
      this.#isWaitingForDrain = false
      this.paint()
    })
  }

  #write(bytes: string): void {
    this.#bytes += Buffer.byteLength(bytes)
    this.#target.write(bytes)
  }

  /** The bytes from the believed screen to the wanted one; empty when they are the same. */
  #compose(frame: string): string {
    const { columns, rows } = this.#size
    const sources = frame.split('\n')
    if (sources.length > rows) this.#excess += sources.length - rows
    const painter = new Painter(this.#table.plain)
    const isCleared = this.#mustClear
    if (isCleared) {
      painter.raw(`${ESC}[r${ESC}[?6l${ESC}[2J`)
      this.#believedSource = []
      this.#believed = []
      this.#clears += 1
      this.#mustClear = false
    }
    let isChanged = isCleared
    for (let index = 0; index < rows; index += 1) {
      const source = sources[index] ?? ''
      if (this.#believedSource[index] === source) continue
      const wanted = source === '' ? blankRow : parseRow(source, columns, this.#table, this.#gate)
      const before = painter.pieces
      painter.row(index, this.#believed[index] ?? blankRow, wanted, columns)
      if (painter.pieces > before) isChanged = true
      this.#believedSource[index] = source
      this.#believed[index] = wanted
    }
    const hasCursorMoved =
      this.#cursor?.column !== this.#shownCursor?.column || this.#cursor?.row !== this.#shownCursor?.row
    if (!isChanged && !hasCursorMoved) return ''
    painter.calm()
    const isShown = this.#shownCursor !== null
    this.#shownCursor = this.#cursor
    const hide = isChanged && (isShown || isCleared) ? `${ESC}[?25l` : ''
    const prologue = isChanged ? `${hide}${ESC}[?7l${ESC}[m` : ''
    const body = prologue + painter.text + this.#placeCursor(isShown && !isChanged)
    return this.#hasSync ? BEGIN_SYNC + body + END_SYNC : body
  }

  #placeCursor(isVisible: boolean): string {
    if (this.#cursor === null) return isVisible ? `${ESC}[?25l` : ''
    const column = Math.min(Math.max(0, this.#cursor.column), this.#size.columns - 1)
    const row = Math.min(Math.max(0, this.#cursor.row), this.#size.rows - 1)
    return `${ESC}[${row + 1};${column + 1}H${isVisible ? '' : `${ESC}[?25h`}`
  }
}
