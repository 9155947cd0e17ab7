import type { Host } from '../host/types.ts'
import type { ActResult, CellWriter } from '../run/act.ts'
import type { Risk } from '../run/types.ts'
import type { SecretSet } from '../text/redact.ts'
import type { CommandFact, ScopeFacts } from './types.ts'

/** The house around a prompt: what it may ask of the main process. Gates are on this side. */
export interface ReplHouse {
  readonly projectFolder: string
  readonly secrets: SecretSet | null
  readonly commands: readonly CommandFact[]
  /** What is known of the run now; cheap when nothing has changed. */
  facts(): Promise<ScopeFacts>
  openHost(name: string, signal: AbortSignal): Promise<Host>
  /** A command of the registry, with its arguments checked and its questions asked. */
  command(id: string, args: unknown, signal: AbortSignal): Promise<ActResult>
  /** A line as it would be typed after `:`. */
  line(text: string, signal: AbortSignal): Promise<ActResult>
  completeLine(text: string): readonly string[]
  runs(): Promise<readonly object[]>
  /** Series that there are, or the points of one. */
  samples(name: string | null, sinceMs: number | null): Promise<unknown>
  /** Names that a string may hold, by what it is given to. */
  names(kind: 'hosts' | 'runs' | 'files' | 'recipes' | 'columns', beginning: string): Promise<readonly string[]>
  /** Opens the cell of an entry; null where there is no run to write it into. */
  record(entry: { readonly source: string; readonly risk: Risk; readonly host: string }): Promise<CellWriter | null>
}
