import { Box, Label, Pane, TextInput, useTheme, visibleTop, wrap } from '../../src/ui/index.ts'
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
          key={row.id}
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

function DialogOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'dialog' }> }) {
  const { dialog } = overlay
  const inner = width - 4
  const question = wrap(dialog.question, inner)
  const detail = dialog.detail
    .flatMap((line) => wrap(line, inner, '  '))
    .slice(0, Math.max(0, height - question.length - 7))
  const answer =
    dialog.kind === 'confirm'
      ? 'y and Enter goes on, Esc leaves it'
      : dialog.kind === 'typed'
        ? `type ${dialog.expected} and press Enter; Esc leaves it`
        : 'Enter takes it, Esc leaves it'
  return (
    <Pane width={width} height={height} title="Please answer" isFocused>
      <Box flexDirection="column" paddingLeft={1}>
        {question.map((line) => (
          <Label key={line} text={line} width={inner} token="text.strong" />
        ))}
        <Label text=" " width={inner} />
        {detail.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
          <Label key={i} text={line === '' ? ' ' : line} width={inner} />
        ))}
        <Label text=" " width={inner} />
        <TextInput state={dialog.editor} width={inner} prompt="> " />
        <Label
          text={dialog.problem ?? answer}
          width={inner}
          token={dialog.problem === null ? 'text.muted' : 'severity.error'}
        />
      </Box>
    </Pane>
  )
}

function FormOverlay({ overlay, width, height }: OverlayProps & { overlay: Extract<Overlay, { kind: 'form' }> }) {
  const { form } = overlay
  const { glyphs } = useTheme()
  const inner = width - 2
  const labelWidth = Math.min(44, Math.max(12, ...form.fields.map((f) => f.label.length)))
  const top = visibleTop(0, form.index, Math.max(1, height - 4), form.fields.length)
  return (
    <Pane width={width} height={height} title={form.title} isFocused>
      {form.fields
        .slice(top, top + Math.max(1, height - 4))
        .map((field, i) =>
          top + i === form.index ? (
            <TextInput
              key={field.name}
              state={form.editor}
              width={inner}
              prompt={`${glyphs.cursor} ${field.label.padEnd(labelWidth)} `}
            />
          ) : (
            <SpanLine
              key={field.name}
              width={inner}
              line={[
                { text: `  ${field.label.padEnd(labelWidth)} `, token: 'text.muted' },
                { text: field.value },
                { text: field.problem === null ? '' : `  ${field.problem}`, token: 'severity.error' },
              ]}
            />
          ),
        )}
      <Box flexGrow={1} />
      <Label text={form.fields[form.index]?.problem ?? ' '} width={inner} token="severity.error" />
      <Label text="Tab next field, Enter on the last writes it, Esc leaves it" width={inner} token="text.muted" />
    </Pane>
  )
}

/** What lies over the panes: a list to choose from, a question, a form. */
export function OverlayView(props: OverlayProps) {
  const { overlay } = props
  switch (overlay.kind) {
    case 'list':
      return <ListOverlay {...props} overlay={overlay} />
    case 'dialog':
      return <DialogOverlay {...props} overlay={overlay} />
    case 'form':
      return <FormOverlay {...props} overlay={overlay} />
  }
}
