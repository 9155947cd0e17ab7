import { formatAge } from '../../src/text/format.ts'

/** A sample older than this is shown as old (handbook monitoring 3.2). */
export const staleAfterMs = 15_000

/** An age as part of a sentence: `5 s ago`, `just now`. Coarse, so that a quiet screen is seldom redrawn. */
export function ageText(ageMs: number): string {
  const age = formatAge(ageMs)
  return age === 'now' ? 'just now' : `${age} ago`
}

/** How long ago something was looked at; with a sign when that is too long ago for something that still moves. */
export function lookedText(ageMs: number, isMoving: boolean): string {
  return isMoving && ageMs > staleAfterMs ? `! stale, looked ${ageText(ageMs)}` : `looked ${ageText(ageMs)}`
}

/** What stands behind a figure that is too old to be taken for how things are now; nothing behind a fresh one. */
export function staleMark(ageMs: number, isMoving: boolean): string {
  return isMoving && ageMs > staleAfterMs ? ` ! ${formatAge(ageMs)} old` : ''
}
