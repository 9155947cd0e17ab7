import type { Column, Columns } from '../reader/columns.ts'
import { aggregate } from './aggregate.ts'
import {
  artifactsOf,
  confidenceOf,
  identityOf,
  type NextAction,
  nextOf,
  reproduceOf,
  spentOf,
  unknown,
} from './analyze-run.ts'
import { directionOf } from './direction.ts'
import { extentsOf } from './downsample.ts'
import { foldUnits } from './findings/fold.ts'
import type { Finding } from './findings/types.ts'
import { type CompareModel, type CompareOptions, compareRuns } from './model.ts'
import type { LoadedRun } from './run.ts'

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
  /** Written down as a result, where a curve of the same name stands beside it. */
  readonly isResult?: boolean
  /** Units that the figure is the mean of; their least and greatest stand beside it. Absent: it is a curve. */
  readonly units?: { readonly n: number; readonly least: number; readonly most: number }
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
  readonly next: readonly NextAction[]
  readonly reproduce: string
}

/** Columns of a curve in text. */
const textColumns = 60

/** A run with its points: its curves are drawn. */
export interface WholeRun extends LoadedRun {
  /** Folder that it was found below. */
  readonly root?: string
  readonly columns: Columns
}

/** Everything that can be said of one run, against a baseline where there is one. Pure. */
export function analyse(run: WholeRun, baseline: LoadedRun | null, options: CompareOptions): Analysis {
  const findings = foldUnits(run.digest.findings)
  const against = baseline === null ? null : compareRuns([baseline, run], { ...options, baseline: 0 })
  const confidence = confidenceOf(run, against, options.primary)
  const columns = run.columns.all().filter(({ name }) => options.isShown(name))
  return {
    verdict: verdictOf(run, findings, columns.length),
    confidence: confidence.text,
    identity: identityOf(run),
    spent: spentOf(run),
    metrics: [...metricsOf(run, columns, options), ...resultsOf(run, options)],
    findings,
    curves: [...Map.groupBy(columns, ({ name }) => name).values()].flatMap(curveOf),
    against,
    doubts: doubtsOf(run, columns),
    said: options.said,
    artifacts: artifactsOf(run.columns.known),
    next: nextOf(run, findings, confidence.isSingle),
    reproduce: reproduceOf(run),
  }
}

function verdictOf({ columns }: WholeRun, findings: readonly Finding[], curves: number): Analysis['verdict'] {
  const state = columns.known.state ?? unknown
  const count = (severity: Finding['severity']) => findings.filter((each) => each.severity === severity)
  const rules = (of: readonly Finding[]) => [...new Set(of.map(({ rule }) => rule))].join(', ')
  const [critical, warnings] = [count('critical'), count('warning')]
  return critical.length > 0
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
}

function metricsOf(run: WholeRun, all: readonly Column[], options: CompareOptions): readonly MetricReport[] {
  return [...Map.groupBy(all, ({ name }) => name).values()].flatMap((columns) => {
    const each = columns.map((column) => metricOf(run, column, options))
    return columns.length === 1 ? each : [ofUnits(each)]
  })
}

/** One row for all units of a run: means of what they ended at and of their bests, and how far they lie apart. */
function ofUnits(each: readonly MetricReport[]): MetricReport {
  const known = (of: (one: MetricReport) => number | null) => each.map(of).filter((value) => value !== null)
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
  const lasts = known(({ last }) => last)
  const sum = (of: (one: MetricReport) => number) => each.reduce((total, one) => total + of(one), 0)
  return {
    ...(each[0] as MetricReport),
    unit: '',
    last: mean(lasts),
    lastStep: null,
    best: mean(known(({ best }) => best)),
    bestStep: null,
    points: sum(({ points }) => points),
    nonFinite: sum(({ nonFinite }) => nonFinite),
    ...(lasts.length === 0 ? {} : { units: { n: lasts.length, least: Math.min(...lasts), most: Math.max(...lasts) } }),
  }
}

function metricOf(run: WholeRun, column: Column, options: CompareOptions): MetricReport {
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
}

/** Results that were written down, the mean of the units where a run has several; of a curve they are told with it. */
function resultsOf({ digest, columns }: WholeRun, options: CompareOptions): readonly MetricReport[] {
  return Object.entries(digest.metrics).flatMap(([name, { results, curves, nonFiniteResults }]): MetricReport[] => {
    const units = Object.keys(results).filter((unit) => unit !== '' || curves[unit] === undefined)
    if (!options.isShown(name) || units.length + nonFiniteResults.length === 0) return []
    const values = units.map((unit) => results[unit] as number)
    const { goal, source, isGuessed } = directionOf(name, options.directions, columns.directions.get(name))
    const last = values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
    const [least, most] = [Math.min(...values), Math.max(...values)]
    return [
      {
        ...{ name, unit: '', goal, directionSource: source, isGuessed, last, lastStep: null },
        best: goal === null || values.length === 0 ? null : goal === 'lower' ? least : most,
        ...{ bestStep: null, points: values.length, nonFinite: nonFiniteResults.length },
        ...(values.length === 0 ? {} : { units: { n: values.length, least, most } }),
        ...(Object.keys(curves).length === 0 ? {} : { isResult: true }),
      },
    ]
  })
}

/** One picture a metric: of several units the extent of all of them. */
function curveOf(columns: readonly Column[]): readonly CurveReport[] {
  let [fromStep, toStep] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { steps } of columns)
    for (const step of steps) {
      if (step < fromStep) fromStep = step
      if (step > toStep) toStep = step
    }
  const [first] = columns
  if (first === undefined || columns.every(({ values }) => values.length < 2) || !(toStep > fromStep)) return []
  const extents = columns.map(({ steps, values }) => extentsOf(steps, values, fromStep, toStep, textColumns))
  const within = (of: (extent: (typeof extents)[number]) => Float64Array, choose: (...values: number[]) => number) =>
    Array.from({ length: textColumns }, (_, at) => {
      const values = extents.map((extent) => of(extent)[at] as number).filter((value) => !Number.isNaN(value))
      return values.length === 0 ? null : choose(...values)
    })
  return [
    {
      name: first.name,
      unit: columns.length === 1 ? first.unit : `${columns.length} units, least to greatest`,
      fromStep,
      toStep,
      least: within(({ least }) => least, Math.min),
      most: within(({ most }) => most, Math.max),
      nonFinite: Array.from({ length: textColumns }, (_, at) => extents.some(({ nonFinite }) => nonFinite[at] === 1)),
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
