import { sanitiseLine } from '../../text/sanitise.ts'
import type { CompareModel } from '../model.ts'
import { figureText } from '../words.ts'
import { parametersOf } from './parameters.ts'
import type { ParallelRun, ParallelScene, Parameter } from './types.ts'

/** More axes leave no room for their names. */
export const mostAxes = 8

/** Every run as a line over the settings that vary, and the metric as the last axis. Ranks go by what is better. */
export function parallelOf(model: CompareModel, metric: string): ParallelScene {
  const all = parametersOf(model)
  const shown = all.slice(0, mostAxes - 1)
  const row = model.metrics.find(({ name }) => name === metric)
  const figures = model.runs.map((_, run) => {
    const value = row?.cells[run]?.value
    return value === undefined || !Number.isFinite(value) ? null : value
  })
  const axes: readonly Parameter[] = [
    ...shown,
    { key: sanitiseLine(metric, 200), categories: null, isLog: false, places: figures },
  ]
  const goal = row?.direction.goal ?? null
  const order = model.runs.map((_, at) => at)
  const sign = goal === 'lower' ? 1 : -1
  order.sort((a, b) => {
    const [x, y] = [figures[a] ?? null, figures[b] ?? null]
    return x === null || y === null ? Number(x === null) - Number(y === null) : sign * (x - y)
  })
  const extents = axes.map(extentOf)
  return {
    kind: 'parallel',
    metric: axes.at(-1)?.key ?? '',
    goal,
    axes: axes.map(({ key, isLog }, at) => ({ name: key, isLog, ...(extents[at] as Extent).labels })),
    runs: order.map((run, place): ParallelRun => {
      const { name = '?', path = '' } = model.runs[run] ?? {}
      const places = axes.map((axis) => axis.places[run] ?? null)
      return {
        name: sanitiseLine(name, 200),
        path,
        shares: places.map((value, at) =>
          value === null ? null : shareIn(axes[at] as Parameter, extents[at] as Extent, value),
        ),
        texts: places.map((value, at) => textOf(axes[at] as Parameter, value)),
        rank: figures[run] === null ? null : place + 1,
      }
    }),
    leftOut: all.slice(mostAxes - 1).map(({ key }) => key),
  }
}

interface Extent {
  readonly from: number
  readonly to: number
  readonly labels: { readonly low: string; readonly high: string }
}

const textOf = ({ categories }: Parameter, value: number | null) =>
  value === null ? 'not recorded' : categories === null ? figureText(value) : (categories[value] ?? '?')

function extentOf(axis: Parameter): Extent {
  const known = axis.places.filter((value) => value !== null)
  const [from, to] = known.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
  const label = (value: number) => (known.length === 0 ? '-' : textOf(axis, value))
  return { from, to, labels: { low: label(from), high: label(to) } }
}

function shareIn({ isLog }: Parameter, { from, to }: Extent, value: number): number {
  if (to <= from) return 0.5
  return isLog ? Math.log(value / from) / Math.log(to / from) : (value / 2 - from / 2) / (to / 2 - from / 2)
}
