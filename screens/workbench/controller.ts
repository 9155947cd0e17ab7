import { chordOf, showChord } from '../../src/commands/chord.ts'
import { type Keymap, lookup } from '../../src/commands/keymap.ts'
import { isBesides, whyDisabled } from '../../src/commands/registry.ts'
import type { CommandEnvironment, CommandSpec, ScreenId } from '../../src/commands/types.ts'
import type { KeyEvent, MouseInput } from '../../src/terminal/events.ts'
import type { Theme } from '../../src/ui/theme.ts'
import { writtenOffIn } from '../../src/walk/end.ts'
import { Acts } from './acts.ts'
import { Desk, type DeskOptions } from './desk.ts'
import { Layers } from './layers.ts'
import { hasDetail, rowIdsOf } from './model.ts'
import type { Message, Snapshot } from './snapshot.ts'
import { paneOf, type UiState } from './ui-state.ts'

/** Acts of the terminal and the process that the workbench asks for. */
export interface TerminalActs {
  repaint(): void
  suspend(): void
  setMouse(isOn: boolean): void
  /** Settles with a sentence that says by which way, and how much. */
  copy(text: string): Promise<string>
  edit(file: string): Promise<void>
  page(text: string): Promise<void>
  quit(exitCode: number): void
  /** Leaves this project for another one. */
  goToProject(projectFolder: string, runId: string | null): void
}

export interface ControllerDeps extends DeskOptions {
  readonly host: TerminalActs
}

/**
 * Turns keys into commands and commands into what is on screen. Holds no truth: the run is in its journal, the rest in
 * `UiState`, which is remembered after every change.
 */
export class Controller {
  readonly #host: TerminalActs
  readonly #desk: Desk
  readonly #layers: Layers
  readonly #acts: Acts
  readonly #listeners = new Set<() => void>()
  readonly #unsubscribe: () => void
  #snapshot: Snapshot
  #isDirty = false
  #pending: readonly string[] = []

  constructor(deps: ControllerDeps) {
    this.#host = deps.host
    this.#desk = new Desk(deps, () => this.changed())
    this.#layers = new Layers(this.#desk, (spec, args, via) => this.runCommand(spec, args, via))
    this.#acts = new Acts(this.#desk, this.#layers, (folder, runId) => deps.host.goToProject(folder, runId))
    this.#snapshot = this.#make()
    this.#unsubscribe = deps.workspace.subscribe(() => this.changed())
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly get = (): Snapshot => this.#snapshot

  get ui(): UiState {
    return this.#desk.ui
  }

  /** True while something was launched whose end is not on record: then it is looked at again and again. */
  get isRunLive(): boolean {
    const latest = this.#desk.workspace.run()?.latest
    if (latest?.Receipt === undefined || latest.MeterStopped !== undefined) return false
    if (writtenOffIn(this.#desk.workspace.run() ?? {}) !== null) return false
    // The outcome of an earlier launch says nothing of a relaunch.
    return latest.Outcome?.needs.includes(latest.Receipt.id) !== true
  }

  /** Age of the newest thing that an age is shown of; null when none is shown. */
  youngestAgeMs(): number | null {
    const run = this.#desk.workspace.run()
    if (run === null) return null
    const times = [run.createdAtMs, run.observation?.atMs ?? 0, ...Object.values(run.latest).map((p) => p.atMs)]
    return this.#desk.clock.nowMs() - Math.max(...times)
  }

  setTheme(theme: Theme): void {
    this.#desk.theme = theme
    this.changed()
  }

  /** What was read from the settings files after the first frame. */
  setSettings(
    theme: Theme,
    keymap: Keymap,
    found: { readonly who: string | null; readonly hasMouse: boolean; readonly problems: readonly string[] },
  ): void {
    const desk = this.#desk
    desk.theme = theme
    desk.keymap = keymap
    desk.who = found.who ?? desk.who
    if (!found.hasMouse && desk.ui.hasMouse) {
      this.#host.setMouse(false)
      desk.do({ type: 'mouse', on: false })
    }
    const [first] = [...found.problems, ...keymap.problems.map((p) => p.text)]
    if (first !== undefined) desk.say(first, 'warn')
    this.changed()
  }

  /** Something that is drawn changed: one snapshot for everything that happens in this turn of the loop. */
  changed(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    queueMicrotask(() => {
      this.#isDirty = false
      this.#snapshot = this.#make()
      for (const listener of this.#listeners) listener()
    })
  }

  /** Time has moved far enough that an age may read differently. */
  tick(): void {
    this.#desk.nowMs = this.#desk.clock.nowMs()
    this.changed()
  }

  setSize(columns: number, rows: number): void {
    if (columns === this.#desk.size.columns && rows === this.#desk.size.rows) return
    this.#desk.size = { columns, rows }
    this.changed()
  }

  setMessage(text: string, tone: Message['tone'] = 'info'): void {
    this.#desk.say(text, tone)
  }

  painted(): void {
    this.#layers.painted()
  }

  loadSoon(): void {
    this.#desk.loadSoon()
  }

  autoTick(): boolean {
    return this.#acts.autoTick()
  }

  close(): void {
    this.#unsubscribe()
    this.#desk.stopLoading()
    this.#acts.cancel('kx is closing')
    this.#layers.close()
  }

  // ── input ───────────────────────────────────────────────────────────────────────────────────────────────────────

  onKey(key: KeyEvent): void {
    const chord = chordOf(key)
    // These two mean the same everywhere, whatever is open.
    if (chord === 'ctrl+l') return this.#host.repaint()
    if (chord === 'ctrl+z') return this.#host.suspend()
    if (!this.#layers.key(chord, key.text)) this.#screenKey(chord)
    this.changed()
  }

  onPaste(text: string): void {
    // Pasted text is never taken for keys: a line end in it would run whatever stands before it.
    if (!this.#layers.paste(text)) this.#desk.say('pasted text needs a field: : or / first', 'warn')
    this.changed()
  }

  onMouse(mouse: MouseInput): void {
    const desk = this.#desk
    if (this.#layers.hasQuestion) return
    const pane = desk.paneAt(mouse.column, mouse.row)
    if (mouse.kind === 'wheel') {
      const by = (mouse.direction === 'up' ? -1 : 1) * Math.min(3 * mouse.count, 30)
      if (this.#layers.wholeMessage.isOpen) this.#layers.wholeMessage.scroll(by)
      else if (this.#layers.finder.isOpen) this.#layers.finder.scroll(by)
      else if (pane !== null) desk.move(pane, by, 'by')
    } else if (mouse.kind === 'press' && mouse.button === 'left' && !this.#layers.hasOverlay && pane !== null) {
      desk.do({ type: 'focus', pane: pane.id })
      const model = desk.pane(pane.id)
      const state = paneOf(desk.ui, pane.id)
      const row = mouse.row - pane.y - 1 - (model?.kind === 'table' ? 1 : 0) + state.top
      // With opened rows the screen row is not the item; the click then only focuses.
      const isRow = model !== null && row >= 0 && row < rowIdsOf(model).length && state.open.length === 0
      if (isRow && (model.kind === 'table' || model.kind === 'checklist')) desk.move(pane, row, 'to')
    }
    this.changed()
  }

  #screenKey(chord: string): void {
    const desk = this.#desk
    if (desk.message?.tone === 'info') desk.message = null
    const presses = [...this.#pending, chord]
    this.#pending = []
    if (presses.length > 1 && chord === 'esc') return
    const found = lookup(desk.keymap, presses, desk.ui.screen)
    if (found.kind === 'pending') this.#pending = presses
    else if (found.kind === 'command') this.#runById(found.commandId)
    else if (presses.length > 1)
      desk.say(`${presses.map((p) => showChord(p)).join(' ')} is not bound here; ? lists the keys`, 'warn')
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a command by whatever way it was asked for; one that cannot run says why, one that lacks arguments asks. */
  runCommand(spec: CommandSpec, args: Readonly<Record<string, unknown>>, via: CommandEnvironment['via']): void {
    const desk = this.#desk
    const why = whyDisabled(spec, desk.commandState())
    if (why !== null) return desk.say(`${spec.title}: ${why}`, 'warn')
    if (spec.run === undefined) return this.#uiCommand(spec.id)
    const parsed = spec.args.safeParse(this.#withSelection(spec, args))
    if (!parsed.success) return this.#layers.openForm(spec, args)
    if (isBesides(spec, desk.live?.commandId ?? null))
      return void this.#acts.beside(spec, parsed.data as Record<string, unknown>, via)
    // Another act in the foreground is waited for; this holds for looks too.
    if (this.#acts.isBusy)
      return desk.say(`${spec.title}: ${desk.live?.title} is running; wait for it or cancel it`, 'warn')
    void this.#acts.start(spec, parsed.data as Record<string, unknown>, via)
  }

  #runById(id: string, args: Readonly<Record<string, unknown>> = {}): void {
    const spec = this.#desk.registry.get(id)
    if (spec !== undefined) this.runCommand(spec, args, 'key')
  }

  /** The row under the cursor stands in for arguments that were not given. */
  #withSelection(spec: CommandSpec, args: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const desk = this.#desk
    const pane = desk.focus()
    const selected = desk.selected(pane)
    if (selected === null) return { ...args }
    const standIns: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      'item.override': desk.pane(pane)?.kind === 'checklist' ? { item: selected } : {},
      'run.archive': { run: selected },
      'meter.write-off': this.#runOfRow(pane, selected),
      'patrol.acknowledge': pane === 'findings' ? { finding: selected } : {},
      'checklist.tick': { file: pane, task: Number(selected) },
    }
    return { ...standIns[spec.id], ...args }
  }

  /** On the home screen a row stands for a run, or for a meter of one; elsewhere the open run is meant. */
  #runOfRow(pane: string, selected: string): Readonly<Record<string, unknown>> {
    const desk = this.#desk
    if (desk.ui.screen !== 'home') return {}
    if (pane === 'runs') return { run: selected }
    const meter = desk.workspace.shelves().home?.meters.find((each) => each.meterId === selected)
    return meter === undefined ? {} : { run: meter.runId }
  }

  #uiCommand(id: string): void {
    const desk = this.#desk
    const host = this.#host
    if (id.startsWith('go.')) return this.#go(id.slice(3))
    if (id.startsWith('move.')) return this.#move(id)
    switch (id) {
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
      default:
        desk.say(`${id} has no act here`, 'error')
    }
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
    const by = { 'move.down': 1, 'move.up': -1, 'move.page-down': page, 'move.page-up': -page }[id]
    if (by !== undefined) desk.move(pane, by, 'by')
    else desk.move(pane, id === 'move.top' ? 0 : Number.MAX_SAFE_INTEGER, 'to')
    desk.loadSoon(80)
  }

  #open(): void {
    const desk = this.#desk
    const pane = desk.pane(desk.focus())
    const row = desk.selected(desk.focus())
    if (pane === null || row === null) return
    if (desk.ui.screen === 'home' && pane.id === 'runs') return this.#runById('run.open', { run: row })
    if (desk.ui.screen === 'checklists') return this.#runById('checklist.tick')
    if (pane.kind === 'checklist' || hasDetail(pane, row)) desk.do({ type: 'toggle-open', pane: pane.id, rowId: row })
    else desk.cycle(1)
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
    this.#later(this.#host.edit(file).then(() => workspace.reloadPlan()))
  }

  #cancel(): void {
    const desk = this.#desk
    const pane = desk.focus()
    if (this.#acts.cancel('cancelled')) desk.say('cancelling: the process group is ended …', 'warn')
    else if (desk.message !== null) desk.message = null
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

  // ── snapshot ────────────────────────────────────────────────────────────────────────────────────────────────────

  #pendingView(): Snapshot['pending'] {
    const desk = this.#desk
    const next = lookup(desk.keymap, this.#pending, desk.ui.screen)
    if (this.#pending.length === 0 || next.kind !== 'pending') return null
    const title = (id: string | undefined) => desk.registry.get(id ?? '')?.title ?? ''
    return {
      typed: this.#pending.map((p) => showChord(p)).join(' '),
      next: next.next.map((n) => ({ key: showChord(n.press), title: title(n.commandIds[0]) })),
    }
  }

  #make(): Snapshot {
    const desk = this.#desk
    const { input, model } = desk.screen()
    return {
      ui: desk.ui,
      columns: desk.size.columns,
      rows: desk.size.rows,
      theme: desk.theme,
      input,
      model,
      overlay: this.#layers.overlay(),
      field: this.#layers.fieldView(),
      message: desk.message,
      messageBlock: desk.messageBlock(),
      pending: this.#pendingView(),
      hints: this.#layers.hints() ?? desk.hints(),
    }
  }
}
