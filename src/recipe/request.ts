import type { Host } from '../host/types.ts'
import type { Profile } from '../profile/schema.ts'
import type { ActContext, CellRequest, CellWriter, Claim } from '../run/act.ts'
import type { KxAnswer, ServedFinding } from './contract.ts'
import type { RecipeDescription } from './describe.ts'
import type { RecipeProcess } from './process.ts'

/** How a person is asked; null or false where nobody is there to answer. */
export interface RecipeAsker {
  confirm(question: string, detail: readonly string[]): Promise<boolean>
  typed(question: string, expected: string, detail: readonly string[]): Promise<string | null>
  text(question: string, initial: string): Promise<string | null>
}

/** What a dry run saw, by host and cell: a run after it acts on these and on nothing else. */
export type Frozen = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** What a recipe run was asked for; kept beside its output, so that it can be gone on with. */
export interface Kept {
  readonly file: string
  readonly sourceSha256: string
  readonly recipe: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly hosts: readonly string[]
}

export interface RunRequest {
  readonly file: string
  /** As they were given: the recipe's own schema checks them. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly hosts: readonly string[]
  /** The one host that was named, for a recipe that has a parameter `host` besides. */
  readonly host: string | null
  readonly isDryRun: boolean
  /** Answers what `change` asks, and `spend` where a price is known; never `destroy`. */
  readonly isYes: boolean
  /** Targets of a dry run before it. */
  readonly frozen: Frozen | null
  /** Cell id of the recipe run that is gone on with. */
  readonly resume: string | null
  /** Finding that it is run for: the recipe fills its parameters in from it; what was given goes before. */
  readonly finding: ({ readonly rule: string } & ServedFinding) | null
  /** Of a run that is gone on with: only hosts on which a cell failed. */
  readonly isFailedOnly: boolean
}

/** What a running recipe has to do with kx. */
export interface RecipeRooms {
  readonly context: ActContext
  readonly ask: RecipeAsker
  /** Another cell of the same run. */
  openStep(request: CellRequest, host: Host): Promise<CellWriter>
  /** A host by its name, open until the act is over. */
  reach(name: string): Promise<{ readonly host: Host; readonly profile: Profile }>
  /** Becomes the only one at something until the act is over. */
  claim(what: string): Promise<Claim>
  /** This machine, with an environment that holds no secret. */
  readonly here: Host
  kx(commandId: string, args: Readonly<Record<string, unknown>>): Promise<KxAnswer>
  start(): RecipeProcess
}

/** A recipe that is loaded, with its parameters checked. */
export interface Opened {
  readonly rooms: RecipeRooms
  readonly process: RecipeProcess
  readonly description: RecipeDescription
  readonly parameters: Readonly<Record<string, unknown>>
  readonly recipeRun: string
  readonly sourceSha256: string
}
