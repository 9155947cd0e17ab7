import { editorRows } from '../../src/ui/editor-rows.ts'
import { Box, Dialog, Form, Label, Pane, TextInput, useTheme, visibleTop } from '../../src/ui/index.ts'
import type { Overlay } from './snapshot.ts'
import { SpanLine } from './spans.tsx'

export interface OverlayProps {
  readonly overlay: Overlay
  readonly width: number
  readonly height: number
}

/** Palette and help: a field to search in, and what it finds. Enter runs the marked row. */
function ListOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'list' }> }) {
  const { glyphs } = useTheme()
  const inner = width - 2
  const room = Math.max(0, height - 5)
  const top = visibleTop(0, overlay.index, room, overlay.rows.length)
  const chosen = overlay.rows[overlay.index]
  const keysWidth = Math.min(20, Math.max(8, ...overlay.rows.map((r) => r.keys.length)))
  return (
    <Pane width={width} height={height} title={overlay.title} note={`${overlay.rows.length}`} isFocused>
      <TextInput state={overlay.editor} width={inner} prompt="find: " placeholder="type a few letters" />
      {overlay.rows.slice(top, top + room).map((row, i) => (
        <SpanLine
          key={`${row.id} ${row.title}`}
          width={inner}
          line={[
            { text: top + i === overlay.index ? `${glyphs.cursor} ` : '  ', token: 'accent' },
            { text: row.keys.padEnd(keysWidth + 1), token: 'accent' },
            {
              text: row.title,
              token: row.why === null ? (top + i === overlay.index ? 'text.strong' : 'text.normal') : 'text.muted',
            },
            { text: row.why === null ? '' : `  ${row.why}`, token: 'text.muted' },
          ]}
        />
      ))}
      {overlay.rows.length === 0 ? <Label text="nothing matches" width={inner} token="text.muted" /> : null}
      <Box flexGrow={1} />
      <Label text={chosen === undefined ? '' : chosen.description} width={inner} token="text.muted" />
      <Label text={chosen === undefined ? '' : `:${chosen.id}`} width={inner} token="text.muted" />
    </Pane>
  )
}

function FormOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'form' }> }) {
  return (
    <Pane
      width={width}
      height={height}
      title={overlay.title}
      note="Tab next, Enter on the last takes it, Esc leaves"
      isFocused
    >
      <Form state={overlay.state} width={width - 2} height={height - 2} />
    </Pane>
  )
}

const messageTitles = { info: 'Message', warn: 'Warning', error: 'Error' } as const

/** A message of any length, read like a page. */
function MessageOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'message' }> }) {
  const { lines, top } = overlay
  const room = Math.max(0, height - 2)
  const note = lines.length <= room ? '' : `${top + 1}-${Math.min(lines.length, top + room)} of ${lines.length}`
  return (
    <Pane width={width} height={height} title={messageTitles[overlay.tone]} note={note} isFocused>
      {lines.slice(top, top + room).map((text, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <Label key={i} text={text === '' ? ' ' : ` ${text}`} width={width - 2} />
      ))}
    </Pane>
  )
}

/** The prompt: what was entered and shown, the text that is written, and below it what it would give. */
function ReplOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'repl' }> }) {
  const { editor, sign, ghost } = overlay
  const inner = width - 2
  const { rows, column } = editorRows(editor, Math.max(1, Math.floor(height / 2)))
  const room = Math.max(0, height - 3 - rows.length)
  const end = overlay.lines.length - overlay.back
  const shown = overlay.lines.slice(Math.max(0, end - room), end)
  const note = overlay.back > 0 ? `${overlay.back} lines below, PgDn` : overlay.state
  return (
    <Pane width={width} height={height} title={overlay.title} note={note} isFocused>
      {shown.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <SpanLine key={i} line={line} width={inner} />
      ))}
      {rows.map(({ id, text, isCursor, isFirst }) => {
        const prompt = isFirst ? sign : ' '.repeat(sign.length)
        const state = { text, cursor: column }
        return isCursor ? (
          <TextInput key={id} state={state} width={inner} prompt={prompt} completion={ghost} />
        ) : (
          <SpanLine key={id} line={[{ text: prompt, token: 'accent' }, { text }]} width={inner} />
        )
      })}
      <SpanLine line={[{ text: '  ' }, ...overlay.note]} width={inner} />
      <Box flexGrow={1} />
    </Pane>
  )
}

/** What lies over the panes: a list to choose from, a question, a form, a message. */
export function OverlayView(props: OverlayProps) {
  const { overlay } = props
  switch (overlay.kind) {
    case 'list':
      return <ListOverlay {...props} overlay={overlay} />
    case 'dialog':
      return <Dialog state={overlay.state} width={props.width} height={props.height} />
    case 'form':
      return <FormOverlay {...props} overlay={overlay} />
    case 'repl':
      return <ReplOverlay {...props} overlay={overlay} />
    case 'message':
      return <MessageOverlay {...props} overlay={overlay} />
  }
}
