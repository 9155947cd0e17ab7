import { RunError } from './errors.ts'
import type { IntentOpened } from './types.ts'

/**
 * The nth token of a kind of act on this run: the same after a crash, another after a failure. Not a secret. In a run over
 * several hosts each host has its own.
 */
export function tokenFor(runId: string, act: IntentOpened['act'], attempt: number, host?: string): string {
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw new RunError('invalid', `No attempt ${attempt}.`, '')
  return `kx-${runId}-${act}-${host === undefined ? '' : `${host}-`}${attempt}`
}

const runToken = /^kx-[A-Za-z0-9._-]{1,160}$/

/**
 * Puts idempotency tokens back that masking took away for their field's name. A masked token would look like every
 * other masked token: the guard against a second launch would see doubles everywhere, and the run on the box would not
 * be found again. Only values in the shape of `tokenFor` come back; anything else stays masked.
 */
export function withTokensKept(original: unknown, scrubbed: unknown): unknown {
  if (Array.isArray(original) && Array.isArray(scrubbed) && original.length === scrubbed.length)
    return scrubbed.map((value, i) => withTokensKept(original[i], value))
  if (!isRecord(original) || !isRecord(scrubbed)) return scrubbed
  return Object.fromEntries(
    Object.entries(scrubbed).map(([key, value]) => {
      const before = Object.hasOwn(original, key) ? original[key] : undefined
      const isToken = key === 'token' && typeof before === 'string' && runToken.test(before)
      return [key, isToken ? before : withTokensKept(before, value)]
    }),
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
