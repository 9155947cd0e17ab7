import type { Column, Columns } from '../reader/columns.ts'
import { shellJoin } from '../text/shell.ts'
import { aggregate } from './aggregate.ts'
import { directionOf } from './direction.ts'
import { extentsOf } from './downsample.ts'
import type { Finding } from './findings/types.ts'
import { flatten, valueText } from './flatten.ts'
import { type CompareModel, type CompareOptions, compareRuns } from './model.ts'
import { isNamed, seedKeys } from './noise.ts'
import type { LoadedRun } from './run.ts'

/** What nobody wrote down. Never left out: a report without a line reads as if there were nothing to say. */
export const unknown = 'unknown'

export interface MetricReport {
  readonly name: string
  readonly goal: 'lower' | 'higher' | null
  readonly directionSource: string
  readonly isGuessed: boolean
  readonly unit: string
  readonly last: number | null
  readonly lastStep: number | null
  /** Of a metric without a direction there is no best. */
  readonly best: number | null
  readonly bestStep: number | null
  readonly points: number
  readonly nonFinite: number
}

/** A curve in so many columns: least and greatest of each, and where a figure was not finite. */
export interface CurveReport {
  readonly name: string
  readonly unit: string
  readonly fromStep: number
  readonly toStep: number
  readonly least: readonly (number | null)[]
  readonly most: readonly (number | null)[]
  readonly nonFinite: readonly boolean[]
}

/** One run, as far as it is known (handbook compare 9). */
export interface Analysis {
  readonly verdict: { readonly word: 'sound' | 'doubtful' | 'broken' | 'not over' | 'unknown'; readonly why: string }
  readonly confidence: string
  /** What it is, by name; `unknown` where nobody wrote it down. */
  readonly identity: Readonly<Record<string, string>>
  /** Plan against actual. */
  readonly spent: Readonly<Record<string, string>>
  readonly metrics: readonly MetricReport[]
  readonly findings: readonly Finding[]
  readonly curves: readonly CurveReport[]
  /** Against the baseline; null: none was given. */
  readonly against: CompareModel | null
  /** What is missing or not to be trusted, one sentence each. */
  readonly doubts: readonly string[]
  /** What the rules went by where a person set it otherwise. */
  readonly said: readonly string[]
  readonly artifacts: string
  readonly next: readonly { readonly what: string; readonly usd: number | typeof unknown }[]
  readonly reproduce: string
}

/** Columns of a curve in text. */
const textColumns = 60

/** A run with its points: its curves are drawn. */
export interface WholeRun extends LoadedRun {
  readonly columns: Columns
}

/** Everything that can be said of one run, against a baseline where there is one. Pure. */
export function analyse(run: WholeRun, baseline: LoadedRun | null, options: CompareOptions): Analysis {
  const { findings } = run.digest
  const columns = run.columns.all().filter(({ name }) => options.isShown(name))
  return {
    ...verdictOf(run, findings, columns.length),
    identity: identityOf(run),
    spent: spentOf(run),
    metrics: metricsOf(run, columns, options),
    findings,
    curves: columns.flatMap((column) => curveOf(column)),
    against: baseline === null ? null : compareRuns([baseline, run], { ...options, baseline: 0 }),
    doubts: doubtsOf(run, columns),
    said: options.said,
    artifacts: unknown,
    next: [...new Set(findings.map(({ next }) => next))].map((what) => ({ what, usd: unknown })),
    reproduce: reproduceOf(run),
  }
}

function verdictOf(
  { columns }: WholeRun,
  findings: readonly Finding[],
  curves: number,
): Pick<Analysis, 'verdict' | 'confidence'> {
  const state = columns.known.state ?? unknown
  const count = (severity: Finding['severity']) => findings.filter((each) => each.severity === severity)
  const rules = (of: readonly Finding[]) => [...new Set(of.map(({ rule }) => rule))].join(', ')
  const [critical, warnings] = [count('critical'), count('warning')]
  const verdict: Analysis['verdict'] =
    critical.length > 0
      ? { word: 'broken', why: `critical: ${rules(critical)}` }
      : state === 'failed' || state === 'killed'
        ? { word: 'broken', why: `the run ${state === 'failed' ? 'failed' : 'was killed'}` }
        : state === 'running'
          ? { word: 'not over', why: 'the run still writes; what stands here may change' }
          : curves === 0 && columns.summaries.size === 0 && columns.results.size === 0
            ? { word: unknown, why: 'no metric was recorded' }
            : warnings.length > 0
              ? { word: 'doubtful', why: `warnings: ${rules(warnings)}` }
              : state === 'unknown'
                ? { word: unknown, why: 'the rules found nothing wrong, and nobody wrote down how it ended' }
                : { word: 'sound', why: 'it finished, and the rules found nothing wrong' }
  return { verdict, confidence: 'one run: how much of a figure is the luck of its seed is unknown' }
}

function identityOf({ columns, format, path, name }: WholeRun): Record<string, string> {
  const { known } = columns
  const seeds = [...flatten(columns.settings.values()).values()].filter((leaf) => isNamed(leaf.path, seedKeys))
  const or = (value: string | number | undefined) => (value === undefined || value === '' ? unknown : String(value))
  const gpus = known.gpuCount === undefined ? '' : ` x${known.gpuCount}`
  return {
    run: known.id ?? known.name ?? name,
    name: known.name ?? name,
    'written by': format,
    path,
    state: known.state ?? unknown,
    commit: or(known.commit),
    'uncommitted changes': known.isDirty === undefined ? unknown : known.isDirty ? (known.diffSha256 ?? 'yes') : 'none',
    script: or(known.scriptSha256),
    code: or(known.codeSha256),
    data: or(known.dataSha256),
    gpu: known.gpu === undefined ? unknown : `${known.gpu}${gpus}`,
    driver: or(known.driver),
    cuda: or(known.cuda),
    python: or(known.python),
    host: or(known.host),
    image: unknown,
    seed:
      seeds.length === 0 ? unknown : seeds.map((leaf) => `${leaf.path.join('.')} ${valueText(leaf.value)}`).join(', '),
    'approved by': unknown,
  }
}

function spentOf({ columns }: WholeRun): Record<string, string> {
  const { startedAtMs, endedAtMs, usd } = columns.known
  const steps = columns
    .all()
    .reduce((most, column) => column.steps.reduce((a, b) => (b > a ? b : a), most), Number.NEGATIVE_INFINITY)
  const seconds = startedAtMs === undefined || endedAtMs === undefined ? null : (endedAtMs - startedAtMs) / 1000
  return {
    'seconds, planned': unknown,
    seconds: seconds === null ? unknown : String(Math.round(seconds)),
    'USD, planned': unknown,
    USD: usd === undefined ? unknown : usd.toFixed(2),
    'last step': Number.isFinite(steps) ? String(steps) : unknown,
    'peak memory': unknown,
    utilisation: unknown,
  }
}

function metricsOf(run: WholeRun, all: readonly Column[], options: CompareOptions): readonly MetricReport[] {
  return all.map((column) => {
    const judged = directionOf(column.name, options.directions, run.columns.directions.get(column.name))
    const last = aggregate(column, 'last')
    const best = judged.goal === null ? null : aggregate(column, judged.goal === 'lower' ? 'min' : 'max')
    return {
      name: column.name,
      unit: column.unit,
      goal: judged.goal,
      directionSource: judged.source,
      isGuessed: judged.isGuessed,
      last: last?.value ?? null,
      lastStep: last?.step ?? null,
      best: best?.value ?? null,
      bestStep: best?.step ?? null,
      points: column.values.length,
      nonFinite: column.values.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0),
    }
  })
}

function curveOf({ name, unit, steps, values }: Column): readonly CurveReport[] {
  let [fromStep, toStep] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const step of steps) {
    if (step < fromStep) fromStep = step
    if (step > toStep) toStep = step
  }
  if (values.length < 2 || !(toStep > fromStep)) return []
  const extents = extentsOf(steps, values, fromStep, toStep, textColumns)
  const known = (of: Float64Array) => Array.from(of, (value) => (Number.isNaN(value) ? null : value))
  return [
    {
      name,
      unit,
      fromStep,
      toStep,
      least: known(extents.least),
      most: known(extents.most),
      nonFinite: Array.from(extents.nonFinite, (mark) => mark === 1),
    },
  ]
}

function doubtsOf({ reports, columns }: WholeRun, all: readonly Column[]): readonly string[] {
  const state = columns.known.state ?? unknown
  const nonFinite = all.flatMap(({ name, unit, values }) => {
    const count = values.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0)
    return count === 0 ? [] : [`${[name, unit].filter(Boolean).join(' of ')}: ${count} figures are not finite`]
  })
  return [
    ...(state === 'running' ? ['the run is still live'] : []),
    ...(state === 'unknown' ? ['nobody wrote down how the run ended'] : []),
    ...reports.flatMap(({ path, notes, skippedBytes, crcErrors, isTruncated }) => [
      ...(crcErrors > 0 ? [`${path}: ${crcErrors} wrong checksums`] : []),
      ...(skippedBytes > 0 ? [`${path}: ${skippedBytes} bytes passed over`] : []),
      ...(isTruncated ? [`${path}: its last record is not whole (still being written, or cut)`] : []),
      ...notes.map((note) => `${path}: ${note}`),
    ]),
    ...nonFinite,
    ...(all.length === 0 ? ['no curve was recorded'] : []),
  ]
}

/** As its tracker wrote it down: quoted for a shell, never run by kx. */
function reproduceOf({ columns }: WholeRun): string {
  const { program, args, commit } = columns.known
  if (program === undefined) return unknown
  const words = [program, ...(args ?? [])]
  if (words.some((word) => word.includes('\0'))) return unknown
  return `${shellJoin(words)}${commit === undefined ? '' : ` (at commit ${commit})`}`
}
