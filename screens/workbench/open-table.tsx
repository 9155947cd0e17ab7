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
import { openPlaces, type PaneModel, type Row } from './model.ts'

type TablePane = Extract<PaneModel, { kind: 'table' }>

type TableLine =
  | { readonly kind: 'row'; readonly key: string; readonly index: number; readonly row: Row }
  | { readonly kind: 'detail'; readonly key: string; readonly text: string }

/** The lines of a table with open rows, counted without being made: of many thousand, those on screen are. */
interface OpenLines {
  readonly count: number
  /** Line of the row at this place. */
  lineOf(index: number): number
  slice(from: number, to: number): readonly TableLine[]
}

export function openLines(pane: TablePane, openIds: readonly string[], width: number): OpenLines {
  const { rows } = pane
  let below = 0
  const open = openPlaces(pane, openIds).map((index) => {
    const detail = (rows[index]?.detail ?? []).flatMap((line) => wrap(line, Math.max(1, width - 4), '  '))
    const at = { index, line: index + below, detail }
    below += detail.length
    return at
  })
  const lineOf = (index: number) =>
    open.reduce((line, each) => (each.index < index ? line + each.detail.length : line), index)
  const lineAt = (line: number): TableLine | null => {
    const before = open.findLast((each) => each.line < line)
    const n = before === undefined ? -1 : line - before.line - 1
    const text = before?.detail[n]
    const index = before === undefined ? line : before.index + 1 + n - before.detail.length
    const row = rows[text === undefined ? index : (before?.index ?? 0)]
    if (row === undefined) return null
    return text === undefined
      ? { kind: 'row', key: row.id, index, row }
      : { kind: 'detail', key: `${row.id} ${n}`, text }
  }
  return {
    count: rows.length + below,
    lineOf,
    slice: (from, to) =>
      Array.from({ length: Math.max(0, to - from) }, (_, i) => lineAt(from + i)).flatMap((l) => l ?? []),
  }
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
  const lines = openLines(pane, openIds, width)
  const room = Math.max(0, height - 1)
  const at = cursor >= 0 && cursor < pane.rows.length ? lines.lineOf(cursor) : -1
  // An opened row is of use with what it opened: as much of it as there is room for.
  const last = (cursor + 1 < pane.rows.length ? lines.lineOf(cursor + 1) : lines.count) - 1
  const wanted = at < 0 ? top : Math.min(last, at + room - 1)
  const first = visibleTop(visibleTop(top, wanted, room, lines.count), at < 0 ? top : at, room, lines.count)
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
