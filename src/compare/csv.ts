import type { CompareModel } from './model.ts'
import { figureOf, type TableColumn, tableColumns } from './table.ts'

const header = [
  'run',
  'baseline',
  'metric',
  'value',
  'step',
  'n',
  'delta',
  'share',
  'points',
  'direction',
  'direction source',
  'best',
  'not finite',
  'kind',
  'group',
  'low',
  'high',
  'verdict',
  'p',
  'usd',
  'usd per unit gained',
]

/**
 * One line a run and metric, and one a group of seeds and metric (`kind` says which), with a header; figures in full. Of a
 * group `value` is the mean, `low` and `high` the ends of its 95 % interval, for fewer than five runs its least and most.
 * Opens in any spreadsheet and starts no formula there.
 *
 * @param columns those of the table; groups among them bring their runs along. By default all there are
 */
export function compareCsv(model: CompareModel, columns: readonly TableColumn[] = tableColumns(model)): string {
  const runs = tableColumns(model, 'no')
  const lines = new Map<string, TableColumn>()
  for (const column of columns) {
    lines.set(column.id, column)
    for (const at of column.members) {
      const run = runs[at]
      if (run !== undefined) lines.set(run.id, run)
    }
  }
  const groupsBy = new Map(tableColumns(model, 'yes').map((column) => [column.group, column]))
  const rows = model.metrics.flatMap(({ name, direction, cells, groups }, metric) =>
    [...lines.values()].flatMap((column) => {
      const figure = figureOf(model, metric, column)
      if (figure === null) return []
      const isGroup = column.kind === 'group'
      const cell = isGroup ? null : (cells[column.members[0] ?? 0] ?? null)
      const cost = isGroup ? null : model.costs.runs[column.members[0] ?? 0]
      const group = isGroup ? (groups[column.group] ?? null) : null
      const ends = group?.interval ?? (group === null ? null : { low: group.least, high: group.most })
      return [
        [
          column.name,
          column.isBaseline ? 'yes' : 'no',
          name,
          String(figure.value),
          text(cell?.step),
          String(cell?.n ?? figure.n),
          text(figure.change?.delta),
          text(figure.change?.share),
          text(figure.change?.points),
          direction.goal ?? '',
          direction.source,
          figure.isBest ? 'yes' : 'no',
          String(figure.nonFinite),
          column.kind,
          groupsBy.get(column.group)?.name ?? '',
          text(ends?.low),
          text(ends?.high),
          figure.judgement?.verdict ?? '',
          text(figure.judgement?.p),
          text(cost?.usd),
          name === model.costs.metric ? text(cost?.usdPerUnit) : '',
        ],
      ]
    }),
  )
  return [header.join(','), ...rows.map((row) => row.map(quoted).join(','))].join('\n')
}

const text = (value: number | null | undefined) => (value === null || value === undefined ? '' : String(value))

/** A text that a spreadsheet would take for a formula is told to be none. */
function quoted(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
