import type { Columns, Direction, Setting } from '../reader/columns.ts'
import { figureOf } from '../reader/json-value.ts'
import type { Facts } from '../reader/types.ts'
import { type Aggregator, type Figure, figuresOf } from './aggregate.ts'
import { directionOf } from './direction.ts'
import { findingsOf } from './findings/all.ts'
import { type Finding, type Thresholds, usualThresholds } from './findings/types.ts'
import { maskFacts, maskSettings } from './masked.ts'

export type OwnDirections = Readonly<Record<string, 'lower' | 'higher' | 'none'>>

/** Figures of one curve, one a way of taking it. */
export type CurveFigures = Readonly<Record<Aggregator, Figure | null>>

/** One metric of one run: of each unit (empty: the run itself) its curve's figures, and what was written down as a result. */
export interface MetricDigest {
  readonly curves: Readonly<Record<string, CurveFigures>>
  readonly results: Readonly<Record<string, number>>
  /** Units whose result was written down and is no figure: it counts nowhere, and is told. */
  readonly nonFiniteResults: readonly string[]
}

/** What a comparison needs of a run, without its points: small enough to keep of many, and plain enough to be stored. */
export interface RunDigest {
  readonly settings: readonly Setting[]
  readonly facts: Facts
  readonly directions: Readonly<Record<string, Direction>>
  readonly metrics: Readonly<Record<string, MetricDigest>>
  readonly findings: readonly Finding[]
}

interface Making {
  readonly curves: Record<string, CurveFigures>
  readonly results: Record<string, number>
  readonly nonFiniteResults: string[]
}

/** Takes a run down to what a comparison needs. Findings rest on raw points, so they are looked for here. */
export function digestOf(
  columns: Columns,
  own: OwnDirections = {},
  thresholds: Thresholds = usualThresholds,
): RunDigest {
  const metrics: Record<string, Making> = Object.create(null)
  const of = (name: string) => {
    metrics[name] ??= { curves: Object.create(null), results: Object.create(null), nonFiniteResults: [] }
    return metrics[name]
  }
  const all = columns.all()
  for (const column of all) {
    of(column.name).curves[column.unit] = figuresOf(column)
  }
  const result = (unit: string, { path, value }: Setting) => {
    const figure = figureOf(value)
    if (figure === null) return
    const metric = of(path.join('.'))
    if (Number.isFinite(figure)) metric.results[unit] = figure
    // Of a curve that is not finite itself the points are told already.
    else if (metric.curves[unit] === undefined || metric.curves[unit].last?.nonFinite === 0)
      metric.nonFiniteResults.push(unit)
  }
  for (const setting of columns.summaries.values()) result('', setting)
  for (const [unit, results] of columns.results) for (const setting of results.values()) result(unit, setting)
  return {
    settings: maskSettings([...columns.settings.values()]),
    facts: maskFacts(columns.known),
    directions: Object.fromEntries(columns.directions),
    metrics,
    findings: findingsIn(columns, metrics, own, thresholds),
  }
}

function findingsIn(
  columns: Columns,
  metrics: Readonly<Record<string, MetricDigest>>,
  own: OwnDirections,
  thresholds: Thresholds,
): readonly Finding[] {
  const { startedAtMs, endedAtMs, state, usd, walk } = columns.known
  const seconds = startedAtMs === undefined || endedAtMs === undefined ? null : (endedAtMs - startedAtMs) / 1000
  const clip = [...columns.settings.values()].find(({ path }) =>
    /grad(ient)?_?clip|max_grad_norm/i.test(path.at(-1) ?? ''),
  )
  const chance = walk?.chance ?? {}
  return findingsOf(
    {
      columns: columns.all(),
      state: state ?? 'unknown',
      seconds: walk?.elapsedSeconds ?? seconds,
      expectedSeconds: walk?.plannedSeconds ?? null,
      usd: usd ?? null,
      expectedUsd: walk?.plannedUsd ?? null,
      chance,
      nonFiniteResults: Object.fromEntries(
        Object.entries(metrics).map(([name, metric]) => [name, metric.nonFiniteResults]),
      ),
      ends: Object.fromEntries(Object.keys(chance).map((name) => [name, endsOf(metrics[name])])),
      utilisationShare: walk?.utilisationShare ?? null,
      gradientClip: typeof clip?.value === 'number' ? clip.value : null,
      goalOf: (name) => directionOf(name, own, columns.directions.get(name)).goal,
    },
    thresholds,
  )
}

/** What each unit came to: its written result, or the last point of its curve. A run without units is one. */
function endsOf(metric: MetricDigest | undefined): readonly number[] {
  if (metric === undefined) return []
  const all = [...new Set([...Object.keys(metric.results), ...Object.keys(metric.curves)])]
  const units = all.some((unit) => unit !== '') ? all.filter((unit) => unit !== '') : all
  return units.flatMap((unit) => metric.results[unit] ?? metric.curves[unit]?.last?.value ?? [])
}
