import { formatAge } from '../../src/text/format.ts'

/** An age as part of a sentence: `5 s ago`, `just now`. Coarse, so that a quiet screen is seldom redrawn. */
export function ageText(ageMs: number): string {
  const age = formatAge(ageMs)
  return age === 'now' ? 'just now' : `${age} ago`
}
