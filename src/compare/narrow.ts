import type { CompareModel } from './model.ts'

/** The best of some runs by one metric, or why that cannot be said. */
export type Narrowed = { readonly best: readonly number[]; readonly without: number } | { readonly why: string }

/**
 * Places of the best runs by one metric, the best first; equal ones in the order in which they stood. Runs without a value
 * are none of them. Without a direction there is no best.
 *
 * @param metric its name; null: the one by which the runs are judged, or the only one with a direction
 */
export function bestRuns(model: CompareModel, metric: string | null, count: number): Narrowed {
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
  const known = row.cells.flatMap((cell, at) => (cell === null ? [] : [{ at, value: cell.value }]))
  known.sort((a, b) => (goal === 'lower' ? a.value - b.value : b.value - a.value) || a.at - b.at)
  return { best: known.slice(0, count).map(({ at }) => at), without: model.runs.length - known.length }
}
