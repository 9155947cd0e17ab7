import { cut } from './text-fit.ts'
import { wrappedTable } from './wrapped-table.ts'

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

export interface TableRow {
  readonly text: string
  readonly isHeading: boolean
}

/** A Markdown table as rows of at most `width` cells: columns aligned, long cells wrapped. An empty heading is left out. */
export function tableRows(lines: readonly string[], width: number, clean: (cell: string) => string): TableRow[] {
  const hasHeading = lines[1] !== undefined && isRule(lines[1])
  const all = lines.filter((_, i) => !(hasHeading && i === 1)).map((line) => tableCells(line).map(clean))
  if (all.some((row) => row.length > mostColumns))
    return lines.map((text) => ({ text: cut(text, width), isHeading: false }))
  const isEmpty = hasHeading && all[0]?.every((cell) => cell === '') === true
  const cells = isEmpty ? all.slice(1) : all
  return wrappedTable(cells, width).flatMap((rows, i) =>
    rows.map((text) => ({ text, isHeading: hasHeading && !isEmpty && i === 0 })),
  )
}
