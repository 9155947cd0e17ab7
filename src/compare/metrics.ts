import type { Aggregator, Figure } from './aggregate.ts'
import type { MetricDigest, OwnDirections, RunDigest } from './digest.ts'
import { directionOf, type Judged } from './direction.ts'
import { type Change, changeOf } from './significance.ts'
import { type Interval, mean } from './statistics/samples.ts'

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

/** What the runs of one group have of one metric. */
export interface GroupCell {
  /** Mean of its runs; of one run its value. */
  readonly value: number
  /** Runs that have a value. */
  readonly n: number
  readonly least: number
  readonly most: number
  /** 95 % interval of the mean by Student's t; null for fewer than five runs (handbook compare 6). */
  readonly interval: Interval | null
  readonly nonFinite: number
  /** Difference of its mean to that of the baseline's group; null for that group itself, or where it has no value. */
  readonly change: Change | null
  readonly isBest: boolean
}

export interface MetricRow {
  readonly name: string
  readonly direction: Judged
  readonly cells: readonly (MetricCell | null)[]
  /** The same of each group of runs, in the order of the groups. */
  readonly groups: readonly (GroupCell | null)[]
}

export interface MetricOptions {
  readonly aggregator: Aggregator
  readonly directions: OwnDirections
  /** Place of the run that others are held against. */
  readonly baseline: number
  /** Names, or parts of them, of metrics between 0 and 1. */
  readonly bounded: readonly string[]
}

const wordsOf = (name: string) => `_${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}_`
export function isBounded(name: string, bounded: readonly string[]): boolean {
  const words = wordsOf(name)
  return bounded.some((each) => words.includes(wordsOf(each)))
}

/** All metrics of some runs side by side, by name. A curve gives one figure; a result that was written down is one. */
export function metricRows(runs: readonly RunDigest[], options: MetricOptions): readonly Omit<MetricRow, 'groups'>[] {
  const names = new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))
  return [...names].sort().map((name) => {
    const recorded = runs.map(({ directions }) => directions[name]).find((each) => each !== undefined)
    const direction = directionOf(name, options.directions, recorded)
    const raw = runs.map(({ metrics }) => cellOf(metrics[name], options.aggregator))
    const baseline = raw[options.baseline] ?? null
    const mayBeBounded = isBounded(name, options.bounded)
    const best = bestOf(
      raw.flatMap((cell) => (cell === null ? [] : [cell.value])),
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
              change:
                at === options.baseline || baseline === null
                  ? null
                  : changeOf(baseline.value, cell.value, mayBeBounded),
              isBest: best !== null && cell.value === best,
            },
      ),
    }
  })
}

type RawCell = Omit<MetricCell, 'change' | 'isBest'>

/** Of most cells: a sweep has tens of thousands. */
const noUnits: ReadonlyMap<string, number> = new Map()

function cellOf(metric: MetricDigest | undefined, how: Aggregator): RawCell | null {
  if (metric === undefined) return null
  const units = new Map<string, Figure>()
  for (const from of [metric.curves, metric.results])
    for (const unit in from) {
      const figure = unit === '' || units.has(unit) ? null : figureIn(metric, unit, how)
      if (figure !== null) units.set(unit, figure)
    }
  const own = figureIn(metric, '', how)
  if (units.size === 0) return own === null ? null : { ...own, n: 1, units: noUnits }
  const values = new Map([...units].map(([unit, { value }]) => [unit, value]))
  const unread = metric.nonFiniteResults.length
  const nonFinite = [...units.values()].reduce((sum, figure) => sum + figure.nonFinite, unread)
  return { value: own?.value ?? mean([...values.values()]), step: null, nonFinite, n: values.size, units: values }
}

/** The result of a unit holds before what its curve says: the script knows which point it means. */
function figureIn(metric: MetricDigest, unit: string, how: Aggregator): Figure | null {
  // The script says that it has no result: its curve is none in its place.
  if (metric.nonFiniteResults.includes(unit)) return null
  const written = metric.results[unit]
  const curve = metric.curves[unit]
  if (written !== undefined && (unit !== '' || curve === undefined))
    return { value: written, step: null, points: 1, nonFinite: curve?.last?.nonFinite ?? 0 }
  return curve?.[how] ?? null
}

/** The best of the values, where it is known what that means and there is more than one to choose from. */
export function bestOf(values: readonly number[], goal: 'lower' | 'higher' | null): number | null {
  if (goal === null || new Set(values).size < 2) return null
  return values.reduce((a, b) => (goal === 'lower' ? Math.min(a, b) : Math.max(a, b)))
}
