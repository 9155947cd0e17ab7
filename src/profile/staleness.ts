import type { Profile } from './schema.ts'

/** Facts of money and survival are stale from this many months on (handbook platforms 14: 2026-06 from 2026-12). */
export const staleAfterMonths = 6

/** Whole months from a `YYYY-MM` stamp to the moment; negative for a stamp in the future. */
export function monthsSince(stamp: string, atMs: number): number {
  const [year = 0, month = 1] = stamp.split('-').map(Number)
  const at = new Date(atMs)
  return (at.getUTCFullYear() - year) * 12 + at.getUTCMonth() + 1 - month
}

export interface StaleFact {
  /** Dotted path in the profile. */
  readonly path: string
  readonly verified: string
  readonly months: number
}

/** Every stamp of a profile that is six months old or older: shown as stale, and no cost is promised on it. */
export function staleFacts(profile: Profile, nowMs: number): StaleFact[] {
  const found: StaleFact[] = []
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      value.forEach((v, i) => {
        visit(v, `${path}[${i}]`)
      })
      return
    }
    if (value === null || typeof value !== 'object') return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'verified' && typeof inner === 'string') {
        const months = monthsSince(inner, nowMs)
        if (months >= staleAfterMonths) found.push({ path: path || 'profile', verified: inner, months })
      } else visit(inner, path ? `${path}.${key}` : key)
    }
  }
  visit(profile, '')
  return found
}

/** First moment at which a stamp is stale, in milliseconds since 1970. */
export function staleFromMs(stamp: string): number {
  const [year = 0, month = 1] = stamp.split('-').map(Number)
  return Date.UTC(year, month - 1 + staleAfterMonths, 1)
}
