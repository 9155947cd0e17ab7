/**
 * A value as W&B writes it: JSON, and besides it bare `NaN`, `Infinity` and `-Infinity`, which JSON has not. What cannot be
 * read is `undefined` (handbook compare 4.1).
 */
export function jsonValue(text: string): unknown {
  if (text === 'NaN') return Number.NaN
  if (text === 'Infinity') return Number.POSITIVE_INFINITY
  if (text === '-Infinity') return Number.NEGATIVE_INFINITY
  return looseJson(text)
}

/** Bare words outside of strings; the alternatives begin with different characters, so this is linear. */
const bare = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g

/** JSON in which figures that are not finite stand bare, at any depth. They come back as such, not as strings. */
export function looseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return withBareWords(text)
  }
}

function withBareWords(text: string): unknown {
  const marks: Record<string, number> = { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity }
  const strict = text.replace(bare, (found) => (found.startsWith('"') ? found : `{"\\u0000kx":"${found}"}`))
  try {
    return JSON.parse(strict, (_key, value) => {
      if (typeof value !== 'object' || value === null) return value
      const mark = (value as Record<string, unknown>)['\u0000kx']
      return typeof mark === 'string' ? marks[mark] : value
    })
  } catch {
    return undefined
  }
}

/** A figure, also where it was written as the word `"NaN"` in quotes; null where it is none. */
export function figureOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity' || value === 'inf') return Number.POSITIVE_INFINITY
  if (value === '-Infinity' || value === '-inf') return Number.NEGATIVE_INFINITY
  return null
}
