import type { CompareModel } from './model.ts'
import { orderColumns, parseSort } from './order.ts'
import { type Grouping, type TableColumn, tableColumns } from './table.ts'

/** Columns of a table that is written down, in their order, and what must be said of those that are not among them. */
export function columnsFor(
  model: CompareModel,
  asked: { readonly group?: Grouping; readonly sort?: string | undefined; readonly columns?: string | undefined },
): { readonly shown: readonly TableColumn[]; readonly notes: readonly string[] } | { readonly why: string } {
  const all = tableColumns(model, asked.group ?? 'auto')
  const sort = asked.sort === undefined ? null : parseSort(model, asked.sort)
  if (sort !== null && 'why' in sort) return sort
  const isWanted = namePattern(asked.columns)
  if (isWanted === null) return { why: `--columns is no regular expression: ${asked.columns}` }
  if (sort === null && asked.columns === undefined) return { shown: all, notes: [] }
  const { shown } = orderColumns(model, all, [], isWanted, sort)
  const hidden = all.length - shown.length
  return {
    shown: shown.flatMap((at) => all[at] ?? []),
    notes: hidden > 0 ? [`${hidden} of ${all.length} columns do not match ${asked.columns} and are not shown`] : [],
  }
}

/** The pattern of a name; null: it is none. */
export function namePattern(text: string | undefined): ((name: string) => boolean) | null {
  if (text === undefined || text === '') return () => true
  try {
    const pattern = new RegExp(text)
    return (name) => pattern.test(name)
  } catch {
    return null
  }
}
