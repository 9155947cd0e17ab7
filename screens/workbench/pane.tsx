import { memo, type ReactNode } from 'react'
import { Box, Checklist, type Inner, Label, Pane, Table, Text, useTheme } from '../../src/ui/index.ts'
import { ChartPane } from './chart-pane.tsx'
import type { PaneModel } from './model.ts'
import { rowIdsOf } from './model.ts'
import { cursorOf, filtered, rowCount, scrolledTop, wrapLines } from './pane-rows.ts'
import { SpanLine } from './spans.tsx'
import type { PaneState } from './ui-state.ts'

export interface PaneViewProps {
  readonly pane: PaneModel
  readonly state: PaneState
  readonly width: number
  readonly height: number
  readonly isFocused: boolean
}

function Body({
  pane,
  state,
  inner,
  isFocused,
}: {
  pane: PaneModel
  state: PaneState
  inner: Inner
  isFocused: boolean
}): ReactNode {
  const { columns: width, rows: height } = inner
  const cursor = cursorOf(pane, state, rowIdsOf(pane))
  switch (pane.kind) {
    case 'checklist':
      return (
        <Checklist
          items={pane.items}
          openIds={state.open}
          empty={pane.empty}
          width={width}
          height={height}
          cursor={isFocused ? cursor : -1}
          top={state.top}
        />
      )
    case 'table':
      return (
        <Table
          columns={pane.columns}
          rows={pane.rows}
          empty={pane.empty}
          width={width}
          height={height}
          rowKey={(r) => r.id}
          {...(isFocused && cursor >= 0 ? { cursor } : {})}
          top={state.top}
        />
      )
    case 'text': {
      const lines = wrapLines(pane.lines, width)
      const top = scrolledTop(pane, state, lines.length, height)
      return lines.slice(top, top + height).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <SpanLine key={i} line={line} width={width} />
      ))
    }
    case 'log': {
      if (pane.lines.length === 0) return <Label text={pane.empty} width={width} token="text.muted" />
      const top = scrolledTop(pane, state, pane.lines.length, height)
      return pane.lines.slice(top, top + height).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <SpanLine key={i} line={line} width={width} />
      ))
    }
    case 'grid':
      return <GridBody pane={pane} cursor={isFocused ? cursor : -1} inner={inner} />
    case 'chart':
      return <ChartPane pane={pane} width={width} height={height} />
  }
}

/** Cells of equal width, row by row; the one under the cursor is marked. */
function GridBody({
  pane,
  cursor,
  inner,
}: {
  pane: Extract<PaneModel, { kind: 'grid' }>
  cursor: number
  inner: Inner
}) {
  const { styles } = useTheme()
  if (pane.cells.length === 0) return <Label text={pane.empty} width={inner.columns} token="text.muted" />
  const cellWidth = Math.max(1, ...pane.cells.map((c) => c.text.length)) + 1
  const perRow = Math.max(1, Math.floor(inner.columns / cellWidth))
  const rows = Array.from({ length: Math.ceil(pane.cells.length / perRow) }, (_unused, r) =>
    pane.cells.slice(r * perRow, (r + 1) * perRow),
  )
  const cursorRow = cursor < 0 ? 0 : Math.floor(cursor / perRow)
  const top = Math.max(0, Math.min(cursorRow - inner.rows + 1, rows.length - inner.rows))
  return rows.slice(top, top + inner.rows).map((cells, r) => (
    <Text key={cells[0]?.id} wrap="truncate">
      {cells.map((cell, c) => (
        <Text
          key={cell.id}
          {...styles[cell.token]}
          {...((top + r) * perRow + c === cursor ? styles.selection : undefined)}
        >
          {cell.text.padEnd(cellWidth)}
        </Text>
      ))}
    </Text>
  ))
}

/** One pane: border, title with filter and counts, and the rows that are on screen. */
export const PaneView = memo(function PaneView({ pane, state, width, height, isFocused }: PaneViewProps) {
  const shown = filtered(pane, state.filter)
  const title = state.filter === '' ? pane.title : `${pane.title} /${state.filter}`
  const rest =
    pane.kind === 'log' && !state.isFollowing
      ? 'paused, G follows'
      : pane.kind === 'text'
        ? scrollNote(shown, state, width - 2, height - 2)
        : ''
  const note = [pane.note ?? '', rest].filter((t) => t !== '').join('  ')
  return (
    <Pane width={width} height={height} title={title} note={note} isFocused={isFocused}>
      {(inner: Inner) => (
        <Box flexDirection="column" width={inner.columns} height={inner.rows} overflow="hidden">
          <Body pane={shown} state={state} inner={inner} isFocused={isFocused} />
        </Box>
      )}
    </Pane>
  )
})

function scrollNote(pane: PaneModel, state: PaneState, width: number, height: number): string {
  const count = rowCount(pane, width)
  if (count <= height) return ''
  const top = scrolledTop(pane, state, count, height)
  return `${top + 1}-${Math.min(count, top + height)} of ${count}`
}
