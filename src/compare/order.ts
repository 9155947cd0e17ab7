import type { CompareModel } from './model.ts'
import { figureOf, type TableColumn } from './table.ts'

/** What columns are sorted by. */
export interface Sort {
  readonly by: 'name' | 'start' | 'cost' | 'metric' | 'setting'
  /** Metric or setting; empty for the others. */
  readonly name: string
  readonly isReversed: boolean
}

/** Its text, as a script gives it and as it is kept: `-metric:val/acc`. */
export const sortText = ({ by, name, isReversed }: Sort): string =>
  `${isReversed ? '-' : ''}${name === '' ? by : `${by}:${name}`}`

/**
 * What a text sorts by, or why that cannot be said: `name`, `start`, `cost`, a metric or a setting; behind `-` the other way
 * round. `metric:` and `setting:` tell what is called alike apart.
 */
export function parseSort(model: CompareModel, text: string): Sort | { readonly why: string } {
  const isReversed = text.startsWith('-')
  const rest = isReversed ? text.slice(1) : text
  if (rest === 'name' || rest === 'start' || rest === 'cost') return { by: rest, name: '', isReversed }
  const [, kind, said] = /^(metric|setting):(.*)$/s.exec(rest) ?? []
  const name = said ?? rest
  const isMetric = kind !== 'setting' && model.metrics.some((metric) => metric.name === name)
  if (isMetric) return { by: 'metric', name, isReversed }
  const { changed, same, ignored } = model.config
  const isSetting = kind !== 'metric' && [...changed, ...same, ...ignored].some(({ key }) => key === name)
  if (isSetting) return { by: 'setting', name, isReversed }
  return { why: `nothing to sort by is called ${rest}: name, start, cost, a metric or a setting` }
}

/**
 * Places of the columns as they are shown: the baseline, what is pinned, then the others. A metric is sorted the best first,
 * everything else upwards; what has no value stands last, either way. Runs of an opened group stay behind it.
 *
 * @param isWanted by the name of a run; pinned columns stay whatever they are called
 */
export function orderColumns(
  model: CompareModel,
  columns: readonly TableColumn[],
  pins: readonly string[],
  isWanted: (name: string) => boolean,
  sort: Sort | null,
): { readonly shown: readonly number[]; readonly held: number } {
  const baseline = columns.findIndex(({ isBaseline }) => isBaseline)
  const pinned = pins.map((id) => columns.findIndex((column) => column.id === id)).filter((at) => at >= 0)
  const held = [...new Set([...(baseline < 0 ? [] : [baseline]), ...pinned])]
  const names = columns.map(({ members }) => members.map((at) => model.runs[at]?.name ?? ''))
  const rest = [...columns.keys()].filter((at) => !held.includes(at) && (names[at] ?? []).some(isWanted))
  if (sort === null) return { shown: [...held, ...rest], held: held.length }
  const key = keyFor(model, columns, sort)
  const keys = new Map(rest.map((at) => [at, key(at)]))
  const byKey = (a: number, b: number) =>
    compareKeys(keys.get(a) ?? null, keys.get(b) ?? null, sort.isReversed) || a - b
  // A run that stands behind its group has the group's place, and its own among its like.
  const heads = new Map(columns.flatMap((column, at) => (column.kind === 'group' ? [[column.group, at] as const] : [])))
  const headOf = (at: number) => {
    const head = heads.get(columns[at]?.group ?? -1) ?? at
    return keys.has(head) ? head : at
  }
  const sorted = rest.toSorted((a, b) => {
    const [headA, headB] = [headOf(a), headOf(b)]
    if (headA !== headB) return byKey(headA, headB)
    return Number(a !== headA) - Number(b !== headB) || byKey(a, b)
  })
  return { shown: [...held, ...sorted], held: held.length }
}

type Key = number | string | null

function keyFor(model: CompareModel, columns: readonly TableColumn[], { by, name }: Sort): (at: number) => Key {
  const runsOf = (at: number) => (columns[at]?.members ?? []).flatMap((each) => model.runs[each] ?? [])
  switch (by) {
    case 'name':
      return (at) => columns[at]?.name ?? null
    case 'start':
      return (at) => least(runsOf(at).map(({ startedAtMs }) => startedAtMs))
    case 'cost':
      return (at) => {
        const known = runsOf(at).flatMap(({ usd }) => (usd === null ? [] : [usd]))
        return known.length === 0 ? null : known.reduce((sum, usd) => sum + usd, 0)
      }
    case 'metric': {
      const metric = model.metrics.findIndex((row) => row.name === name)
      const sign = model.metrics[metric]?.direction.goal === 'higher' ? -1 : 1
      return (at) => {
        const column = columns[at]
        const figure = column === undefined ? null : figureOf(model, metric, column)
        return figure === null ? null : sign * figure.value
      }
    }
    case 'setting': {
      const { changed, same, ignored } = model.config
      const row = [...changed, ...same, ...ignored].find((each) => each.key === name)
      return (at) => {
        const value = row?.values[columns[at]?.members[0] ?? -1]
        return value === undefined ? null : typeof value === 'number' ? value : (JSON.stringify(value) ?? null)
      }
    }
  }
}

const least = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** Figures before texts, and nothing last, whichever way it is sorted. */
function compareKeys(a: Key, b: Key, isReversed: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  const sign = isReversed ? -1 : 1
  if (typeof a === 'number' && typeof b === 'number')
    return Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : sign * (a - b)
  if (typeof a === 'string' && typeof b === 'string') return sign * (a < b ? -1 : a > b ? 1 : 0)
  return typeof a === 'number' ? -1 : 1
}
