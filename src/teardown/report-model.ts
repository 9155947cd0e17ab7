import type { Manifest } from '../artifact/manifest.ts'
import { isVerified } from '../artifact/manifest.ts'
import type { RunState } from '../run/types.ts'
import type { Plan } from '../spec/schema.ts'
import { expandUnits } from '../spec/units.ts'
import { formatBytes, formatDuration, formatUsd, plural } from '../text/format.ts'
import { shellJoin } from '../text/shell.ts'
import { writtenOffIn } from '../walk/end.ts'
import { classesText, fleetUsd, hostsText, metersText, outcomeOfAll, unitsByHost } from './report-hosts.ts'
import { type MetricReport, metricReport, type Verdict, verdictOf } from './report-metrics.ts'
import type { UnitResult } from './results.ts'
import type { StoppedPayload } from './types.ts'

/** What a report is made of. Everything was read before; this is pure. */
export interface ReportInput {
  readonly nowMs: number
  readonly state: RunState
  readonly plan: Plan
  readonly units: readonly string[]
  /** Path of the plan file inside the project. */
  readonly planPath: string
  readonly results: readonly UnitResult[]
  readonly manifest: Manifest | null
  readonly fingerprint: Readonly<Record<string, string>> | null
}

export interface Report {
  readonly schema: 'kx/report/v1'
  readonly createdAtMs: number
  readonly verdict: Verdict
  readonly identity: readonly (readonly [string, string])[]
  readonly planAgainstActual: readonly {
    readonly what: string
    readonly planned: string
    readonly actual: string
    readonly note: string
  }[]
  readonly metrics: readonly MetricReport[]
  readonly findings: readonly {
    readonly severity: string
    readonly rule: string
    readonly text: string
    readonly state: string
  }[]
  readonly overrides: readonly {
    readonly itemId: string
    readonly reason: string
    readonly by: string
    readonly atMs: number
  }[]
  readonly fingerprint: Readonly<Record<string, string>> | null
  readonly artifacts: {
    readonly verified: number
    readonly found: number
    readonly expected: number
    readonly bytes: number
    readonly levels: Readonly<Record<string, number>>
    readonly manifestSha256: string | null
  } | null
  /** Gaps and doubts, by name: nothing is left out in silence (handbook lifecycle 6.8, report.missing). */
  readonly missing: readonly string[]
  readonly nextActions: readonly { readonly text: string; readonly cost: string }[]
  readonly reproduce: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const numberIn = (fields: Fields, name: string): number | null => {
  const value = fields[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
const textIn = (fields: Fields, name: string): string | null =>
  typeof fields[name] === 'string' ? (fields[name] as string) : null

function identityOf(input: ReportInput): Report['identity'] {
  const { state, plan, manifest } = input
  const { latest, created } = state
  const planned = fieldsOf(latest.PlanDigest?.payload)
  const git = fieldsOf(planned.git)
  const bound = latest.PlanDigest?.boundTo ?? {}
  const host = manifest?.host
  const approval = fieldsOf(latest.Approval?.payload)
  const commit = textIn(git, 'commit')
  const rows: [string, string | null][] = [
    ['run', state.runId],
    ['project', created.project],
    ['plan', `${plan.name}: ${plan.goal}`],
    ['commit', commit === null ? null : `${commit}${git.isDirty === true ? ' (with local changes)' : ''}`],
    ['plan digest', bound.plan ?? null],
    ['code digest', bound.code ?? null],
    ['config digest', bound.config ?? null],
    ['data digest', bound.data ?? null],
    ['host', hostsText(state) ?? (host === undefined ? null : `${host.host} (${host.hostname})`)],
    ['machine class', classesText(state)],
    ['environment', plan.environment.kind === 'image' ? plan.environment.reference : plan.environment.kind],
    ['seed', String(plan.seed)],
    ['meter', metersText(state)],
    ['started by', created.by],
    ['approved by', textIn(approval, 'by')],
  ]
  return rows.map(([name, value]) => [name, value ?? 'not known'] as const)
}

/** Units with a result, as far as they were pulled: what still lies on the box only is not missing. */
function resultsText({ state, results, manifest }: ReportInput): string {
  const there = results.filter((r) => r.result === 'there').length
  if (manifest !== null || there > 0) return `${there} with a result`
  const done = outcomeOfAll(state).units?.done ?? null
  return done === null ? 'not known, nothing is pulled yet' : `${done} done on the box, not pulled yet`
}

/** Units that have to be run again; null: not known. Before the pull only the box's own count tells. */
function unfinishedCount({ state, units, results, manifest }: ReportInput): number | null {
  if (manifest !== null) return results.filter((r) => r.result !== 'there').length
  const counts = outcomeOfAll(state).units
  return counts === null ? null : Math.max(0, units.length - counts.done)
}

function planAgainstActual(input: ReportInput): Report['planAgainstActual'] {
  const { state, plan, units } = input
  const { latest } = state
  const priced = fieldsOf(latest.PricedPlan?.payload)
  const smoke = fieldsOf(latest.SmokeProof?.payload)
  const outcome = outcomeOfAll(state)
  const stopped = latest.MeterStopped?.payload as StoppedPayload | undefined
  const firstStart = state.proofs.find((p) => p.kind === 'Receipt')?.atMs ?? null
  const seconds =
    outcome.elapsedSeconds ??
    (firstStart === null || outcome.endedAtMs === null ? null : (outcome.endedAtMs - firstStart) / 1000)
  const p50 = numberIn(priced, 'hoursP50')
  const p90 = numberIn(priced, 'hoursP90')
  const rate = numberIn(priced, 'usdPerHour')
  const metered = fleetUsd(state, input.nowMs)
  const estimated = stopped?.usd ?? (rate === null || seconds === null ? null : (rate * seconds) / 3600)
  const usd = metered === null ? estimated : metered.usd
  const smokeSeconds = Array.isArray(smoke.unitSeconds) ? smoke.unitSeconds.filter((n) => typeof n === 'number') : []
  const peakBytes = numberIn(smoke, 'peakRssBytes')
  const mean = (list: readonly number[]) => (list.length === 0 ? null : list.reduce((a, b) => a + b, 0) / list.length)
  const hours = (h: number | null) => (h === null ? 'not known' : formatDuration(h * 3600))
  return [
    {
      what: 'time',
      planned: p50 === null ? 'not estimated' : `p50 ${hours(p50)}, p90 ${hours(p90)}`,
      actual: seconds === null ? 'not known' : formatDuration(seconds),
      note: priced.isP90Assumed === true ? 'the p90 was a widened guess' : (textIn(priced, 'basis') ?? ''),
    },
    {
      what: 'cost',
      planned: `p50 ${formatUsd(numberIn(priced, 'usdP50'))}, cap ${formatUsd(plan.budget.usd)}`,
      actual: usd === null ? 'not known' : formatUsd(usd),
      note: [textIn(priced, 'priceSource') ?? '', metered?.note ?? ''].filter((text) => text !== '').join('; '),
    },
    {
      what: 'units',
      planned: String(units.length),
      actual: resultsText(input),
      note:
        unitsByHost(state) ||
        (outcome.units === null
          ? ''
          : `${outcome.units.done} done, ${outcome.units.failed} failed, ${outcome.units.aborted} aborted`),
    },
    {
      what: 'seconds a unit',
      planned:
        smokeSeconds.length === 0
          ? 'not measured'
          : `${formatDuration(mean(smokeSeconds))} (${smokeSeconds.length} in the smoke)`,
      actual:
        outcome.unitSeconds.length === 0
          ? 'not known'
          : `${formatDuration(mean(outcome.unitSeconds))} (mean of ${outcome.unitSeconds.length})`,
      note: '',
    },
    {
      what: 'peak memory of a unit',
      planned:
        plan.resources.memoryBytes === undefined ? 'not limited' : `${formatBytes(plan.resources.memoryBytes)} at most`,
      actual: peakBytes === null ? 'not measured' : formatBytes(peakBytes),
      note: 'measured in the smoke',
    },
  ]
}

function missingOf(input: ReportInput): readonly string[] {
  const { state, results, manifest } = input
  const lines: string[] = []
  const list = (names: readonly string[]) =>
    names.length > 10 ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more` : names.join(', ')
  const say = (names: readonly string[], text: string) => {
    if (names.length > 0) lines.push(`${text}: ${list(names)}`)
  }
  // Before anything is pulled no file is here, which says nothing about the box.
  if (manifest !== null)
    say(
      results.filter((r) => r.result === 'missing').map((r) => r.unit),
      'No result.json',
    )
  say(
    results.filter((r) => r.result === 'unreadable').map((r) => r.unit),
    'result.json that cannot be read',
  )
  say(
    results.filter((r) => r.nonFinite.length > 0).map((r) => `${r.unit} (${r.nonFinite.join(', ')})`),
    'Results that are NaN or infinite',
  )
  say(
    results.filter((r) => (r.nanCount ?? 0) > 0).map((r) => `${r.unit} (${r.nanCount})`),
    'Units that counted NaN steps',
  )
  say(
    results.filter((r) => (r.series?.nonFinite ?? 0) > 0).map((r) => `${r.unit} (${r.series?.nonFinite})`),
    'NaN or infinite values in metrics.jsonl',
  )
  say(
    results.filter((r) => (r.series?.badLines ?? 0) > 0).map((r) => `${r.unit} (${r.series?.badLines})`),
    'Lines of metrics.jsonl that were left out',
  )
  const writtenOff = writtenOffIn(state)
  say(writtenOff?.unverified ?? [], 'Never verified, and written off')
  if (manifest === null) lines.push('No artifacts were pulled and verified')
  else {
    say(manifest.missing, 'Declared and never written')
    say(
      manifest.problems.map((p) => `${p.path} (${p.text})`),
      'Roster',
    )
    say(
      manifest.files
        .filter((f) => !isVerified(f))
        .map((f) => `${f.path} (${f.problem ?? f.structure?.reason ?? f.level})`),
      'Not verified',
    )
  }
  if (input.fingerprint === null) lines.push('No environment fingerprint')
  if (state.latest.Outcome === undefined) lines.push('The run has no outcome: it may still be live')
  if (state.latest.SmokeProof === undefined) lines.push('No smoke was made')
  if (state.latest.PricedPlan === undefined) lines.push('The plan was not priced')
  for (const intent of state.intents)
    if (intent.closed === null) lines.push(`An act whose end is not known: ${intent.act}`)
  for (const warning of state.warnings) lines.push(`Journal: ${warning}`)
  return lines
}

/** Each remedy once, with the rules of the open findings that ask for it and how many there are. */
function remediesOf(state: RunState): readonly string[] {
  const byRemedy = new Map<string, RunState['findings'][number][]>()
  for (const finding of state.findings)
    if (finding.closedAtMs === null) byRemedy.set(finding.remedy, [...(byRemedy.get(finding.remedy) ?? []), finding])
  return [...byRemedy].map(([remedy, findings]) => {
    const rules = [...new Set(findings.map((finding) => finding.rule))].join(', ')
    return `${rules}${findings.length === 1 ? '' : ` (${plural(findings.length, 'finding')})`}: ${remedy}`
  })
}

function nextActions(input: ReportInput, verdict: Verdict): Report['nextActions'] {
  const { state, manifest } = input
  const free = 'nothing'
  const rate = numberIn(fieldsOf(state.latest.PricedPlan?.payload), 'usdPerHour')
  const unitHours =
    outcomeOfAll(state).unitSeconds.reduce((a, b) => a + b, 0) /
    Math.max(1, outcomeOfAll(state).unitSeconds.length) /
    3600
  const price = (count: number) =>
    rate === null || !(unitHours > 0) ? 'not known' : formatUsd(rate * unitHours * count)
  const actions: { text: string; cost: string }[] = []
  const lost = unfinishedCount(input)
  const isGone = state.latest.MeterStopped !== undefined || writtenOffIn(state) !== null
  if (lost !== null && lost > 0 && !isGone)
    actions.push({ text: `Relaunch ${plural(lost, 'unit')} (kx launch): finished ones are skipped`, cost: price(lost) })
  if (!isGone && (manifest === null || manifest.files.some((f) => !isVerified(f))))
    actions.push({ text: 'Pull and verify the artifacts (kx teardown verify)', cost: free })
  if (!isGone && state.latest.Receipt !== undefined)
    actions.push({ text: 'Remove the box folder when everything is verified (kx teardown remove)', cost: free })
  for (const meter of state.meters)
    if (meter.closedAtMs === null)
      actions.push({
        text: `End the meter ${meter.what} on ${meter.host}`,
        cost: meter.usdPerHour === null ? 'not known' : `${formatUsd(meter.usdPerHour)}/h while it runs`,
      })
  for (const text of remediesOf(state)) actions.push({ text, cost: 'depends on what is found' })
  // More of the same helps only where all that was planned is there and the spread alone leaves it open.
  if (verdict.word === 'inconclusive' && lost === 0 && verdict.isWithinSpread)
    actions.push({
      text: 'More seeds or units, until the spread is smaller than the distance to the target',
      cost: price(input.units.length),
    })
  return actions
}

/** The report of a run, from what was journalled and pulled. The same content becomes Markdown, screen and JSON. */
export function buildReport(input: ReportInput): Report {
  const { state, manifest } = input
  const metrics = input.plan.metrics.map((metric) => metricReport(metric, input.results))
  const verdict = verdictOf(outcomeOfAll(state), metrics, input.plan.units.cpcv !== undefined, manifest !== null)
  const levels: Record<string, number> = {}
  for (const file of manifest?.files ?? []) levels[file.level] = (levels[file.level] ?? 0) + 1
  const verified = fieldsOf(state.latest.VerifiedManifest?.payload)
  const planned = fieldsOf(state.latest.PlanDigest?.payload)
  const commit = textIn(fieldsOf(planned.git), 'commit')
  const argv = Array.isArray(planned.firstCommand) ? planned.firstCommand.map(String) : input.plan.command
  return {
    schema: 'kx/report/v1',
    createdAtMs: input.nowMs,
    verdict,
    identity: identityOf(input),
    planAgainstActual: planAgainstActual(input),
    metrics,
    findings: state.findings.map((f) => ({
      severity: f.severity,
      rule: f.rule,
      text: f.text,
      state: f.closedAtMs === null ? 'open' : 'closed',
    })),
    overrides: [
      ...new Map(
        [
          ...Object.values(state.overrides),
          ...state.proofs.flatMap((p) => p.items.flatMap((i) => i.override ?? [])),
        ].map((o) => [`${o.itemId} ${o.atMs}`, o] as const),
      ).values(),
    ],
    fingerprint: input.fingerprint,
    artifacts:
      manifest === null ? null : { ...manifest.totals, levels, manifestSha256: textIn(verified, 'manifestSha256') },
    missing: missingOf(input),
    nextActions: nextActions(input, verdict),
    reproduce: [
      ...(commit === null ? [] : [`git checkout ${commit}`]),
      `kx walk ${input.planPath} --auto`,
      `# one unit alone: KX_SEED=${expandUnits(input.plan)[0]?.seed ?? 0} ${shellJoin(argv)}`,
    ],
  }
}
