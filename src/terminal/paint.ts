import type { Row } from './row.ts'
import type { Style } from './sgr.ts'

const ESC = '\u001b'
/** A run of equal cells shorter than this costs less to write again than to jump over. */
const SHORTEST_JUMP = 8

/** Builds the bytes of one paint. Knows where the style stands, so that it is spelled out only when it changes. */
export class Painter {
  #parts: string[] = []
  #style: Style
  readonly #plain: Style

  constructor(plain: Style) {
    this.#plain = plain
    this.#style = plain
  }

  /** Grows with every piece added. */
  get pieces(): number {
    return this.#parts.length
  }

  get text(): string {
    return this.#parts.join('')
  }

  raw(bytes: string): void {
    this.#parts.push(bytes)
  }

  #move(row: number, column: number): void {
    this.#parts.push(column === 0 ? `${ESC}[${row + 1}H` : `${ESC}[${row + 1};${column + 1}H`)
  }

  #wear(style: Style): void {
    if (style.sgr !== this.#style.sgr) this.#parts.push(style.sgr === '' ? `${ESC}[m` : `${ESC}[0;${style.sgr}m`)
    this.#style = style
  }

  #cells(row: Row, from: number, to: number): void {
    for (let column = from; column < to; column += 1) {
      const style = row.styles[column]
      if (style !== undefined) this.#wear(style)
      this.#parts.push(row.texts[column] ?? ' ')
    }
  }

  /**
   * Writes what differs between the row believed on screen and the wanted one, by absolute address. Erasing to the end
   * of the line happens only when the row is narrower than the terminal: after a full row the cursor still stands on
   * the last cell and the erase would take it (handbook terminal 3.4).
   */
  row(index: number, believed: Row, wanted: Row, columns: number): void {
    const doubtful = Math.min(wanted.doubtfulFrom, believed.doubtfulFrom)
    if (doubtful !== Number.POSITIVE_INFINITY) {
      this.#toTheEnd(index, Math.min(doubtful, firstDifference(believed, wanted)), wanted)
      return
    }
    this.#runs(index, believed, wanted)
    if (believed.width <= wanted.width || wanted.width >= columns) return
    this.#move(index, wanted.width)
    this.#erase()
  }

  /**
   * All cells from `from` on. Behind a glyph of doubtful width no cell can be addressed, so the rest of the row is
   * erased first, while it is still certain where the cursor stands.
   */
  #toTheEnd(index: number, from: number, wanted: Row): void {
    this.#move(index, from)
    this.#erase()
    this.#cells(wanted, from, wanted.width)
  }

  #runs(index: number, believed: Row, wanted: Row): void {
    let column = 0
    while (column < wanted.width) {
      if (isSameCell(believed, wanted, column)) {
        column += 1
        continue
      }
      let from = column
      // Never address the second half of a wide glyph, neither the wanted nor the believed one.
      while (from > 0 && (wanted.texts[from] === '' || (believed.texts[from] === '' && from < believed.width)))
        from -= 1
      let end = column + 1
      for (let ahead = end; ahead < wanted.width && ahead - end < SHORTEST_JUMP; ahead += 1) {
        if (!isSameCell(believed, wanted, ahead)) end = ahead + 1
      }
      while (end < wanted.width && wanted.texts[end] === '') end += 1
      this.#move(index, from)
      this.#cells(wanted, from, end)
      column = end
    }
  }

  #erase(): void {
    this.#wear(this.#plain)
    this.#parts.push(`${ESC}[K`)
  }

  /** Back to the default style. */
  calm(): void {
    this.#wear(this.#plain)
  }
}

function isSameCell(a: Row, b: Row, column: number): boolean {
  return column < a.width && a.texts[column] === b.texts[column] && a.styles[column] === b.styles[column]
}

function firstDifference(a: Row, b: Row): number {
  const shorter = Math.min(a.width, b.width)
  for (let column = 0; column < shorter; column += 1) {
    if (isSameCell(a, b, column)) continue
    let from = column
    while (from > 0 && (a.texts[from] === '' || b.texts[from] === '')) from -= 1
    return from
  }
  return shorter
}
