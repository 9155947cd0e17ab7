import { Box } from 'ink'
import { type ComponentType, lazy, Suspense } from 'react'
import type { BoxedTableProps } from './boxed-table.tsx'
import { Label } from './label.tsx'
import { tableLines } from './table-model.ts'
import { useTheme } from './theme-context.tsx'

export type StaticTableProps<R> = BoxedTableProps<R>

/** The same table without a box: shown while the boxed one loads, and in its place where it cannot be loaded. */
function UnboxedTable<R>(props: StaticTableProps<R>) {
  const { glyphs } = useTheme()
  const lines = tableLines(props, props.width, glyphs)
  return (
    <Box flexDirection="column" width={props.width} overflowY="hidden">
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <Label key={i} text={line} width={props.width} />
      ))}
    </Box>
  )
}

type AnyTable = ComponentType<StaticTableProps<unknown>>

/** ink-table is not needed for the first frame, so it is loaded with the first table that is drawn. */
const Boxed = lazy(() =>
  import('./boxed-table.tsx').then(
    (module) => ({ default: module.BoxedTable as AnyTable }),
    () => ({ default: UnboxedTable as AnyTable }),
  ),
)

/**
 * A boxed table for a few rows that rarely change (plan, cost). It costs a node a cell and draws every row: live or long
 * data belongs into `Table`.
 */
export function StaticTable<R>(props: StaticTableProps<R>) {
  if (props.rows.length === 0) return <Label text={props.empty ?? 'none'} width={props.width} token="text.muted" />
  return (
    <Suspense fallback={<UnboxedTable {...props} />}>
      <Boxed {...(props as StaticTableProps<unknown>)} />
    </Suspense>
  )
}
