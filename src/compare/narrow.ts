import type { CompareModel } from './model.ts'

/** The best of some runs by one metric, or why that cannot be said. */
export type Narrowed =
  | {
      /** Places of runs, those of the best first; of a group all its runs. */
      readonly best: readonly number[]
      /** Runs or groups that are kept, of so many; and so many had no value. */
      readonly count: number
      readonly of: number
      readonly without: number
    }
  | { readonly why: string }

/**
 * Places of the best runs by one metric, the best first; equal ones in the order in which they stood. Runs without a value
 * are none of them. Without a direction there is no best.
 *
 * @param metric its name; null: the one by which the runs are judged, or the only one with a direction
 * @param ofGroups whether groups of seeds are ranked, by their means: the best seed of many is luck
 */
export function bestRuns(model: CompareModel, metric: string | null, count: number, ofGroups = false): Narrowed {
  const ranked = model.metrics.filter(({ direction }) => direction.goal !== null)
  const asked = metric ?? model.primary
  const row = asked === null ? ranked[0] : model.metrics.find(({ name }) => name === asked)
  if (asked === null && ranked.length !== 1)
    return {
      why:
        ranked.length === 0
          ? 'no metric has a known direction: name one with --lower or --higher, and --by'
          : `say by which metric (--by): ${ranked.map(({ name }) => name).join(', ')}`,
    }
  if (row === undefined) return { why: `no run has a metric ${asked}` }
  const { goal } = row.direction
  if (goal === null) return { why: `nobody says which way of ${row.name} is better: name it with --lower or --higher` }
  const cells = ofGroups ? row.groups : row.cells
  const known = cells.flatMap((cell, at) => (cell === null ? [] : [{ at, value: cell.value }]))
  known.sort((a, b) => (goal === 'lower' ? a.value - b.value : b.value - a.value) || a.at - b.at)
  const best = known.slice(0, count).map(({ at }) => at)
  return {
    best: ofGroups ? best.flatMap((at) => model.groups[at]?.members ?? []) : best,
    count: best.length,
    of: cells.length,
    without: cells.length - known.length,
  }
}
