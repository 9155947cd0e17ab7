import { type StyledChar, styledCharsFromTokens, styledCharsToString, tokenize } from '@alcalzone/ansi-tokenize'
import stringWidth from 'string-width'

/** Changes one line of a text before it is drawn: Ink's styles are of this kind. `index` counts the lines of the text. */
export type Transformer = (line: string, index: number) => string

/** Bounds in cells, the upper ones exclusive; one that is left out does not bound. */
export interface Clip {
  readonly x1?: number | undefined
  readonly x2?: number | undefined
  readonly y1?: number | undefined
  readonly y2?: number | undefined
}

/** Part of a text that stands in one row. */
interface Piece {
  readonly x: number
  readonly characters: readonly StyledChar[]
}

interface Placed {
  readonly clip: Clip | undefined
  readonly rows: readonly (Piece & { readonly y: number })[]
}

/** One step of drawing, in the order in which Ink walks its tree. A kept one may be drawn again in a later frame. */
export type Step =
  | {
      readonly kind: 'write'
      readonly x: number
      readonly y: number
      readonly text: string
      readonly transformers: readonly Transformer[]
      placed?: Placed
    }
  | { readonly kind: 'clip'; readonly clip: Clip }
  | { readonly kind: 'unclip' }

interface KeptRow {
  readonly pieces: readonly Piece[]
  readonly text: string
}

/** More texts than one screen holds. */
const mostTexts = 512
const blank: StyledChar = { type: 'char', value: ' ', fullWidth: false, styles: [] }

/**
 * What was made of a text, for as long as frames ask for it. What was not asked for while as many others came is
 * forgotten: a text that changes every second would else fill the memory with its past.
 */
class Recent<T> {
  #now = new Map<string, T>()
  #before = new Map<string, T>()

  /** `make` is called for a text that is not known. */
  of(text: string, make: (text: string) => T): T {
    const known = this.#now.get(text)
    if (known !== undefined) return known
    const value = this.#before.get(text) ?? make(text)
    if (this.#now.size >= mostTexts) {
      this.#before = this.#now
      this.#now = new Map()
    }
    this.#now.set(text, value)
    return value
  }
}

const characterCache = new Recent<readonly StyledChar[]>()
const lineCache = new Recent<readonly string[]>()
const widthCache = new Recent<number>()
let keptRows: { readonly width: number; readonly rows: readonly KeptRow[] } = { width: 0, rows: [] }

/**
 * Puts what Ink draws into rows. The build puts this in the place of Ink's own output, which takes every text apart and
 * fills every cell anew in every frame: here a row whose pieces are those of the frame before is the text that it was.
 * Draws what Ink's own draws, cell by cell; a property test holds the two against each other.
 */
export class FrameOutput {
  readonly width: number
  readonly height: number
  readonly #steps: Step[] = []

  constructor(size: { readonly width: number; readonly height: number }) {
    this.width = size.width
    this.height = size.height
  }

  write(x: number, y: number, text: string, options: { readonly transformers: readonly Transformer[] }): void {
    if (text !== '') this.#steps.push({ kind: 'write', x, y, text, transformers: options.transformers })
  }

  /** What follows is cut by `clip` and by every clip that is open. */
  clip(clip: Clip): void {
    this.#steps.push({ kind: 'clip', clip })
  }

  unclip(): void {
    this.#steps.push({ kind: 'unclip' })
  }

  /** Steps so far: a mark for `since`. */
  get count(): number {
    return this.#steps.length
  }

  since(mark: number): readonly Step[] {
    return this.#steps.slice(mark)
  }

  /** Draws kept steps of an earlier frame again. */
  repeat(steps: readonly Step[]): void {
    for (const step of steps) this.#steps.push(step)
  }

  get(): { readonly output: string; readonly height: number } {
    const rows: Piece[][] = Array.from({ length: this.height }, () => [])
    const clips: Clip[] = []
    for (const step of this.#steps) {
      if (step.kind === 'clip') clips.push(both(clips.at(-1), step.clip))
      else if (step.kind === 'unclip') clips.pop()
      else for (const piece of place(step, clips.at(-1))) rows[piece.y]?.push(piece)
    }
    const before = keptRows.width === this.width ? keptRows.rows : []
    const kept = rows.map((pieces, y) => {
      const same = before[y]
      return same !== undefined && arePiecesSame(same.pieces, pieces)
        ? same
        : { pieces, text: rowText(pieces, this.width) }
    })
    keptRows = { width: this.width, rows: kept }
    return { output: kept.map((row) => row.text).join('\n'), height: this.height }
  }
}

/** The pieces of a write under a clip; asked again for the next frame, the same ones. */
function place(step: Extract<Step, { kind: 'write' }>, clip: Clip | undefined): Placed['rows'] {
  if (step.placed === undefined || !isClipSame(step.placed.clip, clip))
    step.placed = { clip, rows: placedRows(step, clip) }
  return step.placed.rows
}

function placedRows(step: Extract<Step, { kind: 'write' }>, clip: Clip | undefined): Placed['rows'] {
  let { x, y } = step
  let lines = linesOf(step.text)
  if (clip !== undefined) {
    if (isEmpty(clip.x1, clip.x2) || isEmpty(clip.y1, clip.y2)) return []
    if (clip.x1 !== undefined && clip.x2 !== undefined) {
      const { x1, x2 } = clip
      const widest = Math.max(...step.text.split('\n').map(widthOf))
      if (x + widest < x1 || x > x2) return []
      lines = lines.map((line) => {
        const width = widthOf(line)
        const from = Math.max(0, x1 - x)
        const to = x + width > x2 ? x2 - x : width
        // A line that fits whole needs no slice of itself.
        return from === 0 && to === width ? line : sliced(line, from, to)
      })
      x = Math.max(x, x1)
    }
    if (clip.y1 !== undefined && clip.y2 !== undefined) {
      const { y1, y2 } = clip
      const height = lines.length
      if (y + height < y1 || y > y2) return []
      const from = Math.max(0, y1 - y)
      lines = lines.slice(from, y + height > y2 ? y2 - y : height)
      y = Math.max(y, y1)
    }
  }
  return lines.flatMap((line, i) => {
    const drawn = step.transformers.reduce((text, transform) => transform(text, i + y - step.y), line)
    const characters = charactersOf(drawn)
    return characters.length === 0 ? [] : [{ x, y: y + i, characters }]
  })
}

/** Columns `from` to `to` of a line. Of a wide character that the edge halves only a blank in its style is left. */
function sliced(line: string, from: number, to: number): string {
  if (from >= to) return ''
  const taken: StyledChar[] = []
  let column = 0
  for (const character of charactersOf(line)) {
    const start = column
    const width = widthOf(character.value)
    column += width
    if (start >= to && column > from) break
    if (column > from) taken.push(width > 1 && (start < from || column > to) ? blankOf(character) : character)
  }
  return styledCharsToString(taken)
}

function rowText(pieces: readonly Piece[], width: number): string {
  const cells: (StyledChar | undefined)[] = new Array(width).fill(blank)
  for (const piece of pieces) put(cells, piece)
  return styledCharsToString(cells.filter((cell) => cell !== undefined)).trimEnd()
}

/** A wide character has its cell and an empty one behind it: who writes over one of the two leaves a blank of the other. */
function put(cells: (StyledChar | undefined)[], { x, characters }: Piece): void {
  const left = x > 0 ? cells[x - 1] : undefined
  if (left !== undefined && cells[x]?.value === '' && widthOf(left.value) > 1) cells[x - 1] = blankOf(left)
  let at = x
  for (const character of characters) {
    cells[at] = character
    const width = cellsOf(character.value)
    for (let more = 1; more < width; more += 1)
      // Where the first half lies outside, what is seen of it is a blank.
      cells[at + more] = { type: 'char', value: at < 0 ? ' ' : '', fullWidth: false, styles: character.styles }
    at += width
  }
  const right = cells[at]
  if (right?.value === '') cells[at] = blankOf(right)
}

const blankOf = (cell: StyledChar): StyledChar => ({ ...cell, value: ' ', fullWidth: false })

/** Nearly every cell holds a character of ASCII. */
const cellsOf = (value: string): number =>
  value.length === 1 && value >= ' ' && value <= '~' ? 1 : Math.max(1, widthOf(value))

const widthOf = (text: string): number => widthCache.of(text, stringWidth)

const charactersOf = (line: string): readonly StyledChar[] =>
  characterCache.of(line, (text) =>
    // A character that shows nothing by itself takes no cell.
    styledCharsFromTokens(tokenize(text)).filter(({ value }) => !/^\p{Default_Ignorable_Code_Point}+$/u.test(value)),
  )

/** The lines of a text, each with the styles that it takes over from the lines before it. */
const linesOf = (text: string): readonly string[] =>
  lineCache.of(text, () => {
    const lines: StyledChar[][] = [[]]
    for (const character of charactersOf(text)) {
      if (character.value === '\n') lines.push([])
      else lines.at(-1)?.push(character)
    }
    return lines.map((line) => styledCharsToString(line))
  })

function arePiecesSame(before: readonly Piece[], now: readonly Piece[]): boolean {
  return (
    before.length === now.length &&
    before.every((piece, i) => piece === now[i] || (piece.x === now[i]?.x && piece.characters === now[i].characters))
  )
}

const isEmpty = (from: number | undefined, to: number | undefined) =>
  from !== undefined && to !== undefined && from >= to

const isClipSame = (a: Clip | undefined, b: Clip | undefined) =>
  a === b || (a?.x1 === b?.x1 && a?.x2 === b?.x2 && a?.y1 === b?.y1 && a?.y2 === b?.y2)

function both(outer: Clip | undefined, inner: Clip): Clip {
  if (outer === undefined) return inner
  const tighter = (a: number | undefined, b: number | undefined, pick: (...of: number[]) => number) =>
    a === undefined ? b : b === undefined ? a : pick(a, b)
  return {
    x1: tighter(outer.x1, inner.x1, Math.max),
    x2: tighter(outer.x2, inner.x2, Math.min),
    y1: tighter(outer.y1, inner.y1, Math.max),
    y2: tighter(outer.y2, inner.y2, Math.min),
  }
}
