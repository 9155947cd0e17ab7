import { Box } from 'ink'
import { memo } from 'react'
import { Label } from './label.tsx'
import type { Token } from './theme.ts'

export interface StyledLine {
  readonly text: string
  readonly token?: Token
}

export interface LinesProps {
  /** Already wrapped: one row each, see `markdownRows` and `wrap`. */
  readonly lines: readonly (StyledLine | string)[]
  readonly width: number
  readonly height: number
  /** First line on screen; corrected so that no blank rows follow the last one. */
  readonly top?: number
}

/** A page of text of any length, of which only the rows on screen are mounted: help, reports, the plan. */
export const Lines = memo(function Lines({ lines, width, height, top = 0 }: LinesProps) {
  const first = Math.max(0, Math.min(top, lines.length - height))
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {lines.slice(first, first + Math.max(0, height)).map((line, i) => {
        const { text, token = 'text.normal' } = typeof line === 'string' ? { text: line } : line
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        return <Label key={first + i} text={text} width={width} token={token} />
      })}
    </Box>
  )
})
