import { chordOf, showChord } from '../../src/commands/chord.ts'
import { type Keymap, lookup } from '../../src/commands/keymap.ts'
import { isBesides, whyDisabled } from '../../src/commands/registry.ts'
import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import type { OpenPrompt } from '../../src/repl/types.ts'
import type { Person } from '../../src/session/hosts.ts'
import type { WorkbenchSettings } from '../../src/session/view.ts'
import type { KeyEvent, MouseInput } from '../../src/terminal/events.ts'
import type { Theme } from '../../src/ui/theme.ts'
import { writtenOffIn } from '../../src/walk/end.ts'
import { Acts } from './acts.ts'
import { NewErrors } from './bell.ts'
import { Desk, type DeskOptions } from './desk.ts'
import { unboundText } from './elsewhere.ts'
import { Layers } from './layers.ts'
import { LinkWatch } from './link-watch.ts'
import { rowIdsOf } from './model.ts'
import { askedAgain, cellUnder } from './notebook-acts.ts'
import { personAt } from './person.ts'
import { point } from './pointer.ts'
import type { PromptSurface } from './prompt-surface.ts'
import { shownHost } from './shown-host.ts'
import type { Message, Snapshot } from './snapshot.ts'
import type { TerminalActs } from './terminal-acts.ts'
import { UiCommands } from './ui-commands.ts'
import { hostPane, marksPane, paneOf, type UiState } from './ui-state.ts'

export interface ControllerDeps extends DeskOptions {
  readonly host: TerminalActs
  /** Opens the prompt in this workbench; absent: it has none. */
  readonly openPrompt?: (surface: PromptSurface) => Promise<OpenPrompt>
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
  readonly #uiCommands: UiCommands
  readonly #linkWatch: LinkWatch
  /** Who is asked for what a link needs. */
  readonly person: Person
  readonly #listeners = new Set<() => void>()
  readonly #unsubscribe: () => void
  #snapshot: Snapshot
  readonly #newErrors = new NewErrors()
  #hasBell = true
  #isDirty = false
  #pending: readonly string[] = []

  constructor(deps: ControllerDeps) {
    this.#host = deps.host
    this.#desk = new Desk(deps, () => this.changed())
    const { openPrompt } = deps
    this.#layers = new Layers(
      this.#desk,
      (spec, args, via) => this.runCommand(spec, args, via),
      openPrompt === undefined ? null : (onLines) => openPrompt({ ...this.#surface(), onLines }),
    )
    this.#acts = new Acts(this.#desk, this.#layers, (folder, runId) => deps.host.goToProject(folder, runId))
    this.#uiCommands = new UiCommands({
      desk: this.#desk,
      layers: this.#layers,
      acts: this.#acts,
      host: deps.host,
      runById: (id, args) => this.#runById(id, args),
    })
    this.person = personAt(this.#desk, this.#layers)
    this.#linkWatch = new LinkWatch(this.#desk, () => void this.autoTick())
    this.#snapshot = this.#make()
    this.#unsubscribe = deps.workspace.subscribe(() => {
      if (this.#newErrors.look(deps.workspace.run()) && this.#hasBell) this.#host.bell()
      this.changed()
    })
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

  /** Something on screen is counted in seconds. */
  get isCounting(): boolean {
    return this.#linkWatch.isCounting
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
    found: Pick<WorkbenchSettings, 'who' | 'hasMouse' | 'hasBell' | 'guardMs' | 'problems'>,
  ): void {
    const desk = this.#desk
    desk.theme = theme
    desk.keymap = keymap
    desk.who = found.who ?? desk.who
    desk.guardMs = found.guardMs
    this.#hasBell = found.hasBell
    if (!found.hasMouse && desk.ui.hasMouse) {
      this.#host.setMouse(false)
      desk.do({ type: 'mouse', on: false })
    }
    const [first, ...more] = [...found.problems, ...keymap.problems.map((p) => p.text)]
    if (first !== undefined)
      desk.say(more.length === 0 ? first : `${first} (and ${more.length} more: kx config lists them)`, 'warn')
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
    this.#linkWatch.close()
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
    if (point(mouse, this.#desk, this.#layers)) this.changed()
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
    // The keys of an open chord do not all fit everywhere: help is one key away there too.
    else if (presses.length > 1 && desk.keymap.chords.get('app.help')?.includes(chord)) this.#runById('app.help')
    else desk.say(unboundText(presses, desk.registry.specs, desk.keymap, desk.ui.screen, desk.theme.glyphs.isUnicode))
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a command by whatever way it was asked for; one that cannot run says why, one that lacks arguments asks. */
  runCommand(spec: CommandSpec, args: Readonly<Record<string, unknown>>, via: CommandEnvironment['via']): void {
    const desk = this.#desk
    const why = whyDisabled(spec, { ...desk.commandState(), given: args })
    if (why !== null) return desk.say(`${spec.title}: ${why}`, 'warn')
    if (spec.run === undefined) {
      const own = spec.args.safeParse(args)
      return own.success ? this.#uiCommands.run(spec.id, own.data) : this.#layers.openForm(spec, args)
    }
    const given = this.#withSelection(spec, args)
    if (spec.id === 'cell.rerun' && given.with === undefined) return this.#rerun(given.cell)
    const parsed = spec.args.safeParse(given)
    if (!parsed.success) return this.#layers.openForm(spec, given)
    if (isBesides(spec, desk.live?.commandId ?? null))
      return void this.#acts.beside(spec, parsed.data as Record<string, unknown>, via)
    // Another act in the foreground is waited for; this holds for looks too.
    if (this.#acts.isBusy)
      return desk.say(`${spec.title}: ${desk.live?.title} is running; wait for it or cancel it`, 'warn')
    void this.#acts.start(spec, parsed.data as Record<string, unknown>, via)
  }

  /** The act of a cell once more: what it was given then stands in a form, to be changed or not. */
  #rerun(cell: unknown): void {
    const desk = this.#desk
    const asked = askedAgain(desk, cell)
    if (typeof asked === 'string') return desk.say(asked, 'warn')
    const why = whyDisabled(asked.spec, desk.commandState())
    if (why !== null) return desk.say(`${asked.spec.title}: ${why}`, 'warn')
    this.#layers.openForm(asked.spec, asked.args)
  }

  /** What the prompt may do here. Its commands are asked about, and refused, as any other. */
  #surface(): Omit<PromptSurface, 'onLines'> {
    const desk = this.#desk
    return {
      environment: (signal) => this.#acts.environment('prompt', signal),
      runId: () => desk.workspace.run()?.runId ?? null,
      isAscii: !desk.theme.glyphs.isUnicode,
      whyNot: (spec, given) => whyDisabled(spec, { ...desk.commandState(), given }),
      inWorkbench: (spec) => {
        this.#uiCommands.run(spec.id)
        return { summary: spec.title, exitCode: 0, data: null }
      },
    }
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
    if (spec.where !== 'global' && spec.where.includes('fleet') && desk.ui.screen === 'fleet')
      return { ...this.#markedHosts(), ...args }
    if (selected === null) return { ...args }
    if (spec.id.startsWith('cell.') && desk.ui.screen === 'notebook' && 'cell' in spec.args.shape)
      return { ...cellUnder(desk), ...args }
    const standIns: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      'item.override': desk.pane(pane)?.kind === 'checklist' ? { item: selected, ...this.#shownHost() } : {},
      'run.archive': { run: selected },
      'meter.write-off': this.#runOfRow(pane, selected),
      'patrol.acknowledge': pane === 'findings' ? { finding: selected } : {},
      'recipe.offer': this.#foundUnder(pane, selected),
      'profile.acknowledge': { name: desk.selected('list') ?? selected },
      'checklist.tick': { file: pane, task: Number(selected) },
    }
    return { ...standIns[spec.id], ...args }
  }

  /** An item of a checklist, else a finding: where the cursor stands elsewhere, the one that is marked in its pane. */
  #foundUnder(pane: string, selected: string): Readonly<Record<string, unknown>> {
    if (this.#desk.pane(pane)?.kind === 'checklist') return { finding: selected, ...this.#shownHost() }
    const finding = this.#desk.selected('findings')
    return finding === null ? {} : { finding }
  }

  /** A reason is given for the host that is shown, and for no other. */
  #shownHost(): Readonly<Record<string, unknown>> {
    const { ui } = this.#desk
    const host = shownHost(this.#desk.workspace.run(), ui.screen, paneOf(ui, hostPane).filter)
    return host === null ? {} : { host }
  }

  /** On the screen of hosts an act goes to those that are marked, else to the one under the cursor. */
  #markedHosts(): Readonly<Record<string, unknown>> {
    const desk = this.#desk
    const rows = rowIdsOf(desk.pane('hosts') ?? { kind: 'text', id: '', title: '', lines: [] })
    const marked = paneOf(desk.ui, marksPane).open.filter((host) => rows.includes(host))
    const hosts = marked.length > 0 ? marked : [desk.selected('hosts')].flatMap((host) => host ?? [])
    return hosts.length === 0 ? {} : { host: hosts.join(',') }
  }

  /** On the home screen a row stands for a run, or for a meter of one; elsewhere the open run is meant. */
  #runOfRow(pane: string, selected: string): Readonly<Record<string, unknown>> {
    const desk = this.#desk
    if (desk.ui.screen !== 'home') return {}
    if (pane === 'runs') return { run: selected }
    const meter = desk.workspace.shelves().home?.meters.find((each) => each.meterId === selected)
    return meter === undefined ? {} : { run: meter.runId }
  }

  // ── snapshot ────────────────────────────────────────────────────────────────────────────────────────────────────

  #pendingView(): Snapshot['pending'] {
    const desk = this.#desk
    const next = lookup(desk.keymap, this.#pending, desk.ui.screen)
    if (this.#pending.length === 0 || next.kind !== 'pending') return null
    // Where a chord goes is said by its place alone; what a single key does as well comes last.
    const title = (id: string | undefined) => (desk.registry.get(id ?? '')?.title ?? '').replace(/^Go to /, '')
    const isShort = (id: string | undefined) => desk.keymap.chords.get(id ?? '')?.some((c) => !c.includes(' ')) === true
    const sorted = [...next.next].sort((a, b) => Number(isShort(a.commandIds[0])) - Number(isShort(b.commandIds[0])))
    return {
      typed: this.#pending.map((p) => showChord(p)).join(' '),
      next: sorted.map((n) => ({ key: showChord(n.press), title: title(n.commandIds[0]) })),
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
