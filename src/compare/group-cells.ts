import type { Group } from './groups.ts'
import { bestOf, type GroupCell, isBounded, type MetricCell, type MetricRow } from './metrics.ts'
import { changeOf } from './significance.ts'
import { mean } from './statistics/samples.ts'
import { meanInterval } from './statistics/tests.ts'

/** Fewest runs of which an interval of the mean is shown (handbook compare 6). */
const fewestForInterval = 5

/**
 * Metrics with what each group has of them, in the order of the groups.
 *
 * @param bounded names, or parts of them, of metrics between 0 and 1
 */
export function withGroups(
  rows: readonly Omit<MetricRow, 'groups'>[],
  groups: readonly Group[],
  baseline: number,
  bounded: readonly string[],
): readonly MetricRow[] {
  return rows.map((row) => {
    const raw = groups.map(({ members }) => rawCell(members.map((at) => row.cells[at] ?? null)))
    const base = raw[baseline] ?? null
    const mayBeBounded = isBounded(row.name, bounded)
    const best = bestOf(
      raw.flatMap((cell) => (cell === null ? [] : [cell.value])),
      row.direction.goal,
    )
    return {
      ...row,
      groups: raw.map((cell, at) =>
        cell === null
          ? null
          : {
              ...cell,
              change: at === baseline || base === null ? null : changeOf(base.value, cell.value, mayBeBounded),
              isBest: best !== null && cell.value === best,
            },
      ),
    }
  })
}

function rawCell(cells: readonly (MetricCell | null)[]): Omit<GroupCell, 'change' | 'isBest'> | null {
  const known = cells.filter((cell) => cell !== null)
  if (known.length === 0) return null
  const values = known.map(({ value }) => value)
  return {
    value: values.length === 1 ? (values[0] as number) : mean(values),
    n: values.length,
    least: Math.min(...values),
    most: Math.max(...values),
    interval: values.length < fewestForInterval ? null : meanInterval(values),
    nonFinite: known.reduce((sum, { nonFinite }) => sum + nonFinite, 0),
  }
}
