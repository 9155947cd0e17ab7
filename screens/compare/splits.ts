import type { CompareView } from '../../src/compare/types.ts'
import type { SplitRow, SplitsScene, SplitTable } from '../../src/compare/views/types.ts'
import { plural } from '../../src/text/format.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import type { PaneModel, Row } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

const figure = (value: number | null) => (value === null ? '-' : Number.isNaN(value) ? 'NaN' : shortNumber(value))
const signed = (value: number | null) => (value === null ? '-' : value > 0 ? `+${figure(value)}` : figure(value))

/** The same by an arrow for the eye: which way it went, and in a word whether that is good. */
function arrowOf({ delta, word }: SplitRow, isUnicode: boolean): string {
  if (delta === null) return 'no partner'
  if (word === '') return ''
  const arrow = delta === 0 ? '=' : delta > 0 ? (isUnicode ? '↑' : '^') : isUnicode ? '↓' : 'v'
  return `${arrow} ${word}`
}

const tokens = { better: 'state.pass', worse: 'state.fail', same: 'text.muted', '': 'text.normal' } as const

/** Head of one metric: how many pairs went which way, and the mean difference with its interval. */
function headOf({ metric, goal, pairs, up, down, equal, delta, interval, how }: SplitTable): Row {
  const direction = goal === null ? '' : goal === 'lower' ? ' (less)' : ' (more)'
  const counts = `${plural(pairs, 'pair')}: ${up} more, ${down} less${equal > 0 ? `, ${equal} equal` : ''}`
  const mean = delta === null ? '' : `; mean difference ${signed(delta)}`
  const between = interval === null ? '' : `, ${signed(interval.low)} to ${signed(interval.high)}`
  return {
    id: `#${metric}`,
    cells: [`${metric}${direction}`],
    token: 'text.strong',
    detail: [`${counts}${mean}${between}`, how],
  }
}

/** A row that says the counts under the name of the metric, where a person sees them without opening anything. */
function countRow({ metric, pairs, up, down, equal, delta, interval }: SplitTable): Row {
  const equals = equal > 0 ? `, ${equal} =` : ''
  return {
    id: `=${metric}`,
    cells: [
      `  ${plural(pairs, 'pair')}: ${up} up, ${down} down${equals}`,
      '',
      '',
      signed(delta),
      interval === null ? '' : `${figure(interval.low)} to ${figure(interval.high)}`,
    ],
    token: 'text.muted',
  }
}

function rowsOf(scene: SplitsScene, isUnicode: boolean): Row[] {
  return scene.tables.flatMap((table) => [
    headOf(table),
    ...table.rows.map((row): Row => {
      const alone = row.a === null ? 'only B has it' : row.b === null ? 'only A has it' : ''
      return {
        id: `${table.metric} ${row.unit}`,
        cells: [`  ${row.unit}`, figure(row.a), figure(row.b), signed(row.delta), alone || arrowOf(row, isUnicode)],
        token: alone === '' ? tokens[row.word] : 'severity.warn',
      }
    }),
    { ...countRow(table), detail: [table.how] },
  ])
}

/** Units of two runs in pairs; the head of each metric opens to what its interval rests on. */
export function splitsPane(view: CompareView | null, isUnicode: boolean): PaneModel {
  const scene = view?.scene?.kind === 'splits' ? view.scene : null
  const { a = '', b = '' } = scene ?? {}
  return {
    id: 'view',
    title: 'Splits',
    note: scene === null || b === '' ? '' : [`${b} less ${a}`, 'in pairs'],
    kind: 'table',
    columns: [
      column(0, 'Unit', { flex: 3, min: 25 }),
      column(1, `A ${a}`, { flex: 1, min: 8, align: 'right' }),
      column(2, `B ${b}`, { flex: 1, min: 8, align: 'right' }),
      column(3, 'B less A', { width: 9, align: 'right' }),
      column(4, 'Which', { flex: 1, min: 17 }),
    ],
    rows: scene === null ? [] : rowsOf(scene, isUnicode),
    empty: scene === null ? 'reading runs' : scene.why,
    isDetailText: true,
  }
}
