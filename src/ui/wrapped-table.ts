import { cut, textWidth, toWidth, wrap } from './text-fit.ts'

const gap = 2
/** Below this a column is not narrowed further: a word a row is the least that can be read. */
const leastWidth = 6

/**
 * Widths for columns that do not all fit. Short ones stay whole; of the room that is left each long one gets a share by
 * the root of its length, so that a long text takes more of the width and still leaves some to the others.
 */
function fittedWidths(natural: readonly number[], room: number): number[] {
  if (natural.reduce((a, b) => a + b, 0) <= room) return [...natural]
  const widths = natural.map(() => 0)
  let open = natural.map((_, i) => i)
  let left = room
  const settle = (i: number, width: number) => {
    widths[i] = width
    left -= width
    open = open.filter((j) => j !== i)
  }
  const share = (i: number) => {
    const sum = open.reduce((total, j) => total + Math.sqrt(natural[j] ?? 1), 0)
    return Math.floor((Math.max(0, left) * Math.sqrt(natural[i] ?? 1)) / sum)
  }
  for (let isSettled = false; !isSettled; ) {
    isSettled = true
    for (const i of open) {
      const width = natural[i] ?? 1
      const least = Math.min(width, leastWidth)
      const wanted = share(i)
      if (wanted >= width || wanted <= least) {
        settle(i, wanted >= width ? width : least)
        isSettled = false
        break
      }
    }
  }
  for (const i of [...open]) settle(i, open.length === 1 ? Math.max(leastWidth, left) : share(i))
  return widths
}

/**
 * A table of texts as rows of at most `width` cells: columns aligned, long cells wrapped, nothing cut while columns are
 * wide enough for a word. The outer list has one entry a row of the table.
 */
export function wrappedTable(cells: readonly (readonly string[])[], width: number): string[][] {
  const count = cells.reduce((most, row) => Math.max(most, row.length), 0)
  const natural = Array.from({ length: count }, (_, i) =>
    cells.reduce((widest, row) => Math.max(widest, textWidth(row[i] ?? '')), 1),
  )
  const widths = Number.isFinite(width) ? fittedWidths(natural, width - gap * Math.max(0, count - 1)) : natural
  return cells.map((row) => {
    const parts = widths.map((w, i) => wrap(row[i] ?? '', w))
    const height = Math.max(1, ...parts.map((part) => part.length))
    return Array.from({ length: height }, (_, k) =>
      cut(widths.map((w, i) => toWidth(parts[i]?.[k] ?? '', w)).join(' '.repeat(gap)), width).trimEnd(),
    )
  })
}
