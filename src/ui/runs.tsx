import { Box, Text } from 'ink'
import { memo, useMemo } from 'react'
import { oneLine, textWidth } from './text-fit.ts'
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
      const line = oneLine(text)
      const body = i === shown.length - 1 && !isInverse ? line.trimEnd() : line
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
  const parts = useMemo(() => unpack(runs, isSelected), [runs, isSelected])
  const used = isSelected ? parts.reduce((sum, part) => sum + textWidth(part.text), 0) : width
  const selection = isSelected ? styles.selection : undefined
  return (
    <Box height={1} flexShrink={0}>
      {parts.map(({ token, isInverse, text, gap }, i) =>
        text === '' ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a run is known by its place
          <Box key={i} width={gap} flexShrink={0} />
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a run is known by its place
          <Text key={i} wrap="truncate" {...styles[token]} {...selection} {...(isInverse ? { inverse: true } : {})}>
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

interface Part {
  readonly token: Token
  readonly isInverse: boolean
  readonly text: string
  /** Cells left free instead of text. */
  readonly gap: number
}

/** Blanks in a row are drawn letter by letter; from this many on, leaving the cells free is cheaper. */
const worthAGap = 4

/** The runs of a packed row. Long blanks become gaps, unless they carry the mark of a selected row. */
function unpack(runs: string, isSelected: boolean): Part[] {
  return runs.split(runMark).flatMap((run) => {
    const [name = 'text.normal', inverse = '', text = ''] = run.split(partMark)
    const part = { token: name as Token, isInverse: inverse !== '', text, gap: 0 }
    if (isSelected || part.isInverse) return text === '' ? [] : [part]
    // Only plain blanks: a wide blank is more than one cell.
    const before = /^ */.exec(text)?.[0].length ?? 0
    const after = before === text.length ? 0 : (/ *$/.exec(text)?.[0].length ?? 0)
    const isBeforeGap = before >= worthAGap
    const isAfterGap = after >= worthAGap
    const inner = text.slice(isBeforeGap ? before : 0, isAfterGap ? text.length - after : text.length)
    return [
      ...(isBeforeGap ? [{ ...part, text: '', gap: before }] : []),
      ...(inner === '' ? [] : [{ ...part, text: inner }]),
      ...(isAfterGap ? [{ ...part, text: '', gap: after }] : []),
    ]
  })
}
