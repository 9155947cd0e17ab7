/** A filter as typed: `/regex` (or bare text), `!inverse`, `~fuzzy`. */
export interface Matcher {
  readonly matches: (text: string) => boolean
  /** Said beside the filter when it could not be read as a pattern and is taken literally. */
  readonly note: string | null
}

const maxPattern = 200
const maxLine = 4096
/**
 * V8 has no time limit for a pattern (handbook reliability 10). Nested repetition, a repeated group with alternatives,
 * and back references can take exponential time, so those are matched literally.
 */
const risky = /\([^)]*[*+{][^)]*\)[*+{?]|\([^)]*\|[^)]*\)[*+{]|\\[1-9]|[*+}][*+]|(?:\.[*+][^|)]*){3,}/

function literal(text: string): (line: string) => boolean {
  const wanted = text.toLowerCase()
  return (line) => line.toLowerCase().includes(wanted)
}

function fuzzy(text: string): (line: string) => boolean {
  const wanted = [...text.toLowerCase()].filter((c) => c !== ' ')
  return (line) => {
    let at = 0
    for (const c of line.toLowerCase()) if (c === wanted[at]) at += 1
    return at >= wanted.length
  }
}

/** Builds the test for one filter. Never throws: what is no pattern is taken as plain text, and said so. */
export function makeMatcher(filter: string): Matcher {
  const isInverse = filter.startsWith('!')
  const rest = isInverse ? filter.slice(1) : filter
  const clip = (line: string) => (line.length > maxLine ? line.slice(0, maxLine) : line)
  const wrapUp = (test: (line: string) => boolean, note: string | null): Matcher => ({
    matches: isInverse ? (line) => !test(clip(line)) : (line) => test(clip(line)),
    note,
  })
  if (rest === '') return { matches: () => true, note: null }
  if (rest.startsWith('~')) return wrapUp(fuzzy(rest.slice(1)), null)
  const pattern = rest.startsWith('/') ? rest.slice(1) : rest
  if (pattern.length > maxPattern) return wrapUp(literal(pattern), 'long pattern, matched as text')
  if (risky.test(pattern)) return wrapUp(literal(pattern), 'pattern could run away, matched as text')
  try {
    const expression = new RegExp(pattern, 'i')
    return wrapUp((line) => expression.test(line), null)
  } catch {
    return wrapUp(literal(pattern), 'not a pattern, matched as text')
  }
}
