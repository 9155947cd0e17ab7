import {
  cut,
  headingCells,
  type Inner,
  Label,
  packRuns,
  placeColumns,
  Runs,
  rowCells,
  useTheme,
  visibleTop,
  wrap,
} from '../../src/ui/index.ts'
import type { PaneModel, Row } from './model.ts'

type TablePane = Extract<PaneModel, { kind: 'table' }>

type TableLine =
  | { readonly kind: 'row'; readonly key: string; readonly index: number; readonly row: Row }
  | { readonly kind: 'detail'; readonly key: string; readonly text: string }

/** Rows of a table with the lines of the opened ones below them. */
export function openedLines(pane: TablePane, openIds: readonly string[], width: number): TableLine[] {
  const open = new Set(openIds)
  return pane.rows.flatMap((row, index): TableLine[] => [
    { kind: 'row', key: row.id, index, row },
    ...(open.has(row.id) ? (row.detail ?? []) : [])
      .flatMap((line) => wrap(line, Math.max(1, width - 4), '  '))
      .map((text, n): TableLine => ({ kind: 'detail', key: `${row.id} ${n}`, text })),
  ])
}

/** A table of which some rows are open. Only the lines on screen are mounted. */
export function OpenTable(props: {
  readonly pane: TablePane
  readonly openIds: readonly string[]
  readonly cursor: number
  readonly top: number
  readonly inner: Inner
}) {
  const { pane, openIds, cursor, top, inner } = props
  const { glyphs } = useTheme()
  const { columns: width, rows: height } = inner
  const placed = placeColumns(pane.columns, width - 2)
  const lines = openedLines(pane, openIds, width)
  const room = Math.max(0, height - 1)
  const at = lines.findIndex((line) => line.kind === 'row' && line.index === cursor)
  // An opened row is of use with what it opened: as much of it as there is room for.
  const end = lines.findIndex((line, i) => i > at && line.kind === 'row')
  const last = (end < 0 ? lines.length : end) - 1
  const wanted = at < 0 ? top : Math.min(last, at + room - 1)
  const first = visibleTop(visibleTop(top, wanted, room, lines.length), at < 0 ? top : at, room, lines.length)
  return (
    <>
      <Label text={`  ${headingCells(placed, undefined, glyphs).join('  ')}`} token="text.strong" />
      {lines.slice(first, first + room).map((line) => {
        if (line.kind === 'detail')
          return <Label key={line.key} text={`    ${cut(line.text, width - 4)}`} width={width} token="text.muted" />
        const isSelected = line.index === cursor
        const sign = openIds.includes(line.row.id) ? glyphs.open : isSelected ? glyphs.cursor : ' '
        const cells = rowCells(placed, line.row, glyphs).map((text, n) => ({
          text: n === 0 ? text : `  ${text}`,
          token: placed[n]?.column.token?.(line.row) ?? ('text.normal' as const),
        }))
        return (
          <Runs
            key={line.key}
            runs={packRuns([{ text: `${sign} ` }, ...cells])}
            isSelected={isSelected}
            width={width}
          />
        )
      })}
    </>
  )
}
