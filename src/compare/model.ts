import type { Facts } from '../reader/types.ts'
import type { Aggregator } from './aggregate.ts'
import { type BandState, bandsOf } from './bands.ts'
import { type ConfigDiff, configDiff } from './config-diff.ts'
import { type Costs, costsOf } from './cost.ts'
import { foldUnits } from './findings/fold.ts'
import type { Finding } from './findings/types.ts'
import { flatten } from './flatten.ts'
import { withGroups } from './group-cells.ts'
import { type Group, groupBySettings, pairsOf } from './groups.ts'
import type { PlaceView } from './load-place.ts'
import { type MetricRow, metricRows } from './metrics.ts'
import { type IsIgnored, noiseKeys } from './noise.ts'
import { distinctNames, type LoadedRun } from './run.ts'
import { type Comparison, compareGroups, type Verdict, verdictOf } from './significance.ts'
import { holm } from './statistics/tests.ts'
import { type OneChange, oneChange } from './verdict.ts'

export interface CompareOptions {
  readonly aggregator: Aggregator
  readonly directions: Readonly<Record<string, 'lower' | 'higher' | 'none'>>
  readonly baseline: number
  /** What a person wants left out (true) or looked at (false), whatever its name; null: the name decides. */
  readonly isIgnored: IsIgnored
  /** Metrics that are shown and asked; all by default. */
  readonly isShown: (metric: string) => boolean
  /** Names of settings whose differences say nothing of an experiment. */
  readonly noise: readonly string[]
  /** Names, or parts of them, of metrics between 0 and 1. */
  readonly bounded: readonly string[]
  /** Metric by which runs are judged; null: the one that their plan names, if it does. */
  readonly primary: string | null
  /** Where all metrics were taken; null: each run's own figure, by the aggregator. */
  readonly place: PlaceView | null
  /** What a person set otherwise than it is built in, one sentence each; shown beside the verdict. */
  readonly said: readonly string[]
  /** Tests that were made before these runs were picked by what they showed; absent: none. */
  readonly fewestTests?: number
}

export const usualOptions: CompareOptions = {
  aggregator: 'last',
  directions: {},
  baseline: 0,
  isIgnored: () => null,
  isShown: () => true,
  noise: noiseKeys,
  bounded: [],
  primary: null,
  place: null,
  said: [],
}

/** One metric of one group against the group of the baseline. */
export interface Judgement {
  readonly metric: string
  /** Place of the group; that of the baseline has no judgement. */
  readonly group: number
  readonly comparison: Comparison
  /** After Holm's correction over all that were tested at once; null: no test was made. */
  readonly p: number | null
  readonly verdict: Verdict
}

export interface CompareModel {
  readonly runs: readonly (Pick<LoadedRun, 'path' | 'format' | 'reports'> & {
    readonly name: string
    /** As its tracker wrote it down; null: it did not. */
    readonly startedAtMs: number | null
    readonly usd: number | null
  })[]
  readonly baseline: number
  readonly config: ConfigDiff
  readonly bands: readonly BandState[]
  readonly oneChange: OneChange
  readonly metrics: readonly MetricRow[]
  readonly groups: readonly Group[]
  readonly baselineGroup: number
  readonly judgements: readonly Judgement[]
  /** Of each run, in their order. */
  readonly findings: readonly (readonly Finding[])[]
  /** Tests that were made at once: the more there are, the more each must show. */
  readonly tests: number
  readonly aggregator: Aggregator
  readonly costs: Costs
  /** Metric by which the runs are judged: its tests are not corrected for those of the others. */
  readonly primary: string | null
  readonly place: PlaceView | null
  /** What was set otherwise than it is built in. */
  readonly said: readonly string[]
}

/** Everything that can be said of some runs side by side. Pure: the same runs give the same answer. */
export function compareRuns(runs: readonly LoadedRun[], options: CompareOptions = usualOptions): CompareModel {
  const settings = runs.map(({ digest, format }) =>
    flatten(digest.settings, format === 'mlflow-files' || format === 'mlflow-sqlite'),
  )
  const facts = runs.map(({ digest }) => digest.facts)
  const config = configDiff(settings, options.isIgnored, options.noise)
  const bands = bandsOf(facts)
  const groups = groupBySettings(settings, options.noise, options.isIgnored)
  const baselineGroup = groups.findIndex(({ members }) => members.includes(options.baseline))
  const plain = metricRows(
    runs.map(({ digest }) => digest),
    options,
  ).filter(({ name }) => options.isShown(name))
  const metrics = withGroups(plain, groups, baselineGroup, options.bounded)
  const primary = primaryOf(options.primary, facts, metrics)
  const judgements = judge(metrics, groups, baselineGroup, primary, options.fewestTests ?? 0)
  const names = distinctNames(runs.map(({ name, path, digest }) => ({ name: digest.facts.name ?? name, path })))
  return {
    runs: runs.map(({ path, format, reports }, at) => ({
      name: names[at] as string,
      path,
      format,
      reports,
      startedAtMs: facts[at]?.startedAtMs ?? null,
      usd: facts[at]?.usd ?? null,
    })),
    baseline: options.baseline,
    config,
    bands,
    oneChange: oneChange(config, bands),
    metrics,
    groups,
    baselineGroup,
    judgements,
    findings: runs.map(({ digest }) => foldUnits(digest.findings)),
    tests: Math.max(options.fewestTests ?? 0, judgements.filter(({ p }) => p !== null).length),
    aggregator: options.aggregator,
    costs: costsOf(
      facts.map(({ usd }) => usd),
      metrics,
      primary,
      options.baseline,
    ),
    primary,
    place: options.place,
    said: options.said,
  }
}

/** A person's own word, then that of the plans where they agree; never a guess. */
function primaryOf(own: string | null, facts: readonly Facts[], metrics: readonly MetricRow[]): string | null {
  const planned = new Set(facts.map(({ primaryMetric }) => primaryMetric))
  const name = own ?? (planned.size === 1 ? ([...planned][0] ?? null) : null)
  return name !== null && metrics.some((row) => row.name === name) ? name : null
}

/**
 * Metrics with a direction are asked, those without cannot be better; Holm's correction counts all that were. A metric that was
 * named beforehand as the one that counts is asked by itself.
 */
function judge(
  metrics: readonly MetricRow[],
  groups: readonly Group[],
  baseline: number,
  primary: string | null,
  fewestTests: number,
): readonly Judgement[] {
  const asked = metrics.flatMap((row) =>
    groups.flatMap((group, at) => {
      const comparison = at === baseline ? null : compareOne(row, groups[baseline], group)
      return comparison === null ? [] : [{ row, group: at, comparison }]
    }),
  )
  const counted = asked.filter(({ row, comparison }) => row.direction.goal !== null && comparison.p !== null)
  const corrected = new Map<(typeof asked)[number], number>()
  // Tests that led to these runs count as well, as if nothing had come of them.
  const before = new Array<number>(Math.max(0, fewestTests - counted.length)).fill(1)
  for (const isPrimary of [true, false]) {
    const together = counted.filter(({ row }) => (row.name === primary) === isPrimary)
    const ps = holm([...together.map(({ comparison }) => comparison.p as number), ...before])
    for (const [at, each] of together.entries()) corrected.set(each, ps[at] as number)
  }
  return asked.map((each) => {
    const p = corrected.get(each) ?? null
    const { row, group, comparison } = each
    return { metric: row.name, group, comparison, p, verdict: verdictOf(comparison, row.direction.goal, p) }
  })
}

/** Seeds of a group, or the units of two single runs: both are repetitions that may be held in pairs. */
function compareOne(row: MetricRow, a: Group | undefined, b: Group): Comparison | null {
  if (a === undefined) return null
  const cells = (group: Group) => group.members.map((at) => row.cells[at] ?? null)
  const [left, right] = [cells(a), cells(b)]
  if (left.length === 1 && right.length === 1) {
    const [one, other] = [left[0]?.units, right[0]?.units]
    if (one !== undefined && other !== undefined && one.size > 1 && other.size > 1) return compareUnits(one, other)
  }
  const known = (side: readonly ((typeof left)[number] | null)[]) =>
    side.flatMap((cell) => (cell === null ? [] : [cell.value]))
  const isWhole = !left.includes(null) && !right.includes(null)
  if (known(left).length === 0 && known(right).length === 0) return null
  return compareGroups(known(left), known(right), isWhole ? pairsOf(a, b) : null)
}

/** Splits of two runs are pairs by their names: the same split is as hard for both. */
function compareUnits(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Comparison {
  const names = [...a.keys()].filter((name) => b.has(name))
  const values = (side: ReadonlyMap<string, number>) => names.map((name) => side.get(name) as number)
  if (names.length < 2) return compareGroups([...a.values()], [...b.values()])
  const found = compareGroups(
    values(a),
    values(b),
    names.map((_, at) => [at, at] as const),
  )
  const left = a.size + b.size - 2 * names.length
  return left === 0 ? found : { ...found, note: `${found.note}${found.note ? '; ' : ''}${left} units have no partner` }
}
