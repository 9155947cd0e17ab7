import type { HostIdentity } from './proof.ts'

/**
 * What stood at a machine's address. `answers`: it let kx in and told who it is. `other-key`: whoever answers shows another
 * host key. `other-machine`: the known name, and another machine. `refuses`: the port is closed. `no-name`: the name is given to nobody. `no-entry`: the known key, and no login.
 * `unreachable`: no answer, which says nothing.
 */
export type SightKind = 'answers' | 'other-key' | 'other-machine' | 'refuses' | 'no-name' | 'no-entry' | 'unreachable'

/** One look from outside at the machine of a meter, as evidence. */
export interface MachineSight {
  readonly atMs: number
  readonly kind: SightKind
  /** Name or address that was tried. */
  readonly address: string
  /** Fingerprint of the host key that was shown, `SHA256:…`; null: none was. */
  readonly hostKey: string | null
  /** Only when it let kx in. */
  readonly identity: HostIdentity | null
  /** What was seen, in one line. */
  readonly words: string
}

/** What a person says of a meter that kx cannot see: said, and never taken for seen. */
export interface MeterStatement {
  readonly atMs: number
  readonly by: string
  /** `done`: the verb was carried out. `ended`: it was seen elsewhere that nothing bills any more. */
  readonly what: 'done' | 'ended'
  /** The verb, as the profile names it. */
  readonly verb: string
  /** Reason and proof in words; empty for `done`. */
  readonly text: string
}

/** Whether one of these open meters may cost money: a price that nobody knows is not zero. */
export function mayBill(open: readonly { readonly usdPerHour: number | null }[]): boolean {
  return open.some((meter) => meter.usdPerHour !== 0)
}

/** Sights and statements that a meter keeps in the fold; the journal has all. */
export const mostMeterNotes = 24
