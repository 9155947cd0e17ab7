import { useSyncExternalStore } from 'react'
import { Box, Label, Screen, TextInput, ThemeProvider, textWidth, useTheme } from '../../src/ui/index.ts'
import { isPhase } from '../../src/walk/phase.ts'
import { railSpans, titleSpans } from './chrome.ts'
import { chromeFor, focusedPane, type PlacedPane, placePanes } from './layout.ts'
import type { ScreenModel, Span } from './model.ts'
import { OverlayView } from './overlays.tsx'
import { PaneView } from './pane.tsx'
import type { Hint, Snapshot } from './snapshot.ts'
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
  const chrome = chromeFor(columns, rows, input.live !== null && overlay?.kind !== 'dialog')
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

/** What the running act does, and the last lines it printed. */
function LiveStrip({ snapshot, rows }: { readonly snapshot: Snapshot; readonly rows: number }) {
  const { input, columns } = snapshot
  const live = input.live
  const { glyphs } = useTheme()
  if (live === null) return null
  const p = live.progress
  const count = p?.done === undefined ? '' : ` ${p.done}${p.total === undefined ? '' : ` of ${p.total}`}`
  const head: Span[] = [
    { text: `${glyphs.rule.repeat(2)} `, token: 'border' },
    { text: live.title, token: 'state.running' },
    { text: `${count}  ${p?.text ?? 'starting …'}` },
    { text: '  Ctrl-C cancels', token: 'text.muted' },
  ]
  const tail = live.output.slice(-(rows - 1))
  return (
    <Box flexDirection="column" height={rows} flexShrink={0} overflow="hidden">
      <SpanLine line={head} width={columns} />
      {Array.from({ length: rows - 1 }, (_unused, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the strip is known by its place
        <SpanLine key={i} line={[{ text: tail[i] ?? '', token: 'text.muted' }]} width={columns} />
      ))}
    </Box>
  )
}

/** The row that is typed into, or a message, or the keys of a chord that are still open. */
function CommandRow({ snapshot }: { readonly snapshot: Snapshot }) {
  const { field, pending, message, columns } = snapshot
  if (field !== null)
    return <TextInput state={field.editor} width={columns} prompt={field.sign} completion={field.note} />
  if (pending !== null) {
    const line: Span[] = [{ text: `${pending.typed} `, token: 'accent' }]
    for (const { key, title } of pending.next) line.push({ text: `  ${key} `, token: 'accent' }, { text: title })
    return <SpanLine line={line} width={columns} />
  }
  if (message !== null) {
    const token =
      message.tone === 'error' ? 'severity.error' : message.tone === 'warn' ? 'severity.warn' : 'text.normal'
    const word = message.tone === 'error' ? 'error: ' : message.tone === 'warn' ? 'warning: ' : ''
    return <SpanLine line={[{ text: word + message.text, token }]} width={columns} />
  }
  return <Label text=" " />
}

/** Whole hints only, as many as fit; the last two, help and the way out, always. */
function HintRow({ snapshot }: { readonly snapshot: Snapshot }) {
  const { columns, hints } = snapshot
  const spans = (hint: Hint): Span[] => [
    { text: `${hint.key} `, token: hint.isDisabled ? 'text.muted' : 'accent' },
    { text: `${hint.text}  `, token: 'text.muted' },
  ]
  const width = (hint: Hint) => textWidth(`${hint.key} ${hint.text}  `)
  const kept = hints.slice(-2)
  let room = columns + 2 - kept.reduce((sum, hint) => sum + width(hint), 0)
  const shown = hints.slice(0, -2).filter((hint) => {
    room -= width(hint)
    return room >= 0
  })
  return <SpanLine line={[...shown, ...kept].flatMap(spans)} width={columns} />
}
