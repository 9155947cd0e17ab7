import { formatBytes, formatNumber, formatTime } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { MetricReport } from './report-metrics.ts'
import type { Report } from './report-model.ts'

/** One cell or line of foreign text: sanitised, and without what Markdown or HTML would act on. */
function safe(text: string): string {
  return sanitiseLine(text, 500).replace(/[|\\`<>[\]]/g, (mark) => `\\${mark}`)
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  rows.length === 0
    ? ['None.']
    : [
        `| ${head.join(' | ')} |`,
        `|${head.map(() => '---').join('|')}|`,
        ...rows.map((row) => `| ${row.map(safe).join(' | ')} |`),
      ]

const bars = '▁▂▃▄▅▆▇█'

function curve(metric: MetricReport): readonly string[] {
  if (metric.curve === null) return []
  const { values, unit } = metric.curve
  const low = Math.min(...values)
  const high = Math.max(...values)
  const line = values
    .map((v) => bars[high === low ? 0 : Math.min(7, Math.floor(((v - low) / (high - low)) * 8))])
    .join('')
  return [`- ${safe(metric.name)} in ${safe(unit)}: ${line} (${formatNumber(low)} to ${formatNumber(high)})`]
}

function metricRow(metric: MetricReport): readonly string[] {
  const named = (v: { unit: string; value: number } | null) =>
    v === null ? '' : `${formatNumber(v.value)} (${v.unit})`
  const mean = metric.mean === null ? 'none' : formatNumber(metric.mean)
  return [
    metric.isPrimary ? `${metric.name} (primary)` : metric.name,
    metric.direction,
    metric.deviation === null ? mean : `${mean} ± ${formatNumber(metric.deviation)}`,
    named(metric.best),
    named(metric.worst),
    metric.target === null ? '' : formatNumber(metric.target),
    metric.chance === null
      ? ''
      : `${formatNumber(metric.chance)} (${metric.unitsBelowChance} not above it)`.replace(
          'above',
          metric.direction === 'higher' ? 'above' : 'below',
        ),
    `${metric.n} of ${metric.of}`,
  ]
}

/** The report as Markdown that can be shared: no personal path, no byte that a terminal or browser would act on. */
export function renderReport(report: Report): string {
  const { verdict, artifacts } = report
  const lines = [
    `# Report of ${safe(report.identity.find(([name]) => name === 'run')?.[1] ?? 'a run')}`,
    '',
    `**${verdict.word}** by the plan's own criteria (confidence: ${safe(verdict.confidence)}). A person decides.`,
    '',
    ...verdict.reasons.map((reason) => `- ${safe(reason)}`),
    '',
    '## Identity',
    '',
    ...table(['', ''], report.identity),
    '',
    '## Plan against actual',
    '',
    ...table(
      ['', 'planned', 'actual', 'note'],
      report.planAgainstActual.map((r) => [r.what, r.planned, r.actual, r.note]),
    ),
    '',
    '## Metrics',
    '',
    'Mean ± sample deviation over units; best and worst by the declared direction.',
    '',
    ...table(['metric', 'better', 'mean', 'best', 'worst', 'target', 'chance', 'n'], report.metrics.map(metricRow)),
    '',
    ...report.metrics.flatMap(curve),
    '',
    '## Findings',
    '',
    ...table(
      ['severity', 'rule', 'what', 'state'],
      report.findings.map((f) => [f.severity, f.rule, f.text, f.state]),
    ),
    '',
    '## Overridden',
    '',
    ...table(
      ['item', 'reason', 'by', 'when'],
      report.overrides.map((o) => [o.itemId, o.reason, o.by, formatTime(o.atMs)]),
    ),
    '',
    '## Artifacts',
    '',
    ...(artifacts === null
      ? ['Nothing was pulled.']
      : [
          `Verified ${artifacts.verified} of ${artifacts.found} found, ${artifacts.expected} expected, ${formatBytes(artifacts.bytes)}.`,
          '',
          ...Object.entries(artifacts.levels)
            .sort()
            .map(([level, n]) => `- ${level}: ${n}`),
          '',
          `Manifest SHA-256: ${artifacts.manifestSha256 ?? 'not known'}`,
        ]),
    '',
    '## Missing or not to be trusted',
    '',
    ...(report.missing.length === 0
      ? ['Nothing that kx could notice.']
      : report.missing.map((line) => `- ${safe(line)}`)),
    '',
    '## Environment',
    '',
    ...(report.fingerprint === null
      ? ['No fingerprint was left.']
      : table(['', ''], Object.entries(report.fingerprint))),
    '',
    '## Next',
    '',
    ...(report.nextActions.length === 0
      ? ['Nothing.']
      : report.nextActions.map((a) => `- ${safe(a.text).replace(/\.$/, '')}. Cost: ${safe(a.cost)}.`)),
    '',
    '## Reproduce',
    '',
    '```sh',
    ...report.reproduce.map((line) => sanitiseLine(line).replaceAll('`', "'")),
    '```',
    '',
    `Written ${formatTime(report.createdAtMs)}.`,
    '',
  ]
  return lines.join('\n')
}
