import { stepCursor } from '../../src/compare/rules.ts'
import type { CompareView } from '../../src/compare/types.ts'
import { type MultiplesScene, smoothings, type ViewName, viewNames } from '../../src/compare/views/types.ts'
import { chartRoom, chartsFor, gridOf } from '../compare/multiples.ts'
import { numberOf, optionOf } from '../compare/options.ts'
import { selectedRun } from '../compare/parallel.ts'
import { gutter } from '../compare/plot.ts'
import { headLines } from '../compare/text.ts'
import type { Desk } from './desk.ts'
import { rowIdsOf } from './model.ts'
import { wrapLines } from './pane-rows.ts'
import { comparePane, paneOf } from './ui-state.ts'

/** Puts one choice in the place of the one before; it is kept with the screen, also over a crash. */
export function choose(desk: Desk, name: string, value: string): void {
  const word = `${name}=${value}`
  const open = paneOf(desk.ui, comparePane).open
  if (open.includes(word)) return
  for (const each of open) {
    if (each.startsWith(`${name}=`)) desk.do({ type: 'toggle-open', pane: comparePane, rowId: each })
  }
  desk.do({ type: 'toggle-open', pane: comparePane, rowId: word })
}

const optionsOf = (desk: Desk) => paneOf(desk.ui, comparePane).open
export const viewOf = (desk: Desk): ViewName =>
  viewNames.find((name) => name === optionOf(optionsOf(desk), 'view')) ?? 'table'

/** What each view is called, and what the arrow keys do in it. */
const told: Readonly<Record<ViewName, string>> = {
  table: 'table: what changed, the metrics, the findings',
  splits: 'splits of two runs: left and right change the other run',
  text: 'texts of two runs: left and right change the text, n goes to the next change',
  multiples: 'small charts: left and right move the cursor, up and down the page',
  scatter: 'scatter: left and right change the setting, up and down the metric',
  strips: 'spread over seeds: up and down change the metric',
  parallel: 'parallel coordinates: left and right change the run, up and down the metric',
  curves: 'curves: left and right move the cursor, up and down the metric',
}

/** Turns to a view and gives it the keys. */
export function turnView(desk: Desk, by: number, name?: ViewName): void {
  const next =
    name ?? (viewNames[(viewNames.indexOf(viewOf(desk)) + by + viewNames.length) % viewNames.length] as ViewName)
  choose(desk, 'view', next)
  desk.do({ type: 'focus', pane: next === 'table' ? 'rows' : 'view' })
  desk.say(told[next])
  desk.loadSoon()
}

/** How curves are drawn. */
export function chooseDrawing(desk: Desk, view: CompareView, id: string): void {
  const shown = viewOf(desk)
  if (id === 'compare.smooth') {
    if (shown !== 'table' && shown !== 'curves' && shown !== 'multiples')
      return desk.say('there are no curves in this view; v turns to the next one', 'warn')
    const next = smoothings[(smoothings.indexOf(view.smoothing) + 1) % smoothings.length] as string
    choose(desk, 'smooth', next)
    desk.say(
      next === 'off' ? 'curves as they were logged' : `running ${next} of each curve; verdicts take the raw points`,
    )
    return desk.loadSoon()
  }
  if (shown === 'splits' || shown === 'text' || shown === 'parallel')
    return desk.say('this view has no such axis; v turns to the next one', 'warn')
  const isLog = optionOf(optionsOf(desk), 'log') === 'yes'
  choose(desk, 'log', isLog ? 'no' : 'yes')
  desk.say(isLog ? 'a plain axis' : 'a logarithmic axis; what is not positive is marked below')
}

/** Left and right: the cursor of the curves, or what else a view turns through. */
export function moveAsideInView(desk: Desk, by: number): void {
  const view = desk.workspace.shelves().compare ?? null
  if (view === null || view.state !== 'ready') return desk.say('the runs are still being read', 'warn')
  const { scene } = view
  const shown = viewOf(desk)
  if (shown === 'table' || shown === 'curves') return moveCursor(desk, view, by)
  // The view that was turned to is not read yet.
  if (scene?.kind !== shown) return desk.say('the view is still being made', 'warn')
  if (scene.kind === 'multiples') return moveSmall(desk, scene, by)
  if (scene.kind === 'strips') return desk.say('up and down change the metric; there is nothing beside it')
  if (scene.kind === 'parallel') {
    const next = turned(scene.runs, selectedRun(scene, optionsOf(desk)), by)
    return next === undefined ? undefined : choose(desk, 'run', next.path)
  }
  if (scene.kind === 'text') {
    const next = turned(scene.documents, scene.document, by)
    if (next === undefined) return desk.say('neither run has a text on record', 'warn')
    choose(desk, 'document', next)
    choose(desk, 'change', '')
    desk.do({ type: 'scroll', pane: 'view', top: 0, isFollowing: false })
  } else if (scene.kind === 'scatter') {
    const next = turned(scene.parameters, scene.parameter?.key ?? null, by)
    if (next === undefined) return desk.say('no setting varies over these runs', 'warn')
    choose(desk, 'parameter', next)
  } else {
    if (view.runs.length < 3) return desk.say('there is no other run to hold against the baseline', 'warn')
    const others = view.runs.length - 1
    choose(desk, 'first', String((Number(optionOf(optionsOf(desk), 'first') || 0) + by + others) % others))
  }
  desk.loadSoon()
}

/** The next of a list, around its ends; undefined of an empty one. */
const turned = <T>(list: readonly T[], now: T | null, by: number): T | undefined =>
  list[(Math.max(0, now === null ? 0 : list.indexOf(now)) + by + list.length) % Math.max(1, list.length)]

/** The cursor that all small charts share. */
function moveSmall(desk: Desk, scene: MultiplesScene, by: number): void {
  const placed = desk.placed().find(({ id }) => id === 'view')
  const charts = chartsFor(scene, paneOf(desk.ui, 'view').filter)
  const { cells } = gridOf(charts.length, (placed?.width ?? 80) - 2, chartRoom(scene, 80, 20))
  const xs = charts.flatMap(({ curves }) => curves.map((curve) => curve.xs))
  const to = stepCursor(xs, numberOf(optionsOf(desk), 'x'), by, cells - 2)
  if (to === null) return desk.say('no curve is drawn', 'warn')
  choose(desk, 'x', String(to))
}

function moveCursor(desk: Desk, view: CompareView, by: number): void {
  const pane = desk.placed().find(({ id }) => id === 'view') ?? desk.placed().find(({ id }) => id === 'curves')
  if (pane === undefined) return desk.say('the curves are not on screen; Tab goes there', 'warn')
  const xs = view.curves.map((curve) => curve.xs)
  const to = stepCursor(xs, numberOf(optionsOf(desk), 'x'), by, pane.width - 2 - gutter)
  if (to === null) return desk.say('no curve is drawn', 'warn')
  choose(desk, 'x', String(to))
}

/** Goes to the next change of a text, or to the one before, and begins again at the end. */
export function nextChange(desk: Desk, by: number): void {
  const scene = desk.workspace.shelves().compare?.scene
  const [pane, placed] = [desk.pane('view'), desk.placed().find(({ id }) => id === 'view')]
  if (scene?.kind !== 'text' || pane?.kind !== 'text' || placed === undefined)
    return desk.say('the texts are not on screen; Tab goes there', 'warn')
  if (scene.changes.length === 0) return desk.say('nothing differs in this text; right goes to the next one', 'warn')
  const count = scene.changes.length
  const now = numberOf(optionsOf(desk), 'change')
  const next = now === null || now >= count ? (by > 0 ? 0 : count - 1) : (now + by + count) % count
  choose(desk, 'change', String(next))
  const width = placed.width - 2
  const row = wrapLines(pane.lines.slice(0, headLines(scene) + (scene.changes[next] ?? 0)), width).length
  const last = Math.max(0, wrapLines(pane.lines, width).length - (placed.height - 2))
  // What stands before a change says where it is.
  desk.do({ type: 'scroll', pane: 'view', top: Math.max(0, Math.min(last, row - 3)), isFollowing: false })
  desk.say(`change ${next + 1} of ${count}`)
}

/** Small charts stand on pages. */
function turnPage(desk: Desk, scene: MultiplesScene, by: number): void {
  const placed = desk.placed().find(({ id }) => id === 'view')
  if (placed === undefined) return desk.say('the charts are not on screen; Tab goes there', 'warn')
  const [width, height] = [placed.width - 2, placed.height - 2]
  const charts = chartsFor(scene, paneOf(desk.ui, 'view').filter)
  const { pages } = gridOf(charts.length, width, chartRoom(scene, width, height))
  const now = Math.min(pages - 1, numberOf(optionsOf(desk), 'page') ?? 0)
  const next = Math.max(0, Math.min(pages - 1, now + Math.sign(by) * (Number.isFinite(by) ? 1 : pages)))
  if (next === now) return desk.say(pages === 1 ? 'all charts are shown' : by > 0 ? 'the last page' : 'the first page')
  choose(desk, 'page', String(next))
}

/** Up and down where a picture has the keys: another metric of the table. False: it is none of this screen. */
export function moveInPicture(desk: Desk, by: number): boolean {
  if (desk.ui.screen !== 'compare' || desk.pane(desk.focus())?.kind !== 'picture') return false
  const view = desk.workspace.shelves().compare ?? null
  const rows = desk.pane('rows')
  if (view === null || rows === null) return true
  if (view.scene?.kind === 'multiples') {
    turnPage(desk, view.scene, by)
    return true
  }
  const metrics = new Set(view.rows.filter(({ band }) => band === 'metrics').map(({ id }) => id))
  const all = rowIdsOf(rows)
  const rowIds = all.filter((id) => metrics.has(id))
  const now = rowIds.indexOf(desk.selected('rows') ?? '')
  const at = Math.max(0, Math.min(rowIds.length - 1, now < 0 ? 0 : now + by))
  const next = rowIds[at]
  if (next === undefined) desk.say('no metric was recorded', 'warn')
  else {
    const height = (desk.placed().find(({ id }) => id === 'rows')?.height ?? 10) - 3
    desk.do({ type: 'move', pane: 'rows', to: all.indexOf(next), rowIds: all, height })
    // Points of curves are read from files, and a key that is held down comes every 30 ms; what else is drawn is there already.
    desk.loadSoon(viewOf(desk) === 'curves' ? 40 : 0)
  }
  return true
}
