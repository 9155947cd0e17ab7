import type { Profile } from './schema.ts'

/** What a person says that a machine costs. */
export interface StatedPrice {
  readonly usdPerHour: number
  /** Day on which they looked, `2026-11-22`. */
  readonly statedOn: string
  readonly source?: string | undefined
}

/**
 * The profile with the price that the plan states for a host, said to be the user's own word of that day. It goes before what the
 * profile knows: the person has looked at this very machine. Its stamp is that day's month, so that it goes stale like any other.
 */
export function withStatedPrice(profile: Profile, price: StatedPrice | undefined): Profile {
  if (price === undefined) return profile
  const { usdPerHour, statedOn, source } = price
  const { billing } = profile
  return {
    ...profile,
    billing: {
      ...billing,
      usdPerHour,
      currency:
        billing.currency === 'unknown' || (billing.currency === 'none' && usdPerHour > 0) ? 'USD' : billing.currency,
      priceSource: `stated by the user on ${statedOn}${source === undefined ? '' : `: ${source}`}`,
      verified: statedOn.slice(0, 7),
    },
  }
}
