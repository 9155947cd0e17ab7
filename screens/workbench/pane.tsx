import { memo, type ReactNode, useMemo } from 'react'
import {
  Box,
  Chart,
  Checklist,
  fitsWhole,
  type Inner,
  Label,
  Lines,
  LogView,
  Meter,
  Pane,
  Sparkline,
  StaticTable,
  Table,
  useTheme,
} from '../../src/ui/index.ts'
import { GridBody } from './grid.tsx'
import { Guard } from './guard.tsx'
import { indexOf, type LogPane, logStateOf } from './logs.ts'
import type { PaneModel } from './model.ts'
import { openPlaces, rowIdsOf } from './model.ts'
import { OpenTable } from './open-table.tsx'
import { counted, paneNote } from './pane-note.ts'
import { cursorOf, filtered, fitted, markdownOf, openIdsOf, scrolledTop, staticLines, wrapLines } from './pane-rows.ts'
import { SpanLine } from './spans.tsx'
import type { PaneState } from './ui-state.ts'

type StaticPane = Extract<PaneModel, { kind: 'static' }>
type MarkdownPane = Extract<PaneModel, { kind: 'markdown' }>

export interface PaneViewProps {
  readonly pane: PaneModel
  readonly state: PaneState
  readonly width: number
  readonly height: number
  readonly isFocused: boolean
  /** Place among the panes of the screen, from 1, where some of them are hidden; see `PanePlace`. */
  readonly placeAt?: number
  readonly placeCount?: number
  readonly others?: string
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
  const cursor = cursorOf(state, rowIdsOf(pane))
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
    case 'table': {
      const openIds = isFocused ? openIdsOf(pane, state, width) : state.open
      return openPlaces(pane, openIds).length > 0 ? (
        <OpenTable pane={pane} openIds={openIds} cursor={isFocused ? cursor : -1} top={state.top} inner={inner} />
      ) : (
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
    }
    case 'text': {
      const lines = wrapLines(pane.lines, width)
      const top = scrolledTop(pane, state, lines.length, height)
      return lines.slice(top, top + height).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <SpanLine key={i} line={line} width={width} />
      ))
    }
    case 'log':
      return <LogBody pane={pane} state={state} inner={inner} />
    case 'static':
      return <StaticBody pane={pane} state={state} inner={inner} />
    case 'markdown':
      return <MarkdownBody pane={pane} state={state} inner={inner} />
    case 'grid':
      return <GridBody pane={pane} cursor={isFocused ? cursor : -1} inner={inner} />
    case 'meters':
      return <MetersBody pane={pane} top={scrolledTop(pane, state, pane.rows.length, height)} inner={inner} />
    case 'picture':
      return (
        pane
          .draw(width, height)
          .slice(0, height)
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
          .map((line, i) => <SpanLine key={i} line={line} width={width} />)
      )
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

/** The lines of a log that are on screen; while it follows, the line that is still being written stands below them. */
function LogBody({ pane, state, inner }: { pane: LogPane; state: PaneState; inner: Inner }) {
  const { columns: width, rows: height } = inner
  const index = indexOf(pane)
  if (index === null || pane.log === null) return <Label text={pane.empty} width={width} token="text.muted" />
  const { pending, version } = pane.log
  const hasPending = state.isFollowing && pending !== '' && index.filter.test(pending)
  return (
    <>
      {hasPending && index.count() === 0 ? null : (
        <LogView
          state={logStateOf(pane, state)}
          index={index}
          version={version}
          width={width}
          height={hasPending ? Math.min(index.count(), height - 1) : height}
          empty={pane.empty}
        />
      )}
      {hasPending ? <Label text={pending} width={width} token="text.muted" /> : null}
    </>
  )
}

/** A box by ink-table where every cell fits whole, aligned and wrapped lines elsewhere. */
function StaticBody({ pane, state, inner }: { pane: StaticPane; state: PaneState; inner: Inner }) {
  const { columns: width, rows: height } = inner
  const { glyphs } = useTheme()
  // Borders: a line more than there are rows and heading; two blanks a column and one stroke more than there are columns.
  const isRoomy = pane.rows.length * 2 + 3 <= height && fitsWhole(pane, width - pane.columns.length - 3, glyphs)
  if (isRoomy && pane.rows.length > 0)
    return <StaticTable columns={pane.columns} rows={pane.rows} empty={pane.empty} width={width} />
  const lines = staticLines(pane, width)
  const top = scrolledTop(pane, state, lines.length, height)
  return lines.slice(top, top + height).map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
    <SpanLine key={i} line={line} width={width} />
  ))
}

function MarkdownBody({ pane, state, inner }: { pane: MarkdownPane; state: PaneState; inner: Inner }) {
  const { glyphs } = useTheme()
  const rows = useMemo(() => markdownOf(pane, inner.columns, glyphs), [pane, inner.columns, glyphs])
  return <Lines lines={rows} width={inner.columns} height={inner.rows} top={state.top} />
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
export const PaneView = memo(function PaneView(props: PaneViewProps) {
  const { pane, state, width, height, isFocused, placeAt = 0, placeCount = 0, others = '' } = props
  const shown = fitted(filtered(pane, state.filter), width - 2)
  const title = state.filter === '' ? pane.title : `${pane.title}, filter ${state.filter}`
  const place = placeAt === 0 ? null : { at: placeAt, count: placeCount, others }
  const note = paneNote(counted(pane, shown), title, state, { width, height }, place)
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
