import { Box, Text } from 'ink'
import { memo } from 'react'
import { Label } from './label.tsx'
import { visibleTop } from './list-model.ts'
import { columnGap, headingCells, placeColumns, rowCells, type TableModel } from './table-model.ts'
import type { Token } from './theme.ts'
import { useTheme } from './theme-context.tsx'

export interface TableProps<R> extends TableModel<R> {
  readonly width: number
  /** Rows of the screen, heading included. */
  readonly height: number
  readonly rowKey: (row: R, index: number) => string
  /** Index of the row that the cursor is on; left out, there is no cursor and no gutter. */
  readonly cursor?: number
  /** First row on screen; corrected so that the cursor is visible. */
  readonly top?: number
  readonly hasHeading?: boolean
}

/** Between the cells of one row when they travel as one string: strings compare cheaply, arrays do not. */
const cellMark = '\u001f'

interface RowProps {
  readonly cells: string
  readonly tokens: string
  readonly isSelected: boolean
  /** Text of the gutter; empty without a cursor. */
  readonly gutter: string
}

const Row = memo(function Row({ cells, tokens, isSelected, gutter }: RowProps) {
  const { styles } = useTheme()
  const names = tokens.split(',') as Token[]
  const gap = ' '.repeat(columnGap)
  return (
    <Text wrap="truncate" {...(isSelected ? styles.selection : undefined)}>
      {gutter}
      {cells.split(cellMark).map((cell, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a cell is known by its place
        <Text key={i} {...styles[names[i] ?? 'text.normal']}>
          {i === 0 ? cell : gap + cell}
        </Text>
      ))}
    </Text>
  )
})

/** A table of any length: only the rows on screen are formatted and mounted. */
export function Table<R>(props: TableProps<R>) {
  const { columns, rows, sort, width, height, rowKey, cursor, top = 0, hasHeading = true, empty = 'none' } = props
  const { glyphs } = useTheme()
  const gutterWidth = cursor === undefined ? 0 : 2
  const placed = placeColumns(columns, width - gutterWidth)
  const bodyHeight = Math.max(0, height - (hasHeading ? 1 : 0))
  const first = visibleTop(top, cursor ?? top, bodyHeight, rows.length)
  const seen = rows.slice(first, first + bodyHeight)
  const blank = ' '.repeat(gutterWidth)
  return (
    <Box width={width} height={height} flexDirection="column" overflow="hidden" flexShrink={0}>
      {hasHeading ? (
        <Label text={blank + headingCells(placed, sort, glyphs).join(' '.repeat(columnGap))} token="text.strong" />
      ) : null}
      {rows.length === 0 ? <Label text={blank + empty} width={width} token="text.muted" /> : null}
      {seen.map((row, i) => {
        const index = first + i
        const isSelected = index === cursor
        return (
          <Row
            key={rowKey(row, index)}
            cells={rowCells(placed, row, glyphs).join(cellMark)}
            tokens={placed.map((p) => p.column.token?.(row) ?? 'text.normal').join(',')}
            isSelected={isSelected}
            gutter={isSelected ? `${glyphs.cursor} ` : blank}
          />
        )
      })}
    </Box>
  )
}
