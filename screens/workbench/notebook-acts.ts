import type { CommandSpec } from '../../src/commands/types.ts'
import { findCell, placeOf } from '../../src/notebook/rules.ts'
import type { Desk } from './desk.ts'
import { rowIdsOf } from './model.ts'

/** Shows a cell in the notebook: the cursor goes there, and a filter that hides it is taken away. */
export function showCell(desk: Desk, cellId: string): void {
  desk.do({ type: 'go', screen: 'notebook' })
  const at = () => {
    const pane = desk.pane('cells')
    const rowIds = pane === null ? [] : rowIdsOf(pane)
    return { rowIds, to: rowIds.indexOf(cellId) }
  }
  let found = at()
  if (found.to < 0) {
    desk.do({ type: 'filter', pane: 'cells', filter: '' })
    found = at()
  }
  if (found.to < 0) return desk.say('that cell is not in the notebook of the open run', 'warn')
  desk.do({ type: 'focus', pane: 'cells' })
  const height = (desk.placed().find(({ id }) => id === 'cells')?.height ?? 10) - 3
  desk.do({ type: 'move', pane: 'cells', to: found.to, rowIds: found.rowIds, height })
  desk.loadSoon()
}

/** Goes down to the next cell that went wrong among those that are shown, from the last to the first. */
export function nextFailed(desk: Desk): void {
  const cells = desk.workspace.run()?.cells ?? []
  const pane = desk.pane('cells')
  const rowIds = pane === null ? [] : rowIdsOf(pane)
  const from = rowIds.indexOf(desk.selected('cells') ?? '')
  for (let step = 1; step <= rowIds.length; step += 1) {
    const id = rowIds[(from + step) % rowIds.length] ?? ''
    const state = cells[placeOf(cells, id)]?.ended?.state
    if (state === 'failed' || state === 'unknown') return showCell(desk, id)
  }
  desk.say('no cell that is shown went wrong')
}

/** The cell under the cursor of the notebook, as an argument. */
export function cellUnder(desk: Desk): Readonly<Record<string, unknown>> {
  const cell = desk.selected('cells')
  return cell === null ? {} : { cell }
}

/** Command and arguments of a cell, to be asked for again; or why it cannot be. What was masked is left out. */
export function askedAgain(
  desk: Desk,
  reference: unknown,
): { readonly spec: CommandSpec; readonly args: Readonly<Record<string, unknown>> } | string {
  const cells = desk.workspace.run()?.cells ?? []
  if (typeof reference !== 'string') return 'put the cursor on a cell'
  const at = findCell(cells, reference.replace(/^.*#/, ''))
  if (typeof at === 'string') return at
  const started = cells[at]?.started
  const spec = desk.registry.get(started?.name ?? '')
  if (started === undefined || spec?.run === undefined)
    return `#${at + 1} was ${started?.name}; no command of that name can be run again`
  const known = Object.entries(started.args ?? {}).filter(
    ([name, value]) => name in spec.args.shape && !JSON.stringify(value ?? null).includes('***'),
  )
  return { spec, args: Object.fromEntries(known) }
}
