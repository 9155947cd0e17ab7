import { Box, Text } from 'ink'
import { memo } from 'react'
import { textWidth } from './text-fit.ts'
import type { Token } from './theme.ts'
import { useTheme } from './theme-context.tsx'

/** One run of text in one style. Together the runs of a row are no wider than the row. */
export interface Run {
  readonly text: string
  readonly token?: Token
  /** Drawn over the token's style, as the cell under a cursor is. */
  readonly isInverse?: boolean
}

export interface RunsProps {
  /** Made by `packRuns`: one string compares cheaply, so that a row is drawn again only when it changed. */
  readonly runs: string
  readonly isSelected?: boolean
  /** Cells that the mark of a selected row fills. */
  readonly width?: number
}

const runMark = '\u001f'
const partMark = '\u001e'

/** Packs the runs of a row into one string. Blanks at the end of a row cost as much as letters, so they are left out. */
export function packRuns(runs: readonly Run[]): string {
  const shown = runs.filter((run) => run.text !== '')
  return shown
    .map(({ text, token = 'text.normal', isInverse = false }, i) => {
      const body = i === shown.length - 1 && !isInverse ? text.trimEnd() : text
      return `${token}${partMark}${isInverse ? '1' : ''}${partMark}${body}`
    })
    .join(runMark)
}

/**
 * One row of several runs. They are neighbours, not nested: a nested text becomes one long string that no other row
 * shares, and that costs twice as much a frame (measured at 200x60).
 */
export const Runs = memo(function Runs({ runs, isSelected = false, width = 0 }: RunsProps) {
  const { styles } = useTheme()
  const parts = runs.split(runMark).map((run) => run.split(partMark))
  const used = isSelected ? parts.reduce((sum, part) => sum + textWidth(part[2] ?? ''), 0) : width
  const selection = isSelected ? styles.selection : undefined
  return (
    <Box height={1} flexShrink={0}>
      {parts.map(([token, inverse, text], i) =>
        text === undefined || text === '' ? null : (
          <Text
            // biome-ignore lint/suspicious/noArrayIndexKey: a run is known by its place
            key={i}
            wrap="truncate"
            {...styles[token as Token]}
            {...selection}
            {...(inverse ? { inverse: true } : {})}
          >
            {text}
          </Text>
        ),
      )}
      {used < width ? (
        <Text wrap="truncate" {...selection}>
          {' '.repeat(width - used)}
        </Text>
      ) : null}
    </Box>
  )
})
