import type { Columns } from '../reader/columns.ts'
import { figureOf } from '../reader/json-value.ts'
import { type Aggregator, aggregate, type Figure } from './aggregate.ts'
import { directionOf, type Judged } from './direction.ts'
import { type Change, changeOf } from './significance.ts'
import { mean } from './statistics/samples.ts'

/** What one run has of one metric. */
export interface MetricCell {
  /** Mean over its units, where it has any. */
  readonly value: number
  readonly step: number | null
  readonly nonFinite: number
  /** Units that the value is the mean of; 1 for a run without units. */
  readonly n: number
  /** Value of each unit by its name; empty for a run without units. */
  readonly units: ReadonlyMap<string, number>
  /** Difference to the baseline; null for the baseline itself, or where it has no such metric. */
  readonly change: Change | null
  readonly isBest: boolean
}

export interface MetricRow {
  readonly name: string
  readonly direction: Judged
  readonly cells: readonly (MetricCell | null)[]
}

export interface MetricOptions {
  readonly aggregator: Aggregator
  readonly directions: Readonly<Record<string, 'lower' | 'higher' | 'none'>>
  /** Place of the run that others are held against. */
  readonly baseline: number
}

/** All metrics of some runs side by side, by name. A curve gives one figure; a result that was written down is one. */
export function metricRows(runs: readonly Columns[], options: MetricOptions): readonly MetricRow[] {
  const names = new Set(runs.flatMap((run) => [...run.names, ...resultNames(run)]))
  return [...names].sort().map((name) => {
    const recorded = runs.map((run) => run.directions.get(name)).find((each) => each !== undefined)
    const direction = directionOf(name, options.directions, recorded)
    const raw = runs.map((run) => cellOf(run, name, options.aggregator))
    const baseline = raw[options.baseline] ?? null
    const best = bestOf(
      raw.map((cell) => cell?.value ?? null),
      direction.goal,
    )
    return {
      name,
      direction,
      cells: raw.map((cell, at) =>
        cell === null
          ? null
          : {
              ...cell,
              change: at === options.baseline || baseline === null ? null : changeOf(baseline.value, cell.value),
              isBest: best !== null && cell.value === best,
            },
      ),
    }
  })
}

/** Names of results that no curve has. */
function resultNames(run: Columns): string[] {
  const names = new Set<string>()
  for (const { path, value } of run.summaries.values()) if (figureOf(value) !== null) names.add(path.join('.'))
  for (const results of run.results.values())
    for (const { path, value } of results.values()) if (figureOf(value) !== null) names.add(path.join('.'))
  return [...names]
}

type RawCell = Omit<MetricCell, 'change' | 'isBest'>

function cellOf(run: Columns, name: string, how: Aggregator): RawCell | null {
  const units = new Map<string, Figure>()
  for (const unit of unitsOf(run)) {
    const figure = figureIn(run, name, unit, how)
    if (figure !== null) units.set(unit, figure)
  }
  const own = figureIn(run, name, '', how)
  if (units.size === 0) return own === null ? null : { ...own, n: 1, units: new Map() }
  const values = new Map([...units].map(([unit, { value }]) => [unit, value]))
  const nonFinite = [...units.values()].reduce((sum, figure) => sum + figure.nonFinite, 0)
  return { value: own?.value ?? mean([...values.values()]), step: null, nonFinite, n: values.size, units: values }
}

/** Units that logged something, or left a result. */
export function unitsOf(run: Columns): readonly string[] {
  const units = new Set(run.results.keys())
  for (const { unit } of run.all()) if (unit !== '') units.add(unit)
  return [...units]
}

/** A result that was written down holds before what its curve says: the script knows which point it means. */
function figureIn(run: Columns, name: string, unit: string, how: Aggregator): Figure | null {
  const results = unit === '' ? run.summaries : run.results.get(unit)
  const written = results?.get(name) ?? [...(results?.values() ?? [])].find(({ path }) => path.join('.') === name)
  const figure = written === undefined ? null : figureOf(written.value)
  const column = run.column(name, unit)
  const isResult = unit !== '' || column === null
  if (figure !== null && isResult) {
    return Number.isFinite(figure) ? { value: figure, step: null, points: 1, nonFinite: 0 } : null
  }
  return column === null ? null : aggregate(column, how)
}

/** The best of the values, where it is known what that means and there is more than one to choose from. */
function bestOf(values: readonly (number | null)[], goal: 'lower' | 'higher' | null): number | null {
  const known = values.filter((value) => value !== null)
  if (goal === null || new Set(known).size < 2) return null
  return known.reduce((a, b) => (goal === 'lower' ? Math.min(a, b) : Math.max(a, b)))
}
