import { Box } from 'ink'
import { memo } from 'react'
import { Label } from './label.tsx'
import { type LogIndex, type LogState, logRows } from './log-model.ts'

export interface LogViewProps {
  readonly state: LogState
  /** Made by `makeLogIndex` for `state.filter`, and made anew when that changes. */
  readonly index: LogIndex
  /** `buffer.version()` when this was drawn: a new number is what makes it draw again. */
  readonly version: number
  readonly width: number
  readonly height: number
  readonly empty?: string
}

/** The visible rows of a log, newest at the bottom. `logStatus` says the rest, usually as the note of the pane. */
export const LogView = memo(function LogView({ state, index, width, height, empty = 'no output yet' }: LogViewProps) {
  index.refresh()
  const rows = logRows(state, index, height)
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {rows.length === 0 ? (
        <Label text={index.filter.label === '' ? empty : 'no line passes'} width={width} token="text.muted" />
      ) : null}
      {rows.map((row) => (
        <Label key={row.number} text={row.text} width={width} />
      ))}
    </Box>
  )
})
