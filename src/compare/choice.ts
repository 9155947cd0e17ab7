import type { Arrangement } from './arrange.ts'
import type { CompareChoice } from './types.ts'
import { smoothings, viewNames } from './views/types.ts'

/** What a person chose, as the workbench keeps it: `name=value`. */
export function choiceOf(words: readonly string[]): CompareChoice {
  const last = (name: string) => words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  const every = (name: string) =>
    words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1))
  const one = <T extends string>(name: string, known: readonly T[]): T =>
    known.find((each) => each === last(name)) ?? (known[0] as T)
  const [, count, by] = /^([1-9]\d{0,5}) ?(.*)$/s.exec(last('top')) ?? []
  return {
    baseline: last('baseline'),
    aggregator: one('aggregator', ['last', 'min', 'max', 'tail-mean', 'first']),
    axis: one('axis', ['step', 'epoch', 'tokens', 'relative', 'time']),
    view: one('view', viewNames),
    smoothing: one('smooth', smoothings),
    first: Math.max(0, Math.trunc(Number(last('first')) || 0)),
    parameter: last('parameter'),
    document: last('document'),
    paths: every('path'),
    isPicking: last('picking') === 'yes',
    isListing: last('listing') === 'yes',
    where: last('where'),
    picks: every('pick'),
    grouping: one('groups', ['auto', 'yes', 'no']),
    opened: every('group'),
    sort: last('sort'),
    top: count === undefined ? null : Number(count),
    by: by === undefined || by === '' ? null : by,
    pins: every('pin'),
    columns: last('columns'),
    ignored: every('ignore'),
    heeded: every('heed'),
  }
}

/** What a person chose; what the settings say comes beside it. */
type Arranging = Omit<Arrangement, 'directions' | 'noise' | 'bounded' | 'primary' | 'place' | 'said'>

/** What of a choice the comparison itself rests on. */
export const arrangementOf = (choice: CompareChoice): Arranging => ({
  aggregator: choice.aggregator,
  isShown: () => true,
  ignored: choice.ignored,
  heeded: choice.heeded,
  baseline: choice.baseline === '' ? null : choice.baseline,
  top: choice.top,
  by: choice.by,
  grouping: choice.grouping,
})

/** The same for equal arrangements. */
export const arrangementKey = (choice: CompareChoice): string =>
  JSON.stringify([arrangementOf(choice), choice.where, choice.picks])

/** The same for choices that show the same columns of a comparison. */
export const wordsOf = ({ sort, pins, columns, opened, grouping, isPicking }: CompareChoice): string =>
  JSON.stringify([sort, pins, columns, opened, grouping, isPicking])
