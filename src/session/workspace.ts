import type { RunState } from '../run/types.ts'
import type { Phase, PhaseState } from '../walk/phase.ts'
import type { Staleness } from '../walk/proof.ts'
import type { PlanView, Shelves } from './view.ts'

export interface Standings {
  readonly phases: Readonly<Record<Phase, { readonly state: PhaseState; readonly why: string }>>
  readonly staleness: ReadonlyMap<string, Staleness>
}

/** What the workbench is told about the world: everything is read in the background and drawn when it is there. */
export interface Workspace {
  readonly project: string
  readonly projectFolder: string
  run(): RunState | null
  plan(): PlanView
  /** How the proofs stand. The same object is given back until something changed. */
  standings(nowMs: number, busyPhase: Phase | null): Standings
  shelves(): Shelves
  /** Opens another run, or none; a run of another project needs its folder. */
  openRun(runId: string | null): Promise<void>
  /** Reads the plan and its digests again. */
  reloadPlan(): Promise<void>
  /**
   * Reads what a screen needs beside the run. Cheap to call again.
   *
   * @param isShown whether a pane is on screen; what costs somebody's link is read for no other. Default: all are
   * @param opened rows of a pane that are open in place. Default: none are
   */
  load(
    screen: string,
    selected: (pane: string) => string | null,
    isShown?: (pane: string) => boolean,
    opened?: (pane: string) => readonly string[],
  ): Promise<void>
  /** Reads what was appended to the run since, by anyone. */
  refresh(): Promise<void>
  /** Called whenever one of the above reads differently. */
  subscribe(listener: () => void): () => void
  close(): void
}
