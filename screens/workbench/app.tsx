import { useSyncExternalStore } from 'react'
import { Box, Screen, ThemeProvider, useTheme } from '../../src/ui/index.ts'
import { isPhase } from '../../src/walk/phase.ts'
import { railSpans, titleSpans } from './chrome.ts'
import { CommandRow, HintRow, LiveStrip, MessageRows } from './footer.tsx'
import { chromeFor, focusedPane, type PlacedPane, placePanes } from './layout.ts'
import { rowsAbove } from './message.ts'
import type { ScreenModel, Span } from './model.ts'
import { OverlayView } from './overlays.tsx'
import { PaneView } from './pane.tsx'
import type { Snapshot } from './snapshot.ts'
import { SpanLine } from './spans.tsx'
import { paneOf } from './ui-state.ts'

export interface SnapshotStore {
  subscribe(listener: () => void): () => void
  get(): Snapshot
}

/** The workbench: title, rail, summary, panes, live output, command line, hints. Draws; decides nothing. */
export function App({ store }: { readonly store: SnapshotStore }) {
  const snapshot = useSyncExternalStore(store.subscribe, store.get)
  return (
    <ThemeProvider theme={snapshot.theme}>
      <Screen columns={snapshot.columns} rows={snapshot.rows}>
        <Frame snapshot={snapshot} />
      </Screen>
    </ThemeProvider>
  )
}

function Frame({ snapshot }: { readonly snapshot: Snapshot }) {
  const { input, model, columns, rows, ui, overlay } = snapshot
  const { glyphs } = useTheme()
  // A question needs the room more than the output of the act that asks it.
  const messageRows = rowsAbove(snapshot.messageBlock, snapshot.field !== null)
  const chrome = chromeFor(columns, rows, input.live !== null && overlay?.kind !== 'dialog', messageRows)
  const { panes } = chrome
  return (
    <>
      <SpanLine line={titleSpans(input, columns)} width={columns} />
      <SpanLine line={railSpans(input, columns, glyphs)} width={columns} />
      <SpanLine line={summarySpans(model)} width={columns} />
      {overlay === null ? (
        <PaneArea
          placed={placePanes(model, focusedPane(model, ui.focus[ui.screen]), ui.isZoomed, panes)}
          snapshot={snapshot}
        />
      ) : (
        // A short question leaves the rows below it as they are.
        <Box height={panes.height} flexShrink={0} flexDirection="column">
          <OverlayView overlay={overlay} width={columns} height={panes.height} />
        </Box>
      )}
      {chrome.liveRows > 0 ? <LiveStrip snapshot={snapshot} rows={chrome.liveRows} /> : null}
      {messageRows > 0 ? <MessageRows snapshot={snapshot} rows={messageRows} /> : null}
      <CommandRow snapshot={snapshot} />
      <HintRow snapshot={snapshot} />
    </>
  )
}

/** How the screen stands. The rail names the open phase; a screen that is none says its name here. */
function summarySpans(model: ScreenModel): readonly Span[] {
  const name: readonly Span[] = isPhase(model.id) ? [] : [{ text: `${model.title}  `, token: 'text.strong' }]
  return [{ text: ' ' }, ...name, ...(typeof model.summary === 'string' ? [{ text: model.summary }] : model.summary)]
}

/** Panes in columns, as `placePanes` laid them out. */
function PaneArea({ placed, snapshot }: { readonly placed: readonly PlacedPane[]; readonly snapshot: Snapshot }) {
  const { model, ui } = snapshot
  const focus = focusedPane(model, ui.focus[ui.screen])
  const top = Math.min(...placed.map((p) => p.y))
  // The pane below the columns is a row of its own.
  const below = placed.filter((p) => p.id === model.bottom?.id && p.y > top)
  const above = placed.filter((p) => !below.includes(p))
  const xs = [...new Set(above.map((p) => p.x))]
  const isHiding = placed.length < model.panes.length
  const at = model.panes.findIndex((p) => p.id === focus)
  const others = [...model.panes.slice(at + 1), ...model.panes.slice(0, at)].map((p) => p.title).join(', ')
  const place = isHiding ? { placeAt: at + 1, placeCount: model.panes.length, others } : {}
  const view = (p: PlacedPane) => {
    const pane = model.panes.find((m) => m.id === p.id)
    const isFocused = p.id === focus
    return pane === undefined ? null : (
      <PaneView
        key={p.id}
        pane={pane}
        state={paneOf(ui, p.id)}
        width={p.width}
        height={p.height}
        isFocused={isFocused}
        {...(isFocused ? place : {})}
      />
    )
  }
  return (
    <Box height={Math.max(...placed.map((p) => p.y + p.height)) - top} flexShrink={0} flexDirection="column">
      <Box flexShrink={0}>
        {xs.map((x) => (
          <Box key={x} flexDirection="column" flexShrink={0}>
            {above.filter((p) => p.x === x).map(view)}
          </Box>
        ))}
      </Box>
      {below.map(view)}
    </Box>
  )
}
