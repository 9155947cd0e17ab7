import type { Result, Severity } from '../walk/item.ts'

/** What a rule says about one item. A rule may be milder or harder than the item's usual severity (bands). */
export interface Verdict {
  readonly result: Result
  readonly severity?: Severity
  /** One line for the list. */
  readonly summary: string
  /** Required when the result is unknown or not-applicable. */
  readonly reason?: string
  readonly value?: Readonly<Record<string, unknown>>
  readonly detail?: readonly string[]
  /** A better way out than the item's usual one, with the figures of this case. */
  readonly fix?: string
}

/** Payload of an `AuditReport`. */
export interface AuditPayload {
  /** `cpu-x86_64-2c`, `NVIDIA H200`: the same name that smoke and receipt carry. */
  readonly machineClass: string
  readonly tiers: readonly { readonly id: string; readonly path: string | null }[]
  readonly seconds: number
  readonly counts: {
    readonly pass: number
    readonly fail: number
    readonly unknown: number
    readonly notApplicable: number
  }
  /** Ids of the items that were looked at again when only some were asked for; null: all of them. */
  readonly only: readonly string[] | null
}
