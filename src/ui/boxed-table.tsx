import { Text } from 'ink'
import { Table as InkTable } from 'ink-table'
import { useMemo } from 'react'
import type { Glyphs } from './glyphs.ts'
import { headingCells, placeNaturally, rowCells, type TableModel } from './table-model.ts'
import { useTheme } from './theme-context.tsx'

export interface BoxedTableProps<R> extends TableModel<R> {
  readonly width: number
}

const asciiLines: Readonly<Record<string, string>> = {
  '─': '-',
  '│': '|',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '├': '+',
  '┤': '+',
  '┬': '+',
  '┴': '+',
  '┼': '+',
}

/** Strokes of the table in the glyphs of the theme. */
function strokes(text: string, glyphs: Glyphs): string {
  return glyphs.isUnicode ? text : text.replace(/[─│┌┐└┘├┤┬┴┼]/g, (c) => asciiLines[c] ?? c)
}

interface CellProps {
  readonly column?: number
  readonly children?: unknown
}

/**
 * A small table drawn by ink-table. ink-table measures by string length, which is wrong for wide characters, so it is
 * given the number of each row, padded to the column's width, and our cells put the fitted text in its place.
 */
export function BoxedTable<R>(props: BoxedTableProps<R>) {
  const { columns, rows, sort, width } = props
  const { glyphs, styles } = useTheme()
  const table = useMemo(() => {
    // Two blanks a column and one stroke more than there are columns, against our own gap of two between columns.
    const room = width - columns.length - 3
    const placed = placeNaturally({ columns, rows, ...(sort ? { sort } : {}) }, room, glyphs).map((p) => ({
      ...p,
      width: Math.max(4, p.width),
    }))
    const heading = headingCells(placed, sort, glyphs)
    const cells = rows.map((row) => rowCells(placed, row, glyphs))
    const key = (i: number) => `c${i}`
    const numbered = (row: number) =>
      Object.fromEntries(placed.map((p, i) => [key(i), String(row).padEnd(p.width)] as const))
    return {
      keys: placed.map((_, i) => key(i)),
      headings: numbered(0),
      data: rows.map((_, n) => numbered(n)),
      header: ({ column = 0 }: CellProps) => <Text {...styles['text.strong']}>{` ${heading[column] ?? ''} `}</Text>,
      cell: ({ column = 0, children }: CellProps) => {
        const row = Number(String(children).trim())
        const source = rows[row]
        const token = source === undefined ? 'text.normal' : (placed[column]?.column.token?.(source) ?? 'text.normal')
        return <Text {...styles[token]}>{` ${cells[row]?.[column] ?? ''} `}</Text>
      },
      skeleton: ({ children }: CellProps) => <Text {...styles.border}>{strokes(String(children), glyphs)}</Text>,
    }
  }, [columns, rows, sort, width, glyphs, styles])
  return (
    <InkTable
      data={table.data}
      columns={table.keys}
      headings={table.headings}
      header={table.header}
      cell={table.cell}
      skeleton={table.skeleton}
    />
  )
}
