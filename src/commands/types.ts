import type { z } from 'zod'
import type { ActResult } from '../run/act.ts'
import type { Risk, RunState } from '../run/types.ts'
import type { LinkView } from '../session/link-words.ts'

/** Every screen, in the order in which help and docs name them. */
export const screenIds = [
  'home',
  'plan',
  'audit',
  'smoke',
  'cost',
  'launch',
  'patrol',
  'teardown',
  'fleet',
  'checklists',
  'profiles',
  'recipes',
  'compare',
  'report',
  'notebook',
  'config',
] as const
export type ScreenId = (typeof screenIds)[number]

/** What a command may look at to say whether it can run now. Plain data: no I/O. */
export interface CommandState {
  readonly screen: ScreenId
  readonly run: RunState | null
  readonly hasPlan: boolean
  /** Id of the command whose cell is running now. */
  readonly busyWith: string | null
  /** Row that the screen's cursor is on, if the screen has one: unit id, item id, run id, task number. */
  readonly selection: string | null
  /** Arguments that were given by hand: they count, and not the row. Absent: none. */
  readonly given?: Readonly<Record<string, unknown>>
  readonly nowMs: number
  /** Links to hosts that are open; absent: none. */
  readonly links?: readonly LinkView[]
}

export interface CommandSpec<S extends z.ZodObject = z.ZodObject> {
  /** Stable: `audit.run`. Key bindings, `:` line, docs and `--json` use it. */
  readonly id: string
  readonly title: string
  /** One or two sentences for help and docs. */
  readonly description: string
  readonly args: S
  /** Names of arguments that may be given by position, in order. The last one takes all further words where it is a list. */
  readonly positional?: readonly string[]
  /** Argument (of text by name) that takes every flag the command does not know itself: those of a recipe, say. */
  readonly takesFlags?: string
  /** Default key chords, such as `r`, `g p`, `ctrl+l`. */
  readonly keys?: readonly string[]
  /** Screens where keys and palette offer it; `global` everywhere. */
  readonly where: 'global' | readonly ScreenId[]
  readonly risk: Risk
  /** Keys within what it opens: chord and what it does there, for the help and the docs. */
  readonly innerKeys?: readonly (readonly [chord: string, does: string])[]
  /** Shown in the hint bar of its screens, in this word or two. */
  readonly hint?: string
  /** Words of the CLI, such as `['profile', 'show']`; absent: not reachable from argv. */
  readonly cli?: readonly string[]
  /** Run where only the words before the last one are given, as `kx lease` for `kx lease show`. */
  readonly isCliDefault?: boolean
  /** Commands beside which it may run: it does not wait for them to end. `any`: beside all of them. */
  readonly besides?: readonly string[] | 'any'
  /** Its lines are what was asked for: the workbench shows them whole, and not its summary alone. */
  readonly isShownWhole?: boolean
  /** Why it cannot run now, in words; null when it can. */
  readonly disabled?: (state: CommandState) => string | null
  /**
   * What it does. UI-only commands (movement, palette) leave this out and are handled by the workbench under their id.
   * Loads its phase lazily.
   */
  readonly run?: (env: CommandEnvironment, args: z.infer<S>) => Promise<ActResult>
}

/** How a person is asked. Headless without a terminal answers "needs a person" (exit 3). */
export interface Asker {
  /** False: nobody is there to answer, and a no is nobody's. Absent: somebody is. */
  readonly isAttended?: boolean
  confirm(question: string, detail: readonly string[]): Promise<boolean>
  /** Returns what was typed, or null when cancelled. */
  typed(question: string, expected: string, detail: readonly string[]): Promise<string | null>
  text(question: string, initial: string): Promise<string | null>
}

export type Settings = Readonly<Record<string, unknown>>

/** What handlers are given; made by `cli` (headless) or the workbench. Filled in by `session`. */
export interface CommandEnvironment {
  readonly projectFolder: string
  readonly via: 'key' | 'command-line' | 'palette' | 'cli' | 'auto' | 'prompt'
  readonly who: string
  readonly runId: string | null
  /** Settings from the command line, by dotted key: the strongest layer (`planFile` of `--plan`, say). */
  readonly settings: Settings
  readonly signal: AbortSignal
  readonly ask: Asker
  /** Live progress for the running cell. */
  readonly progress: (progress: import('../run/act.ts').Progress) => void
  /** Takes lines of the result as they come; absent: nobody looks on, and they stand in the result. */
  readonly print?: (line: string) => void
  /** Opens another run in the workbench, of another project where a folder is given, at a cell where one is; a no-op headless. */
  readonly openRun: (runId: string | null, projectFolder?: string, cellId?: string) => void
}
