import { optionOf, optionsOf } from '../compare/options.ts'
import { answering, isPicking } from '../compare/picker.ts'
import { choose } from './compare-views.ts'
import type { Desk } from './desk.ts'
import { comparePane, paneOf } from './ui-state.ts'

const optionsIn = (desk: Desk) => paneOf(desk.ui, comparePane).open

/** More than the workbench remembers one by one; a query stands for any number. */
const mostPicks = 100

/** Forgets every choice of these names. */
export function forget(desk: Desk, names: RegExp): void {
  for (const word of optionsIn(desk)) {
    if (names.test(word.split('=')[0] ?? '')) desk.do({ type: 'toggle-open', pane: comparePane, rowId: word })
  }
}

/** Opens the list of all runs that were found, as they are picked now; or leaves it as it was. */
export function turnPicker(desk: Desk): void {
  const options = optionsIn(desk)
  if (isPicking(options)) return leavePicker(desk)
  forget(desk, /^mark$/)
  for (const path of optionsOf(options, 'pick'))
    desk.do({ type: 'toggle-open', pane: comparePane, rowId: `mark=${path}` })
  choose(desk, 'picking', 'yes')
  desk.do({ type: 'filter', pane: 'pool', filter: optionOf(options, 'where') })
  desk.do({ type: 'focus', pane: 'pool' })
  desk.loadSoon()
}

export function leavePicker(desk: Desk): void {
  choose(desk, 'picking', 'no')
  desk.do({ type: 'focus', pane: 'rows' })
  desk.loadSoon()
}

/** Marks the run under the cursor, or takes its mark away. */
export function markRun(desk: Desk): void {
  if (!isPicking(optionsIn(desk))) return desk.say('p opens the list that runs are picked from', 'warn')
  const path = desk.selected('pool')
  if (path === null) return desk.say('no run is under the cursor', 'warn')
  const marks = optionsOf(optionsIn(desk), 'mark')
  if (marks.length >= mostPicks && !marks.includes(path))
    return desk.say(`${mostPicks} are picked: more are better asked for by a query (/)`, 'warn')
  desk.do({ type: 'toggle-open', pane: comparePane, rowId: `mark=${path}` })
}

/** Compares the runs that were marked; where none is, those that the query leaves. */
export function takePicked(desk: Desk): void {
  const view = desk.workspace.shelves().compare
  if (view === undefined || view === null || view.pool.length === 0)
    return desk.say('the runs are still being read', 'warn')
  const marks = optionsOf(optionsIn(desk), 'mark')
  const asked = paneOf(desk.ui, 'pool').filter.trim()
  const found = answering(view.pool, asked)
  if (marks.length === 0 && 'problem' in found) return desk.say(found.problem, 'warn')
  if (marks.length === 0 && 'runs' in found && found.runs.length === 0)
    return desk.say(`no run answers ${asked}: there is nothing to compare`, 'warn')
  // What was chosen of other runs means nothing for these.
  forget(desk, /^(pick|where|beside|first|group|pin|top)$/)
  for (const path of marks) desk.do({ type: 'toggle-open', pane: comparePane, rowId: `pick=${path}` })
  if (marks.length === 0 && asked !== '') choose(desk, 'where', asked)
  leavePicker(desk)
  desk.say(marks.length > 0 ? `${marks.length} picked runs` : asked === '' ? 'every run' : `runs that answer ${asked}`)
  desk.loadSoon()
}
