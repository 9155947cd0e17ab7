import { memo, type ReactNode } from 'react'
import {
  Box,
  Chart,
  Checklist,
  type Inner,
  Label,
  Meter,
  Pane,
  packRuns,
  Runs,
  Sparkline,
  Table,
} from '../../src/ui/index.ts'
import { Guard } from './guard.tsx'
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
    case 'meters':
      return <MetersBody pane={pane} top={scrolledTop(pane, state, pane.rows.length, height)} inner={inner} />
    case 'chart':
      return pane.series.length === 0 ? (
        <Label text={pane.empty} width={width} token="text.muted" />
      ) : (
        <Chart
          id={pane.id}
          version={pane.version}
          width={width}
          height={height}
          series={pane.series.map((s) => ({ title: s.name, values: s.y }))}
          {...(pane.series[0]?.x[0] === undefined ? {} : { xFrom: pane.series[0].x[0], xStep: pane.xStep })}
        />
      )
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
  if (pane.cells.length === 0) return <Label text={pane.empty} width={inner.columns} token="text.muted" />
  const cellWidth = Math.max(1, ...pane.cells.map((c) => c.text.length)) + 1
  const perRow = Math.max(1, Math.floor(inner.columns / cellWidth))
  const count = Math.ceil(pane.cells.length / perRow)
  const cursorRow = cursor < 0 ? 0 : Math.floor(cursor / perRow)
  const top = Math.max(0, Math.min(cursorRow - inner.rows + 1, count - inner.rows))
  return Array.from({ length: Math.min(inner.rows, count - top) }, (_unused, r) => {
    const from = (top + r) * perRow
    const cells = pane.cells.slice(from, from + perRow)
    const runs = packRuns(
      cells.map((cell, c) => ({
        text: cell.text.padEnd(cellWidth),
        token: cell.token,
        isInverse: from + c === cursor,
      })),
    )
    return <Runs key={cells[0]?.id} runs={runs} />
  })
}

/** Bars, sparklines and words, one a row. */
function MetersBody({ pane, top, inner }: { pane: Extract<PaneModel, { kind: 'meters' }>; top: number; inner: Inner }) {
  const { columns: width, rows: height } = inner
  if (pane.rows.length === 0) return <Label text={pane.empty} width={width} token="text.muted" />
  return pane.rows.slice(top, top + height).map((row, i) => {
    const key = `${top + i}`
    if (row.kind === 'line') return <SpanLine key={key} line={row.line} width={width} />
    if (row.kind === 'spark')
      return <Sparkline key={key} label={row.label} labelWidth={10} values={row.values} text={row.text} width={width} />
    return <Meter key={key} {...row} labelWidth={10} width={width} />
  })
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
          <Guard width={inner.columns} subject={shown}>
            <Body pane={shown} state={state} inner={inner} isFocused={isFocused} />
          </Guard>
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
