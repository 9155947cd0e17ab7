import { fuzzyMatch } from './fuzzy.ts'
import { makePattern } from './safe-pattern.ts'

/** What decides which lines of a log are shown. */
export interface LogFilter {
  readonly test: (line: string) => boolean
  /** In words: `matching /nan/`, `without "debug"`; empty when everything is shown. */
  readonly label: string
  /** Why the filter is not applied, in words; asked again after use, because a pattern can prove too costly. */
  readonly error: () => string | null
}

const all: LogFilter = { test: () => true, label: '', error: () => null }

/**
 * Reads what was typed: `/pattern` is a regular expression, `~letters` fuzzy, `!` before anything turns it round, and
 * everything else is plain text. Case counts only when there is a capital. A filter that cannot be used shows all lines.
 */
export function parseLogFilter(typed: string): LogFilter {
  const text = typed.trim()
  if (text === '' || text === '!' || text === '/' || text === '~') return all
  if (text.startsWith('!')) {
    const inner = parseLogFilter(text.slice(1))
    if (inner.label === '' || inner.error() !== null) return inner
    return {
      test: (line) => inner.error() !== null || !inner.test(line),
      label: `not ${inner.label}`,
      error: inner.error,
    }
  }
  if (text.startsWith('/'))
    return patternFilter(text.length > 2 && text.endsWith('/') ? text.slice(1, -1) : text.slice(1))
  if (text.startsWith('~')) {
    const query = text.slice(1)
    return { test: (line) => fuzzyMatch(query, line) !== null, label: `like "${query}"`, error: () => null }
  }
  const minds = text !== text.toLowerCase()
  const wanted = minds ? text : text.toLowerCase()
  return {
    test: (line) => (minds ? line : line.toLowerCase()).includes(wanted),
    label: `with "${text}"`,
    error: () => null,
  }
}

function patternFilter(source: string): LogFilter {
  const pattern = makePattern(source)
  const label = `matching /${source}/`
  if ('error' in pattern) return { test: () => true, label, error: () => pattern.error }
  return {
    test: (line) => pattern.isExhausted() || pattern.test(line),
    label,
    error: () => (pattern.isExhausted() ? 'pattern costs too much on this log: make it simpler' : null),
  }
}
