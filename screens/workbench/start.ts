import { setImmediate as turn } from 'node:timers/promises'
import { createElement } from 'react'
import { buildKeymap } from '../../src/commands/keymap.ts'
import { allCommands } from '../../src/commands/list/all.ts'
import type { ScreenId, Settings } from '../../src/commands/types.ts'
import type { Links } from '../../src/host/link/types.ts'
import type { OpenPrompt } from '../../src/repl/types.ts'
import type { Person } from '../../src/session/hosts.ts'
import { openMemory } from '../../src/session/memory.ts'
import type { WorkbenchSettings } from '../../src/session/view.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import { mountInk, openTerminal } from '../../src/terminal/session.ts'
import { App } from './app.tsx'
import { startClock } from './clock.ts'
import { Controller } from './controller.ts'
import { runOnTerminal, wordsOf } from './programs.ts'
import type { PromptSurface } from './prompt-surface.ts'
import { readUiState } from './remembered.ts'
import { catchStrays } from './strays.ts'
import { type ThemeFlags, themeFor } from './theme-choice.ts'
import { freshUi, reduceUi, type UiState } from './ui-state.ts'

export interface StartOptions extends ThemeFlags {
  readonly projectFolder: string
  readonly stateFolder: string
  /** Settings from the command line. */
  readonly settings: Settings
  readonly screen: string | null
  /** Links to hosts that the acts of this process open. */
  readonly links: Links
  /** Told who is asked for what a link needs; null when nobody is there any more. */
  readonly attend: (person: Person | null) => void
  /** Masks what no cell has masked: errors of libraries and systems, stray output. */
  readonly mask: (text: string) => string
  /** Login name, for records. */
  readonly who: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Made with what was remembered; begins to read only when told. */
  readonly makeWorkspace: (
    runId: string | null,
    onTrouble: (text: string) => void,
  ) => Workspace & { begin(): Promise<void> }
  readonly loadSettings: () => Promise<WorkbenchSettings>
  /** Opens the prompt. */
  readonly openPrompt: (surface: PromptSurface) => Promise<OpenPrompt>
}

/** How the workbench was left: for good, or for a run of another project. */
export interface Left {
  readonly exitCode: number
  readonly next: {
    readonly projectFolder: string
    readonly runId: string | null
    readonly screen: ScreenId | null
  } | null
}

/** Opens the workbench and settles when the person leaves. */
export async function startWorkbench(options: StartOptions): Promise<Left> {
  const memory = openMemory<UiState>({
    stateFolder: options.stateFolder,
    projectFolder: options.projectFolder,
    fresh: freshUi,
    parse: readUiState,
    onTrouble: (text) => {
      if (text !== null) controller?.setMessage(text, 'error')
    },
  })
  const { value, warning } = memory.load()
  const isScreen = options.screen !== null && readUiState({ screen: options.screen }) !== null
  const initial = isScreen ? reduceUi(value, { type: 'go', screen: options.screen as ScreenId }) : value
  // What was asked for is remembered like what was gone to: a kill before the first key must not lose it.
  if (isScreen) memory.set(initial)
  const registry = allCommands()
  let controller: Controller | null = null
  let settings: WorkbenchSettings | null = null
  let leave: (exitCode: number, next?: Left['next']) => void = () => {}
  const left = new Promise<Left>((resolve) => {
    leave = (exitCode, next = null) => resolve({ exitCode, next })
  })

  const releaseStrays = catchStrays(options.stateFolder, options.mask)
  const terminal = openTerminal({
    stdin: process.stdin,
    stdout: process.stdout,
    env: options.env,
    hasMouse: initial.hasMouse,
    onKey: (key) => controller?.onKey(key),
    onMouse: (mouse) => controller?.onMouse(mouse),
    onPaste: (paste) => controller?.onPaste(paste.text),
    onFocus: (focus) => focus.isFocused && void workspace.reloadPlan().catch(() => {}),
    onCapabilities: () =>
      controller?.setTheme(
        themeFor(terminal, options, settings?.theme ?? 'auto', settings?.isAscii ?? false, settings?.color),
      ),
    onSignal: (signal) => leave(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 129),
    onDetach: () => leave(129),
    copyFolder: options.stateFolder,
  })
  const workspace = options.makeWorkspace(initial.runId, (text) => controller?.setMessage(text, 'error'))
  const made = new Controller({
    workspace,
    registry,
    keymap: buildKeymap(registry.specs),
    theme: themeFor(terminal, options, 'auto', false),
    initial,
    size: terminal.size(),
    who: options.who,
    mask: options.mask,
    settings: options.settings,
    links: options.links,
    openPrompt: options.openPrompt,
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    remember: (ui) => memory.set(ui),
    host: {
      repaint: () => terminal.forceRepaint(),
      suspend: () => {
        memory.flush()
        terminal.suspend()
      },
      setMouse: (isOn) => terminal.setMouse(isOn),
      bell: () => terminal.bell(),
      copy: async (text) => {
        return (await terminal.copy(text)).message
      },
      edit: (file) =>
        terminal.release(() =>
          runOnTerminal(wordsOf(settings?.editor, options.env.VISUAL ?? options.env.EDITOR, 'vi'), [file]),
        ),
      page: (text) =>
        terminal.release(() => runOnTerminal(wordsOf(settings?.pager, options.env.PAGER, 'less -R'), [], text)),
      quit: (exitCode) => leave(exitCode),
      goToProject: (projectFolder, runId, screen = undefined) =>
        leave(0, { projectFolder, runId, screen: screen ?? null }),
    },
  })
  controller = made
  options.attend(made.person)
  if (warning !== null) made.setMessage(warning, 'warn')
  terminal.sink.on('resize', () => {
    const { columns, rows } = terminal.size()
    made.setSize(columns, rows)
  })
  const ink = mountInk(terminal, createElement(App, { store: made }))
  const unsubscribe = made.subscribe(() =>
    queueMicrotask(() => void ink.waitUntilRenderFlush().then(() => made.painted())),
  )

  // The paint of the first frame stands in the queue before this; reading would only hold it back.
  await turn()
  // Only now is anything read: the frame above shows what was remembered.
  const beginning = workspace.begin().then(() => {
    made.loadSoon()
    // What is on record of a live run is as old as the last kx; it is looked at right away.
    if (made.isRunLive) made.autoTick()
  })
  // What the run has is on screen before code for the settings is loaded: the paint waits for the second turn at most.
  await turn()
  await turn()
  const settling = options.loadSettings().then((found) => {
    settings = found
    terminal.setEscTimeout(found.escTimeoutMs)
    terminal.setClipboard(found.clipboard)
    made.setSettings(
      themeFor(terminal, options, found.theme, found.isAscii, found.color),
      buildKeymap(registry.specs, found.keys),
      found,
    )
  })
  for (const work of [settling, beginning])
    work.catch((error: unknown) => made.setMessage(error instanceof Error ? error.message : String(error), 'error'))

  const stopClock = startClock(made, () => settings?.refreshSeconds ?? 2)
  const result = await left
  stopClock()
  unsubscribe()
  options.attend(null)
  made.close()
  memory.close()
  workspace.close()
  terminal.close()
  ink.unmount()
  releaseStrays()
  return result
}
