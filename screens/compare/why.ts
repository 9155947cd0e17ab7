import type { CompareRow, CompareView } from '../../src/compare/types.ts'
import { wordDiff } from '../../src/compare/word-diff.ts'
import type { StyledLine } from '../workbench/model.ts'
import { optionOf } from './options.ts'
import { columnOrder } from './table.ts'

/** More values than these are not listed beside a row: an export has them all. */
const mostValues = 12

/** What the row under the cursor rests on: first the verdict and its reasons, then the values. */
export function whyLines(
  view: CompareView | null,
  selected: string | null,
  options: readonly string[],
): readonly StyledLine[] {
  const row = view?.rows.find(({ id }) => id === selected)
  if (view === null || row === undefined) return ['Move to a row: what it rests on stands here.']
  const { current } = columnOrder(view, options)
  const why = current < 0 ? [] : (row.why?.(current) ?? [])
  const values = optionOf(options, 'words') === 'yes' ? wordLines(row, view, options) : valueLines(row, view, options)
  return [
    [{ text: row.name, token: 'text.strong' }],
    ...why,
    ...row.detail,
    ...(values.length === 0 ? [] : ['', ...values]),
  ]
}

/** Values by the names of their columns, in the order of the table: its cells may be cut. */
function valueLines(row: CompareRow, view: CompareView, options: readonly string[]): readonly string[] {
  if (row.band === 'findings') return []
  const { places } = columnOrder(view, options)
  const left = places.length - mostValues
  return [
    ...places.slice(0, mostValues).map((at) => {
      const { name = '?', isBaseline = false } = view.columns[at] ?? {}
      return `${isBaseline ? '* ' : '  '}${name}: ${row.cells[at] ?? ''}`
    }),
    ...(left > 0 ? [`  and ${left} more: e writes all of them to a file`] : []),
  ]
}

const marks = { same: ['', ''], removed: ['[-', '-]'], added: ['{+', '+}'] } as const

/** What changed within the value, against the baseline; marks say it where there is no colour. */
function wordLines(row: CompareRow, view: CompareView, options: readonly string[]): readonly StyledLine[] {
  const { places, current } = columnOrder(view, options)
  const [before, after] = [row.cells[places[0] ?? -1], row.cells[current]]
  if (row.band === 'findings' || before === undefined || after === undefined) return []
  const name = (at: number | undefined) => view.columns[at ?? -1]?.name ?? '?'
  const pieces = wordDiff(before, after)
  const isSame = pieces.every(({ kind }) => kind === 'same')
  const words = pieces.map(({ kind, text }) => `${marks[kind][0]}${text}${marks[kind][1]}`).join('')
  return [`${name(places[0])} to ${name(current)}, word by word:`, isSame ? 'the same' : words]
}
