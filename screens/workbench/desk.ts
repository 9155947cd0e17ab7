import { showChord } from '../../src/commands/chord.ts'
import type { Keymap } from '../../src/commands/keymap.ts'
import type { CellHits } from '../../src/commands/notebook-search.ts'
import type { RecipeOffer } from '../../src/commands/recipe-for.ts'
import type { Registry } from '../../src/commands/registry.ts'
import { withKeys } from '../../src/commands/say-keys.ts'
import type { CommandState, Settings } from '../../src/commands/types.ts'
import type { Links } from '../../src/host/link/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import type { RunState } from '../../src/run/types.ts'
import type { LinkView } from '../../src/session/link-words.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import { guardMs as defaultGuardMs } from '../../src/ui/dialog-model.ts'
import type { Theme } from '../../src/ui/theme.ts'
import { isPhase } from '../../src/walk/phase.ts'
import { screenHints } from './hints.ts'
import { actOf, type LiveAct, type ScreenInput } from './input.ts'
import { type Chrome, chromeFor, focusedPane, type PlacedPane, placePanes } from './layout.ts'
import { type MessageBlock, messageBlock, rowsAbove } from './message.ts'
import { type PaneModel, rowIdsOf, type ScreenModel } from './model.ts'
import { type Move, moveAction } from './pane-move.ts'
import { cursorOf, filtered } from './pane-rows.ts'
import { rowText, wholeText } from './pane-text.ts'
import { reuseScreen } from './reuse.ts'
import { screenModel } from './screens.ts'
import type { Hint, Message } from './snapshot.ts'
import {
  comparePane,
  hostPane,
  marksPane,
  paneOf,
  reduceUi,
  sortPane,
  type UiAction,
  type UiState,
} from './ui-state.ts'

export interface DeskOptions {
  readonly workspace: Workspace
  readonly registry: Registry
  readonly keymap: Keymap
  readonly theme: Theme
  readonly initial: UiState
  readonly size: { readonly columns: number; readonly rows: number }
  readonly who: string
  /** Masks secrets in what is said; absent: nothing is known that must not be seen. */
  readonly mask?: (text: string) => string
  /** Settings from the command line, for the acts. */
  readonly settings: Settings
  /** Links to hosts; absent: none are ever open. */
  readonly links?: Links
  readonly clock: { nowMs(): number; monotonicMs(): number }
  /** Called with every change of what must survive a crash. */
  readonly remember: (ui: UiState) => void
}

/**
 * What lies on the desk: the open screen as data, where its cursors stand, what is said and what runs. Everything that
 * is drawn is read from here; whoever changes something here says so with `changed`.
 */
export class Desk {
  readonly workspace: Workspace
  readonly registry: Registry
  readonly clock: DeskOptions['clock']
  readonly settings: Settings
  readonly links: Links | null
  ui: UiState
  theme: Theme
  keymap: Keymap
  who: string
  size: { columns: number; rows: number }
  nowMs: number
  message: Message | null = null
  /** Newest message, also after it was cleared. */
  lastMessage: Message | null = null
  live: LiveAct | null = null
  /** Newest look of this process, which is not always journalled. */
  observed: { readonly runId: string; readonly observation: Observation } | null = null
  /** What a search of the notebook has found so far. */
  hits: CellHits | null = null
  /** Recipes for the finding that was last asked about. */
  offer: RecipeOffer | null = null
  /** What was last entered for a recipe, by its id and what it was for. */
  readonly given = new Map<string, Readonly<Record<string, unknown>>>()
  readonly #remember: (ui: UiState) => void
  readonly #onChange: () => void
  readonly #mask: (text: string) => string
  /** Keys that come earlier than this after a question was painted are not for it. */
  guardMs = defaultGuardMs
  #model: { readonly key: readonly unknown[]; readonly input: ScreenInput; readonly model: ScreenModel } | null = null
  #loadTimer: NodeJS.Timeout | null = null

  constructor(options: DeskOptions, onChange: () => void) {
    this.workspace = options.workspace
    this.registry = options.registry
    this.clock = options.clock
    this.settings = options.settings
    this.links = options.links ?? null
    this.ui = options.initial
    this.theme = options.theme
    this.keymap = options.keymap
    this.who = options.who
    this.size = options.size
    this.nowMs = options.clock.nowMs()
    this.#remember = options.remember
    this.#mask = options.mask ?? ((text) => text)
    this.#onChange = onChange
  }

  changed(): void {
    this.#onChange()
  }

  /** A text with what must not be seen masked, and commands of the shell as the keys of this screen. */
  words(text: string): string {
    return withKeys(this.#mask(text), this.registry, this.keymap, this.ui.screen)
  }

  say(text: string, tone: Message['tone'] = 'info'): void {
    this.message = { text: this.words(text), tone }
    this.lastMessage = this.message
    this.changed()
  }

  fail(error: unknown): void {
    this.say(error instanceof Error ? error.message : String(error), 'error')
  }

  /** One step of what is remembered. */
  do(action: UiAction): void {
    const next = reduceUi(this.ui, action)
    if (next === this.ui) return
    this.ui = next
    this.#remember(next)
    this.changed()
  }

  /** Reads what the open screen needs, soon; a person who holds a key down does not start a read for each press. */
  loadSoon(delayMs = 0): void {
    this.stopLoading()
    this.#loadTimer = setTimeout(() => {
      this.#loadTimer = null
      this.workspace
        .load(this.ui.screen, this.selected, this.isShown, (pane) => paneOf(this.ui, pane).open)
        .catch((error: unknown) => this.fail(error))
    }, delayMs)
  }

  stopLoading(): void {
    if (this.#loadTimer !== null) clearTimeout(this.#loadTimer)
    this.#loadTimer = null
  }

  /** The open screen as data, made anew only when something that it is drawn from changed. */
  screen(): { readonly input: ScreenInput; readonly model: ScreenModel } {
    const { workspace } = this
    const run = workspace.run()
    const plan = workspace.plan()
    const shelves = workspace.shelves()
    const standings = workspace.standings(this.nowMs, phaseOfAct(actOf(this.live)))
    const links = this.links?.all() ?? noLinks
    const reconnectKey = this.keyOf('host.reconnect')
    const hostKey = this.keyOf('view.host')
    const key = [
      this.nowMs,
      links,
      reconnectKey,
      hostKey,
      this.hits,
      this.offer,
      run,
      plan,
      shelves,
      standings,
      this.live,
      this.observed,
      this.theme,
      this.ui.screen,
      this.ui.panes,
    ]
    if (this.#model !== null && key.every((part, i) => part === this.#model?.key[i])) return this.#model
    const input: ScreenInput = {
      nowMs: this.nowMs,
      project: workspace.project,
      projectFolder: workspace.projectFolder,
      run,
      plan,
      ...standings,
      live: this.live,
      observation: this.#newestObservation(run),
      shelves,
      selected: this.selected,
      marked: paneOf(this.ui, marksPane).open,
      options: paneOf(this.ui, comparePane).open,
      sort: paneOf(this.ui, sortPane).filter,
      chosenHost: paneOf(this.ui, hostPane).filter,
      screen: this.ui.screen,
      isUnicode: this.theme.glyphs.isUnicode,
      links,
      reconnectKey,
      hostKey,
      hits: this.hits,
      offer: this.offer,
      mask: this.#mask,
    }
    this.#model = { key, input, model: reuseScreen(this.#model?.model ?? null, screenModel(input)) }
    return this.#model
  }

  /** The look of this process when it is newer than the one on record. */
  #newestObservation(run: RunState | null): Observation | null {
    const stored = (run?.observation?.payload ?? null) as Observation | null
    const own = this.observed !== null && this.observed.runId === run?.runId ? this.observed.observation : null
    return own !== null && own.atMs >= (stored?.atMs ?? 0) ? own : stored
  }

  commandState(): CommandState {
    return {
      screen: this.ui.screen,
      run: this.workspace.run(),
      hasPlan: this.workspace.plan().status !== 'none',
      busyWith: this.live?.commandId ?? null,
      selection: this.selected(this.focus()),
      nowMs: this.nowMs,
      links: this.links?.all() ?? noLinks,
    }
  }

  hints(): readonly Hint[] {
    return screenHints(this)
  }

  /** First key of a command as it is shown; empty when none is bound. */
  keyOf(commandId: string): string {
    const chord = this.keymap.chords.get(commandId)?.[0]
    return chord === undefined ? '' : showChord(chord, !this.theme.glyphs.isUnicode)
  }

  messageBlock(): MessageBlock | null {
    return this.message === null ? null : messageBlock(this.message, this.size, this.keyOf('message.show'))
  }

  /** How the screen is divided now. */
  chrome(): Chrome {
    const isTyping = this.ui.prompt?.kind === 'command' || this.ui.prompt?.kind === 'filter'
    const above = rowsAbove(this.messageBlock(), isTyping)
    return chromeFor(this.size.columns, this.size.rows, this.live !== null, above)
  }

  // ── panes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pane that has the keys. */
  focus(): string {
    return focusedPane(this.screen().model, this.ui.focus[this.ui.screen])
  }

  /** A pane as it is shown, filtered. */
  pane(id: string): PaneModel | null {
    const pane = this.screen().model.panes.find((p) => p.id === id)
    return pane === undefined ? null : filtered(pane, paneOf(this.ui, id).filter)
  }

  placed(): readonly PlacedPane[] {
    return placePanes(this.screen().model, this.focus(), this.ui.isZoomed, this.chrome().panes)
  }

  readonly isShown = (paneId: string): boolean => this.placed().some((pane) => pane.id === paneId)

  paneAt(column: number, row: number): PlacedPane | null {
    const isIn = (p: PlacedPane) => column >= p.x && column < p.x + p.width && row >= p.y && row < p.y + p.height
    return this.placed().find(isIn) ?? null
  }

  /** Row under the cursor of a pane. */
  readonly selected = (paneId: string): string | null => {
    const pane = this.#model?.model.panes.find((p) => p.id === paneId)
    const state = paneOf(this.ui, paneId)
    if (pane === undefined) return state.rowId
    const rowIds = rowIdsOf(filtered(pane, state.filter))
    const cursor = cursorOf(state, rowIds)
    return cursor < 0 ? null : (rowIds[cursor] ?? null)
  }

  /** Moves the cursor of a pane with rows, or scrolls one without. */
  move(pane: PlacedPane, amount: number, how: Move): void {
    const model = this.pane(pane.id)
    if (model !== null) this.do(moveAction(model, paneOf(this.ui, pane.id), pane, amount, how))
  }

  cycle(by: number): void {
    const ids = this.screen().model.panes.map((p) => p.id)
    const at = ids.indexOf(this.focus())
    const next = ids[(at + by + ids.length) % ids.length]
    if (next !== undefined) this.do({ type: 'focus', pane: next })
    this.loadSoon()
  }

  /** Text of the focused pane for the clipboard or the pager: the row under the cursor, or everything. */
  paneText(isWhole: boolean): string {
    const pane = this.pane(this.focus())
    if (pane === null) return ''
    const at = { row: this.selected(pane.id), top: paneOf(this.ui, pane.id).top }
    return isWhole ? wholeText(pane, this.theme.glyphs) : rowText(pane, at, this.theme.glyphs)
  }
}

const noLinks: readonly LinkView[] = []

/** Phase whose act runs, by the first word of its command. */
function phaseOfAct(commandId: string | null) {
  const word = commandId?.split('.')[0] ?? ''
  return isPhase(word) ? word : null
}
