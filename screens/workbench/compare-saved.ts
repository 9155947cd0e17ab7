import { isListing } from '../compare/saved.ts'
import { forget } from './compare-pick.ts'
import { choose } from './compare-views.ts'
import type { Desk } from './desk.ts'
import { comparePane, paneOf } from './ui-state.ts'

/** Opens the list of saved views, or leaves it. */
export function turnSaved(desk: Desk): void {
  const isOpen = isListing(paneOf(desk.ui, comparePane).open)
  choose(desk, 'picking', 'no')
  choose(desk, 'listing', isOpen ? 'no' : 'yes')
  desk.do({ type: 'focus', pane: isOpen ? 'rows' : 'saved' })
  desk.loadSoon()
}

/** Every choice that a view may hold; the others are of the moment. */
const chosen =
  /^(path|where|pick|mark|picking|listing|baseline|beside|first|aggregator|axis|groups|group|sort|top|pin|columns|ignore|heed|all|view|smooth|log|parameter|x|words)$/

/** Puts the choices of a view in the place of those there are. */
export function openSaved(desk: Desk, name: string): void {
  const view = desk.workspace.shelves().compare?.saved?.find((each) => each.name === name)
  if (view === undefined) return desk.say(`there is no view ${name}`, 'warn')
  if (view.problem !== '') return desk.say(`${name} was not opened: ${view.problem}`, 'warn')
  forget(desk, chosen)
  for (const word of view.words) desk.do({ type: 'toggle-open', pane: comparePane, rowId: word })
  desk.do({ type: 'filter', pane: 'rows', filter: view.filter })
  desk.do({ type: 'focus', pane: 'rows' })
  desk.say(`view ${name}`)
  desk.loadSoon()
}

/** Keeps what is compared now under a name. */
export async function keepView(desk: Desk, name: string): Promise<void> {
  const { saveView } = await import('../../src/commands/compare-saved.ts')
  const words = paneOf(desk.ui, comparePane).open
  const path = await saveView(desk.workspace.projectFolder, name, { words, filter: paneOf(desk.ui, 'rows').filter })
  desk.say(`kept as ${path}; C lists what was kept`)
  desk.loadSoon()
}
