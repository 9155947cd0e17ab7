import { sanitiseLine } from '../text/sanitise.ts'
import { perUnitText, usdText } from './cost.ts'
import { offeredFor } from './findings/recipes.ts'
import type { Finding } from './findings/types.ts'
import { valueText } from './flatten.ts'
import type { CompareModel } from './model.ts'
import type { CompareRow, RowMark } from './types.ts'
import { changeText, directionText, figureText, intervalText, pointsText, pText } from './words.ts'

const safe = (text: string) => sanitiseLine(text, 400)

/** All rows of the comparison, band by band; what is the same everywhere stands behind what differs. */
export function rowsOf(model: CompareModel): readonly CompareRow[] {
  return [...changedRows(model), ...metricRows(model), ...costRows(model), ...findingRows(model)]
}

/** The one line over the table. */
export function verdictText({ oneChange, runs }: CompareModel): string {
  const { word, changes, unknown } = oneChange
  if (runs.length === 1) return 'One run: nothing to hold it against'
  const what = changes.slice(0, 3).map((change) => safe(change.what))
  const more = changes.length > 3 ? ` and ${changes.length - 3} more` : ''
  const missing = unknown.length > 0 ? `; no record of ${unknown.join(', ')}` : ''
  return `One change? ${word}${what.length > 0 ? `: ${what.join(', ')}${more}` : ''}${missing}`
}

function changedRows({ config, bands }: CompareModel): CompareRow[] {
  const row = (
    id: string,
    name: string,
    cells: readonly string[],
    isDifferent: boolean,
    detail: readonly string[],
  ): CompareRow => ({
    id,
    band: 'changed',
    name,
    cells,
    isDifferent,
    mark: isDifferent ? 'plain' : 'muted',
    detail,
    metric: '',
  })
  const setting = (isDifferent: boolean, why: string) => (each: (typeof config.changed)[number]) => {
    const words = each.values.map((value) => safe(valueText(value)))
    const name = `${each.isSeed ? 'seed' : 'config'} ${safe(each.key)}${each.difference === 'type' ? ' (type)' : ''}`
    return row(`config ${each.key}`, name, words, isDifferent, [...(why === '' ? [] : [why]), ...words])
  }
  const facts = bands.flatMap(({ rows }) => rows)
  const fact = ({ band, what, values, isDifferent }: (typeof facts)[number]) => {
    const words = values.map((value) => (value === undefined ? 'not recorded' : safe(value)))
    return row(`${band} ${what}`, `${band} ${safe(what)}`, words, isDifferent, words)
  }
  return [
    ...config.changed.map(setting(true, '')),
    ...facts.filter(({ isDifferent }) => isDifferent).map(fact),
    ...config.ignored.map(setting(false, 'differs, and is taken for noise by its name')),
    ...config.same.map(setting(false, '')),
    ...facts.filter(({ isDifferent }) => !isDifferent).map(fact),
  ]
}

function metricRows(model: CompareModel): CompareRow[] {
  return model.metrics.map((metric): CompareRow => {
    const judged = model.judgements.filter((each) => each.metric === metric.name)
    const cells = metric.cells.map((cell) => {
      if (cell === null) return '-'
      const change = cell.change === null || cell.change.delta === 0 ? '' : ` ${changeText(cell.change)}`
      return `${figureText(cell.value)}${change}${cell.isBest ? ' best' : ''}${cell.nonFinite > 0 ? ` ${cell.nonFinite} NaN/inf` : ''}`
    })
    const words = [...new Set(judged.map(({ verdict }) => verdict))]
    const mark: RowMark = words.length === 1 && (words[0] === 'better' || words[0] === 'worse') ? words[0] : 'plain'
    const values = new Set(metric.cells.map((cell) => cell?.value))
    return {
      id: `metric ${metric.name}`,
      band: 'metrics',
      name: `${safe(metric.name)}${arrow(metric.direction.goal)}`,
      cells,
      isDifferent: values.size > 1 || model.runs.length === 1,
      mark,
      detail: [
        directionText(metric.direction),
        ...pointLines(model, metric.cells),
        ...judged.flatMap((each) => judgementLines(model, each)),
      ],
      metric: metric.name,
    }
  })
}

/** What the runs cost, where anybody knows of one of them. */
function costRows({ costs, baseline, runs }: CompareModel): CompareRow[] {
  if (costs.runs.every(({ usd }) => usd === null)) return []
  const row = (id: string, name: string, cells: readonly string[], detail: string): CompareRow => ({
    id,
    band: 'metrics',
    name,
    cells,
    isDifferent: new Set(cells).size > 1 || runs.length === 1,
    mark: 'plain',
    detail: [detail],
    metric: '',
  })
  const cost = row(
    'cost',
    'cost',
    costs.runs.map(({ usd }) => usdText(usd)),
    'What was seen to be spent, in USD; unknown where nobody wrote it down.',
  )
  if (costs.metric === null || runs.length < 2) return [cost]
  const bought = costs.runs.map((run, at) => perUnitText(run, at === baseline))
  const name = safe(costs.metric)
  return [
    cost,
    row('cost per unit', `cost per unit of ${name}`, bought, `USD for each unit of ${name} gained over the baseline.`),
  ]
}

const pointLines = ({ runs }: CompareModel, cells: CompareModel['metrics'][number]['cells']) =>
  cells.flatMap((cell, at) =>
    cell === null || cell.change === null || cell.change.points === null
      ? []
      : [`${safe(runs[at]?.name ?? '?')}: ${pointsText(cell.change)}`],
  )

/** In words, not by an arrow alone: `(-)` less is better, `(+)` more is. */
const arrow = (goal: 'lower' | 'higher' | null) => (goal === null ? '' : goal === 'lower' ? ' (less)' : ' (more)')

function judgementLines(
  model: CompareModel,
  { group, comparison, p, verdict }: CompareModel['judgements'][number],
): string[] {
  const members = model.groups[group]?.members ?? []
  const first = safe(model.runs[members[0] ?? 0]?.name ?? '?')
  const who = members.length > 1 ? `${first} and ${members.length - 1} more seeds` : first
  const { n, delta, interval, probabilityGreater, note, detectable, isPaired } = comparison
  const shown = isPaired ? comparison.bootstrap : interval
  return [
    `${who}: ${verdict}${note ? `, ${note}` : ''}`,
    `  ${n[0]} against ${n[1]}${isPaired ? ', paired' : ''}; difference ${figureText(delta)}${shown === null ? '' : `, 95 % ${intervalText(shown)}`}`,
    ...(p === null
      ? []
      : [
          `  p ${pText(p)}${model.tests > 1 ? ` after Holm's correction for ${model.tests} tests` : ''}${probabilityGreater === null ? '' : `, P(greater) ${probabilityGreater.toFixed(2)}`}${detectable === null ? '' : `; could show ${figureText(detectable)} or more`}`,
        ]),
  ]
}

const marks: Readonly<Record<Finding['severity'], RowMark>> = {
  critical: 'critical',
  warning: 'warning',
  note: 'plain',
}

function findingRows(model: CompareModel): CompareRow[] {
  return model.findings.flatMap((found, run) =>
    found.map((finding, at): CompareRow => {
      const { rule, severity, metric, unit, fromStep, toStep, what, next } = finding
      const offered = offeredFor(finding)
      const where = [metric, unit].filter(Boolean).map(safe).join(' of ')
      const steps =
        fromStep === null
          ? ''
          : toStep === null || toStep === fromStep
            ? `step ${fromStep}`
            : `steps ${fromStep} to ${toStep}`
      return {
        id: `finding ${run} ${at} ${rule} ${metric} ${unit}`,
        band: 'findings',
        name: `${severity}: ${rule}${where ? ` in ${where}` : ''}`,
        cells: model.runs.map((_, each) => (each === run ? steps || 'here' : '')),
        isDifferent: true,
        mark: marks[severity],
        detail: [`${what}.`, next, ...(offered === null ? [] : [`Recipe: ${offered.recipe} (F goes there)`])],
        metric,
        ...(offered === null ? {} : { offered }),
      }
    }),
  )
}
