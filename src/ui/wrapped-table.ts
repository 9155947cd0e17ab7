import { cut, textWidth, toWidth, wrap } from './text-fit.ts'

const gap = 2
/** Below this a column is not narrowed further: a word a row is the least that can be read. */
const leastWidth = 6

/** Takes from the widest columns first, so that short ones stay whole; what does not fit then is cut. */
function fittedWidths(natural: readonly number[], room: number): number[] {
  const widths = [...natural]
  let over = widths.reduce((a, b) => a + b, 0) - room
  while (over > 0) {
    const most = Math.max(...widths)
    if (most <= leastWidth) break
    const next = Math.max(leastWidth, ...widths.filter((w) => w < most))
    const widest = widths.flatMap((w, i) => (w === most ? [i] : []))
    const step = Math.max(1, Math.min(most - next, Math.ceil(over / widest.length)))
    for (const i of widest) {
      const take = Math.min(step, over)
      widths[i] = most - take
      over -= take
    }
  }
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
