import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { Arranged } from './arrange.ts'
import { namePattern } from './columns.ts'
import type { CompareModel } from './model.ts'
import { orderColumns, parseSort, sortText } from './order.ts'
import { rowsOf } from './rows.ts'
import { type Grouping, type TableColumn, tableColumns } from './table.ts'
import type { ColumnView, CompareChoice, CompareRow } from './types.ts'

const safe = (text: string) => sanitiseLine(text, 200)

/** Rows and columns of the screen, made once for a comparison. */
export interface Table {
  readonly all: readonly TableColumn[]
  readonly columns: readonly ColumnView[]
  readonly rows: readonly CompareRow[]
}

/** The table of a comparison, for a screen. */
export function tableFor(model: CompareModel, grouping: Grouping, opened: readonly string[]): Table {
  const all = tableColumns(model, grouping, new Set(opened))
  return {
    all,
    columns: all.map(({ id, kind, name, members, isBaseline }) => ({
      id,
      kind,
      name: safe(name),
      paths: members.flatMap((at) => model.runs[at]?.path ?? []),
      isBaseline,
    })),
    rows: rowsOf(model, all),
  }
}

/** Places of the columns that are shown. What cannot be sorted by any more sorts nothing. */
export function shownOf(
  model: CompareModel,
  all: readonly TableColumn[],
  { sort, pins, columns }: CompareChoice,
): { readonly shown: readonly number[]; readonly held: number; readonly sortedBy: string } {
  const by = sort === '' ? null : parseSort(model, sort)
  const known = by === null || 'why' in by ? null : by
  const isWanted = namePattern(columns) ?? (() => true)
  return { ...orderColumns(model, all, pins, isWanted, known), sortedBy: known === null ? '' : sortText(known) }
}

/**
 * Which runs these are, and how to come to the others, from long to short.
 *
 * @param found runs that were found and read
 */
export function scopeOf(
  { model, all }: Pick<Arranged, 'model' | 'all'>,
  columns: readonly TableColumn[],
  shown: number,
  { columns: pattern, where, picks }: CompareChoice,
  found: number,
): readonly string[] {
  const { runs, groups } = model
  const ofSeeds = columns.some(({ kind }) => kind === 'group') ? ` in ${plural(groups.length, 'group')}` : ''
  const count = runs.length < found ? `${runs.length} of ${found} runs` : plural(runs.length, 'run')
  const keys = [...(runs.length < all ? ['B: all'] : []), ...(all < found ? ['p: others'] : [])]
  const ways = keys.length > 0 ? ` (${keys.join(', ')})` : ''
  const query = all < found && picks.length === 0 ? `, ${safe(where)}` : ''
  const hidden = columns.length - shown
  const left = hidden > 0 ? `, ${hidden} not named ${safe(pattern)}` : ''
  return [
    ...new Set([
      `${count}${ofSeeds}${ways}${query}${left}`,
      `${count}${ofSeeds}${ways}${left}`,
      `${count}${ways}${left}`,
      `${count}${ways}`,
      count,
    ]),
  ]
}
