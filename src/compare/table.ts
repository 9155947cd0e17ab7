import { valueText } from './flatten.ts'
import type { MetricCell, MetricRow } from './metrics.ts'
import type { CompareModel, Judgement } from './model.ts'
import { type Change, changeOf } from './significance.ts'
import { changeText, figureText, pointsText } from './words.ts'

/** Whether runs that differ by their seeds alone share a column. `auto`: where any do. */
export type Grouping = 'auto' | 'yes' | 'no'

/** One column of the comparison: a run, or all runs of a group. */
export interface TableColumn {
  /** The same as long as its runs are there. */
  readonly id: string
  readonly kind: 'run' | 'group'
  readonly name: string
  /** Places of its runs. */
  readonly members: readonly number[]
  /** Place of the group that it is, or belongs to. */
  readonly group: number
  readonly isBaseline: boolean
  /** Its difference is to the mean of the baseline's group, which stands beside it, and not to one run of it. */
  readonly isAgainstGroup: boolean
}

/** Whether groups are shown as columns. */
export const isGrouped = ({ groups, runs }: CompareModel, grouping: Grouping): boolean =>
  grouping === 'yes' || (grouping === 'auto' && groups.length < runs.length)

/**
 * Columns of the comparison. A group of one run is that run; behind a group that was opened stand its runs.
 *
 * @param opened ids of groups that were opened
 */
export function tableColumns(
  model: CompareModel,
  grouping: Grouping = 'auto',
  opened: ReadonlySet<string> = new Set(),
): readonly TableColumn[] {
  const { runs, groups, baseline, baselineGroup } = model
  const areGroups = isGrouped(model, grouping)
  const groupOf = new Map(groups.flatMap(({ members }, group) => members.map((at) => [at, group] as const)))
  const run = (at: number, isBaseline: boolean): TableColumn => ({
    id: `run ${runs[at]?.path ?? at}`,
    kind: 'run',
    name: runs[at]?.name ?? '?',
    members: [at],
    group: groupOf.get(at) ?? 0,
    isBaseline,
    isAgainstGroup: areGroups && (groups[baselineGroup]?.members.length ?? 1) > 1,
  })
  if (!areGroups) return runs.map((_, at) => run(at, at === baseline))
  return groups.flatMap(({ members }, group) => {
    const [first = 0] = members
    if (members.length === 1) return [run(first, first === baseline)]
    const id = `group ${runs[first]?.path ?? first}`
    const own: TableColumn = {
      id,
      kind: 'group',
      name: groupName(model, group),
      members,
      group,
      isBaseline: group === baselineGroup,
      isAgainstGroup: true,
    }
    return [own, ...(opened.has(id) ? members.map((at) => run(at, false)) : [])]
  })
}

/** `a0 +9 seeds`: the first run, and how many others stand with it. */
export function groupName({ groups, runs }: CompareModel, group: number): string {
  const members = groups[group]?.members ?? []
  const first = runs[members[0] ?? 0]?.name ?? '?'
  return members.length > 1 ? `${first} +${members.length - 1} seed${members.length > 2 ? 's' : ''}` : first
}

/** What a column has of a metric. */
export interface ColumnFigure {
  readonly value: number
  /** Value with its spread, by how many there are (handbook compare 6). */
  readonly text: string
  /** The same without the number of runs, where all of the column have a value. */
  readonly shortText: string
  readonly n: number
  readonly change: Change | null
  readonly isBest: boolean
  readonly nonFinite: number
  /** Against the baseline; null for the baseline's own, for single runs of a group, and without a direction. */
  readonly judgement: Judgement | null
}

/** Null where it has no value. */
export function figureOf(model: CompareModel, metric: number, column: TableColumn): ColumnFigure | null {
  const row = model.metrics[metric]
  if (row === undefined) return null
  const judgement =
    row.direction.goal === null ? null : (judgementsBy(model).get(`${column.group} ${row.name}`) ?? null)
  if (column.kind === 'group') {
    const cell = row.groups[column.group] ?? null
    if (cell === null) return null
    const { value, n, change, isBest, nonFinite } = cell
    const text = spreadText(cell)
    const count = n < 3 && n > 1 ? '' : ` n ${n}`
    const shortText = n === column.members.length ? text : `${text}${count}`
    return { value, text: `${text}${count}`, shortText, n, change, isBest, nonFinite, judgement }
  }
  const cell = row.cells[column.members[0] ?? 0] ?? null
  if (cell === null) return null
  const isAlone = model.groups[column.group]?.members.length === 1
  const where = model.place === null || cell.step === null ? '' : ` (step ${cell.step})`
  const units = cell.n > 1 ? ` (mean of ${cell.n})` : where
  const { value, isBest, nonFinite } = cell
  const change = column.isAgainstGroup ? changeToGroup(row, model.baselineGroup, cell) : cell.change
  const text = `${figureText(value)}${units}`
  return { value, text, shortText: text, n: 1, change, isBest, nonFinite, judgement: isAlone ? judgement : null }
}

/** Of a run, to the mean of the baseline's group. In points where the metric has such. */
function changeToGroup({ groups, cells }: MetricRow, group: number, cell: MetricCell): Change | null {
  const base = groups[group] ?? null
  if (base === null) return null
  const hasPoints = cells.every((each) => each === null || each.change === null || each.change.points !== null)
  return changeOf(base.value, cell.value, hasPoints)
}

/** Judgements are asked for once a cell: of many they are not gone through each time. */
const judgementMaps = new WeakMap<CompareModel, ReadonlyMap<string, Judgement>>()
function judgementsBy(model: CompareModel): ReadonlyMap<string, Judgement> {
  let known = judgementMaps.get(model)
  if (known === undefined) {
    known = new Map(model.judgements.map((each) => [`${each.group} ${each.metric}`, each]))
    judgementMaps.set(model, known)
  }
  return known
}

/** Two values as they are, three and four with their range, from five on the interval of their mean. */
function spreadText({
  value,
  n,
  least,
  most,
  interval,
}: {
  readonly value: number
  readonly n: number
  readonly least: number
  readonly most: number
  readonly interval: { readonly low: number; readonly high: number } | null
}): string {
  if (n === 1) return figureText(value)
  if (n === 2) return `${figureText(least)}, ${figureText(most)}`
  if (interval === null) return `${figureText(value)} (${figureText(least)}..${figureText(most)})`
  const reach = Number(((interval.high - interval.low) / 2).toPrecision(2))
  return `${asFineAs(value, reach)} ± ${figureText(reach)}`
}

/** A value with as many decimals as its spread has: those behind say nothing. */
function asFineAs(value: number, reach: number): string {
  const decimals = /\.(\d+)$/.exec(figureText(reach))?.[1]?.length ?? 0
  return decimals === 0 || decimals > 8 ? figureText(value) : value.toFixed(decimals)
}

/** Digits of a difference in a cell: those behind stand beside the table. */
const changeDigits = 3

/** A cell in words: value, difference, verdict, best, and what is not finite. */
export function figureWords(figure: ColumnFigure | null): string {
  if (figure === null) return '-'
  const { text, judgement } = figure
  return [[text, deltaText(figure, true)].filter(Boolean).join(' '), judgement?.verdict ?? '', ...marksOf(figure)]
    .filter(Boolean)
    .join(', ')
}

/** The same with room for everything: the difference as it is, and in points where the metric has some. */
export function longWords(figure: ColumnFigure | null): string {
  if (figure === null) return '-'
  const { text, change, judgement } = figure
  return [
    text,
    ...(change === null ? [] : [changeText(change), ...(change.points === null ? [] : [pointsText(change)])]),
    judgement?.verdict ?? '',
    ...marksOf(figure, 'not finite'),
  ]
    .filter(Boolean)
    .join(', ')
}

/** The same for little room: what may be cut stands last, and the percentage elsewhere. */
export function shortWords(figure: ColumnFigure | null): string {
  if (figure === null) return '-'
  const { shortText, judgement } = figure
  const marks = [judgement?.verdict ?? '', ...marksOf(figure)].filter(Boolean).join(', ')
  return [shortText, marks, deltaText(figure, false)].filter(Boolean).join(' ')
}

const marksOf = ({ isBest, nonFinite }: ColumnFigure, broken = 'NaN/inf'): readonly string[] => [
  isBest ? 'best' : '',
  nonFinite > 0 ? `${nonFinite} ${broken}` : '',
]

function deltaText({ change }: ColumnFigure, hasShare: boolean): string {
  if (change === null || change.delta === 0) return ''
  const delta = Number(change.delta.toPrecision(changeDigits))
  return changeText({ ...change, delta, share: hasShare ? change.share : null })
}

/** More values of a group than can be read at a glance are counted. */
const mostValues = 3

/** What the runs of a column have, each value once. */
export function valuesWords(texts: readonly string[], { members }: TableColumn): string {
  const own = [...new Set(members.map((at) => texts[at] ?? '-'))]
  if (own.length <= mostValues + 1) return own.join(', ')
  return `${own.slice(0, mostValues).join(', ')} and ${own.length - mostValues} more`
}

/** Values of a setting, as text, in the order of the runs. */
export const settingTexts = (values: readonly unknown[], safe: (text: string) => string): readonly string[] =>
  values.map((value) => safe(valueText(value)))
