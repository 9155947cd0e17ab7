import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import type { OnLines } from '../../src/repl/types.ts'
import type { ActResult } from '../../src/run/act.ts'

/** What a prompt is given of the workbench that it is opened in. */
export interface PromptSurface {
  readonly environment: (signal: AbortSignal) => CommandEnvironment
  readonly runId: () => string | null
  readonly isAscii: boolean
  /** Why a command cannot run now; null when it can. */
  readonly whyNot: (spec: CommandSpec, given: Readonly<Record<string, unknown>>) => string | null
  /** Carries out a command of the workbench itself. */
  readonly inWorkbench: (spec: CommandSpec) => ActResult
  readonly onLines: OnLines
}
