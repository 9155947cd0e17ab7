import { plural } from '../text/format.ts'
import {
  type Block,
  foreign as cell,
  heading,
  type Inline,
  type Line,
  list,
  markdownOf,
  table,
  text,
} from './blocks.ts'
import { perUnitText, usdText } from './cost.ts'
import { findingText } from './findings/words.ts'
import type { CompareModel, Judgement } from './model.ts'
import { figureOf, groupName, longWords, settingTexts, type TableColumn, tableColumns, valuesWords } from './table.ts'
import { directionText, figureText, intervalText, pText } from './words.ts'

/** The whole comparison as Markdown that pastes into a pull request. The screen in plain words says the same. */
export const compareMarkdown = (model: CompareModel, columns?: readonly TableColumn[]): string =>
  markdownOf(compareBlocks(model, columns))

/**
 * The whole comparison, for whoever writes it down: Markdown and HTML hold the same.
 *
 * @param columns those of the tables; by default groups of seeds where there are any
 */
export function compareBlocks(
  model: CompareModel,
  columns: readonly TableColumn[] = tableColumns(model),
): readonly Block[] {
  const names = namesOf(model)
  return [
    heading(`${plural(names.length, 'run')} compared`, 1),
    text(verdictLine(model)),
    ...basisBlocks(model),
    heading('Changed'),
    changedBlock(model, columns),
    heading(`Metrics (${model.place?.text ?? model.aggregator})`),
    ...shortBlocks(model),
    metricsBlock(model, columns),
    ...judgements(model),
    heading('Cost'),
    costBlock(model, names),
    heading('Findings'),
    findingsBlock(model.findings, names),
    heading('How well the runs could be read'),
    list(model.runs.map((run, at) => `${names[at]}: ${cell(run.format)}, ${readingText(run.reports)}`)),
  ]
}

const namesOf = (model: CompareModel): readonly string[] =>
  model.runs.map(({ name }, at) => `${cell(name)}${at === model.baseline ? ' (baseline)' : ''}`)

/** Whether exactly one thing changed, what, and what nobody recorded. */
export function verdictLine({ oneChange, config }: CompareModel): Line {
  const { word, changes, unknown, isSeedChanged } = oneChange
  const what = changes.slice(0, 8).map((change) => `${change.band}: ${cell(change.what)}`)
  const more = changes.length > 8 ? `, and ${changes.length - 8} more` : ''
  const rest = [
    what.length > 0 ? `${what.join(', ')}${more}.` : '',
    isSeedChanged ? 'The seed differs.' : '',
    unknown.length > 0 ? `Nothing that can be compared was recorded of: ${unknown.join(', ')}.` : '',
    `${config.same.length} settings are the same${config.ignored.length > 0 ? `; ignored as noise: ${config.ignored.map(({ key }) => cell(key)).join(', ')}` : ''}.`,
  ]
    .filter(Boolean)
    .join(' ')
  return [{ strong: `Exactly one thing changed? ${word}.` }, ` ${rest}`]
}

const shortBlocks = ({ place }: CompareModel): readonly Block[] =>
  place === null || place.short.length === 0 ? [] : [list(place.short.map(cell))]

/** What the verdicts went by where that is not what everybody's go by. */
export function basisBlocks({ primary, said }: Pick<CompareModel, 'primary' | 'said'>): readonly Block[] {
  return [
    ...(primary === null ? [] : [text(`Judged by ${cell(primary)}.`)]),
    ...(said.length === 0 ? [] : [text(`Set otherwise than it is built in: ${said.map(cell).join('; ')}.`)]),
  ]
}

const titleOf = ({ name, isBaseline }: TableColumn) => `${cell(name)}${isBaseline ? ' (baseline)' : ''}`

/** Settings and facts that differ. */
export function changedBlock(model: CompareModel, columns: readonly TableColumn[]): Block {
  const row = (words: readonly string[], texts: readonly string[]) => [
    ...words,
    ...columns.map((column) => valuesWords(texts, column)),
  ]
  const settings = model.config.changed.map(({ key, values, difference, isSeed }) =>
    row([isSeed ? 'seed' : 'config', cell(key) + (difference === 'type' ? ' (type)' : '')], settingTexts(values, cell)),
  )
  const facts = model.bands.flatMap(({ band, rows }) =>
    rows
      .filter(({ isDifferent }) => isDifferent)
      .map(({ what, values }) =>
        row(
          [band, cell(what)],
          values.map((value) => cell(value ?? 'not recorded')),
        ),
      ),
  )
  const rows = [...settings, ...facts]
  if (rows.length === 0) return text('Nothing that was recorded differs.')
  return table(['band', 'key', ...columns.map(titleOf)], rows)
}

/** One row a metric: value, difference to the baseline, verdict, the best. */
export function metricsBlock(model: CompareModel, columns: readonly TableColumn[]): Block {
  if (model.metrics.length === 0) return text('No metric was recorded.')
  const rows = model.metrics.map(({ name, direction }, at) => [
    cell(name),
    directionText(direction),
    ...columns.map((column) => longWords(figureOf(model, at, column))),
  ])
  return table(['metric', 'direction', ...columns.map(titleOf)], rows)
}

/** What the spread of the runs shows; empty where no metric has a direction. */
export function judgements(model: CompareModel): readonly Block[] {
  const shown = model.judgements.filter(({ metric }) =>
    model.metrics.some((row) => row.name === metric && row.direction.goal !== null),
  )
  if (shown.length === 0) return []
  const nameOf = (at: number) => cell(groupName(model, at))
  return [
    heading(`More than noise? (against ${nameOf(model.baselineGroup)})`),
    table(
      ['metric', 'group', 'n', 'difference', '95 % interval', 'P(greater)', 'p', 'verdict'],
      shown.map((each) => [cell(each.metric), nameOf(each.group), ...judgementCells(each)]),
    ),
    text(
      model.tests === 0
        ? 'No test was made: it takes at least five runs a side.'
        : model.tests > 1
          ? `p is corrected for ${model.tests} tests at once (Holm).`
          : 'p of a single test; more of them at once would be corrected.',
    ),
  ]
}

function judgementCells({ comparison, p, verdict }: Judgement): readonly Line[] {
  const { n, delta, interval, probabilityGreater, note, detectable } = comparison
  const shown = comparison.isPaired ? comparison.bootstrap : interval
  const why =
    verdict === 'no clear difference' && detectable !== null ? `could show ${figureText(detectable)} or more` : note
  return [
    `${n[0]} against ${n[1]}${comparison.isPaired ? ', paired' : ''}`,
    figureText(delta),
    shown === null ? '-' : intervalText(shown),
    probabilityGreater === null ? '-' : probabilityGreater.toFixed(2),
    pText(p),
    [{ strong: verdict }, why ? ` (${why})` : ''] satisfies readonly Inline[],
  ]
}

/** What each run cost, and what a unit of the metric that counts cost over the baseline. */
export function costBlock({ costs, baseline }: CompareModel, names: readonly string[]): Block {
  const { metric, runs } = costs
  if (runs.every(({ usd }) => usd === null)) return text('Unknown: nobody wrote down what any of these runs cost.')
  const gained = metric === null ? 'gain' : `gain of ${cell(metric)}`
  return table(
    ['run', 'cost', gained, 'cost per unit gained'],
    runs.map((run, at) => [
      names[at] ?? '?',
      usdText(run.usd),
      run.gain === null
        ? at === baseline
          ? '-'
          : metric === null
            ? 'no metric was named (compare.primary)'
            : 'unknown'
        : figureText(run.gain),
      perUnitText(run, at === baseline),
    ]),
  )
}

/** What the rules found, with their figures. */
export function findingsBlock(of: CompareModel['findings'], names: readonly string[]): Block {
  const lines = of.flatMap((found, at) => found.map((finding) => findingText(finding, names[at] ?? '?', cell)))
  return lines.length === 0 ? text('The rules found nothing.') : list(lines)
}

/** How well a run could be read, in words. */
export function readingText(reports: CompareModel['runs'][number]['reports']): string {
  const sum = (of: (report: (typeof reports)[number]) => number) =>
    reports.reduce((total, report) => total + of(report), 0)
  const parts = [
    `${sum(({ records }) => records)} records`,
    sum(({ skippedBytes }) => skippedBytes) > 0 ? `${sum(({ skippedBytes }) => skippedBytes)} bytes skipped` : '',
    sum(({ crcErrors }) => crcErrors) > 0 ? `${sum(({ crcErrors }) => crcErrors)} wrong checksums` : '',
    reports.some(({ isTruncated }) => isTruncated) ? 'its last record is not whole (still being written, or cut)' : '',
    ...reports.flatMap(({ notes }) => notes.map(cell)),
  ]
  return parts.filter(Boolean).join('; ')
}
