import type { GuardStatus } from '../engine/types.ts'
import type { Lease } from '../run/lease.ts'
import { formatHours, formatUsd } from '../text/format.ts'

/** What an extension comes to, for a person to say yes to. */
export interface ExtensionTerms {
  readonly number: number
  /** For the box: since the launch, by its own clock. */
  readonly seconds: number
  readonly untilMs: number
  /** What the time may cost at the price that was approved. Null: the price is not known. */
  readonly usd: number | null
  readonly usdPerHour: number | null
  /** What of the cap is used when the lease ends then. */
  readonly capText: string
}

export interface ExtensionFacts {
  readonly hours: number
  readonly nowMs: number
  readonly lease: Lease | null
  /** Payload of the approval that holds. */
  readonly approval: unknown
  readonly guard: GuardStatus | null
  readonly token: string
}

/** Longer steps are for a new approval. */
export const mostHours = 168

/**
 * Whether a lease may be made longer, and what it comes to. The cap of the approval bounds it in hours and in money, from
 * the launch on; only a guard that is alive with the lease that kx knows takes one. Pure.
 */
export function extensionTerms(
  facts: ExtensionFacts,
): { readonly terms: ExtensionTerms } | { readonly refused: string } {
  const { hours, nowMs, lease, guard, token } = facts
  if (!Number.isFinite(hours) || hours <= 0 || hours > mostHours)
    return { refused: `a lease is extended by more than 0 and at most ${mostHours} hours, not ${hours}.` }
  if (lease === null) return { refused: 'the approval names no lease, so there is nothing to extend.' }
  if (guard === null || guard.token !== token || !guard.isAlive)
    return { refused: 'no guard of this launch is alive on the box, so nobody would take it. Look: kx lease' }
  if (guard.number !== lease.number)
    return { refused: `the box holds lease ${guard.number}, and the record says ${lease.number}. Look: kx lease` }
  const { capHours, capUsd, usdPerHour } = (facts.approval ?? {}) as Readonly<Record<string, unknown>>
  if (typeof capHours !== 'number' || typeof capUsd !== 'number')
    return { refused: 'the approval names no cap, so nothing bounds the time. Approve again: kx approve' }
  // One that is over already begins anew from now: what was waited is not paid for twice.
  const seconds = Math.max(guard.leaseSeconds, guard.spentSeconds) + Math.round(hours * 3600)
  const untilMs = Math.round(nowMs + (seconds - guard.spentSeconds) * 1000)
  const totalHours = (untilMs - lease.fromMs) / 3_600_000
  if (totalHours > capHours)
    return {
      refused: `the run would take ${formatHours(totalHours)} of a cap of ${formatHours(capHours)}. A higher cap takes a new approval: change budget in the plan, then kx cost and kx approve.`,
    }
  const price = typeof usdPerHour === 'number' ? usdPerHour : null
  if (price === null) return { refused: 'the price an hour is not known, so no cap can be said to cover it.' }
  if (totalHours * price > capUsd)
    return {
      refused: `the run would cost ${formatUsd(totalHours * price)} of a cap of ${formatUsd(capUsd)}. A higher cap takes a new approval: change budget in the plan, then kx cost and kx approve.`,
    }
  return {
    terms: {
      number: lease.number + 1,
      seconds,
      untilMs,
      usd: hours * price,
      usdPerHour: price,
      capText: `${formatHours(totalHours)} of ${formatHours(capHours)}, ${formatUsd(totalHours * price)} of ${formatUsd(capUsd)}`,
    },
  }
}
