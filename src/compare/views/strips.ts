import { sanitiseLine } from '../../text/sanitise.ts'
import type { CompareModel } from '../model.ts'
import { mean } from '../statistics/samples.ts'
import { meanInterval } from '../statistics/tests.ts'
import type { StripGroup, StripsScene } from './types.ts'

const fewestForInterval = 3

/** Values of one metric over the seeds of each group; of a run that stands alone, over its units. The baseline comes first. */
export function stripsOf(model: CompareModel, metric: string): StripsScene {
  const row = model.metrics.find(({ name }) => name === metric)
  const order = model.groups.map((_, at) => at)
  order.sort((a, b) => Number(b === model.baselineGroup) - Number(a === model.baselineGroup))
  const groups = order.flatMap((at): StripGroup[] => {
    const members = model.groups[at]?.members ?? []
    const cells = members.map((run) => row?.cells[run] ?? null)
    const units = members.length === 1 ? [...(cells[0]?.units.values() ?? [])] : []
    const own = cells.flatMap((cell) => (cell === null ? [] : [cell.value]))
    const values = (units.length > 1 ? units : own).filter(Number.isFinite)
    if (values.length === 0) return []
    const first = sanitiseLine(model.runs[members[0] ?? 0]?.name ?? '?', 200)
    const more = members.length > 1 ? ` and ${members.length - 1} more seeds` : units.length > 1 ? ' by unit' : ''
    return [
      {
        name: `${first}${more}`,
        values,
        mean: mean(values),
        interval: values.length < fewestForInterval ? null : meanInterval(values),
        isBaseline: at === model.baselineGroup,
      },
    ]
  })
  return { kind: 'strips', metric: sanitiseLine(metric, 200), goal: row?.direction.goal ?? null, groups }
}
