import type { ColumnView, CompareRow, CompareView } from '../../src/compare/types.ts'
import { optionOf, optionsOf } from '../compare/options.ts'
import { columnOrder } from '../compare/table.ts'
import { choose } from './compare-views.ts'
import type { Desk } from './desk.ts'
import type { Layers } from './layers.ts'
import { rowIdsOf } from './model.ts'
import { comparePane, paneOf } from './ui-state.ts'

/** What an act on the table works with. */
interface Table {
  readonly desk: Desk
  readonly layers: Layers
  readonly view: CompareView
  readonly options: readonly string[]
  /** Row under the cursor; null: a heading. */
  readonly row: CompareRow | null
  /** Column beside the baseline, which keys act on; null: there is none. */
  readonly column: ColumnView | null
  readonly args: Readonly<Record<string, unknown>>
}

const acts: Readonly<Record<string, (table: Table) => void>> = {
  'compare.baseline': makeBaseline,
  'compare.column': (table) => turn(table, 1),
  'compare.back': (table) => turn(table, -1),
  'compare.same': ({ desk, options }) => choose(desk, 'all', optionOf(options, 'all') === 'yes' ? 'no' : 'yes'),
  'compare.next': (table) => toDifference(table, 1),
  'compare.previous': (table) => toDifference(table, -1),
  'compare.unfold': unfold,
  'compare.groups': turnGroups,
  'compare.sort': sortByRow,
  'compare.order': sortByFact,
  'compare.best': narrow,
  'compare.pin': pin,
  'compare.columns': byName,
  'compare.ignore': ignore,
  'compare.words': showWords,
}

/** Whether a command is about the table of the compare screen. */
export const isTableAct = (id: string): boolean => Object.hasOwn(acts, id)

/** Carries out a choice on the table of the compare screen, and says what it is now. */
export function chooseTable(desk: Desk, layers: Layers, id: string, args: Readonly<Record<string, unknown>>): void {
  const view = desk.workspace.shelves().compare ?? null
  if (view === null || view.state !== 'ready') return desk.say('the runs are still being read', 'warn')
  const options = paneOf(desk.ui, comparePane).open
  const selected = desk.selected('rows')
  const row = view.rows.find((each) => each.id === selected) ?? null
  const column = view.columns[columnOrder(view, options).current] ?? null
  acts[id]?.({ desk, layers, view, options, row, column, args })
}

/** Adds a word, or takes it away where it is. True: it is there now. */
function toggle(desk: Desk, name: string, value: string): boolean {
  desk.do({ type: 'toggle-open', pane: comparePane, rowId: `${name}=${value}` })
  return paneOf(desk.ui, comparePane).open.includes(`${name}=${value}`)
}

function makeBaseline({ desk, view, column }: Table): void {
  const next = column ?? view.columns[view.shown.slice(1, view.held)[0] ?? -1]
  if (next === undefined) return desk.say('there is nothing beside the baseline to hold the others against', 'warn')
  // What was the baseline stands beside the new one, so that the same key goes back.
  choose(desk, 'beside', view.columns.find(({ isBaseline }) => isBaseline)?.id ?? '')
  choose(desk, 'baseline', next.paths[0] ?? '')
  desk.say(`held against ${next.name}`)
  desk.loadSoon()
}

function turn({ desk, view, options }: Table, by: number): void {
  const { places, others } = columnOrder(view, options)
  if (others < 2)
    return desk.say(others === 0 ? 'there is nothing beside the baseline' : 'every column is shown', 'warn')
  const rest = places.slice(view.held)
  choose(desk, 'beside', view.columns[rest.at(by > 0 ? by : -1) ?? -1]?.id ?? '')
}

function toDifference({ desk, view }: Table, by: 1 | -1): void {
  const pane = desk.pane('rows')
  const rowIds = pane === null ? [] : rowIdsOf(pane)
  const height = (desk.placed().find(({ id }) => id === 'rows')?.height ?? 10) - 3
  const different = new Set(view.rows.filter(({ isDifferent }) => isDifferent).map(({ id }) => id))
  const now = rowIds.indexOf(desk.selected('rows') ?? '')
  const to = [...rowIds.keys()]
    .map((step) => (now + by * (step + 1) + 2 * rowIds.length) % rowIds.length)
    .find((at) => different.has(rowIds[at] ?? ''))
  if (to === undefined) return desk.say('nothing differs', 'warn')
  desk.do({ type: 'move', pane: 'rows', to, rowIds, height })
  desk.loadSoon(80)
}

function unfold({ desk, view, column }: Table): void {
  const baseline = view.columns[view.shown[0] ?? -1]
  const group = column?.kind === 'group' ? column : column === null ? baseline : groupOf(view, column)
  if (group?.kind !== 'group')
    return desk.say(
      view.columns.some(({ kind }) => kind === 'group')
        ? `${column?.name ?? 'it'} is no group: o goes on to one`
        : 'no runs differ by their seeds alone: there are no groups',
      'warn',
    )
  const isOpen = toggle(desk, 'group', group.id)
  desk.say(isOpen ? `the runs of ${group.name} stand behind it` : `${group.name} in one column`)
  if (!isOpen) choose(desk, 'beside', group.id)
  desk.loadSoon()
}

/** Group that a run of its own column belongs to. */
const groupOf = (view: CompareView, { paths }: ColumnView) =>
  view.columns.find((each) => each.kind === 'group' && paths.every((path) => each.paths.includes(path)))

function turnGroups({ desk, view }: Table): void {
  const areGroups = view.columns.some(({ kind }) => kind === 'group')
  if (!areGroups && !view.canGroup) return desk.say('no runs differ by their seeds alone: there are no groups', 'warn')
  choose(desk, 'groups', areGroups ? 'no' : 'yes')
  choose(desk, 'beside', '')
  desk.say(areGroups ? 'one column a run' : 'one column a group of seeds')
  desk.loadSoon()
}

function sortBy({ desk, view }: Table, by: string, what: string): void {
  const next = view.sortedBy === by ? `-${by}` : view.sortedBy === `-${by}` ? '' : by
  choose(desk, 'sort', next)
  choose(desk, 'beside', '')
  desk.say(
    next === '' ? 'columns as they were found' : `columns by ${what}${next === by ? '' : ', the other way round'}`,
  )
  desk.loadSoon()
}

function sortByRow(table: Table): void {
  const { desk, row } = table
  if (row?.id === 'cost') return sortBy(table, 'cost', 'cost')
  if (row?.band === 'metrics' && row.metric !== '') return sortBy(table, `metric:${row.metric}`, row.name)
  if (row !== null && row.key !== '') return sortBy(table, `setting:${row.key}`, row.name)
  desk.say('put the cursor on a metric or a setting; S sorts by name, start or cost', 'warn')
}

const factSorts: readonly string[] = ['name', 'start', 'cost', '']

function sortByFact({ desk, view }: Table): void {
  const now = factSorts.indexOf(view.sortedBy.replace(/^-/, ''))
  const next = factSorts[view.sortedBy === '' ? 0 : (now + 1) % factSorts.length] ?? ''
  choose(desk, 'sort', next)
  choose(desk, 'beside', '')
  desk.say(next === '' ? 'columns as they were found' : `columns by ${next}`)
  desk.loadSoon()
}

function narrow({ desk, layers, options, row, args }: Table): void {
  const { count, by = row?.band === 'metrics' && row.metric !== '' ? row.metric : undefined } = args
  if (count === undefined && optionOf(options, 'top') !== '') {
    choose(desk, 'top', '')
    desk.say('all runs again')
    return desk.loadSoon()
  }
  if (count === undefined) {
    const spec = desk.registry.get('compare.best')
    if (spec === undefined) return
    return layers.openForm(spec, { count: 3, ...(by === undefined ? {} : { by }) })
  }
  choose(desk, 'top', `${String(count)}${by === undefined ? '' : ` ${String(by)}`}`)
  choose(desk, 'beside', '')
  desk.say(`the best ${String(count)}: in part by luck, run them again before you believe their figures; B shows all`)
  desk.loadSoon()
}

function pin({ desk, view, options, column }: Table): void {
  const pins = optionsOf(options, 'pin')
  // Where every column is pinned, the last of them is let go.
  const last = view.columns[view.shown[view.held - 1] ?? -1]
  const known = column ?? (view.held > 1 ? last : undefined)
  if (known === undefined) return desk.say('there is nothing beside the baseline to pin', 'warn')
  const isPinned = toggle(desk, 'pin', known.id)
  choose(desk, 'beside', '')
  desk.say(isPinned ? `${known.name} stays beside the baseline` : `${known.name} is let go`)
  if (isPinned && pins.length > 8) desk.say('more pinned columns than fit are not seen', 'warn')
  desk.loadSoon()
}

function byName({ desk, layers, options, args }: Table): void {
  const { pattern } = args
  if (pattern === undefined && optionOf(options, 'columns') !== '') {
    choose(desk, 'columns', '')
    desk.say('all columns again')
    return desk.loadSoon()
  }
  if (pattern === undefined) {
    const spec = desk.registry.get('compare.columns')
    return spec === undefined ? undefined : layers.openForm(spec, {})
  }
  try {
    new RegExp(String(pattern))
  } catch {
    return desk.say(`no regular expression: ${String(pattern)}`, 'warn')
  }
  choose(desk, 'columns', String(pattern))
  choose(desk, 'beside', '')
  desk.say(`runs named ${String(pattern)}; c shows all`)
  desk.loadSoon()
}

function ignore({ desk, row, options }: Table): void {
  if (row === null || row.key === '') return desk.say('put the cursor on a setting', 'warn')
  const { key, band } = row
  const isOut = band === 'ignored'
  const [own, other] = isOut ? (['ignore', 'heed'] as const) : (['heed', 'ignore'] as const)
  // A person's own word is taken back; where there is none, the name had decided, and the other word says otherwise.
  if (optionsOf(options, own).includes(key)) toggle(desk, own, key)
  else toggle(desk, other, key)
  desk.say(isOut ? `${key} counts again` : `${key} is left out; it stands below, under Ignored`)
  desk.loadSoon()
}

function showWords({ desk, row, column, options }: Table): void {
  if (row === null || column === null || row.band === 'findings')
    return desk.say('put the cursor on a value, with a run beside the baseline', 'warn')
  const isOn = optionOf(options, 'words') === 'yes'
  choose(desk, 'words', isOn ? 'no' : 'yes')
  if (!isOn) desk.do({ type: 'focus', pane: 'detail' })
  else if (desk.focus() === 'detail') desk.do({ type: 'focus', pane: 'rows' })
  desk.say(isOn ? 'values as they are' : `what changed within ${row.name}, word by word`)
}
