import { chordOf, showChord } from '../../src/commands/chord.ts'
import { type Keymap, lookup } from '../../src/commands/keymap.ts'
import { completeLine, parseLine } from '../../src/commands/line.ts'
import { type Registry, whyDisabled } from '../../src/commands/registry.ts'
import type { CommandEnvironment, CommandSpec, CommandState, ScreenId } from '../../src/commands/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import type { RunState } from '../../src/run/types.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import type { KeyEvent, MouseInput } from '../../src/terminal/events.ts'
import {
  type DialogAction,
  type DialogQuestion,
  type DialogState,
  openDialog,
  reduceDialog,
} from '../../src/ui/dialog-model.ts'
import { type FormState, makeForm, readForm, reduceForm } from '../../src/ui/form-model.ts'
import type { EditorState } from '../../src/ui/line-editor.ts'
import { makeEditor, reduceEditor } from '../../src/ui/line-editor.ts'
import { parseLogFilter } from '../../src/ui/log-filter.ts'
import type { Theme } from '../../src/ui/theme.ts'
import { isPhase } from '../../src/walk/phase.ts'
import { editorAction, historyAction } from './editor-keys.ts'
import type { LiveAct, ScreenInput } from './input.ts'
import { chromeFor, focusedPane, type PlacedPane, placePanes } from './layout.ts'
import { listRows } from './lists.ts'
import { withProgress } from './live.ts'
import { type PaneModel, rowIdsOf, type ScreenModel, textOf } from './model.ts'
import { cursorOf, filtered, rowCount, scrolledTop } from './pane-rows.ts'
import { paneLines } from './plain.ts'
import { screenModel } from './screens.ts'
import type { Hint, Message, Overlay, Snapshot } from './snapshot.ts'
import { paneOf, reduceUi, type UiAction, type UiState } from './ui-state.ts'

export interface ControllerDeps {
  readonly workspace: Workspace
  readonly registry: Registry
  readonly keymap: Keymap
  readonly theme: Theme
  readonly initial: UiState
  readonly size: { readonly columns: number; readonly rows: number }
  readonly who: string
  readonly clock: { nowMs(): number; monotonicMs(): number }
  /** Called with every change of what must survive a crash. */
  readonly remember: (ui: UiState) => void
  /** Acts of the terminal and the process that the workbench asks for. */
  readonly host: {
    repaint(): void
    suspend(): void
    setMouse(isOn: boolean): void
    copy(text: string): Promise<string>
    edit(file: string): Promise<void>
    page(text: string): Promise<void>
    quit(exitCode: number): void
  }
}

interface Field {
  readonly kind: 'command' | 'filter'
  readonly editor: EditorState
}
interface ListOverlay {
  readonly kind: 'palette' | 'help'
  readonly editor: EditorState
  readonly index: number
}

/**
 * Turns keys into commands and commands into what is on screen. Holds no truth: the run is in its journal, the rest in
 * `UiState`, which is remembered after every change.
 */
export class Controller {
  readonly #deps: ControllerDeps
  #ui: UiState
  #theme: Theme
  #keymap: Keymap
  #who: string
  #size: { columns: number; rows: number }
  #snapshot: Snapshot
  #listeners = new Set<() => void>()
  #isDirty = false
  #nowMs: number
  #field: Field | null = null
  #list: ListOverlay | null = null
  #dialog: { readonly state: DialogState; readonly resolve: (answer: string | null) => void } | null = null
  #form: { readonly spec: CommandSpec; readonly state: FormState } | null = null
  #message: Message | null = null
  #pending: readonly string[] = []
  #live: LiveAct | null = null
  #abort: AbortController | null = null
  #model: { readonly key: readonly unknown[]; readonly input: ScreenInput; readonly model: ScreenModel } | null = null
  #loadTimer: NodeJS.Timeout | null = null
  #unsubscribe: () => void

  constructor(deps: ControllerDeps) {
    this.#deps = deps
    this.#ui = deps.initial
    this.#theme = deps.theme
    this.#keymap = deps.keymap
    this.#who = deps.who
    this.#size = deps.size
    this.#nowMs = deps.clock.nowMs()
    this.#restorePrompt()
    this.#snapshot = this.#make()
    this.#unsubscribe = deps.workspace.subscribe(() => this.changed())
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly get = (): Snapshot => this.#snapshot

  get ui(): UiState {
    return this.#ui
  }
  get isBusy(): boolean {
    return this.#live !== null
  }

  /** True while something was launched whose end is not on record: then it is looked at again and again. */
  get isRunLive(): boolean {
    const latest = this.#deps.workspace.run()?.latest
    if (latest?.Receipt === undefined || latest.MeterStopped !== undefined) return false
    // The outcome of an earlier launch says nothing of a relaunch.
    return latest.Outcome?.needs.includes(latest.Receipt.id) !== true
  }

  /** Age of the newest thing that an age is shown of; null when none is shown. */
  youngestAgeMs(): number | null {
    const run = this.#deps.workspace.run()
    if (run === null) return null
    const times = [run.createdAtMs, run.observation?.atMs ?? 0, ...Object.values(run.latest).map((p) => p.atMs)]
    return this.#deps.clock.nowMs() - Math.max(...times)
  }

  setTheme(theme: Theme): void {
    this.#theme = theme
    this.changed()
  }

  /** What was read from the settings files after the first frame. */
  setSettings(
    theme: Theme,
    keymap: Keymap,
    found: { readonly who: string | null; readonly hasMouse: boolean; readonly problems: readonly string[] },
  ): void {
    this.#theme = theme
    this.#keymap = keymap
    this.#who = found.who ?? this.#who
    if (!found.hasMouse && this.#ui.hasMouse) {
      this.#deps.host.setMouse(false)
      this.#do({ type: 'mouse', on: false })
    }
    const [first] = [...found.problems, ...keymap.problems.map((p) => p.text)]
    if (first !== undefined) this.setMessage(first, 'warn')
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
    this.#nowMs = this.#deps.clock.nowMs()
    this.changed()
  }

  setSize(columns: number, rows: number): void {
    if (columns === this.#size.columns && rows === this.#size.rows) return
    this.#size = { columns, rows }
    this.changed()
  }

  setMessage(text: string, tone: Message['tone'] = 'info'): void {
    this.#message = { text, tone }
    this.changed()
  }

  /** The frame with the newest dialog has reached the terminal: from now on its keys count. */
  painted(): void {
    if (this.#dialog !== null && this.#dialog.state.paintedAtMs === null)
      this.#toDialog({ type: 'painted', atMs: this.#deps.clock.monotonicMs() })
  }

  /** Reads what the open screen needs, soon; a person who holds a key down does not start a read for each press. */
  loadSoon(delayMs = 0): void {
    if (this.#loadTimer !== null) clearTimeout(this.#loadTimer)
    this.#loadTimer = setTimeout(() => {
      this.#loadTimer = null
      this.#deps.workspace.load(this.#ui.screen, this.#selected).catch((error: unknown) => this.#fail(error))
    }, delayMs)
  }

  close(): void {
    this.#unsubscribe()
    if (this.#loadTimer !== null) clearTimeout(this.#loadTimer)
    this.#abort?.abort(new Error('kx is closing'))
    this.#dialog?.resolve(null)
  }

  // ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────

  onKey(key: KeyEvent): void {
    const chord = chordOf(key)
    // These three mean the same everywhere, whatever is open.
    if (chord === 'ctrl+l') return this.#deps.host.repaint()
    if (chord === 'ctrl+z') return this.#deps.host.suspend()
    if (this.#dialog !== null) this.#dialogKey(chord, key.text)
    else if (this.#form !== null) this.#formKey(chord, key.text)
    else if (this.#list !== null) this.#listKey(chord, key.text)
    else if (this.#field !== null) this.#fieldKey(chord, key.text)
    else this.#screenKey(chord)
    this.changed()
  }

  onPaste(text: string): void {
    if (this.#dialog !== null)
      this.#toDialog({
        type: 'edit',
        edit: { type: 'insert', text },
        atMs: this.#deps.clock.monotonicMs(),
        isPaste: true,
      })
    else if (this.#form !== null) this.#toForm({ type: 'edit', edit: { type: 'insert', text } })
    else if (this.#list !== null)
      this.#list = { ...this.#list, editor: reduceEditor(this.#list.editor, { type: 'insert', text }), index: 0 }
    else if (this.#field !== null)
      this.#setField({ ...this.#field, editor: reduceEditor(this.#field.editor, { type: 'insert', text }) })
    // Pasted text is never taken for keys: a line end in it would run whatever stands before it.
    else this.setMessage('pasted text needs a field: : or / first', 'warn')
    this.changed()
  }

  onMouse(mouse: MouseInput): void {
    if (this.#dialog !== null || this.#form !== null) return
    if (mouse.kind === 'wheel') {
      const by = (mouse.direction === 'up' ? -1 : 1) * Math.min(3 * mouse.count, 30)
      if (this.#list !== null) this.#list = { ...this.#list, index: Math.max(0, this.#list.index + by) }
      else {
        const pane = this.#paneAt(mouse.column, mouse.row)
        if (pane !== null) this.#move(pane, by, 'by')
      }
      this.changed()
      return
    }
    if (mouse.kind !== 'press' || mouse.button !== 'left' || this.#list !== null) return
    const pane = this.#paneAt(mouse.column, mouse.row)
    if (pane === null) return
    this.#do({ type: 'focus', pane: pane.id })
    const model = this.#paneModel(pane.id)
    if (model !== null && (model.kind === 'table' || model.kind === 'checklist')) {
      const state = paneOf(this.#ui, pane.id)
      const row = mouse.row - pane.y - 1 - (model.kind === 'table' ? 1 : 0) + state.top
      // With opened rows the screen row is not the item; the click then only focuses.
      if (row >= 0 && row < rowIdsOf(model).length && state.open.length === 0) this.#move(pane, row, 'to')
    }
    this.changed()
  }

  #screenKey(chord: string): void {
    if (this.#message !== null && this.#message.tone === 'info') this.#message = null
    const presses = [...this.#pending, chord]
    if (presses.length > 1 && chord === 'esc') {
      this.#pending = []
      return
    }
    const found = lookup(this.#keymap, presses, this.#ui.screen)
    if (found.kind === 'pending') {
      this.#pending = presses
      return
    }
    this.#pending = []
    if (found.kind === 'none') {
      if (presses.length > 1)
        this.setMessage(`${presses.map((p) => showChord(p)).join(' ')} is not bound here; ? lists the keys`, 'warn')
      return
    }
    const spec = this.#deps.registry.get(found.commandId)
    if (spec !== undefined) this.runCommand(spec, {}, 'key')
  }

  #fieldKey(chord: string, text: string): void {
    const field = this.#field
    if (field === null) return
    if (chord === 'esc' || chord === 'ctrl+c') {
      if (field.kind === 'filter') this.#do({ type: 'filter', pane: this.#focus(), filter: '' })
      this.#setField(null)
      return
    }
    if (chord === 'enter') {
      const line = field.editor.text
      this.#setField(null)
      if (field.kind === 'command') this.#runLine(line)
      return
    }
    if (field.kind === 'command' && chord === 'tab') {
      const completed = this.#completed(field.editor.text)
      if (completed !== null)
        this.#setField({ ...field, editor: reduceEditor(field.editor, { type: 'set', text: completed }) })
      return
    }
    const action = (field.kind === 'command' ? historyAction(chord) : null) ?? editorAction(chord, text)
    if (action === null) return
    const editor = reduceEditor(field.editor, action)
    this.#setField({ ...field, editor })
    if (field.kind === 'filter') this.#do({ type: 'filter', pane: this.#focus(), filter: editor.text })
  }

  /** Remembers the half-typed line together with the rest of what is on screen. */
  #setField(field: Field | null): void {
    this.#field = field
    this.#do({
      type: 'prompt',
      prompt:
        field === null
          ? null
          : { kind: field.kind, text: field.editor.text, cursor: field.editor.cursor, index: 0, historyIndex: null },
    })
  }

  #restorePrompt(): void {
    const prompt = this.#ui.prompt
    if (prompt === null) return
    const editor = { ...makeEditor(prompt.text, this.#ui.history), cursor: Math.min(prompt.cursor, prompt.text.length) }
    if (prompt.kind === 'command' || prompt.kind === 'filter') this.#field = { kind: prompt.kind, editor }
    else this.#list = { kind: prompt.kind, editor, index: prompt.index }
  }

  #completed(line: string): string | null {
    const options = completeLine(this.#lineSpecs(), line)
    if (options.length === 0) return null
    const first = options[0] ?? ''
    let common = first
    for (const option of options) while (!option.startsWith(common)) common = common.slice(0, -1)
    const head =
      /\s$/.test(line) || line === '' ? line : line.slice(0, line.length - (/\S+$/.exec(line)?.[0].length ?? 0))
    if (options.length > 1) this.setMessage(options.slice(0, 12).join('  '))
    return head + common + (options.length === 1 ? ' ' : '')
  }

  #lineSpecs(): readonly CommandSpec[] {
    return this.#deps.registry.specs.filter((s) => s.where === 'global' || s.where.length > 0)
  }

  #runLine(line: string): void {
    if (line.trim() === '') return
    this.#do({ type: 'remember-line', line })
    const parsed = parseLine(this.#lineSpecs(), line)
    if (!parsed.ok) this.setMessage(parsed.text, 'error')
    else this.runCommand(parsed.parsed.spec, parsed.parsed.args, 'command-line')
  }

  #listKey(chord: string, text: string): void {
    const list = this.#list
    if (list === null) return
    const rows = this.#listRows(list)
    if (chord === 'esc' || chord === 'ctrl+c') this.#setList(null)
    else if (chord === 'down' || chord === 'ctrl+n' || chord === 'tab')
      this.#setList({ ...list, index: Math.min(rows.length - 1, list.index + 1) })
    else if (chord === 'up' || chord === 'ctrl+p' || chord === 'shift+tab')
      this.#setList({ ...list, index: Math.max(0, list.index - 1) })
    else if (chord === 'pagedown') this.#setList({ ...list, index: Math.min(rows.length - 1, list.index + 10) })
    else if (chord === 'pageup') this.#setList({ ...list, index: Math.max(0, list.index - 10) })
    else if (chord === 'enter') {
      const row = rows[Math.min(list.index, rows.length - 1)]
      this.#setList(null)
      const spec = row === undefined ? undefined : this.#deps.registry.get(row.id)
      if (spec !== undefined) this.runCommand(spec, {}, 'palette')
    } else {
      const action = editorAction(chord, text)
      if (action !== null) this.#setList({ ...list, editor: reduceEditor(list.editor, action), index: 0 })
    }
  }

  #setList(list: ListOverlay | null): void {
    this.#list = list
    this.#do({
      type: 'prompt',
      prompt:
        list === null
          ? null
          : {
              kind: list.kind,
              text: list.editor.text,
              cursor: list.editor.cursor,
              index: list.index,
              historyIndex: null,
            },
    })
  }

  #listRows(list: ListOverlay) {
    return listRows(
      list.kind,
      list.editor.text,
      this.#deps.registry,
      this.#keymap,
      this.#commandState(),
      this.#theme.glyphs.isUnicode,
    )
  }

  #dialogKey(chord: string, text: string): void {
    const atMs = this.#deps.clock.monotonicMs()
    if (chord === 'esc' || chord === 'ctrl+c') return this.#toDialog({ type: 'cancel', atMs })
    if (chord === 'enter') return this.#toDialog({ type: 'accept', atMs })
    if (chord === 'left' || chord === 'right' || chord === 'tab' || chord === 'shift+tab') {
      if (this.#dialog?.state.question.kind === 'confirm') return this.#toDialog({ type: 'choose', atMs })
    }
    if (this.#dialog?.state.question.kind === 'confirm' && (chord === 'y' || chord === 'n'))
      return this.#toDialog({ type: 'choose', choice: chord === 'y' ? 'yes' : 'no', atMs })
    const edit = editorAction(chord, text)
    if (edit !== null) this.#toDialog({ type: 'edit', edit, atMs })
  }

  #toDialog(action: DialogAction): void {
    if (this.#dialog === null) return
    const { resolve } = this.#dialog
    const state = reduceDialog(this.#dialog.state, action)
    this.#dialog = state.outcome === 'open' ? { state, resolve } : null
    if (state.outcome === 'cancelled') resolve(null)
    if (state.outcome === 'accepted') resolve(state.question.kind === 'confirm' ? 'yes' : state.editor.text)
    this.changed()
  }

  #formKey(chord: string, text: string): void {
    const form = this.#form
    if (form === null) return
    const isLast = form.state.index === form.state.fields.length - 1
    if (chord === 'esc' || chord === 'ctrl+c') this.#form = null
    else if (chord === 'tab' || chord === 'down' || (chord === 'enter' && !isLast))
      this.#toForm({ type: 'field', by: 1 })
    else if (chord === 'shift+tab' || chord === 'up') this.#toForm({ type: 'field', by: -1 })
    else if (chord === 'enter') {
      const read = readForm(form.spec.args, form.state)
      if (!read.isValid) return this.#toForm({ type: 'errors', errors: read.errors })
      this.#form = null
      this.runCommand(form.spec, read.values, 'key')
    } else if (
      (chord === 'left' || chord === 'right' || chord === 'space') &&
      form.state.lines[form.state.fields[form.state.index]?.name ?? ''] === undefined
    ) {
      this.#toForm({ type: 'choose', by: chord === 'left' ? -1 : 1 })
    } else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#toForm({ type: 'edit', edit })
    }
  }

  #toForm(action: Parameters<typeof reduceForm>[1]): void {
    if (this.#form !== null) this.#form = { ...this.#form, state: reduceForm(this.#form.state, action) }
  }

  #ask(question: DialogQuestion): Promise<string | null> {
    return new Promise((resolve) => {
      this.#dialog?.resolve(null)
      this.#dialog = { state: openDialog(question), resolve }
      this.changed()
    })
  }

  // ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────

  #commandState(): CommandState {
    const { workspace } = this.#deps
    return {
      screen: this.#ui.screen,
      run: workspace.run(),
      hasPlan: workspace.plan().status !== 'none',
      busyWith: this.#live?.commandId ?? null,
      selection: this.#selected(this.#focus()),
      nowMs: this.#nowMs,
    }
  }

  /** Runs a command by whatever way it was asked for; one that cannot run says why. */
  runCommand(spec: CommandSpec, args: Readonly<Record<string, unknown>>, via: CommandEnvironment['via']): void {
    const why = whyDisabled(spec, this.#commandState())
    if (why !== null) {
      this.setMessage(`${spec.title}: ${why}`, 'warn')
      return
    }
    if (spec.run === undefined) {
      this.#uiCommand(spec.id)
      return
    }
    const parsed = spec.args.safeParse(this.#withSelection(spec, args))
    if (!parsed.success) {
      // Arguments are missing: a key has no way to give them, so they are asked for.
      this.#form = { spec, state: makeForm(spec.args, args) }
      this.changed()
      return
    }
    void this.#act(spec, parsed.data as Record<string, unknown>, via)
  }

  /** Rows under the cursor stand in for arguments that were not given. */
  #withSelection(spec: CommandSpec, args: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const selected = this.#selected(this.#focus())
    const given = { ...args }
    if (selected === null) return given
    const fill = (name: string, value: unknown) => {
      if (given[name] === undefined && name in spec.args.shape) given[name] = value
    }
    if (spec.id === 'item.override') fill('item', selected)
    if (spec.id === 'run.archive') fill('run', selected)
    if (spec.id === 'patrol.acknowledge') fill('finding', selected)
    if (spec.id === 'checklist.tick') {
      fill('file', this.#focus())
      fill('task', Number(selected))
    }
    return given
  }

  async #act(
    spec: CommandSpec,
    args: Readonly<Record<string, unknown>>,
    via: CommandEnvironment['via'],
  ): Promise<void> {
    const { workspace, clock } = this.#deps
    const isForeground = via !== 'auto'
    const abort = new AbortController()
    if (isForeground) {
      this.#abort = abort
      this.#live = {
        commandId: spec.id,
        title: spec.title,
        startedAtMs: clock.nowMs(),
        items: [],
        progress: null,
        output: [],
      }
      this.#message = null
      this.changed()
    }
    const env: CommandEnvironment = {
      projectFolder: workspace.projectFolder,
      via,
      who: this.#who,
      runId: workspace.run()?.runId ?? null,
      signal: abort.signal,
      ask: {
        confirm: async (title, lines) => (await this.#ask({ kind: 'confirm', title, lines })) === 'yes',
        typed: (title, expected, lines) => this.#ask({ kind: 'typed', title, expected, lines }),
        text: (title, initial) => this.#ask({ kind: 'text', title, lines: [], initial }),
      },
      progress: (progress) => {
        if (this.#live !== null && isForeground) {
          this.#live = withProgress(this.#live, progress)
          this.changed()
        }
      },
      openRun: (runId) => {
        void workspace.openRun(runId).then(() => this.#do({ type: 'open-run', runId }))
      },
    }
    try {
      const result = await (spec.run as NonNullable<CommandSpec['run']>)(env, args)
      if (spec.id === 'patrol.tick' && env.runId !== null && isObservation(result.data))
        this.#observed = { runId: env.runId, observation: result.data }
      if (isForeground) {
        const tone = result.exitCode === 0 ? 'info' : result.exitCode === 3 ? 'warn' : 'error'
        this.#message = {
          text: abort.signal.aborted ? `${spec.title}: cancelled; ${result.summary}` : result.summary,
          tone: abort.signal.aborted ? 'warn' : tone,
        }
      }
    } catch (error) {
      if (abort.signal.aborted) this.setMessage(`${spec.title}: cancelled; what was done so far is recorded`, 'warn')
      else this.#fail(error)
    } finally {
      if (isForeground) {
        this.#live = null
        this.#abort = null
      }
      await workspace.refresh().catch((error: unknown) => this.#fail(error))
      this.#nowMs = clock.nowMs()
      this.loadSoon()
      this.changed()
    }
  }

  /** One look at the run by itself, at most one at a time; its cell is not recorded, what it finds is. */
  autoTick(): void {
    const spec = this.#deps.registry.get('patrol.tick')
    if (
      spec === undefined ||
      this.#isTicking ||
      this.#live !== null ||
      whyDisabled(spec, this.#commandState()) !== null
    )
      return
    this.#isTicking = true
    void this.#act(spec, {}, 'auto').finally(() => {
      this.#isTicking = false
    })
  }
  #isTicking = false
  #observed: { readonly runId: string; readonly observation: Observation } | null = null

  #fail(error: unknown): void {
    this.setMessage(error instanceof Error ? error.message : String(error), 'error')
  }

  #uiCommand(id: string): void {
    const { host, workspace } = this.#deps
    if (id.startsWith('go.')) {
      const to = id.slice(3)
      if (to === 'back' || to === 'forward') this.#do({ type: to })
      else this.#do({ type: 'go', screen: to as ScreenId })
      this.loadSoon()
      return
    }
    const pane = this.#placed().find((p) => p.id === this.#focus())
    if (id.startsWith('move.') && pane !== undefined) {
      const page = Math.max(1, pane.height - 4)
      const by = { 'move.down': 1, 'move.up': -1, 'move.page-down': page, 'move.page-up': -page }[id]
      if (by !== undefined) this.#move(pane, by, 'by')
      else this.#move(pane, id === 'move.top' ? 0 : Number.MAX_SAFE_INTEGER, 'to')
      this.loadSoon(80)
      return
    }
    switch (id) {
      case 'view.open':
        return this.#open()
      case 'view.next-pane':
        return this.#cycle(1)
      case 'view.previous-pane':
        return this.#cycle(-1)
      case 'view.zoom':
        return this.#do({ type: 'zoom' })
      case 'view.filter':
        return this.#setField({ kind: 'filter', editor: makeEditor(paneOf(this.#ui, this.#focus()).filter) })
      case 'view.copy':
      case 'view.copy-pane':
        return void this.#copy(id === 'view.copy-pane')
      case 'view.pager':
        return void host.page(this.#paneText(true)).catch((error: unknown) => this.#fail(error))
      case 'app.command-line':
        return this.#setField({ kind: 'command', editor: makeEditor('', this.#ui.history) })
      case 'app.palette':
      case 'app.help':
        return this.#setList({ kind: id === 'app.help' ? 'help' : 'palette', editor: makeEditor(), index: 0 })
      case 'app.repaint':
        return host.repaint()
      case 'app.suspend':
        return host.suspend()
      case 'app.mouse': {
        const isOn = !this.#ui.hasMouse
        host.setMouse(isOn)
        this.#do({ type: 'mouse', on: isOn })
        return this.setMessage(
          isOn
            ? 'the mouse scrolls and clicks in kx; M releases it'
            : 'the mouse is released: the terminal selects text; M takes it back',
        )
      }
      case 'app.dismiss':
        this.#message = null
        return
      case 'app.cancel':
        return this.#cancel()
      case 'app.quit':
        return void this.#quit()
      case 'plan.edit': {
        const plan = workspace.plan()
        const file = plan.status === 'ok' ? plan.loaded.file : plan.status === 'bad' ? plan.file : null
        if (file === null) return this.setMessage('the plan is still being read', 'warn')
        return void host
          .edit(file)
          .then(() => workspace.reloadPlan())
          .catch((error: unknown) => this.#fail(error))
      }
      default:
        this.setMessage(`${id} has no act here`, 'error')
    }
  }

  #cancel(): void {
    if (this.#abort !== null) {
      this.#abort.abort(new Error('cancelled'))
      this.setMessage('cancelling: the process group is ended …', 'warn')
    } else if (this.#message !== null) this.#message = null
    else if (paneOf(this.#ui, this.#focus()).filter !== '')
      this.#do({ type: 'filter', pane: this.#focus(), filter: '' })
    else this.setMessage('nothing runs here; q leaves kx (what runs on a box goes on)')
  }

  async #quit(): Promise<void> {
    if (this.#live !== null) {
      const answer = await this.#ask({
        kind: 'confirm',
        title: `${this.#live.title} is still running here. End it and leave?`,
        lines: ['What runs on a box goes on.'],
      })
      if (answer === null) return
      this.#abort?.abort(new Error('kx is closing'))
    }
    this.#deps.host.quit(0)
  }

  #open(): void {
    const pane = this.#paneModel(this.#focus())
    const row = this.#selected(this.#focus())
    if (pane === null || row === null) return
    if (this.#ui.screen === 'home' && pane.id === 'runs') return this.#runById('run.open', { run: row })
    if (this.#ui.screen === 'checklists') return this.#runById('checklist.tick', {})
    if (pane.kind === 'checklist') this.#do({ type: 'toggle-open', pane: pane.id, rowId: row })
    else this.#cycle(1)
  }

  #runById(id: string, args: Readonly<Record<string, unknown>>): void {
    const spec = this.#deps.registry.get(id)
    if (spec !== undefined) this.runCommand(spec, args, 'key')
  }

  #cycle(by: number): void {
    const ids = this.#input().model.panes.map((p) => p.id)
    const at = ids.indexOf(this.#focus())
    const next = ids[(at + by + ids.length) % ids.length]
    if (next !== undefined) this.#do({ type: 'focus', pane: next })
    this.loadSoon()
  }

  async #copy(isWhole: boolean): Promise<void> {
    const said = await this.#deps.host.copy(this.#paneText(isWhole))
    this.setMessage(said)
  }

  #paneText(isWhole: boolean): string {
    const pane = this.#paneModel(this.#focus())
    if (pane === null) return ''
    const lines = paneLines(pane, 200, this.#theme.glyphs)
    if (isWhole) return `${lines.join('\n')}\n`
    const row = this.#selected(this.#focus())
    if (pane.kind === 'table') return pane.rows.find((r) => r.id === row)?.cells.join('\t') ?? ''
    if (pane.kind === 'checklist') {
      const item = pane.items.find((i) => i.id === row)
      return item === undefined ? '' : [`${item.id} ${item.title}: ${item.evidence}`, ...(item.detail ?? [])].join('\n')
    }
    if (pane.kind === 'text') return pane.lines.map(textOf)[paneOf(this.#ui, pane.id).top] ?? ''
    return lines.at(-1) ?? ''
  }

  // ── panes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #focus(): string {
    return focusedPane(this.#input().model, this.#ui.focus[this.#ui.screen])
  }

  #paneModel(id: string): PaneModel | null {
    const pane = this.#input().model.panes.find((p) => p.id === id)
    return pane === undefined ? null : filtered(pane, paneOf(this.#ui, id).filter)
  }

  #placed(): readonly PlacedPane[] {
    const { columns, rows } = this.#size
    const area = chromeFor(columns, rows, this.#live !== null).panes
    return placePanes(this.#input().model, this.#focus(), this.#ui.isZoomed, area)
  }

  #paneAt(column: number, row: number): PlacedPane | null {
    return (
      this.#placed().find((p) => column >= p.x && column < p.x + p.width && row >= p.y && row < p.y + p.height) ?? null
    )
  }

  #move(pane: PlacedPane, amount: number, how: 'by' | 'to'): void {
    const model = this.#paneModel(pane.id)
    if (model === null) return
    const state = paneOf(this.#ui, pane.id)
    const rowIds = rowIdsOf(model)
    if (model.kind === 'text' || model.kind === 'log' || model.kind === 'chart' || model.kind === 'meters') {
      const height = pane.height - 2
      const count = rowCount(model, pane.width - 2)
      const top = scrolledTop(model, state, count, height)
      const last = Math.max(0, count - height)
      const next = Math.max(0, Math.min(last, how === 'by' ? top + amount : amount))
      this.#do({ type: 'scroll', pane: pane.id, top: next, isFollowing: next >= last })
      return
    }
    const height = pane.height - 2 - (model.kind === 'table' ? 1 : 0)
    const cursor = cursorOf(model, state, rowIds)
    this.#do({ type: 'move', pane: pane.id, to: how === 'by' ? cursor + amount : amount, rowIds, height })
  }

  readonly #selected = (paneId: string): string | null => {
    const pane = this.#model?.model.panes.find((p) => p.id === paneId)
    const state = paneOf(this.#ui, paneId)
    if (pane === undefined) return state.rowId
    const rowIds = rowIdsOf(filtered(pane, state.filter))
    const cursor = cursorOf(pane, state, rowIds)
    return cursor < 0 ? null : (rowIds[cursor] ?? null)
  }

  #do(action: UiAction): void {
    const next = reduceUi(this.#ui, action)
    if (next === this.#ui) return
    this.#ui = next
    this.#deps.remember(next)
    this.changed()
  }

  // ── snapshot ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The screen as data, made anew only when something that it is drawn from changed. */
  #input(): { readonly input: ScreenInput; readonly model: ScreenModel } {
    const { workspace } = this.#deps
    const theme = this.#theme
    const run = workspace.run()
    const plan = workspace.plan()
    const shelves = workspace.shelves()
    const cursors = this.#ui.panes
    const key = [this.#nowMs, run, plan, shelves, this.#live, this.#observed, this.#theme, this.#ui.screen, cursors]
    if (this.#model !== null && key.every((part, i) => part === this.#model?.key[i])) return this.#model
    const input: ScreenInput = {
      nowMs: this.#nowMs,
      project: workspace.project,
      projectFolder: workspace.projectFolder,
      run,
      plan,
      ...workspace.standings(this.#nowMs, phaseOfCommand(this.#live?.commandId)),
      live: this.#live,
      observation: this.#newestObservation(run),
      shelves,
      selected: this.#selected,
      screen: this.#ui.screen,
      isUnicode: theme.glyphs.isUnicode,
    }
    this.#model = { key, input, model: screenModel(input) }
    return this.#model
  }

  /** The look of this process when it is newer than the one on record. */
  #newestObservation(run: RunState | null): Observation | null {
    const stored = (run?.observation?.payload ?? null) as Observation | null
    const own = this.#observed !== null && this.#observed.runId === run?.runId ? this.#observed.observation : null
    return own !== null && own.atMs >= (stored?.atMs ?? 0) ? own : stored
  }

  #overlay(): Overlay | null {
    if (this.#dialog !== null) return { kind: 'dialog', state: this.#dialog.state }
    if (this.#form !== null) return { kind: 'form', title: this.#form.spec.title, state: this.#form.state }
    if (this.#list === null) return null
    const rows = this.#listRows(this.#list)
    const title = this.#list.kind === 'palette' ? 'Commands' : `Keys and commands of ${this.#input().model.title}`
    return {
      kind: 'list',
      title,
      editor: this.#list.editor,
      rows,
      index: Math.max(0, Math.min(this.#list.index, rows.length - 1)),
    }
  }

  #hints(): readonly Hint[] {
    const state = this.#commandState()
    const isUnicode = this.#theme.glyphs.isUnicode
    const offered = this.#deps.registry.on(this.#ui.screen).filter((s) => s.hint !== undefined)
    return offered.flatMap((spec) => {
      const chord = this.#keymap.chords.get(spec.id)?.[0]
      if (chord === undefined) return []
      return [
        {
          key: showChord(chord, !isUnicode),
          text: spec.hint ?? spec.title,
          isDisabled: whyDisabled(spec, state) !== null,
        },
      ]
    })
  }

  #fieldView(): Snapshot['field'] {
    if (this.#field === null) return null
    const { kind, editor } = this.#field
    if (kind === 'command') return { sign: ':', editor, note: '' }
    return { sign: '/', editor, note: parseLogFilter(editor.text).error() ?? '' }
  }

  #make(): Snapshot {
    const { input, model } = this.#input()
    const next = lookup(this.#keymap, this.#pending, this.#ui.screen)
    const pending =
      this.#pending.length === 0 || next.kind !== 'pending'
        ? null
        : {
            typed: this.#pending.map((p) => showChord(p)).join(' '),
            next: next.next.map((n) => ({
              key: showChord(n.press),
              title: this.#deps.registry.get(n.commandIds[0] ?? '')?.title ?? '',
            })),
          }
    return {
      ui: this.#ui,
      columns: this.#size.columns,
      rows: this.#size.rows,
      theme: this.#theme,
      input,
      model,
      overlay: this.#overlay(),
      field: this.#fieldView(),
      message: this.#message,
      pending,
      hints: this.#hints(),
    }
  }
}

/** Phase whose act runs, by the first word of its command. */
function phaseOfCommand(commandId: string | undefined) {
  const word = commandId?.split('.')[0] ?? ''
  return isPhase(word) ? word : null
}

function isObservation(data: unknown): data is Observation {
  return typeof data === 'object' && data !== null && 'decision' in data && 'units' in data
}
