import type { CellDone, CellPlan, CellProbe, KxAnswer, RecipeRun, RecipeTier } from './contract.ts'
import type { RecipeDescription } from './describe.ts'

/** What of a cell is asked for. */
export type Part = 'plan' | 'when' | 'isTrue' | 'probe' | 'run' | 'undo'

/** Everything that a context is made of, as data. The host itself comes as a proxy, on the lane of its name. */
export interface AskedCell {
  readonly cell: string
  readonly part: Part
  readonly host: {
    readonly name: string
    readonly kind: 'local' | 'ssh' | 'openssh'
    readonly profile: string
    readonly folder: string | null
    readonly tiers: readonly RecipeTier[]
    readonly mirrors: Readonly<Record<string, string>>
  }
  readonly run: RecipeRun | null
  readonly parameters: Readonly<Record<string, unknown>>
  readonly targets: readonly string[]
  readonly results: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** From kx to the child. `id` is that of one question; its hosts are on the lanes `<id>:there` and `<id>:here`. */
export type ToChild =
  | { readonly to: 'load'; readonly id: number; readonly file: string }
  | { readonly to: 'parameters'; readonly id: number; readonly given: Readonly<Record<string, unknown>> }
  | { readonly to: 'fill'; readonly id: number; readonly rule: string; readonly finding: unknown }
  | ({ readonly to: 'ask'; readonly id: number } & AskedCell)
  | { readonly to: 'abort'; readonly id: number; readonly reason: string }
  /** What the child asked for while it was at a question: a value kept, a command done, a person's answer. */
  | { readonly to: 'answer'; readonly seq: number; readonly value: unknown; readonly error: string | null }

export type FailedHow = 'failed' | 'unknown' | 'error'

/** From the child to kx. */
export type FromChild =
  | { readonly from: 'done'; readonly id: number; readonly value: unknown }
  | {
      readonly from: 'failed'
      readonly id: number
      readonly how: FailedHow
      readonly text: string
      readonly next: string | null
    }
  | { readonly from: 'out'; readonly id: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly from: 'say'; readonly id: number; readonly line: string }
  | {
      readonly from: 'record'
      readonly id: number
      readonly seq: number
      readonly name: string
      readonly value: unknown
    }
  | {
      readonly from: 'kx'
      readonly id: number
      readonly seq: number
      readonly commandId: string
      readonly args: Readonly<Record<string, unknown>>
    }
  | { readonly from: 'question'; readonly id: number; readonly seq: number; readonly text: string }

/** What each part answers. */
export interface Answers {
  readonly plan: CellPlan
  readonly when: true | string
  readonly isTrue: boolean
  readonly probe: CellProbe
  readonly run: CellDone | null
  readonly undo: CellDone | null
}

export type Loaded = RecipeDescription
export type Answered = KxAnswer
