import { cut, textWidth, toWidth, wrap } from './text-fit.ts'

const gap = 2
/** Below this a column is not narrowed further: a word a row is the least that can be read. */
const leastWidth = 6

/** Cells of one line of a table; a bar behind a backslash belongs to its cell. */
export function tableCells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** More columns than anyone can read: such lines are left as they are. */
const mostColumns = 40

/** Whether a line is the rule below a heading: dashes and colons only. */
function isRule(line: string): boolean {
  return tableCells(line).every((cell) => /^:?-+:?$/.test(cell))
}

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

export interface TableRow {
  readonly text: string
  readonly isHeading: boolean
}

/** A Markdown table as rows of `width` cells at most: columns aligned, long cells wrapped. An empty heading is left out. */
export function tableRows(lines: readonly string[], width: number, clean: (cell: string) => string): TableRow[] {
  const hasHeading = lines[1] !== undefined && isRule(lines[1])
  const cells = lines
    .filter((line, i) => !(hasHeading && i === 1) && line.trim() !== '')
    .map((line) => tableCells(line).map(clean))
  const count = cells.reduce((most, row) => Math.max(most, row.length), 0)
  if (count > mostColumns) return lines.map((text) => ({ text: cut(text, width), isHeading: false }))
  const natural = Array.from({ length: count }, (_, i) =>
    cells.reduce((w, row) => Math.max(w, textWidth(row[i] ?? '')), 1),
  )
  const widths = Number.isFinite(width) ? fittedWidths(natural, width - gap * Math.max(0, count - 1)) : natural
  return cells.flatMap((row, r): TableRow[] => {
    const isHeading = hasHeading && r === 0
    if (isHeading && row.every((cell) => cell === '')) return []
    const parts = widths.map((w, i) => wrap(row[i] ?? '', w))
    const height = Math.max(1, ...parts.map((part) => part.length))
    return Array.from({ length: height }, (_, k) => ({
      text: cut(widths.map((w, i) => toWidth(parts[i]?.[k] ?? '', w)).join(' '.repeat(gap)), width).trimEnd(),
      isHeading,
    }))
  })
}
