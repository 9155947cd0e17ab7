import { spawn } from 'node:child_process'
import { createElement } from 'react'
import { buildKeymap } from '../../src/commands/keymap.ts'
import { allCommands } from '../../src/commands/list/all.ts'
import type { ScreenId, Settings } from '../../src/commands/types.ts'
import { openMemory } from '../../src/session/memory.ts'
import type { WorkbenchSettings } from '../../src/session/view.ts'
import type { Workspace } from '../../src/session/workspace.ts'
import { mountInk, openTerminal, type Terminal } from '../../src/terminal/session.ts'
import { nextAgeChangeMs } from '../../src/text/format.ts'
import { makeTheme, type Theme, type ThemeName } from '../../src/ui/theme.ts'
import { App } from './app.tsx'
import { Controller } from './controller.ts'
import { readUiState } from './remembered.ts'
import { catchStrays } from './strays.ts'
import { freshUi, type UiState } from './ui-state.ts'

export interface StartOptions {
  readonly projectFolder: string
  readonly stateFolder: string
  /** Settings from the command line. */
  readonly settings: Settings
  readonly screen: string | null
  /** Login name, for records. */
  readonly who: string
  readonly theme: string | null
  readonly isAscii: boolean
  readonly isColourless: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Made with what was remembered; begins to read only when told. */
  readonly makeWorkspace: (
    runId: string | null,
    onTrouble: (text: string) => void,
  ) => Workspace & { begin(): Promise<void> }
  readonly loadSettings: () => Promise<WorkbenchSettings>
}

const themeNames: readonly string[] = ['dark', 'light', 'ansi16', 'mono']
const depths = { none: 1, '16': 4, '256': 8, truecolor: 24 } as const

function themeFor(
  terminal: Terminal,
  options: StartOptions,
  wanted: ThemeName | 'auto',
  isAscii: boolean,
  color: 'auto' | 'always' | 'never' = 'auto',
): Theme {
  const { colorDepth, background, unicode } = terminal.capabilities
  const asked = options.theme !== null && themeNames.includes(options.theme) ? (options.theme as ThemeName) : wanted
  const name = asked === 'auto' ? (background === 'light' ? 'light' : 'dark') : asked
  const depth = options.isColourless || color === 'never' ? 1 : depths[String(colorDepth) as keyof typeof depths]
  const isUnicode = unicode && !options.isAscii && !isAscii
  terminal.setAscii(!isUnicode)
  return makeTheme({ name, colorDepth: depth ?? 4, isUnicode })
}

/** Words of a command: those of the settings, else those of a variable, which may carry flags. */
function wordsOf(
  setting: readonly string[] | null | undefined,
  variable: string | undefined,
  fallback: string,
): readonly string[] {
  return (
    setting ??
    (variable ?? '')
      .split(/\s+/)
      .filter((w) => w !== '')
      .concat(variable === undefined || variable.trim() === '' ? fallback.split(' ') : [])
  )
}

/** Runs a program on the terminal and waits for it. */
function runOnTerminal(words: readonly string[], args: readonly string[], input?: string): Promise<void> {
  const [program = '', ...flags] = words
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...flags, ...args], {
      stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    })
    child.once('error', (error) =>
      reject(new Error(`${program} could not be started: ${error.message}. Set editor or pager in .kxrc.`)),
    )
    child.once('exit', () => resolve())
    // A pager that is left early closes its input; that is no failure.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** How the workbench was left: for good, or for a run of another project. */
export interface Left {
  readonly exitCode: number
  readonly next: { readonly projectFolder: string; readonly runId: string | null } | null
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
  const initial = isScreen ? { ...value, screen: options.screen as ScreenId } : value
  const registry = allCommands()
  let controller: Controller | null = null
  let settings: WorkbenchSettings | null = null
  let leave: (exitCode: number, next?: Left['next']) => void = () => {}
  const left = new Promise<Left>((resolve) => {
    leave = (exitCode, next = null) => resolve({ exitCode, next })
  })

  const releaseStrays = catchStrays(options.stateFolder)
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
    settings: options.settings,
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    remember: (ui) => memory.set(ui),
    host: {
      repaint: () => terminal.forceRepaint(),
      suspend: () => {
        memory.flush()
        terminal.suspend()
      },
      setMouse: (isOn) => terminal.setMouse(isOn),
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
      goToProject: (projectFolder, runId) => leave(0, { projectFolder, runId }),
    },
  })
  controller = made
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
  await new Promise((resolve) => setImmediate(resolve))
  // Only now is anything read: the frame above shows what was remembered.
  const settling = options.loadSettings().then((found) => {
    settings = found
    made.setSettings(
      themeFor(terminal, options, found.theme, found.isAscii, found.color),
      buildKeymap(registry.specs, found.keys),
      found,
    )
  })
  const beginning = workspace.begin().then(() => {
    made.loadSoon()
    // What is on record of a live run is as old as the last kx; it is looked at right away.
    if (made.isRunLive) made.autoTick()
  })
  for (const work of [settling, beginning])
    work.catch((error: unknown) => made.setMessage(error instanceof Error ? error.message : String(error), 'error'))

  const stopClock = startClock(made, () => settings?.refreshSeconds ?? 2)
  const result = await left
  stopClock()
  unsubscribe()
  made.close()
  memory.close()
  workspace.close()
  terminal.close()
  ink.unmount()
  releaseStrays()
  return result
}

/**
 * The one timer. While a run is live it looks at it every `refreshSeconds`; otherwise it sleeps until the oldest age on
 * screen reads differently. With neither there is no timer at all.
 */
function startClock(controller: Controller, refreshSeconds: () => number): () => void {
  let timer: NodeJS.Timeout | null = null
  let isStopped = false
  const plan = () => {
    if (isStopped) return
    if (timer !== null) clearTimeout(timer)
    timer = null
    const wait = controller.isRunLive ? refreshSeconds() * 1000 : nextTickMs(controller)
    if (wait === null) return
    timer = setTimeout(() => {
      // A look draws once, at its end, with all ages as they are then.
      if (!controller.isRunLive || !controller.autoTick()) controller.tick()
      plan()
    }, wait)
    timer.unref()
  }
  let wasLive = controller.isRunLive
  const unsubscribe = controller.subscribe(() => {
    if (controller.isRunLive !== wasLive || timer === null) {
      const hasBegun = controller.isRunLive && !wasLive
      wasLive = controller.isRunLive
      plan()
      // What was launched just now, or was found running, is looked at without waiting for a first tick.
      if (hasBegun) controller.autoTick()
    }
  })
  plan()
  return () => {
    isStopped = true
    unsubscribe()
    if (timer !== null) clearTimeout(timer)
  }
}

/** When the oldest visible age changes its text; null where no age is shown. Idle screens redraw at most once a minute. */
function nextTickMs(controller: Controller): number | null {
  const oldest = controller.youngestAgeMs()
  return oldest === null ? null : Math.max(60_000, nextAgeChangeMs(oldest))
}
