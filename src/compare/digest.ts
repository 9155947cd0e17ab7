import type { Columns, Direction, Setting } from '../reader/columns.ts'
import { figureOf } from '../reader/json-value.ts'
import type { Facts } from '../reader/types.ts'
import { type Aggregator, aggregate, aggregators, type Figure } from './aggregate.ts'
import { directionOf } from './direction.ts'
import { findingsOf } from './findings/all.ts'
import { type Finding, type Thresholds, usualThresholds } from './findings/types.ts'

export type OwnDirections = Readonly<Record<string, 'lower' | 'higher' | 'none'>>

/** Figures of one curve, one a way of taking it. */
export type CurveFigures = Readonly<Record<Aggregator, Figure | null>>

/** One metric of one run: of each unit (empty: the run itself) its curve's figures, and what was written down as a result. */
export interface MetricDigest {
  readonly curves: Readonly<Record<string, CurveFigures>>
  readonly results: Readonly<Record<string, number>>
}

/** What a comparison needs of a run, without its points: small enough to keep of many, and plain enough to be stored. */
export interface RunDigest {
  readonly settings: readonly Setting[]
  readonly facts: Facts
  readonly directions: Readonly<Record<string, Direction>>
  readonly metrics: Readonly<Record<string, MetricDigest>>
  readonly findings: readonly Finding[]
}

/** Takes a run down to what a comparison needs. Findings rest on raw points, so they are looked for here. */
export function digestOf(
  columns: Columns,
  own: OwnDirections = {},
  thresholds: Thresholds = usualThresholds,
): RunDigest {
  const metrics: Record<string, { curves: Record<string, CurveFigures>; results: Record<string, number> }> =
    Object.create(null)
  const of = (name: string) => {
    metrics[name] ??= { curves: Object.create(null), results: Object.create(null) }
    return metrics[name]
  }
  const all = columns.all()
  for (const column of all) {
    const figures = aggregators.map((how) => [how, aggregate(column, how)] as const)
    of(column.name).curves[column.unit] = Object.fromEntries(figures) as CurveFigures
  }
  const result = (unit: string, { path, value }: Setting) => {
    const figure = figureOf(value)
    if (figure !== null && Number.isFinite(figure)) of(path.join('.')).results[unit] = figure
  }
  for (const setting of columns.summaries.values()) result('', setting)
  for (const [unit, results] of columns.results) for (const setting of results.values()) result(unit, setting)
  return {
    settings: [...columns.settings.values()],
    facts: columns.known,
    directions: Object.fromEntries(columns.directions),
    metrics,
    findings: findingsIn(columns, own, thresholds),
  }
}

function findingsIn(columns: Columns, own: OwnDirections, thresholds: Thresholds): readonly Finding[] {
  const { startedAtMs, endedAtMs, state, usd } = columns.known
  const seconds = startedAtMs === undefined || endedAtMs === undefined ? null : (endedAtMs - startedAtMs) / 1000
  const clip = [...columns.settings.values()].find(({ path }) =>
    /grad(ient)?_?clip|max_grad_norm/i.test(path.at(-1) ?? ''),
  )
  return findingsOf(
    {
      columns: columns.all(),
      state: state ?? 'unknown',
      seconds,
      expectedSeconds: null,
      usd: usd ?? null,
      expectedUsd: null,
      chance: {},
      gradientClip: typeof clip?.value === 'number' ? clip.value : null,
      goalOf: (name) => directionOf(name, own, columns.directions.get(name)).goal,
    },
    thresholds,
  )
}
