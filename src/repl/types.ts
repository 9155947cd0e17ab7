/** What a piece of a displayed value is; a screen gives each tone a colour, a plain printer ignores it. */
export type Tone = 'plain' | 'number' | 'string' | 'word' | 'name' | 'muted' | 'error' | 'strong'

export interface DisplaySpan {
  readonly text: string
  readonly tone: Tone
}
export type DisplayLine = readonly DisplaySpan[]

/**
 * How one entry ended. `pending`: it goes on behind the prompt. `timeout` and `interrupted`: it was ended, variables are
 * kept. `lost`: the worker went, and all variables with it.
 */
export type Outcome = 'value' | 'nothing' | 'error' | 'incomplete' | 'pending' | 'timeout' | 'interrupted' | 'lost'

export interface Evaluated {
  readonly cell: number
  readonly outcome: Outcome
  /** What is shown; empty for `nothing` and `incomplete`. */
  readonly lines: readonly DisplayLine[]
  /** The value as JSON can carry it; only where it was asked for. */
  readonly json?: unknown
  readonly durationMs: number
}

export interface EvaluateRequest {
  readonly cell: number
  readonly source: string
  /** For code that never gives control back. */
  readonly timeoutMs: number
  /** How long a promise is waited for before the prompt comes back; what it was given goes on. */
  readonly awaitMs: number
  readonly width: number
  readonly wantsJson: boolean
  /** `$` is used: zx is loaded first. */
  readonly needsShell: boolean
}

export interface Completions {
  /** Offset in the source where what is completed begins. */
  readonly from: number
  readonly names: readonly string[]
}

/** What the scope shows of the run and its project: plain data, so that looking at it has no effect. */
export interface ScopeFacts {
  readonly host: string
  readonly hosts: readonly string[]
  readonly run: unknown
  readonly plan: unknown
  readonly profile: unknown
  readonly cells: readonly unknown[]
}

/** One command of the registry, as the worker knows it. */
export interface CommandFact {
  readonly id: string
  readonly positional: readonly string[]
}

export interface WorkerSetup {
  readonly projectFolder: string
  readonly isAscii: boolean
  readonly commands: readonly CommandFact[]
  readonly facts: ScopeFacts
}

/** From the main process to the worker. */
export type ToWorker =
  | { readonly type: 'evaluate'; readonly request: EvaluateRequest }
  | { readonly type: 'preview'; readonly id: number; readonly source: string; readonly width: number }
  | { readonly type: 'complete'; readonly id: number; readonly source: string; readonly cursor: number }
  | { readonly type: 'interrupt'; readonly cell: number; readonly why: 'timeout' | 'interrupted' }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'facts'; readonly facts: ScopeFacts }
  | {
      readonly type: 'answer'
      readonly id: number
      readonly value?: unknown
      readonly error?: { readonly name: string; readonly message: string; readonly code?: string }
    }

/** From the worker to the main process. */
export type FromWorker =
  | { readonly type: 'ready' }
  /** `begun`: from now on its code runs; `passed`: it has given control back for the first time. */
  | { readonly type: 'stage'; readonly cell: number; readonly stage: 'begun' | 'passed' }
  | { readonly type: 'evaluated'; readonly result: Evaluated }
  /** A promise that was left pending has settled, or a timer or promise of an earlier entry failed. */
  | { readonly type: 'late'; readonly cell: number; readonly isError: boolean; readonly lines: readonly DisplayLine[] }
  | { readonly type: 'output'; readonly cell: number; readonly text: string }
  | { readonly type: 'preview'; readonly id: number; readonly line: DisplayLine | null }
  | ({ readonly type: 'completions'; readonly id: number } & Completions)
  | { readonly type: 'pong'; readonly id: number }
  | {
      readonly type: 'call'
      readonly id: number
      readonly cell: number
      readonly name: string
      readonly args: readonly unknown[]
    }

/** What became of one entry. */
export interface Entered {
  readonly cell: number
  readonly outcome: Outcome
  readonly lines: readonly DisplayLine[]
  readonly json?: unknown
  /** Of a command or a shell line; null: its end is not known, or it has none. */
  readonly exitCode: number | null
  readonly durationMs: number
}

/** An open prompt, as a screen or a terminal has it: what is typed goes in, safe lines come out. */
export interface OpenPrompt {
  readonly isBusy: boolean
  /** Host that `$` and `!` mean now; null before it is known. */
  readonly host: string | null
  /** Whether Enter is a line end still; found out at once, of JavaScript only. */
  isUnfinished(text: string): boolean
  /** Starts what is slow to start. */
  begin(): Promise<void>
  enter(text: string, options?: { readonly wantsJson?: boolean; readonly width?: number }): Promise<Entered>
  preview(text: string, width: number): Promise<DisplayLine | null>
  complete(text: string, cursor: number): Promise<Completions>
  /** What the newest earlier entry that begins like this goes on with. */
  ghost(text: string): string
  /** Earlier entries that match words and filters (`host:box exit:failed run:01K`), newest first. */
  search(query: string): readonly string[]
  /** Ends what runs, with variables kept. A loop after its first pause takes the worker with it, as `kill` does. */
  interrupt(): Promise<void>
  /** Ends the worker; its variables are lost, connections stay. */
  kill(): Promise<void>
  close(): Promise<void>
}

export type OnLines = (cell: number, lines: readonly DisplayLine[], isLate: boolean) => void
