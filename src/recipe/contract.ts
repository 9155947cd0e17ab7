import type { z } from 'zod'
import type { Host } from '../host/types.ts'
import type { HostDollar } from '../host/zx/shell.ts'

/** What an act may do: nothing, change what can be changed back, cost money, or destroy (handbook notebook 4.4). */
export type RecipeRisk = 'read' | 'change' | 'spend' | 'destroy'

/** Answer of a dry run. `unknown` is an answer, and drawn as loudly as a change; it is never "skipped". */
export interface CellPlan {
  readonly change: 'yes' | 'no' | 'unknown'
  /** What would happen, or why nothing would, or why it cannot be told; one line each. */
  readonly lines: readonly string[]
  /** How the answer was found: a look at the host, a comparison, or only what the recipe says of itself. */
  readonly foundBy: 'probe' | 'diff' | 'declared'
  /**
   * Exactly what would be touched (paths, pids, unit ids). A run after a dry run gets this very list as
   * `context.targets` and is refused when a fresh look gives another one.
   */
  readonly targets?: readonly string[]
  /** Only for risk `spend`: what it costs, where the price comes from, and when it was seen. */
  readonly price?: {
    readonly usdPerHour: number
    readonly capUsd: number
    readonly source: string
    readonly atMs: number
  }
}

/** Is it done already, is it still running? Asked before a run, and of every cell without an end after a crash. */
export type CellProbe = 'done' | 'running' | 'not-done' | 'unknown'

/** What a cell may be told at its end: one line for the record. */
export interface CellDone {
  readonly summary: string
}

/** The host of a cell: who it is, and what can be asked of it beside commands. Paths are absolute, on that host. */
export interface RecipeHost
  extends Pick<
    Host,
    | 'name'
    | 'identity'
    | 'script'
    | 'stat'
    | 'list'
    | 'read'
    | 'tail'
    | 'write'
    | 'sha256'
    | 'kill'
    | 'isAlive'
    | 'removeTree'
  > {
  /** Id of its profile, such as `autodl`. */
  readonly profile: string
  /** Folder of the run there; null outside a run, and before a launch on that host. */
  readonly folder: string | null
  /** Places to store things there, with what they survive, as the profile has them. Paths may begin with `$HOME`. */
  readonly tiers: readonly RecipeTier[]
  /** Environment by which the profile names mirrors; empty where none are needed. */
  readonly mirrors: Readonly<Record<string, string>>
}

export interface RecipeTier {
  readonly id: string
  readonly purpose: 'system' | 'data' | 'durable' | 'scratch'
  readonly path: string
  readonly survives: Readonly<
    Record<'reboot' | 'stop' | 'destroy', 'survives' | 'bills' | 'lost' | 'unknown' | 'not-applicable'>
  >
}

/** What a cell is given. Connections, gates and secret values are not in it: they stay with kx. */
export interface CellContext<P> {
  /**
   * zx, for the host of this cell. Words are quoted; output goes into the notebook, bounded and masked; `$({ quiet: true })`
   * keeps it out. A command whose end was not seen rejects with a cause of code `ECHANNELLOST`: leave that one alone, the
   * cell then ends `unknown`.
   */
  readonly $: HostDollar
  /** zx, for the machine on which kx runs. */
  readonly local$: HostDollar
  /** What it answers goes to the caller alone, not into the notebook: `say` what matters. */
  readonly host: RecipeHost
  readonly parameters: P
  /** Facts of the run that the recipe is about; null outside a run. */
  readonly run: RecipeRun | null
  readonly signal: AbortSignal
  /** The frozen list of a dry run, or that of a plan made a moment ago. Act on these and on nothing else. */
  readonly targets: readonly string[]
  /** A line of one's own in the output of the cell. */
  say(line: string): void
  /**
   * Keeps a value with the cell: `results.<cell>.<name>` for the cells after it, for probe and undo after a crash. It is on
   * disk when the promise settles. Plain JSON, no secret.
   */
  record(name: string, value: unknown): Promise<void>
  /** What earlier cells (and this one, before a crash) recorded on this host, by cell name. */
  readonly results: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Does what a command of kx does (`patrol.tick`, `launch.start`); its gates and questions hold. */
  kx(commandId: string, args?: Readonly<Record<string, unknown>>): Promise<KxAnswer>
  /** Ends the cell as failed, in words a person can act on. */
  fail(what: string, next?: string): never
}

export interface KxAnswer {
  readonly exitCode: number
  readonly summary: string
  readonly data: unknown
}

/** Facts of the run, as data. Paths are on the host. */
export interface RecipeRun {
  readonly id: string
  readonly name: string
  /** Folder of the run on the host of the cell; null before a launch there. */
  readonly boxFolder: string | null
  /** The project here. */
  readonly projectFolder: string
  readonly units: readonly { readonly id: string; readonly state: string }[]
  readonly plan: Readonly<Record<string, unknown>>
  readonly configDigest: string | null
}

export interface RecipeCell<P> {
  /** Stable within the recipe: lower-case letters, digits, dashes. */
  readonly name: string
  readonly title: string
  readonly risk: RecipeRisk
  /** The whole group of processes on the host is ended when it has passed. */
  readonly timeoutSeconds: number
  /** Tries again only what says of itself that doing it twice is as doing it once. */
  readonly retry?: { readonly times: number; readonly delaySeconds: number; readonly isIdempotent: true }
  /** Where: on every chosen host (default), on the first alone, or on the machine of kx (then `$` is `local$`). */
  readonly on?: 'each' | 'first' | 'here'
  /** Cells that must have gone well before. Default: the one before it. */
  readonly needs?: readonly string[]
  /** Anything but true: the cell is not needed here, and the text is the reason in the record. */
  readonly when?: (context: CellContext<P>) => Promise<true | string> | true | string
  /** Looked at again until it is true or the cell's time is over; `run` comes after. */
  readonly waitUntil?: {
    readonly everySeconds: number
    readonly isTrue: (context: CellContext<P>) => Promise<boolean>
  }
  /** What would change. It changes nothing itself. A cell above `read` without a plan answers `unknown`. */
  readonly plan?: (context: CellContext<P>) => Promise<CellPlan>
  readonly run: (context: CellContext<P>) => Promise<CellDone | undefined>
  readonly probe?: (context: CellContext<P>) => Promise<CellProbe>
  /** Takes back what `run` did, told by what it recorded. Without it the runbook's `back` has to be enough. */
  readonly undo?: (context: CellContext<P>) => Promise<CellDone | undefined>
}

/** What an engineer reads before starting it. Markdown, a few sentences each. */
export interface Runbook {
  readonly when: string
  readonly touches: string
  readonly back: string
}

/** What a recipe that serves a finding is told of it. Foreign text, sanitised. */
export interface ServedFinding {
  readonly host: string | null
  readonly unit: string | null
  readonly text: string
  readonly evidence: Readonly<Record<string, unknown>>
}

export interface Recipe<S extends z.ZodObject = z.ZodObject> {
  /** Also the name of its file. */
  readonly id: string
  readonly title: string
  readonly runbook: Runbook
  /**
   * Asked by a form, by flag (`--keep 3`), or by environment name (`.meta({ environment: 'KX_KEEP' })`). One level of text,
   * number, boolean, choice or list of text; every one with `.describe('…')`, and a default where one is sensible.
   */
  readonly parameters: S
  /** Finding rules that this recipe serves, and how a finding fills its parameters in. */
  readonly serves?: readonly {
    readonly rule: string
    readonly fill?: (finding: ServedFinding) => Readonly<Record<string, unknown>>
  }[]
  /** Hosts at once, and after how many failures no further one is begun. Default: 4, and 1. */
  readonly fanOut?: { readonly cap: number; readonly stopAfterFailures: number }
  readonly cells: readonly RecipeCell<z.infer<S>>[]
}

/** Keeps the parameter types while a recipe is written down. `export const recipe = defineRecipe({ … })`. */
export function defineRecipe<S extends z.ZodObject>(recipe: Recipe<S>): Recipe<S> {
  return recipe
}
