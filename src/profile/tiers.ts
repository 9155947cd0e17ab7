import type { Profile, Survival, Tier } from './schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Absolute path of a tier on a host with this environment. `$HOME`, `$XDG_DATA_HOME`, `$XDG_STATE_HOME` and
 * `$XDG_CACHE_HOME` (with the defaults of the XDG base directory specification) and other variables at the front are replaced. Null when a
 * variable is not set there or the result is not absolute: the path is then unknown, and is said to be.
 */
export function resolveTierPath(tier: Pick<Tier, 'path'>, env: Environment): string | null {
  const match = /^\$\{?([A-Z_][A-Z0-9_]*)\}?(\/.*)?$/.exec(tier.path)
  const path = match === null ? tier.path : join(variable(match[1] ?? '', env), match[2] ?? '')
  if (path === null || !path.startsWith('/') || path.includes('$')) return null
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

const xdgDefaults: Readonly<Record<string, string>> = {
  XDG_DATA_HOME: '.local/share',
  XDG_STATE_HOME: '.local/state',
  XDG_CACHE_HOME: '.cache',
  XDG_CONFIG_HOME: '.config',
}

function variable(name: string, env: Environment): string | null {
  const value = env[name]
  // The specification says to ignore relative values.
  if (value?.startsWith('/')) return value
  const fallback = xdgDefaults[name]
  return fallback !== undefined && env.HOME?.startsWith('/') ? `${env.HOME}/${fallback}` : null
}

const join = (head: string | null, tail: string): string | null =>
  head === null ? null : `${head.replace(/\/+$/, '')}${tail}` || '/'

export type LossEvent = keyof Tier['survives']

/** True only when what lies there is known to outlive the event. `unknown` is treated as lost (handbook platforms 4). */
export function isKeptAfter(tier: Tier, event: LossEvent): boolean {
  const survival: Survival = tier.survives[event]
  return survival === 'survives' || survival === 'bills'
}

/** What happens to a tier, in words for a list. */
export function survivalText(survival: Survival): string {
  if (survival === 'survives') return 'kept'
  if (survival === 'bills') return 'kept, and goes on billing'
  if (survival === 'lost') return 'lost'
  if (survival === 'not-applicable') return 'no such act there'
  return 'not known: treated as lost'
}

/** The first tier of a purpose, or null. */
export function tierFor(profile: Profile, purpose: Tier['purpose']): Tier | null {
  return profile.storage.tiers.find((t) => t.purpose === purpose) ?? null
}

/** True when no verb of this platform ends a meter because none runs and the price is a known zero. */
export function hasNoMeter(profile: Profile): boolean {
  return profile.billing.currency === 'none' && profile.billing.usdPerHour === 0
}
