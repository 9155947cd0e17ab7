import { Controller } from '../../../screens/workbench/controller.ts'
import { screenLines } from '../../../screens/workbench/plain.ts'
import { freshUi, type UiState } from '../../../screens/workbench/ui-state.ts'
import { buildKeymap } from '../../../src/commands/keymap.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import { createRegistry } from '../../../src/commands/registry.ts'
import type { CommandSpec } from '../../../src/commands/types.ts'
import type { Links } from '../../../src/host/link/types.ts'
import type { RunState } from '../../../src/run/types.ts'
import type { PlanView, Shelves } from '../../../src/session/view.ts'
import type { Workspace } from '../../../src/session/workspace.ts'
import type { KeyEvent } from '../../../src/terminal/events.ts'
import { makeTheme } from '../../../src/ui/theme.ts'
import { phases } from '../../../src/walk/phase.ts'

export const emptyShelves: Shelves = {
  home: { runs: [], meters: [], warnings: [] },
  checklists: null,
  profiles: null,
  config: null,
  report: null,
  unitLog: null,
  series: [],
  seriesVersion: 0,
  cellOutput: null,
}

export interface Stage {
  readonly controller: Controller
  readonly acts: string[]
  readonly remembered: UiState[]
  /** Keys as a person types them: `:`, `enter`, `ctrl+p`, or a word in quotes for text. */
  press(...keys: string[]): Promise<void>
  /** The screen as plain lines. */
  text(): string
  time: { monotonicMs: number; nowMs: number }
}

function keyOf(chord: string): KeyEvent {
  const ctrl = chord.startsWith('ctrl+')
  const name = ctrl ? chord.slice(5) : chord
  const isPrintable = [...name].length === 1 && !ctrl
  return {
    type: 'key',
    name: isPrintable ? name.toLowerCase() : name,
    text: isPrintable ? name : name === 'space' ? ' ' : '',
    ctrl,
    meta: false,
    shift: isPrintable && name !== name.toLowerCase(),
  }
}

/** A workbench without a terminal, on a workspace that stands still. */
export function makeStage(
  options: {
    readonly plan?: PlanView
    /** A function: as it is when it is asked for. */
    readonly run?: RunState | null | (() => RunState)
    readonly ui?: Partial<UiState>
    readonly shelves?: Partial<Shelves>
    readonly size?: { columns: number; rows: number }
    readonly links?: Links
    /** In place of one that stands still. */
    readonly workspace?: Workspace
    readonly openPrompt?: NonNullable<ConstructorParameters<typeof Controller>[0]['openPrompt']>
    /** Stands in for what a command does. */
    readonly runs?: Readonly<Record<string, NonNullable<CommandSpec['run']>>>
  } = {},
): Stage {
  const acts: string[] = []
  const remembered: UiState[] = []
  const time = { monotonicMs: 10_000, nowMs: Date.UTC(2026, 10, 22) }
  const asked = options.run
  let run: () => RunState | null = typeof asked === 'function' ? asked : () => asked ?? null
  const workspace: Workspace = options.workspace ?? {
    project: 'demo',
    projectFolder: '/demo',
    run: () => run(),
    plan: () => options.plan ?? { status: 'none', file: 'kx.yaml' },
    standings: (_nowMs, busy) => ({
      phases: Object.fromEntries(phases.map((p) => [p, { state: p === busy ? 'running' : 'todo', why: '' }])) as never,
      staleness: new Map(),
    }),
    shelves: () => shelves,
    openRun: async (runId) => {
      acts.push(`open ${runId}`)
      run = () => null
    },
    reloadPlan: async () => {
      acts.push('reload')
    },
    load: async () => {},
    refresh: async () => {},
    subscribe: () => () => {},
    close: () => {},
  }
  const shelves = { ...emptyShelves, ...options.shelves }
  const own = allCommands()
  const registry = createRegistry(
    own.specs.map((spec) => {
      const run = options.runs?.[spec.id]
      return run === undefined ? spec : { ...spec, args: spec.args, run }
    }),
  )
  const controller = new Controller({
    workspace,
    registry,
    keymap: buildKeymap(registry.specs),
    theme: makeTheme({ name: 'mono', colorDepth: 1, isUnicode: false }),
    initial: { ...freshUi, ...options.ui },
    size: options.size ?? { columns: 80, rows: 24 },
    who: 'ada',
    settings: {},
    ...(options.links === undefined ? {} : { links: options.links }),
    ...(options.openPrompt === undefined ? {} : { openPrompt: options.openPrompt }),
    clock: { nowMs: () => time.nowMs, monotonicMs: () => time.monotonicMs },
    remember: (ui) => remembered.push(ui),
    host: {
      repaint: () => acts.push('repaint'),
      suspend: () => acts.push('suspend'),
      setMouse: (on) => acts.push(`mouse ${on}`),
      bell: () => acts.push('bell'),
      copy: async (text) => {
        acts.push(`copy ${text}`)
        return 'copied'
      },
      edit: async (file) => {
        acts.push(`edit ${file}`)
      },
      page: async () => {
        acts.push('page')
      },
      quit: (code) => acts.push(`quit ${code}`),
      goToProject: (folder, id, screen) =>
        acts.push(`project ${folder} ${id}${screen === undefined ? '' : ` ${screen}`}`),
    },
  })
  return {
    controller,
    acts,
    remembered,
    time,
    press: async (...keys) => {
      for (const key of keys) {
        const letters = key.startsWith('"') ? [...key.slice(1, -1)].map((c) => (c === ' ' ? 'space' : c)) : [key]
        for (const letter of letters) controller.onKey(keyOf(letter))
      }
      await new Promise((resolve) => setImmediate(resolve))
    },
    text: () => {
      const { model, input, theme } = controller.get()
      return screenLines(model, input, 100, theme.glyphs).join('\n')
    },
  }
}
