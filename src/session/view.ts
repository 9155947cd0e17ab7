import type { CompareView } from '../compare/types.ts'
import type { LoadedPlan } from '../run/act.ts'
import type { ShownLog } from './log-follower.ts'

/** The plan file as the workbench last read it. */
export type PlanView =
  | { readonly status: 'loading' }
  | { readonly status: 'none'; readonly file: string }
  | { readonly status: 'ok'; readonly loaded: LoadedPlan; readonly readAtMs: number }
  | { readonly status: 'bad'; readonly file: string; readonly problems: readonly string[] }

export interface RunRow {
  readonly runId: string
  readonly project: string
  readonly projectFolder: string
  readonly name: string
  readonly state: string
  readonly progress: string
  /** When what is shown was last seen true; null: never. */
  readonly seenAtMs: number | null
  readonly usdPerHour: number | null
  readonly openFindings: number
  readonly isArchived: boolean
  readonly reason: string | null
}

export interface MeterRow {
  readonly meterId: string
  readonly what: string
  readonly host: string
  readonly runId: string
  readonly usdPerHour: number | null
  readonly openedAtMs: number
  readonly leaseUntilMs: number | null
  /** What was last seen or said of it; absent: nothing since it was opened. */
  readonly note?: string
}

export interface HomeView {
  readonly runs: readonly RunRow[]
  readonly meters: readonly MeterRow[]
  readonly warnings: readonly string[]
}

export interface ListedTask {
  readonly line: number
  readonly depth: number
  readonly isTicked: boolean
  readonly text: string
  readonly id: string | null
  readonly checks: readonly string[]
}
export interface ListedChecklist {
  readonly file: string
  readonly title: string
  readonly tasks: readonly ListedTask[]
  readonly problem: string | null
}

export interface Sample {
  readonly atMs: number
  readonly values: Readonly<Record<string, number | null>>
}

export interface UnitLog {
  readonly unit: string
  /** Null: nothing of it was read yet. */
  readonly log: ShownLog | null
  /** How it was read from another machine; absent: it lies on this one. */
  readonly far?: FarLook
}

/** How the log of a unit on another machine was read last. */
export interface FarLook {
  readonly host: string
  /** Of the last look that was answered; null: none was. */
  readonly readAtMs: number | null
  /** Whether the file was there at that look. */
  readonly isThere: boolean
  /** Whether there was a link that was up at the last try. */
  readonly isLinked: boolean
  /** Why nothing was read at the last try; null: it was read, or there was no link to try. */
  readonly trouble: string | null
}

/** A recipe as its screen shows it: what it says of itself, without any code of it. */
export interface ShownRecipe {
  readonly id: string
  readonly title: string
  readonly origin: string
  /** Why it cannot be used. */
  readonly problem: string | null
  readonly runbook: { readonly when: string; readonly touches: string; readonly back: string }
  readonly parameters: readonly {
    readonly name: string
    readonly type: 'text' | 'number' | 'boolean' | 'choice' | 'list'
    readonly description: string
    readonly choices: readonly string[]
    readonly isRequired: boolean
    readonly initial: unknown
  }[]
  readonly cells: readonly {
    readonly title: string
    readonly risk: 'read' | 'change' | 'spend' | 'destroy'
    readonly timeoutSeconds: number
    readonly parts: readonly string[]
  }[]
}

/** Data that a screen needs beside the run; read by the controller when the screen is opened. */
export interface Shelves {
  readonly home: HomeView | null
  readonly checklists: readonly ListedChecklist[] | null
  readonly profiles:
    | readonly {
        readonly id: string
        readonly title: string
        readonly lines: readonly string[]
        readonly note: string
        /** Facts that nobody has verified for six months; absent: none. */
        readonly stale?: number
        /** Where it says something else than what ships: the user's files, short; absent: nowhere. */
        readonly overriddenBy?: readonly string[]
        /** Danger clocks that nobody has read on this machine; absent: none. */
        readonly unread?: number
        /** What the check finds besides stale facts, in words; absent: nothing. */
        readonly wrong?: readonly string[]
      }[]
    | null
  /** Runs side by side; null or absent: nobody has asked yet. */
  readonly compare?: CompareView | null
  /** Recipes that can be run by name; null or absent: not read yet. */
  readonly recipes?: readonly ShownRecipe[] | null
  readonly config: readonly { readonly key: string; readonly value: string; readonly origin: string }[] | null
  readonly report: readonly string[] | null
  /** Log of the unit under the cursor, as far as it is held. */
  readonly unitLog: UnitLog | null
  /** Metric series of the live chart. */
  readonly series: readonly {
    readonly name: string
    readonly x: readonly number[]
    readonly y: readonly (number | null)[]
  }[]
  readonly seriesVersion: number
  readonly cellOutput: { readonly cellId: string; readonly log: ShownLog } | null
  /** Ends of the outputs of the cells that are open in the list; null: none is kept. Absent: none was read. */
  readonly openOutputs?: ReadonlyMap<string, { readonly lines: readonly string[]; readonly before: number } | null>
}

/** Settings that the workbench itself needs; read after the first frame. */
export interface WorkbenchSettings {
  readonly theme: 'auto' | 'dark' | 'light' | 'ansi16' | 'mono'
  readonly color: 'auto' | 'always' | 'never'
  readonly isAscii: boolean
  readonly hasMouse: boolean
  /** Command id to chord, several chords, or null to take its keys away. */
  readonly keys: Readonly<Record<string, string | readonly string[] | null>>
  /** Program and its arguments; null: what the environment says. */
  readonly editor: readonly string[] | null
  readonly pager: readonly string[] | null
  readonly refreshSeconds: number
  readonly guardMs: number
  readonly hasBell: boolean
  /** How long a lone Esc is waited for. */
  readonly escTimeoutMs: number
  readonly clipboard: 'auto' | 'osc52' | 'tmux' | 'file'
  /** Name in records; null: the login name. */
  readonly who: string | null
  /** What is wrong in the settings files, with file and line. */
  readonly problems: readonly string[]
}
