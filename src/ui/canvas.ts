import type { Token } from './theme.ts'

/** What a dot is drawn with: its style, and the letter that stands for it where there is no braille. */
export interface Ink {
  readonly token: Token
  readonly letter: string
}

/** A piece of a row; the same shape as a piece of any styled line. */
export interface CanvasRun {
  readonly text: string
  readonly token: Token
}

/** Dots of a braille cell, by row and column. */
const bits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const
export const dotColumns = 2
export const dotRows = 4

/**
 * A picture of dots and letters for a terminal: two by four dots a cell in braille, a letter a cell in ASCII. A cell has one
 * ink, the one that came last; letters stand above dots. What is outside is left out.
 */
export class Canvas {
  /** In cells. */
  readonly width: number
  readonly height: number
  readonly #dots: Uint8Array
  readonly #inkOf: Uint8Array
  readonly #letters = new Map<number, string>()
  readonly #inks: Ink[] = []

  constructor(width: number, height: number) {
    this.width = Math.max(0, Math.floor(width))
    this.height = Math.max(0, Math.floor(height))
    this.#dots = new Uint8Array(this.width * this.height)
    this.#inkOf = new Uint8Array(this.width * this.height)
  }

  /** The same picture, to be drawn on further. */
  copy(): Canvas {
    const copied = new Canvas(this.width, this.height)
    copied.#dots.set(this.#dots)
    copied.#inkOf.set(this.#inkOf)
    for (const [cell, letter] of this.#letters) copied.#letters.set(cell, letter)
    copied.#inks.push(...this.#inks)
    return copied
  }

  get columns(): number {
    return this.width * dotColumns
  }
  get rows(): number {
    return this.height * dotRows
  }

  #ink(ink: Ink): number {
    const known = this.#inks.indexOf(ink)
    return known >= 0 ? known : this.#inks.push(ink) - 1
  }

  /** One dot; the origin is at the top left. */
  dot(x: number, y: number, ink: Ink): void {
    if (!(x >= 0 && y >= 0 && x < this.columns && y < this.rows)) return
    const [column, row] = [Math.floor(x), Math.floor(y)]
    const cell = (row >> 2) * this.width + (column >> 1)
    this.#dots[cell] = (this.#dots[cell] as number) | (bits[row & 3]?.[column & 1] ?? 0)
    this.#inkOf[cell] = this.#ink(ink)
  }

  /** Dots from one place to another, both included. */
  line(fromX: number, fromY: number, toX: number, toY: number, ink: Ink): void {
    const [x0, y0, x1, y1] = [fromX, fromY, toX, toY].map(Math.round) as [number, number, number, number]
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))
    if (!Number.isFinite(steps)) return
    for (let i = 0; i <= steps; i++) {
      const share = steps === 0 ? 0 : i / steps
      this.dot(Math.round(x0 + (x1 - x0) * share), Math.round(y0 + (y1 - y0) * share), ink)
    }
  }

  /** Letters from a cell on, over whatever is drawn there. */
  put(column: number, row: number, text: string, ink: Ink): void {
    for (const [i, letter] of [...text].entries()) {
      const at = column + i
      if (at < 0 || row < 0 || at >= this.width || row >= this.height) continue
      const cell = row * this.width + at
      this.#letters.set(cell, letter)
      this.#inkOf[cell] = this.#ink(ink)
    }
  }

  /** Whether anything stands in a cell. */
  isSet(column: number, row: number): boolean {
    const cell = row * this.width + column
    return (this.#dots[cell] ?? 0) !== 0 || this.#letters.has(cell)
  }

  /**
   * The rows from the top, each as wide as the canvas.
   *
   * @param rule column in which a stroke is drawn through every free cell, as a cursor; negative: none
   * @param isRuleShort the stroke stands in the first and the last row alone: fewer rows change when it moves
   */
  render(isUnicode: boolean, rule = -1, isRuleShort = false): CanvasRun[][] {
    const rows: CanvasRun[][] = []
    for (let row = 0; row < this.height; row++) {
      const runs: { text: string; token: Token }[] = []
      for (let column = 0; column < this.width; column++) {
        const cell = row * this.width + column
        const dots = this.#dots[cell] as number
        const letter = this.#letters.get(cell)
        const ink = dots === 0 && letter === undefined ? null : this.#inks[this.#inkOf[cell] as number]
        const isRule = column === rule && ink === null && (!isRuleShort || row === 0 || row === this.height - 1)
        const token: Token = ink?.token ?? (isRule ? 'accent' : 'text.normal')
        const text =
          letter ??
          (dots === 0
            ? isRule
              ? isUnicode
                ? '│'
                : '|'
              : ' '
            : isUnicode
              ? String.fromCharCode(0x2800 + dots)
              : (ink?.letter ?? '*'))
        const last = runs.at(-1)
        if (last !== undefined && (last.token === token || text === ' ')) last.text += text
        else runs.push({ text, token })
      }
      rows.push(runs)
    }
    return rows
  }
}
