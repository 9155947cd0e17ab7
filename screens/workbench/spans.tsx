import { memo } from 'react'
import { cut, oneLine, packRuns, Runs, Text, textWidth, useTheme } from '../../src/ui/index.ts'
import type { Span, StyledLine } from './model.ts'
import { saysSame } from './reuse.ts'

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

interface SpanLineProps {
  readonly line: StyledLine
  readonly width: number
}

/** One row of styled text, drawn again only when it reads differently. */
export const SpanLine = memo(function SpanLine({ line, width }: SpanLineProps) {
  const { glyphs } = useTheme()
  const runs = packRuns(fitSpans(line, width, glyphs.ellipsis))
  // An empty row still takes its place.
  return runs === '' ? <Text> </Text> : <Runs runs={runs} />
}, isSameLine)

function isSameLine(a: SpanLineProps, b: SpanLineProps): boolean {
  return a.width === b.width && saysSame(a.line, b.line)
}
