import type { Profile } from './schema.ts'

/** Facts of money and survival are stale from this many months on (handbook platforms 14: 2026-06 from 2026-12). */
export const staleAfterMonths = 6

/** Whole months from a `YYYY-MM` stamp to the moment; negative for a stamp in the future. */
export function monthsSince(stamp: string, atMs: number): number {
  const [year = 0, month = 1] = stamp.split('-').map(Number)
  const at = new Date(atMs)
  return (at.getUTCFullYear() - year) * 12 + at.getUTCMonth() + 1 - month
}

export interface Stamp {
  /** Path of the map that carries the stamp; empty for the profile as a whole. */
  readonly path: readonly (string | number)[]
  readonly verified: string
}

/** Every stamp of a profile, from the top down. */
export function stamps(profile: Profile): Stamp[] {
  const found: Stamp[] = []
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'verified' && typeof inner === 'string') found.push({ path, verified: inner })
      else visit(inner, [...path, Array.isArray(value) ? Number(key) : key])
    }
  }
  visit(profile, [])
  return found
}

export interface StaleFact extends Stamp {
  readonly months: number
}

/** Every stamp of a profile that is six months old or older: shown as stale, and no cost is promised on it. */
export function staleFacts(profile: Profile, nowMs: number): StaleFact[] {
  return stamps(profile)
    .map((stamp) => ({ ...stamp, months: monthsSince(stamp.verified, nowMs) }))
    .filter(({ months }) => months >= staleAfterMonths)
}

/** First moment at which a stamp is stale, in milliseconds since 1970. */
export function staleFromMs(stamp: string): number {
  const [year = 0, month = 1] = stamp.split('-').map(Number)
  return Date.UTC(year, month - 1 + staleAfterMonths, 1)
}
