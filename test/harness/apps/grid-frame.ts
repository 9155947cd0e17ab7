/**
 * What the grid app shows, as plain text: shared by the app and by the tests that check the screen. Every size has rows
 * that exactly fill the width, rows that are shorter, and live numbers at the right edge.
 */
export function gridRow(row: number, columns: number, rows: number, count: number): string {
  const label = row === 0 ? `grid ${columns}x${rows}` : row === rows - 1 ? `foot ${row}` : `row ${row}`
  if (row % 3 === 1) return `${label} short`.slice(0, columns)
  const number = `${count * (row + 1)}`
  const filler = 'abcdefghijklmnopqrstuvwxyz0123456789'[(row * 7) % 36] ?? '.'
  const middle = columns - label.length - number.length - 2
  if (middle < 1) return `${label}${number}`.padEnd(columns, filler).slice(0, columns)
  return `${label} ${filler.repeat(middle)} ${number}`
}

/** All rows, trailing blanks cut, as an emulator reports them. */
export function gridScreen(columns: number, rows: number, count: number): string[] {
  return Array.from({ length: rows }, (_, row) => gridRow(row, columns, rows, count).trimEnd())
}
