import { createRequire } from 'node:module'
import type { Terminal as XtermTerminal } from '@xterm/headless'

// The package is CommonJS; a named import of it works in bundlers but not in plain Node.
const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as { Terminal: typeof XtermTerminal }

/** One cell as a person would see it. Colours are `default`, `palette:n` or `#rrggbb`. */
export interface ScreenCell {
  readonly text: string
  readonly width: number
  readonly foreground: string
  readonly background: string
  readonly isBold: boolean
  readonly isDim: boolean
  readonly isItalic: boolean
  readonly isUnderlined: boolean
  readonly isInverse: boolean
}

/** A terminal emulator without a window: feed it bytes, read the grid. */
export class Emulator {
  readonly terminal: XtermTerminal
  #parsing: Promise<void> = Promise.resolve()

  /** `answer` gets what the terminal sends back by itself: replies to queries. */
  constructor(columns: number, rows: number, answer: (bytes: string) => void = () => {}) {
    this.terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 })
    this.terminal.onData(answer)
  }

  get columns(): number {
    return this.terminal.cols
  }

  get rows(): number {
    return this.terminal.rows
  }

  write(bytes: string | Uint8Array): void {
    this.#parsing = new Promise((resolve) => this.terminal.write(bytes, resolve))
  }

  /** Resolves when everything written so far is on the grid. */
  settled(): Promise<void> {
    return this.#parsing
  }

  resize(columns: number, rows: number): void {
    this.terminal.resize(columns, rows)
  }

  /** The visible rows as text, trailing blanks cut. */
  screen(): string[] {
    const { active } = this.terminal.buffer
    return Array.from(
      { length: this.terminal.rows },
      (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '',
    )
  }

  isAlternate(): boolean {
    return this.terminal.buffer.active.type === 'alternate'
  }

  cursor(): { column: number; row: number } {
    const { active } = this.terminal.buffer
    return { column: active.cursorX, row: active.cursorY }
  }

  /** Cells of one visible row. */
  cells(row: number): ScreenCell[] {
    const { active } = this.terminal.buffer
    const line = active.getLine(active.baseY + row)
    if (line === undefined) return []
    return Array.from({ length: this.terminal.cols }, (_, column) => {
      const cell = line.getCell(column)
      if (cell === undefined) throw new Error(`no cell at ${row}:${column}`)
      return {
        text: cell.getChars() || (cell.getWidth() === 0 ? '' : ' '),
        width: cell.getWidth(),
        foreground: colorName(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
        background: colorName(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
        isBold: cell.isBold() !== 0,
        isDim: cell.isDim() !== 0,
        isItalic: cell.isItalic() !== 0,
        isUnderlined: cell.isUnderline() !== 0,
        isInverse: cell.isInverse() !== 0,
      }
    })
  }

  /** All visible cells in one string, styles included: two screens look alike exactly when these are equal. */
  fingerprint(): string {
    return JSON.stringify(Array.from({ length: this.rows }, (_, row) => this.cells(row)))
  }
}

function colorName(isDefault: boolean, isRgb: boolean, value: number): string {
  if (isDefault) return 'default'
  return isRgb ? `#${value.toString(16).padStart(6, '0')}` : `palette:${value}`
}
