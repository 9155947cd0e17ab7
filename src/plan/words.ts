/**
 * Splits a command line into words, as a person writes it: blanks separate, '…' and "…" keep together, a backslash takes
 * the next character as it is. Nothing is expanded and no shell is asked. Null when a quote is left open.
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? ''
    if (c === '\\' && quote !== "'") {
      if (i + 1 >= line.length) return null
      word = (word ?? '') + (line[++i] ?? '')
    } else if (quote !== null) {
      if (c === quote) quote = null
      else word = (word ?? '') + c
    } else if (c === '"' || c === "'") {
      quote = c
      word ??= ''
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + c
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  return words
}
