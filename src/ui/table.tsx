import { Box } from 'ink'
import { Label } from './label.tsx'
import { visibleTop } from './list-model.ts'
import { packRuns, Runs } from './runs.tsx'
import { columnGap, headingCells, placeColumns, rowCells, type TableModel } from './table-model.ts'
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
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {hasHeading ? (
        <Label text={blank + headingCells(placed, sort, glyphs).join(' '.repeat(columnGap))} token="text.strong" />
      ) : null}
      {rows.length === 0 ? <Label text={blank + empty} width={width} token="text.muted" /> : null}
      {seen.map((row, i) => {
        const index = first + i
        const isSelected = index === cursor
        return (
          <Runs
            key={rowKey(row, index)}
            runs={packRuns([
              { text: isSelected ? `${glyphs.cursor} ` : blank },
              ...rowCells(placed, row, glyphs).map((text, n) => {
                const token = placed[n]?.column.token?.(row)
                const gap = n === 0 ? '' : ' '.repeat(columnGap)
                return token === undefined ? { text: gap + text } : { text: gap + text, token }
              }),
            ])}
            isSelected={isSelected}
            width={width}
          />
        )
      })}
    </Box>
  )
}
