import type { CompareRow, CompareView } from '../../src/compare/types.ts'

const plain = (cells: readonly string[]) => cells.map((cell) => cell.replaceAll('±', '+-'))

const made = new WeakMap<readonly CompareRow[], readonly CompareRow[]>()

/** The view for a terminal of plain ASCII: the sign of a spread would become one that says something else. Made once. */
export function withPlainSigns(view: CompareView): CompareView {
  let rows = made.get(view.rows)
  if (rows === undefined) {
    rows = view.rows.map((row) => ({
      ...row,
      cells: plain(row.cells),
      ...(row.shortCells === undefined ? {} : { shortCells: plain(row.shortCells) }),
    }))
    made.set(view.rows, rows)
  }
  return { ...view, rows }
}
