import { type Glyphs, unicodeGlyphs } from './glyphs.ts'
import { split } from './split.ts'
import { type Align, oneLine, textWidth, toWidth } from './text-fit.ts'
import type { Token } from './theme.ts'

/** One column of a table. Without `width` it takes its share (`flex`) of what the others leave. */
export interface Column<R> {
  readonly id: string
  readonly title: string
  readonly value: (row: R) => string
  readonly width?: number
  readonly flex?: number
  readonly min?: number
  readonly align?: Align
  readonly token?: (row: R) => Token
  /** Columns with the highest number are dropped first where there is no room; 0 is never dropped. */
  readonly dropOrder?: number
}

export interface Sort {
  readonly columnId: string
  readonly direction: 'up' | 'down'
}

/** What every form of a table is made from. */
export interface TableModel<R> {
  readonly columns: readonly Column<R>[]
  readonly rows: readonly R[]
  readonly sort?: Sort
  /** Said when there are no rows. */
  readonly empty?: string
}

export interface PlacedColumn<R> {
  readonly column: Column<R>
  readonly width: number
}

export const columnGap = 2

/** Columns that fit into `width` cells, with the width of each. */
export function placeColumns<R>(columns: readonly Column<R>[], width: number): PlacedColumn<R>[] {
  const kept = [...columns]
  const needed = () =>
    kept.reduce((sum, c) => sum + (c.width ?? Math.max(c.min ?? 0, 4)), 0) + columnGap * Math.max(0, kept.length - 1)
  while (needed() > width) {
    const order = Math.max(...kept.map((c) => c.dropOrder ?? 0))
    if (order <= 0) break
    kept.splice(
      kept.findLastIndex((c) => (c.dropOrder ?? 0) === order),
      1,
    )
  }
  const parts = kept.map((c) =>
    c.width !== undefined ? { size: c.width } : { flex: c.flex ?? 1, min: Math.max(c.min ?? 0, 4) },
  )
  const sizes = split(width, parts, columnGap)
  return kept.flatMap((column, i) => ((sizes[i] ?? 0) > 0 ? [{ column, width: sizes[i] ?? 0 }] : []))
}

/** Heading of a column with its sort mark. */
export function headingText<R>(column: Column<R>, sort: Sort | undefined, glyphs: Glyphs): string {
  if (sort?.columnId !== column.id) return column.title
  return `${column.title} ${sort.direction === 'up' ? glyphs.sortUp : glyphs.sortDown}`
}

/** Cells of the heading line, each exactly as wide as its column. */
export function headingCells<R>(placed: readonly PlacedColumn<R>[], sort: Sort | undefined, glyphs: Glyphs): string[] {
  return placed.map(({ column, width }) =>
    toWidth(headingText(column, sort, glyphs), width, column.align, glyphs.ellipsis),
  )
}

/** Cells of one row, each exactly as wide as its column. */
export function rowCells<R>(placed: readonly PlacedColumn<R>[], row: R, glyphs: Glyphs): string[] {
  return placed.map(({ column, width }) => toWidth(column.value(row), width, column.align, glyphs.ellipsis))
}

/** Widths that show every cell whole, at most `limit` each. */
export function naturalWidths<R>({ columns, rows, sort }: TableModel<R>, glyphs: Glyphs, limit = 60): number[] {
  return columns.map((column) => {
    let widest = textWidth(headingText(column, sort, glyphs))
    for (const row of rows) widest = Math.max(widest, textWidth(oneLine(column.value(row))))
    return Math.min(limit, widest)
  })
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((a, b) => a + b, 0) + columnGap * Math.max(0, widths.length - 1)
}

/** Whether every cell is shown whole in `width` cells. */
export function fitsWhole<R>(model: TableModel<R>, width: number, glyphs: Glyphs): boolean {
  return totalWidth(naturalWidths(model, glyphs, Number.POSITIVE_INFINITY)) <= width
}

/** Columns at their natural widths if they fit into `width`, by share otherwise. */
export function placeNaturally<R>(model: TableModel<R>, width: number, glyphs: Glyphs): PlacedColumn<R>[] {
  // Whole if there is room for it; else no column may take more than its share for one long cell.
  for (const limit of [Number.POSITIVE_INFINITY, 60]) {
    const natural = naturalWidths(model, glyphs, limit)
    if (totalWidth(natural) <= width) return model.columns.map((column, i) => ({ column, width: natural[i] ?? 0 }))
  }
  const widths = naturalWidths(model, glyphs)
  const fitted = model.columns.map((column, i) =>
    column.width === undefined ? column : { ...column, width: Math.min(column.width, widths[i] ?? column.width) },
  )
  return placeColumns(fitted, width)
}

/** The whole table as lines: heading, rule, every row. For `--plain`. */
export function tableLines<R>(model: TableModel<R>, width: number, glyphs: Glyphs = unicodeGlyphs): string[] {
  if (model.rows.length === 0) return [model.empty ?? 'none']
  const placed = placeNaturally(model, width, glyphs)
  const join = (cells: readonly string[]) => cells.join(' '.repeat(columnGap)).trimEnd()
  return [
    join(headingCells(placed, model.sort, glyphs)),
    join(placed.map((p) => glyphs.rule.repeat(p.width))),
    ...model.rows.map((row) => join(rowCells(placed, row, glyphs))),
  ]
}
