import type { CellHits } from '../../src/commands/notebook-search.ts'
import type { RecipeOffer } from '../../src/commands/recipe-for.ts'
import type { ScreenId } from '../../src/commands/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import type { Progress } from '../../src/run/act.ts'
import type { RunState } from '../../src/run/types.ts'
import type { LinkView } from '../../src/session/link-words.ts'
import type { PlanView, Shelves } from '../../src/session/view.ts'
import type { CheckedItem } from '../../src/walk/item.ts'
import type { Phase, PhaseState } from '../../src/walk/phase.ts'
import type { Staleness } from '../../src/walk/proof.ts'

/** The act that runs now, if any: drawn live, not stored. */
export interface LiveAct {
  readonly commandId: string
  /** Act of a walk that runs now, as if it had been started by hand. */
  readonly stepId?: string
  readonly title: string
  readonly startedAtMs: number
  readonly items: readonly CheckedItem[]
  readonly progress: Progress | null
  /** Last lines of its output. */
  readonly output: readonly string[]
}

/** Command of the act that runs now: of a walk, the step that it is in. */
export function actOf(live: LiveAct | null): string | null {
  return live === null ? null : (live.stepId ?? live.commandId)
}

/** Everything that a screen is drawn from. Plain data: the same input gives the same screen. */
export interface ScreenInput {
  readonly nowMs: number
  readonly project: string
  readonly projectFolder: string
  readonly run: RunState | null
  readonly plan: PlanView
  readonly phases: Readonly<Record<Phase, { readonly state: PhaseState; readonly why: string }>>
  readonly staleness: ReadonlyMap<string, Staleness>
  readonly live: LiveAct | null
  /** Newest look at the run: of this process, or the one on record. */
  readonly observation: Observation | null
  readonly shelves: Shelves
  /** Row under the cursor of a pane of this screen. */
  readonly selected: (pane: string) => string | null
  /** Rows that a person has marked on this screen; absent: none. */
  readonly marked?: readonly string[]
  /** What a person chose on the compare screen, as `name=value`; absent: nothing. */
  readonly options?: readonly string[]
  /** What its rows are ordered by, where a person chose; absent or empty: as they come. */
  readonly sort?: string
  /** Host of a run over several that a person chose to see; absent or empty: none. */
  readonly chosenHost?: string
  /** Key that goes to the next host, as it is shown. */
  readonly hostKey?: string
  readonly screen: ScreenId
  readonly isUnicode: boolean
  /** Links to hosts that this process has open; absent: none. */
  readonly links?: readonly LinkView[]
  /** Masks what was on record before it was known to be a secret; absent: nothing is known. */
  readonly mask?: (text: string) => string
  /** Recipes for a finding, as they were last asked for; absent or null: none were. */
  readonly offer?: RecipeOffer | null
  /** What a search of the notebook has found so far; absent or null: nothing was looked for. */
  readonly hits?: CellHits | null
  /** Key that goes on after a pause of a link, as it is shown; empty or absent: none is bound. */
  readonly reconnectKey?: string
}
