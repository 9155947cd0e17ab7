import { EventEmitter } from 'node:events'
import { render } from 'ink'
import { App, type SnapshotStore } from '../../../screens/workbench/app.tsx'
import { Controller } from '../../../screens/workbench/controller.ts'
import { screenModel } from '../../../screens/workbench/screens.ts'
import type { Snapshot } from '../../../screens/workbench/snapshot.ts'
import { freshUi, type UiState } from '../../../screens/workbench/ui-state.ts'
import { buildKeymap } from '../../../src/commands/keymap.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import type { ScreenId } from '../../../src/commands/types.ts'
import type { Workspace } from '../../../src/session/workspace.ts'
import { makeTheme, type Theme } from '../../../src/ui/index.ts'
import { nowMs, type Scene } from './fixture.ts'

export const themes = {
  dark: makeTheme({ name: 'dark', colorDepth: 24, isUnicode: true }),
  ascii: makeTheme({ name: 'mono', colorDepth: 1, isUnicode: false }),
} as const

/** A terminal of any size that keeps the newest frame. */
class Terminal extends EventEmitter {
  readonly columns: number
  readonly rows: number
  frame = ''
  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }
  write = (text: string) => {
    if (text !== '') this.frame = text
    return true
  }
}

function workspaceOf(scene: Scene): Workspace {
  return {
    project: 'cpcv',
    projectFolder: '/home/ada/cpcv',
    run: () => scene.run,
    plan: () => scene.plan,
    standings: () => scene.standings,
    shelves: () => scene.shelves,
    openRun: async () => {},
    reloadPlan: async () => {},
    load: async () => {},
    refresh: async () => {},
    subscribe: () => () => {},
    close: () => {},
  }
}

export interface DrawOptions {
  readonly scene: Scene
  readonly screen: ScreenId
  readonly columns: number
  readonly rows: number
  readonly theme?: Theme
  readonly ui?: Partial<UiState>
  /** Draws as while this act runs. */
  readonly live?: Snapshot['input']['live']
}

export interface Drawn {
  /** Rows of the newest frame, without colours. */
  lines(): string[]
  /** The same with them. */
  frame(): string
  readonly snapshot: Snapshot
  unmount(): void
}

/** The real workbench, drawn by Ink into a terminal that only remembers. */
export function mount(options: DrawOptions): Drawn {
  const { scene, screen, columns, rows, theme = themes.dark } = options
  const nothing = () => {}
  const registry = allCommands()
  const controller = new Controller({
    workspace: workspaceOf(scene),
    registry,
    keymap: buildKeymap(registry.specs),
    theme,
    initial: { ...freshUi, screen, ...options.ui },
    size: { columns, rows },
    who: 'ada',
    settings: {},
    clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
    remember: nothing,
    host: {
      repaint: nothing,
      suspend: nothing,
      setMouse: nothing,
      bell: nothing,
      copy: async () => '',
      edit: async () => {},
      page: async () => {},
      quit: nothing,
      goToProject: nothing,
    },
  })
  const made = controller.get()
  const input = { ...made.input, live: options.live ?? null }
  const snapshot = { ...made, input, model: screenModel(input) }
  const store = { subscribe: () => nothing, get: () => snapshot }
  const drawn = drawStore(store, columns, rows)
  return {
    ...drawn,
    unmount: () => {
      drawn.unmount()
      controller.close()
    },
  }
}

/** The workbench on a store, drawn as it changes. */
export function drawStore(store: SnapshotStore, columns: number, rows: number): Drawn {
  const terminal = new Terminal(columns, rows)
  const { unmount } = render(<App store={store} />, {
    stdout: terminal as unknown as NodeJS.WriteStream,
    debug: true,
    patchConsole: false,
    exitOnCtrlC: false,
  })
  return {
    snapshot: store.get(),
    frame: () => terminal.frame,
    lines: () => terminal.frame.replace(/\x1b\[[0-9;]*m/g, '').split('\n'),
    unmount,
  }
}

/** One frame as rows. */
export function draw(options: DrawOptions): string[] {
  const drawn = mount(options)
  const lines = drawn.lines()
  drawn.unmount()
  return lines
}
