import { sanitiseLine } from '../../text/sanitise.ts'
import type { GuardAct, GuardStatus } from '../types.ts'
import { jsonOf, wholeOf } from './text.ts'

/**
 * What status.sh printed of the guard: `<alive> <token> <number> <seconds> <spent> <run> …`, its alarm, and its newest acts.
 * Null when there is none, or when the line is not one of a guard: then nobody may count on it.
 */
export function guardOf(
  line: string | undefined,
  alarm: string | undefined,
  acts: readonly string[],
): GuardStatus | null {
  const [alive, token, number, seconds, spent, run] = (line ?? '').split(' ')
  const [n, s, used] = [number, seconds, spent].map(wholeOf)
  if (token === undefined || run === undefined || n == null || s == null || used == null) return null
  const [why, what] = (alarm ?? '').split(' ')
  return {
    token,
    isAlive: alive === '1',
    number: n,
    leaseSeconds: s,
    spentSeconds: used,
    run: sanitiseLine(run, 20),
    alarm: what === undefined ? null : sanitiseLine(what, 40),
    why: what === undefined ? null : sanitiseLine(why ?? '', 20),
    acts: acts.flatMap((text) => actOf(text) ?? []),
  }
}

/** One line of guard/events.jsonl; null when it is cut or not of a guard. */
function actOf(text: string): GuardAct | null {
  const value = jsonOf(text)
  if (typeof value !== 'object' || value === null) return null
  const { atMs, event, number, token, ...detail } = value as Readonly<Record<string, unknown>>
  if (typeof atMs !== 'number' || typeof event !== 'string' || typeof token !== 'string') return null
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return null
  const plain: Record<string, string | number> = {}
  for (const [key, item] of Object.entries(detail))
    if (typeof item === 'string' || typeof item === 'number')
      plain[sanitiseLine(key, 40)] = typeof item === 'string' ? sanitiseLine(item, 100) : item
  return {
    number,
    atMs,
    event: sanitiseLine(event, 40),
    token: sanitiseLine(token, 100),
    detail: plain,
  }
}
