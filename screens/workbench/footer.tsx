import { Box, Label, TextInput, textWidth, useTheme } from '../../src/ui/index.ts'
import type { Span } from './model.ts'
import type { Hint, Snapshot } from './snapshot.ts'
import { SpanLine } from './spans.tsx'

/** What the running act does, and the last lines it printed. */
export function LiveStrip({ snapshot, rows }: { readonly snapshot: Snapshot; readonly rows: number }) {
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

const tones = { info: 'text.normal', warn: 'severity.warn', error: 'severity.error' } as const

/** The rows of a long message that stand above the command row. */
export function MessageRows({ snapshot, rows }: { readonly snapshot: Snapshot; readonly rows: number }) {
  const { message, messageBlock, columns } = snapshot
  if (message === null || messageBlock === null) return null
  return (
    <Box flexDirection="column" height={rows} flexShrink={0} overflowY="hidden">
      {messageBlock.lines.slice(0, rows).map((text, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the message is known by its place
        <SpanLine key={i} line={[{ text, token: tones[message.tone] }]} width={columns} />
      ))}
    </Box>
  )
}

/** Keys of a chord that are still open: whole ones only, as many as fit. */
export function pendingLine({ typed, next }: NonNullable<Snapshot['pending']>, columns: number): Span[] {
  const line: Span[] = [{ text: `${typed} `, token: 'accent' }]
  const more = '  ? lists all'
  const width = ({ key, title }: (typeof next)[number]) => textWidth(`  ${key} ${title}`)
  const whole = next.reduce((sum, each) => sum + width(each), textWidth(`${typed} `))
  let room = columns - textWidth(`${typed} `) - (whole <= columns ? 0 : textWidth(more))
  for (const each of next) {
    room -= width(each)
    if (room < 0) return [...line, { text: more, token: 'text.muted' }]
    line.push({ text: `  ${each.key} `, token: 'accent' }, { text: each.title })
  }
  return line
}

/** The row that is typed into, or a message, or the keys of a chord that are still open. */
export function CommandRow({ snapshot }: { readonly snapshot: Snapshot }) {
  const { field, pending, message, messageBlock, columns } = snapshot
  if (field !== null)
    return <TextInput state={field.editor} width={columns} prompt={field.sign} completion={field.note} />
  if (pending !== null) {
    return <SpanLine line={pendingLine(pending, columns)} width={columns} />
  }
  const last = messageBlock?.lines.at(-1)
  if (message !== null && last !== undefined)
    return <SpanLine line={[{ text: last, token: tones[message.tone] }]} width={columns} />
  return <Label text=" " />
}

/** Whole hints only, as many as fit; the last two, help and the way out, always. */
export function HintRow({ snapshot }: { readonly snapshot: Snapshot }) {
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
  const line = [...shown, ...kept].flatMap(spans)
  const last = line.at(-1)
  // Blanks behind the last one would count as text that does not fit.
  if (last !== undefined) line[line.length - 1] = { ...last, text: last.text.trimEnd() }
  return <SpanLine line={line} width={columns} />
}
