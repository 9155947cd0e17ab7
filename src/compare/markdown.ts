import { sanitiseLine } from '../text/sanitise.ts'
import { valueText } from './flatten.ts'
import type { CompareModel, Judgement } from './model.ts'
import { changeText, directionText, figureText, intervalText, pText } from './words.ts'

/** Foreign text in a cell of a table: a pipe would end it, a line break as well, and markup would be drawn. */
export const cell = (text: string): string =>
  sanitiseLine(text.replaceAll(/[\r\n]+/g, ' '), 200).replaceAll(/[\\`*_[\]<>|]/g, (mark) => `\\${mark}`)

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** The whole comparison as Markdown that pastes into a pull request. The screen in plain words says the same. */
export function compareMarkdown(model: CompareModel): string {
  const names = model.runs.map(({ name }, at) => `${cell(name)}${at === model.baseline ? ' (baseline)' : ''}`)
  return [
    `# ${names.length} runs compared`,
    '',
    verdictLine(model),
    '',
    '## Changed',
    '',
    changed(model, names),
    '',
    `## Metrics (${model.aggregator})`,
    '',
    metrics(model, names),
    ...judgements(model),
    '',
    '## Findings',
    '',
    findings(model, names),
    '',
    '## How well the runs could be read',
    '',
    ...model.runs.map((run, at) => `- ${names[at]}: ${cell(run.format)}, ${readText(run.reports)}`),
    '',
  ].join('\n')
}

function verdictLine({ oneChange, config }: CompareModel): string {
  const { word, changes, unknown, isSeedChanged } = oneChange
  const what = changes.slice(0, 8).map((change) => `${change.band}: ${cell(change.what)}`)
  const more = changes.length > 8 ? `, and ${changes.length - 8} more` : ''
  return [
    `**Exactly one thing changed? ${word}.**`,
    what.length > 0 ? `${what.join(', ')}${more}.` : '',
    isSeedChanged ? 'The seed differs.' : '',
    unknown.length > 0 ? `Nothing that can be compared was recorded of: ${unknown.join(', ')}.` : '',
    `${config.same.length} settings are the same${config.ignored.length > 0 ? `; ignored as noise: ${config.ignored.map(({ key }) => cell(key)).join(', ')}` : ''}.`,
  ]
    .filter(Boolean)
    .join(' ')
}

function changed(model: CompareModel, names: readonly string[]): string {
  const settings = model.config.changed.map(({ key, values, difference, isSeed }) => [
    isSeed ? 'seed' : 'config',
    cell(key) + (difference === 'type' ? ' (type)' : ''),
    ...values.map((value) => cell(valueText(value))),
  ])
  const facts = model.bands.flatMap(({ band, rows }) =>
    rows
      .filter(({ isDifferent }) => isDifferent)
      .map(({ what, values }) => [band, cell(what), ...values.map((value) => cell(value ?? 'not recorded'))]),
  )
  const rows = [...settings, ...facts]
  return rows.length === 0 ? 'Nothing that was recorded differs.' : table(['band', 'key', ...names], rows)
}

function metrics(model: CompareModel, names: readonly string[]): string {
  if (model.metrics.length === 0) return 'No metric was recorded.'
  const rows = model.metrics.map(({ name, direction, cells }) => [
    cell(name),
    directionText(direction),
    ...cells.map((each) => {
      if (each === null) return '-'
      const units = each.n > 1 ? ` (mean of ${each.n})` : ''
      const change = each.change === null ? '' : `, ${changeText(each.change)}`
      const bad = each.nonFinite > 0 ? `, ${each.nonFinite} not finite` : ''
      return `${figureText(each.value)}${units}${change}${each.isBest ? ', best' : ''}${bad}`
    }),
  ])
  return table(['metric', 'direction', ...names], rows)
}

function judgements(model: CompareModel): string[] {
  const shown = model.judgements.filter(({ metric }) =>
    model.metrics.some((row) => row.name === metric && row.direction.goal !== null),
  )
  if (shown.length === 0) return []
  const nameOf = (at: number) => {
    const members = model.groups[at]?.members ?? []
    const first = cell(model.runs[members[0] ?? 0]?.name ?? '?')
    return members.length > 1 ? `${first} and ${members.length - 1} more seeds` : first
  }
  return [
    '',
    `## More than noise? (against ${nameOf(model.baselineGroup)})`,
    '',
    table(
      ['metric', 'group', 'n', 'difference', '95 % interval', 'P(greater)', 'p', 'verdict'],
      shown.map((each) => [cell(each.metric), nameOf(each.group), ...judgementCells(each)]),
    ),
    '',
    model.tests === 0
      ? 'No test was made: it takes at least five runs a side.'
      : model.tests > 1
        ? `p is corrected for ${model.tests} tests at once (Holm).`
        : 'p of a single test; more of them at once would be corrected.',
  ]
}

function judgementCells({ comparison, p, verdict }: Judgement): string[] {
  const { n, delta, bootstrap, interval, probabilityGreater, note, detectable } = comparison
  const shown = comparison.isPaired ? bootstrap : interval
  const why =
    verdict === 'no clear difference' && detectable !== null ? `could show ${figureText(detectable)} or more` : note
  return [
    `${n[0]} against ${n[1]}${comparison.isPaired ? ', paired' : ''}`,
    figureText(delta),
    shown === null ? '-' : intervalText(shown),
    probabilityGreater === null ? '-' : probabilityGreater.toFixed(2),
    pText(p),
    `**${verdict}**${why ? ` (${why})` : ''}`,
  ]
}

function findings(model: CompareModel, names: readonly string[]): string {
  const lines = model.findings.flatMap((found, at) =>
    found.map(({ severity, rule, metric, unit, fromStep, toStep, what, next }) => {
      const where = [metric, unit].filter(Boolean).map(cell).join(' of ')
      const steps =
        fromStep === null
          ? ''
          : toStep === null || toStep === fromStep
            ? ` at step ${fromStep}`
            : ` at steps ${fromStep} to ${toStep}`
      return `- ${severity}, ${names[at]}: ${rule}${where ? ` in ${where}` : ''}${steps}: ${what}. ${next}`
    }),
  )
  return lines.length === 0 ? 'The rules found nothing.' : lines.join('\n')
}

function readText(reports: CompareModel['runs'][number]['reports']): string {
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
