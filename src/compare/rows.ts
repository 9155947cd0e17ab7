import { sanitiseLine } from '../text/sanitise.ts'
import { perUnitText, usdText } from './cost.ts'
import { offeredFor } from './findings/recipes.ts'
import type { Finding } from './findings/types.ts'
import { stepsText, titleText } from './findings/words.ts'
import type { CompareModel, Judgement } from './model.ts'
import type { Verdict } from './significance.ts'
import { figureOf, figureWords, groupName, settingTexts, shortWords, type TableColumn, valuesWords } from './table.ts'
import type { CompareRow, RowMark } from './types.ts'
import { directionText, figureText, intervalText, pointsText, pText } from './words.ts'

const safe = (text: string) => sanitiseLine(text, 400)

/** All rows of the comparison, band by band; what is the same everywhere stands behind what differs. */
export function rowsOf(model: CompareModel, columns: readonly TableColumn[]): readonly CompareRow[] {
  return [
    ...changedRows(model, columns),
    ...metricRows(model, columns),
    ...costRows(model, columns),
    ...findingRows(model, columns),
  ]
}

function changedRows({ config, bands }: CompareModel, columns: readonly TableColumn[]): CompareRow[] {
  const row = (
    id: string,
    band: 'changed' | 'ignored',
    name: string,
    texts: readonly string[],
    isDifferent: boolean,
    why: string,
  ): CompareRow => ({
    id,
    band,
    name,
    cells: columns.map((column) => valuesWords(texts, column)),
    isDifferent,
    mark: isDifferent ? 'plain' : 'muted',
    detail: why === '' ? [] : [why],
    metric: '',
    key: '',
  })
  const setting =
    (band: 'changed' | 'ignored', isDifferent: boolean, why: string) => (each: (typeof config.changed)[number]) => {
      const name = `${each.isSeed ? 'seed' : 'config'} ${safe(each.key)}${each.difference === 'type' ? ' (type)' : ''}`
      const texts = settingTexts(each.values, safe)
      return { ...row(`config ${each.key}`, band, name, texts, isDifferent, why), key: each.key }
    }
  const facts = bands.flatMap(({ rows }) => rows)
  const fact = ({ band, what, values, isDifferent }: (typeof facts)[number]) => {
    const texts = values.map((value) => (value === undefined ? 'not recorded' : safe(value)))
    return row(`${band} ${what}`, 'changed', `${band} ${safe(what)}`, texts, isDifferent, '')
  }
  return [
    ...config.changed.map(setting('changed', true, '')),
    ...facts.filter(({ isDifferent }) => isDifferent).map(fact),
    ...config.same.map(setting('changed', false, '')),
    ...facts.filter(({ isDifferent }) => !isDifferent).map(fact),
    ...config.ignored.map(setting('ignored', false, 'It differs, and is left out: as noise by its name, or by you.')),
  ]
}

function metricRows(model: CompareModel, columns: readonly TableColumn[]): CompareRow[] {
  const byMetric = Map.groupBy(model.judgements, ({ metric }) => metric)
  return model.metrics.map((metric, at): CompareRow => {
    const judged = (byMetric.get(metric.name) ?? []).filter(() => metric.direction.goal !== null)
    const figures = columns.map((column) => figureOf(model, at, column))
    const words = new Set(judged.map(({ verdict }) => verdict))
    const [only] = words
    const values = new Set(metric.cells.map((cell) => cell?.value))
    const byGroup = new Map(judged.map((each) => [each.group, each]))
    return {
      id: `metric ${metric.name}`,
      band: 'metrics',
      name: `${safe(metric.name)}${wayText(metric.direction.goal)}`,
      cells: figures.map(figureWords),
      shortCells: figures.map(shortWords),
      isDifferent: values.size > 1 || model.runs.length === 1,
      mark: words.size === 1 && (only === 'better' || only === 'worse') ? only : 'plain',
      detail: [directionText(metric.direction), ...(judged.length > 1 ? [tallyText(judged)] : [])],
      why: (column) => {
        const judgement = byGroup.get(columns[column]?.group ?? -1)
        const change = figures[column]?.change ?? null
        return [
          ...(judgement === undefined ? [] : judgementLines(model, judgement)),
          ...(change === null || change.points === null ? [] : [pointsText(change)]),
        ]
      },
      metric: metric.name,
      key: '',
    }
  })
}

/** What the runs cost, where anybody knows of one of them; of a group all of its runs together. */
function costRows({ costs, baseline, runs }: CompareModel, columns: readonly TableColumn[]): CompareRow[] {
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
    key: '',
  })
  const spent = columns.map(({ members }) => {
    const known = members.flatMap((at) => costs.runs[at]?.usd ?? [])
    const sum = usdText(known.length === 0 ? null : known.reduce((total, usd) => total + usd, 0))
    return known.length === 0 || known.length === members.length
      ? sum
      : `${sum} for ${known.length} of ${members.length}`
  })
  const cost = row('cost', 'cost', spent, 'What was seen to be spent, in USD; unknown where nobody wrote it down.')
  if (costs.metric === null || runs.length < 2) return [cost]
  const bought = costs.runs.map((run, at) => perUnitText(run, at === baseline))
  const name = safe(costs.metric)
  return [
    cost,
    row(
      'cost per unit',
      `cost per unit of ${name}`,
      columns.map((column) => valuesWords(bought, column)),
      `USD for each unit of ${name} that a run gained over the baseline.`,
    ),
  ]
}

/** In words, not by an arrow alone. */
const wayText = (goal: 'lower' | 'higher' | null) => (goal === null ? '' : goal === 'lower' ? ' (less)' : ' (more)')

const verdicts: readonly Verdict[] = ['better', 'worse', 'no clear difference', 'cannot tell']

/** `2 better, 117 cannot tell`. */
function tallyText(judged: readonly Judgement[]): string {
  const counts = verdicts.map((word) => [word, judged.filter(({ verdict }) => verdict === word).length] as const)
  return `Of ${judged.length}: ${counts.flatMap(([word, count]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ')}`
}

function judgementLines(model: CompareModel, { group, comparison, p, verdict }: Judgement): readonly string[] {
  const { n, delta, interval, probabilityGreater, note, detectable, isPaired } = comparison
  const shown = isPaired ? comparison.bootstrap : interval
  return [
    `${safe(groupName(model, group))}: ${verdict}${note ? `, ${note}` : ''}`,
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

/** More sentences of one rule say nothing new: the others are counted. */
const mostSentences = 4

/** A row for each thing that a rule found, with all the runs that it found it in. */
function findingRows(model: CompareModel, columns: readonly TableColumn[]): CompareRow[] {
  const all = model.findings.flatMap((found, run) => found.map((finding) => ({ run, finding })))
  const alike = Map.groupBy(all, ({ finding }) =>
    [finding.severity, finding.rule, finding.metric, finding.unit].join('\u0001'),
  )
  return [...alike.values()].map((these): CompareRow => {
    const { finding } = these[0] as (typeof all)[number]
    const offered = offeredFor(finding)
    const byRun = Map.groupBy(these, ({ run }) => run)
    const runs = [...byRun.keys()]
    const left = runs.length - mostSentences
    const sentences = runs.slice(0, mostSentences).flatMap((run) => {
      const who = model.runs.length === 1 ? '' : `${safe(model.runs[run]?.name ?? '?')}: `
      return (byRun.get(run) ?? []).map((each) => `${who}${safe(each.finding.what)}.`)
    })
    return {
      id: `finding ${finding.severity} ${finding.rule} ${finding.metric} ${finding.unit}`,
      band: 'findings',
      name: titleText(finding, safe),
      cells: columns.map(({ members }) => {
        const own = members.filter((at) => byRun.has(at))
        if (own.length === 0) return ''
        if (members.length > 1) return `in ${own.length} of ${members.length} runs`
        const [first, ...more] = byRun.get(own[0] as number) ?? []
        const steps = first === undefined ? '' : stepsText(first.finding)
        return `${steps || 'here'}${more.length > 0 ? ` and ${more.length} more` : ''}`
      }),
      isDifferent: true,
      mark: marks[finding.severity],
      detail: [
        ...sentences,
        ...(left > 0 ? [`and in ${left} more runs`] : []),
        finding.next,
        ...(offered === null ? [] : [`Recipe: ${offered.recipe} (F goes there)`]),
      ],
      metric: finding.metric,
      key: '',
      ...(offered === null ? {} : { offered }),
    }
  })
}
