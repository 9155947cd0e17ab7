import type { DialogState } from '../../src/ui/dialog-model.ts'
import type { FormState } from '../../src/ui/form-model.ts'
import type { EditorState } from '../../src/ui/line-editor.ts'
import type { Theme } from '../../src/ui/theme.ts'
import type { ScreenInput } from './input.ts'
import type { MessageBlock } from './message.ts'
import type { ScreenModel, Span } from './model.ts'
import type { UiState } from './ui-state.ts'

export interface Message {
  readonly text: string
  readonly tone: 'info' | 'warn' | 'error'
}

export interface ListRow {
  readonly id: string
  readonly title: string
  readonly keys: string
  /** Why it cannot run now; null when it can. */
  readonly why: string | null
  readonly description: string
}

/** What lies over the panes. One at a time. */
export type Overlay =
  | {
      readonly kind: 'list'
      readonly title: string
      readonly editor: EditorState
      readonly rows: readonly ListRow[]
      readonly index: number
    }
  | { readonly kind: 'dialog'; readonly state: DialogState }
  | { readonly kind: 'form'; readonly title: string; readonly state: FormState }
  | {
      readonly kind: 'message'
      readonly lines: readonly string[]
      readonly top: number
      readonly tone: Message['tone']
    }
  | {
      readonly kind: 'repl'
      readonly title: string
      /** What it does now; empty: it waits. */
      readonly state: string
      readonly lines: readonly (readonly Span[])[]
      /** Lines that are scrolled back from the end. */
      readonly back: number
      readonly editor: EditorState
      readonly sign: string
      readonly ghost: string
      readonly note: readonly Span[]
    }

export interface Hint {
  readonly key: string
  readonly text: string
  readonly isDisabled: boolean
}

/** Everything that one frame is drawn from. Made by the controller; immutable. */
export interface Snapshot {
  readonly ui: UiState
  readonly columns: number
  readonly rows: number
  readonly theme: Theme
  readonly input: ScreenInput
  readonly model: ScreenModel
  readonly overlay: Overlay | null
  /** Open text field on the command row: `:` or `/`. */
  readonly field: { readonly sign: string; readonly editor: EditorState; readonly note: string } | null
  readonly message: Message | null
  /** The message as it is laid out on this screen. */
  readonly messageBlock: MessageBlock | null
  /** Keys typed of a chord, and what may follow. */
  readonly pending: {
    readonly typed: string
    readonly next: readonly { readonly key: string; readonly title: string }[]
  } | null
  readonly hints: readonly Hint[]
}
