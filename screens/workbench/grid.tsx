import { type Inner, Label, packRuns, type Run, Runs } from '../../src/ui/index.ts'
import type { PaneModel } from './model.ts'

export interface GridPlace {
  /** Cells of the terminal for the number that begins a row. */
  readonly label: number
  readonly cellWidth: number
  readonly perRow: number
  /** Cells are counted in groups of this many, a blank between them. */
  readonly group: number
}

const group = 10

/** How cells stand in `columns`: rows of whole tens where there is room, each row with the number of its first cell. */
export function placeGrid(count: number, cellWidth: number, columns: number): GridPlace {
  const label = `${Math.max(0, count - 1)}`.length + 1
  const room = Math.max(1, columns - label)
  const groups = Math.floor((room + 1) / (group * cellWidth + 1))
  return groups > 0
    ? { label, cellWidth, perRow: groups * group, group }
    : { label, cellWidth, perRow: Math.max(1, Math.floor(room / cellWidth)), group: Number.POSITIVE_INFINITY }
}

export type GridPane = Extract<PaneModel, { kind: 'grid' }>

/** The same for a pane of this inner width. */
export function gridPlaceOf(pane: GridPane, columns: number): GridPlace {
  const widest = pane.cells.reduce((most, c) => Math.max(most, c.text.length), 1)
  return placeGrid(pane.cells.length, widest + 1, columns)
}

/** Cells of equal width, row by row; the one under the cursor is marked. */
export function GridBody({
  pane,
  cursor,
  inner,
}: {
  readonly pane: GridPane
  readonly cursor: number
  readonly inner: Inner
}) {
  if (pane.cells.length === 0) return <Label text={pane.empty} width={inner.columns} token="text.muted" />
  const { label, cellWidth, perRow, group: each } = gridPlaceOf(pane, inner.columns)
  const count = Math.ceil(pane.cells.length / perRow)
  const cursorRow = cursor < 0 ? 0 : Math.floor(cursor / perRow)
  const top = Math.max(0, Math.min(cursorRow - inner.rows + 1, count - inner.rows))
  return Array.from({ length: Math.min(inner.rows, count - top) }, (_unused, r) => {
    const from = (top + r) * perRow
    const runs: Run[] = [{ text: `${from}`.padStart(label - 1).padEnd(label), token: 'text.muted' }]
    pane.cells.slice(from, from + perRow).forEach((cell, c) => {
      const isGroupEnd = Number.isFinite(each) && (c + 1) % each === 0 && c + 1 < perRow
      runs.push({ text: cell.text.padEnd(cellWidth - 1), token: cell.token, isInverse: from + c === cursor })
      runs.push({ text: isGroupEnd ? '  ' : ' ' })
    })
    return <Runs key={from} runs={packRuns(runs)} />
  })
}
