/** What a check found. `unknown` is an answer of its own: the probe could not tell. It is never a pass. */
export type Result = 'pass' | 'fail' | 'unknown' | 'not-applicable'

/** Only `error` blocks its gate, for `fail` and `unknown` alike. */
export type Severity = 'info' | 'warn' | 'error'

/** Who can answer: the program, a person, or a person on evidence that the program gathered. */
export type How = 'auto' | 'person' | 'both'

export type Gate =
  | 'plan'
  | 'audit/reach'
  | 'audit/box'
  | 'audit/access'
  | 'smoke'
  | 'cost'
  | 'launch'
  | 'patrol'
  | 'teardown/verify'
  | 'teardown/permit'
  | 'report'
  | 'house'

/** The fixed part of a checklist item. Ids are used in proofs, `--json`, recipes and tests, and are never renamed. */
export interface ItemSpec {
  readonly id: string
  readonly title: string
  readonly gate: Gate
  readonly severity: Severity
  readonly how: How
  /** What to do when it fails: one imperative sentence. */
  readonly fix?: string
}

/** What a result rests on. Text has passed `text/` before it comes here. */
export interface Evidence {
  /** One line for the list. */
  readonly summary: string
  /** Command line that was run, for display and for repeating it by hand. */
  readonly command?: string
  /** Host name as the plan knows it. */
  readonly host?: string
  readonly atMs: number
  readonly exitCode?: number | null
  /** SHA-256 of the raw output. */
  readonly outputSha256?: string
  /** The parsed value, with its unit in the key. */
  readonly value?: Readonly<Record<string, unknown>>
  /** More lines, shown when the item is opened. */
  readonly detail?: readonly string[]
}

/** A person's written reason to go on in spite of an error item. It becomes part of the proof. */
export interface Override {
  readonly itemId: string
  readonly reason: string
  readonly by: string
  readonly atMs: number
  /** The proof that the person had before them; absent in records of before it was kept. */
  readonly proofId?: string
}

/** An override that was given for another state of things than the one at hand: it opens nothing. */
export interface LapsedOverride {
  readonly override: Override
  /** What is not as it was then. */
  readonly why: string
}

export interface CheckedItem extends ItemSpec {
  readonly result: Result
  /** Required when the result is unknown or not-applicable. */
  readonly reason?: string
  readonly evidence: Evidence
  /** Recipe that serves it; only where it is not well and there is one. */
  readonly recipe?: string
  readonly override?: Override
  readonly lapsed?: LapsedOverride
}

/** True when this item closes its gate. */
export function isBlocking(item: CheckedItem): boolean {
  return (
    item.severity === 'error' && (item.result === 'fail' || item.result === 'unknown') && item.override === undefined
  )
}
