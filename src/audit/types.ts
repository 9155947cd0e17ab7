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
