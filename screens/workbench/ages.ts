import { formatAge } from '../../src/text/format.ts'

/** A sample older than this is shown as old (handbook monitoring 3.2). */
export const staleAfterMs = 15_000

/** An age as part of a sentence: `5 s ago`, `just now`. Coarse, so that a quiet screen is seldom redrawn. */
export function ageText(ageMs: number): string {
  const age = formatAge(ageMs)
  return age === 'now' ? 'just now' : `${age} ago`
}

/**
 * How long ago something was looked at; with a sign when that is too long ago for something that still moves, or
 * the host has not been heard since (`isLost`).
 */
export function lookedText(ageMs: number, isMoving: boolean, isLost = false): string {
  return isMoving && (isLost || ageMs > staleAfterMs) ? `! stale, looked ${ageText(ageMs)}` : `looked ${ageText(ageMs)}`
}

/** What stands behind a figure that is too old to be taken for how things are now; nothing behind a fresh one. */
export function staleMark(ageMs: number, isMoving: boolean, isLost = false): string {
  if (!isMoving || (!isLost && ageMs <= staleAfterMs)) return ''
  // Seconds as they are below the coarse steps of an age: a figure may have been read just before the link went.
  return ` ! ${ageMs < 5000 ? `${Math.max(0, Math.floor(ageMs / 1000))} s` : formatAge(ageMs)} old`
}
