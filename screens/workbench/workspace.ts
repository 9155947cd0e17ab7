import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import type { ActResult } from '../../src/run/act.ts'
import type { RunState } from '../../src/run/types.ts'
import type { PlanView, ScreenInput, Shelves } from './input.ts'

/** What the workbench is told about the world. Made in `start.ts` from session; a plain object in tests. */
export interface Workspace {
  readonly project: string
  readonly projectFolder: string
  run(): RunState | null
  plan(): PlanView
  phases(nowMs: number, busyCommandId: string | null): Pick<ScreenInput, 'phases' | 'staleness'>
  shelves(): Shelves
  /** Opens another run, or none. */
  openRun(runId: string | null): Promise<void>
  /** Reads the plan and its digests again. */
  reloadPlan(): Promise<void>
  /** Reads what a screen needs beside the run. Cheap to call again. */
  load(screen: ScreenInput['screen'], selected: (pane: string) => string | null): Promise<void>
  /** Reads what other processes appended. */
  refresh(): Promise<void>
  /** Called whenever one of the above reads differently. */
  subscribe(listener: () => void): () => void
  execute(spec: CommandSpec, env: CommandEnvironment, args: Readonly<Record<string, unknown>>): Promise<ActResult>
  close(): Promise<void>
}
