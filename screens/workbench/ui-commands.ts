import { resolve } from 'node:path'
import type { ScreenId } from '../../src/commands/types.ts'
import type { ViewName } from '../../src/compare/views/types.ts'
import type { RunRow } from '../../src/session/view.ts'
import { fleetSorts, isFleetSort } from '../fleet/model.ts'
import type { Acts } from './acts.ts'
import { chooseCompare, offerCompared, pickRuns } from './compare-acts.ts'
import { exportArguments, fileFor, reportArguments } from './compare-export.ts'
import { leavePicker, markRun, takePicked, turnPicker } from './compare-pick.ts'
import { keepView, openSaved, turnSaved } from './compare-saved.ts'
import { chooseTable, isTableAct } from './compare-table.ts'
import { moveAsideInView, moveInPicture, nextChange, turnView, viewOf } from './compare-views.ts'
import type { Desk } from './desk.ts'
import { enterAt, screenOfRun } from './enter.ts'
import type { Layers } from './layers.ts'
import { rowIdsOf } from './model.ts'
import { nextFailed, showCell } from './notebook-acts.ts'
import { askForRecipe } from './recipe-acts.ts'
import { hostsOfRun, shownHost } from './shown-host.ts'
import type { TerminalActs } from './terminal-acts.ts'
import { hostPane, marksPane, paneOf, sortPane } from './ui-state.ts'

/** What a command of the workbench itself works on. */
export interface UiCommandDeps {
  readonly desk: Desk
  readonly layers: Layers
  readonly acts: Acts
  readonly host: TerminalActs
  /** Runs another command, as if its key had been pressed. */
  readonly runById: (id: string, args?: Readonly<Record<string, unknown>>) => void
}

/** Carries out the commands that the registry leaves to the workbench: movement, views, the terminal. */
export class UiCommands {
  readonly #desk: Desk
  readonly #layers: Layers
  readonly #acts: Acts
  readonly #host: TerminalActs
  readonly #runById: UiCommandDeps['runById']
  #isEditing = false

  constructor({ desk, layers, acts, host, runById }: UiCommandDeps) {
    this.#desk = desk
    this.#layers = layers
    this.#acts = acts
    this.#host = host
    this.#runById = runById
  }

  run(id: string, args: Readonly<Record<string, unknown>> = {}): void {
    const desk = this.#desk
    const host = this.#host
    if (id.startsWith('go.')) return this.#go(id.slice(3))
    if (id.startsWith('move.')) return this.#move(id)
    if ((id === 'compare.next' || id === 'compare.previous') && viewOf(desk) === 'text')
      return nextChange(desk, id === 'compare.next' ? 1 : -1)
    if (isTableAct(id)) return chooseTable(desk, this.#layers, id, args)
    switch (id) {
      case 'recipe.ask':
        return askForRecipe(desk, this.#layers, false)
      case 'recipe.try':
        return askForRecipe(desk, this.#layers, true)
      case 'fleet.mark':
        return this.#mark()
      case 'fleet.sort':
        return this.#sort()
      case 'view.host':
        return this.#nextHost()
      case 'compare.smooth':
      case 'compare.log':
        return chooseCompare(desk, id)
      case 'compare.view':
        return turnView(desk, 1, args.view as ViewName | undefined)
      case 'compare.view-before':
        return turnView(desk, -1)
      case 'compare.pick':
        return turnPicker(desk)
      case 'compare.saved':
        return turnSaved(desk)
      case 'compare.keep':
        return this.#later(keepView(desk, String(args.name)))
      case 'compare.mark':
        return markRun(desk)
      case 'compare.folders':
        return pickRuns(desk, (args.runs ?? []) as readonly string[])
      case 'compare.recipe':
        return offerCompared(desk)
      case 'compare.report': {
        const asked = reportArguments(desk)
        return asked === null ? undefined : this.#runById('compare.analyze', asked)
      }
      case 'compare.whole':
        return this.#runById('compare.runs', exportArguments(desk))
      case 'compare.export':
        return this.#runById('compare.runs', { ...exportArguments(desk), out: fileFor(desk, args) })
      case 'notebook.next-failed':
        return nextFailed(desk)
      case 'view.open':
        return this.#open()
      case 'view.next-pane':
        return desk.cycle(1)
      case 'view.previous-pane':
        return desk.cycle(-1)
      case 'view.zoom':
        return desk.do({ type: 'zoom' })
      case 'view.filter':
        return this.#layers.commandRow.open('filter')
      case 'view.copy':
      case 'view.copy-pane':
        return this.#copy(desk.paneText(id === 'view.copy-pane'))
      case 'view.pager':
        return this.#later(host.page(desk.paneText(true)))
      case 'app.command-line':
        return this.#layers.commandRow.open('command')
      case 'prompt.open':
        return this.#layers.repl.open()
      case 'app.palette':
        return this.#layers.finder.open('palette')
      case 'app.help':
        return this.#layers.finder.open('help')
      case 'app.repaint':
        return host.repaint()
      case 'app.suspend':
        return host.suspend()
      case 'app.mouse':
        return this.#toggleMouse()
      case 'message.show':
        return this.#showMessage()
      case 'app.dismiss':
        desk.message = null
        return
      case 'app.cancel':
        return this.#cancel()
      case 'app.quit':
        return this.#later(this.#quit())
      case 'plan.edit':
        return this.#editPlan()
      case 'compare.aggregator':
      case 'compare.axis':
        return chooseCompare(desk, id)
      default:
        desk.say(`${id} has no act here`, 'error')
    }
  }

  #mark(): void {
    const host = this.#desk.selected('hosts')
    if (host === null) this.#desk.say('no host is under the cursor', 'warn')
    else this.#desk.do({ type: 'toggle-open', pane: marksPane, rowId: host })
  }

  #sort(): void {
    const now = paneOf(this.#desk.ui, sortPane).filter
    const at = isFleetSort(now) ? fleetSorts.indexOf(now) : 0
    const next = fleetSorts[(at + 1) % fleetSorts.length] ?? 'plan'
    this.#desk.do({ type: 'filter', pane: sortPane, filter: next })
    this.#desk.say(next === 'plan' ? 'hosts as the plan names them' : `hosts by ${next}`)
  }

  #nextHost(): void {
    const desk = this.#desk
    const run = desk.workspace.run()
    const hosts = hostsOfRun(run)
    const now = shownHost(run, desk.ui.screen, paneOf(desk.ui, hostPane).filter)
    const next = hosts[(hosts.indexOf(now ?? '') + 1) % hosts.length]
    if (next !== undefined) desk.do({ type: 'filter', pane: hostPane, filter: next })
  }

  #showMessage(): void {
    const { lastMessage } = this.#desk
    if (lastMessage === null) this.#desk.say('nothing was said yet')
    else this.#layers.wholeMessage.open(lastMessage)
  }

  #copy(text: string): void {
    if (text.trim() === '') this.#desk.say('there is nothing to copy here', 'warn')
    else this.#later(this.#host.copy(text).then((said) => this.#desk.say(said)))
  }

  #later(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#desk.fail(error))
  }

  #go(to: string): void {
    this.#desk.do(to === 'back' || to === 'forward' ? { type: to } : { type: 'go', screen: to as ScreenId })
    this.#desk.loadSoon()
    // Files are not watched: the screen that is about them reads them again.
    if (this.#desk.ui.screen === 'plan') this.#later(this.#desk.workspace.reloadPlan())
  }

  #move(id: string): void {
    const desk = this.#desk
    const pane = desk.placed().find((p) => p.id === desk.focus())
    if (pane === undefined) return
    const page = Math.max(1, pane.height - 4)
    if (id === 'move.left' || id === 'move.right') return this.#moveAside(id === 'move.right' ? 1 : -1)
    const by = { 'move.down': 1, 'move.up': -1, 'move.page-down': page, 'move.page-up': -page }[id]
    if (moveInPicture(desk, by ?? (id === 'move.top' ? -Infinity : Infinity))) return
    if (by !== undefined) desk.move(pane, by, 'by')
    else desk.move(pane, id === 'move.top' ? 0 : Number.MAX_SAFE_INTEGER, 'to')
    desk.loadSoon(80)
  }

  /** One cell of a grid; elsewhere there is nothing beside a row. */
  #moveAside(by: number): void {
    const desk = this.#desk
    if (desk.ui.screen === 'compare') return moveAsideInView(desk, by)
    const pane = desk.placed().find((p) => p.id === desk.focus())
    if (pane === undefined) return
    if (desk.pane(pane.id)?.kind !== 'grid') return desk.say('left and right move in the split grid; Tab goes there')
    desk.move(pane, by, 'cells')
    desk.loadSoon(80)
  }

  #open(): void {
    const desk = this.#desk
    const enter = enterAt(desk)
    switch (enter?.kind) {
      case 'run':
        return this.#openRun(enter.row)
      case 'tick':
        return this.#runById('checklist.tick')
      case 'detail':
        desk.do({ type: 'toggle-open', pane: enter.pane, rowId: enter.rowId })
        return desk.loadSoon()
      case 'cell':
        return showCell(desk, enter.cellId)
      case 'picked':
        return takePicked(desk)
      case 'saved':
        return openSaved(desk, enter.name)
      case 'unit':
        return this.#showUnit(enter.unit)
      default:
        desk.say('there is nothing to open here')
    }
  }

  /** Opens a run and goes to where it goes on; the home screen stays as it was for the way back. */
  #openRun(row: RunRow): void {
    const desk = this.#desk
    const isOther = row.projectFolder !== desk.workspace.projectFolder
    if (this.#acts.isBusy) return this.#runById('run.open', { run: row.runId })
    if (isOther) return this.#host.goToProject(row.projectFolder, row.runId, screenOfRun(row))
    this.#runById('run.open', { run: row.runId })
    this.#go(screenOfRun(row))
  }

  /** The row of a unit, with its log: what the grid has no room for. */
  #showUnit(unit: string): void {
    const desk = this.#desk
    const isHidden = () =>
      !rowIdsOf(desk.pane('units') ?? { kind: 'text', id: '', title: '', lines: [] }).includes(unit)
    if (isHidden()) desk.do({ type: 'filter', pane: 'units', filter: '' })
    const pane = desk.pane('units')
    const rowIds = pane === null ? [] : rowIdsOf(pane)
    if (!rowIds.includes(unit)) return
    const height = Math.max(1, (desk.placed().find((p) => p.id === 'units')?.height ?? 4) - 3)
    desk.do({ type: 'move', pane: 'units', to: rowIds.indexOf(unit), rowIds, height })
    desk.do({ type: 'focus', pane: 'log' })
    desk.loadSoon()
  }

  #toggleMouse(): void {
    const isOn = !this.#desk.ui.hasMouse
    this.#host.setMouse(isOn)
    this.#desk.do({ type: 'mouse', on: isOn })
    this.#desk.say(
      isOn
        ? 'the mouse scrolls and clicks in kx; M releases it'
        : 'the mouse is released: the terminal selects text; M takes it back',
    )
  }

  #editPlan(): void {
    const { workspace } = this.#desk
    const plan = workspace.plan()
    const file = plan.status === 'ok' ? plan.loaded.file : plan.status === 'bad' ? plan.file : null
    if (file === null) return this.#desk.say('the plan is still being read', 'warn')
    // A plan that cannot be read is named as it is shown, from the folder of its project; kx may run in another one.
    // The terminal is the editor's as soon as it is there; a key that comes before must not start another.
    if (this.#isEditing) return
    this.#isEditing = true
    this.#later(this.#edited(resolve(workspace.projectFolder, file)).finally(() => (this.#isEditing = false)))
  }

  /** The editor is the person's own; what they changed in it is an act like any other. */
  async #edited(file: string): Promise<void> {
    const { editPlan } = await import('../../src/commands/plan-edit.ts')
    const env = this.#acts.environment('key', new AbortController().signal)
    const result = await editPlan(env, file, () => this.#host.edit(file))
    await this.#desk.workspace.reloadPlan()
    if (result === null) return
    await this.#desk.workspace.refresh()
    this.#desk.say(result.summary)
  }

  #cancel(): void {
    const desk = this.#desk
    const pane = desk.focus()
    if (this.#acts.cancel('cancelled')) desk.say('cancelling: the process group is ended …', 'warn')
    else if (desk.message !== null) desk.message = null
    else if (desk.ui.screen === 'notebook' && desk.hits !== null) {
      desk.hits = null
      desk.changed()
    } else if (desk.ui.screen === 'compare' && pane === 'pool') leavePicker(desk)
    else if (desk.ui.screen === 'compare' && pane === 'saved') turnSaved(desk)
    else if (paneOf(desk.ui, pane).filter !== '') desk.do({ type: 'filter', pane, filter: '' })
    else desk.say('nothing runs here; q leaves kx (what runs on a box goes on)')
  }

  async #quit(): Promise<void> {
    const live = this.#desk.live
    if (live !== null) {
      const title = `${live.title} is still running here. End it and leave?`
      const answer = await this.#layers.ask({ kind: 'confirm', title, lines: ['What runs on a box goes on.'] })
      if (answer === null) return
      this.#acts.cancel('kx is closing')
    }
    this.#host.quit(0)
  }
}
