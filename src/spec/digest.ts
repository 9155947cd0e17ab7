import { createHash } from 'node:crypto'
import type { Plan } from './schema.ts'

/** SHA-256 of bytes or UTF-8 text, lower-case hex. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * JSON with keys sorted by code unit at every level and no white space, so that equal values give equal bytes.
 * Keys whose value is undefined are left out, as JSON does. Throws on what JSON cannot say: NaN, infinities, functions.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold ${value}: use null and a reason`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((v) => canonicalJson(v ?? null)).join(',')}]`
  if (typeof value === 'object') {
    const entries = Object.entries(value as Record<string, unknown>).filter(([, v]) => v !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`
  }
  throw new TypeError(`canonical JSON cannot hold a ${typeof value}`)
}

/** SHA-256 of the canonical JSON of a value. */
export function digestOf(value: unknown): string {
  return sha256Hex(canonicalJson(value))
}

/** Digest of the normalised plan: comments, key order and spelled-out defaults do not change it. */
export function planDigest(plan: Plan): string {
  return digestOf(plan)
}

/** Digest of what the plan makes a unit be: command, variables, units, environment. Budget and texts do not change it. */
export function unitDigest(plan: Plan): string {
  const { command, environmentVariables, units, environment, logPattern, seed } = plan
  return digestOf({ command, environmentVariables, units, environment, logPattern, seed })
}
