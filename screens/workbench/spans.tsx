import { memo } from 'react'
import { cut, oneLine, Text, type Theme, textWidth, useTheme } from '../../src/ui/index.ts'
import type { Span, StyledLine } from './model.ts'

/** Cuts spans to a width; what is beyond the edge is left out. */
export function fitSpans(line: StyledLine, width: number, ellipsis: string): readonly Span[] {
  const spans = typeof line === 'string' ? [{ text: line }] : line
  const fitted: Span[] = []
  let room = width
  for (const span of spans) {
    if (room <= 0) break
    const text = cut(oneLine(span.text), room, ellipsis)
    room -= textWidth(text)
    if (text !== '') fitted.push({ ...span, text })
  }
  return fitted
}

const styleOf = (theme: Theme, span: Span) => (span.token === undefined ? undefined : theme.styles[span.token])

/** One row of styled text. */
export const SpanLine = memo(function SpanLine({ line, width }: { readonly line: StyledLine; readonly width: number }) {
  const theme = useTheme()
  const spans = fitSpans(line, width, theme.glyphs.ellipsis)
  // An empty row still takes its place.
  if (spans.length === 0) return <Text> </Text>
  const only = spans[0]
  if (spans.length === 1 && only !== undefined)
    return (
      <Text wrap="truncate" {...styleOf(theme, only)}>
        {only.text}
      </Text>
    )
  return (
    <Text wrap="truncate">
      {spans.map((span, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a span is known by its place
        <Text key={i} {...styleOf(theme, span)}>
          {span.text}
        </Text>
      ))}
    </Text>
  )
})
