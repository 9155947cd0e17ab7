/** One cell of the picture, in SVG units. */
export interface CellBox {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

type Weight = 0 | 1 | 2
/** Arms from the middle of the cell: up, right, down, left; 1 light, 2 heavy. */
const arms: Readonly<Record<string, readonly [Weight, Weight, Weight, Weight]>> = {
  '─': [0, 1, 0, 1],
  '━': [0, 2, 0, 2],
  '│': [1, 0, 1, 0],
  '┃': [2, 0, 2, 0],
  '┌': [0, 1, 1, 0],
  '┏': [0, 2, 2, 0],
  '┐': [0, 0, 1, 1],
  '┓': [0, 0, 2, 2],
  '└': [1, 1, 0, 0],
  '┗': [2, 2, 0, 0],
  '┘': [1, 0, 0, 1],
  '┛': [2, 0, 0, 2],
  '├': [1, 1, 1, 0],
  '┤': [1, 0, 1, 1],
  '┬': [0, 1, 1, 1],
  '┴': [1, 1, 0, 1],
  '┼': [1, 1, 1, 1],
  '╭': [0, 1, 1, 0],
  '╮': [0, 0, 1, 1],
  '╰': [1, 1, 0, 0],
  '╯': [1, 0, 0, 1],
  '╵': [1, 0, 0, 0],
  '╶': [0, 1, 0, 0],
  '╷': [0, 0, 1, 0],
  '╴': [0, 0, 0, 1],
}
const thickness = [0, 1.1, 2.2] as const
const round = (value: number) => Math.round(value * 100) / 100
const rect = (x: number, y: number, width: number, height: number) =>
  `M${round(x)} ${round(y)}h${round(width)}v${round(height)}h${round(-width)}z`

function lines(weights: readonly [Weight, Weight, Weight, Weight], { x, y, width, height }: CellBox): string {
  const [up, right, down, left] = weights.map((w) => thickness[w]) as [number, number, number, number]
  const middleX = x + width / 2
  const middleY = y + height / 2
  const half = Math.max(up, right, down, left) / 2
  return [
    up > 0 ? rect(middleX - up / 2, y, up, height / 2 + half) : '',
    down > 0 ? rect(middleX - down / 2, middleY - half, down, height / 2 + half) : '',
    left > 0 ? rect(x, middleY - left / 2, width / 2 + half, left) : '',
    right > 0 ? rect(middleX - half, middleY - right / 2, width / 2 + half, right) : '',
  ].join('')
}

/** Dots of a braille cell: bit to column and row. */
const brailleDots = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
] as const

function braille(bits: number, { x, y, width, height }: CellBox): string {
  const size = 1.9
  return brailleDots
    .map(([column, row], bit) => {
      if ((bits & (1 << bit)) === 0) return ''
      return rect(
        x + (width * (2 * column + 1)) / 4 - size / 2,
        y + (height * (2 * row + 1)) / 8 - size / 2,
        size,
        size,
      )
    })
    .join('')
}

/**
 * Path of a character that must meet its neighbours (lines, blocks) or stand in an exact place (braille); null for
 * those that a font draws. Fonts leave gaps between the rows of a picture, because its rows are higher than their glyphs.
 */
export function cellPath(char: string, box: CellBox): string | null {
  const weights = arms[char]
  if (weights !== undefined) return lines(weights, box)
  const code = char.codePointAt(0) ?? 0
  const { x, y, width, height } = box
  if (code >= 0x2801 && code <= 0x28ff) return braille(code - 0x2800, box)
  // Lower eighths, the full block among them.
  if (code >= 0x2581 && code <= 0x2588) {
    const part = (height * (code - 0x2580)) / 8
    return rect(x, y + height - part, width, part)
  }
  // Left eighths, from seven down to one.
  if (code >= 0x2589 && code <= 0x258f) return rect(x, y, (width * (0x2590 - code)) / 8, height)
  if (char === '▀') return rect(x, y, width, height / 2)
  return null
}
