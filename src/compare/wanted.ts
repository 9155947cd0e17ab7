import { errorText, type MakePattern, matcherOf, nativePattern, parseQuery, type QuerySubject } from './query.ts'
import type { CompareChoice } from './types.ts'

/**
 * Which runs a person wants to compare: those that were picked, else those that answer the query. The one that others are
 * held against is always among them.
 */
export function wantedBy(
  { where, picks, baseline }: Pick<CompareChoice, 'where' | 'picks' | 'baseline'>,
  pattern: MakePattern = nativePattern,
): {
  readonly isWanted: (run: QuerySubject | undefined) => boolean
  /** Why the query is none; empty: it is one. */
  readonly problem: string
} {
  if (picks.length > 0) {
    const paths = new Set([...picks, ...(baseline === '' ? [] : [baseline])])
    return { isWanted: (run) => run !== undefined && paths.has(run.path), problem: '' }
  }
  const query = parseQuery(where, pattern)
  if (query !== null && 'at' in query) return { isWanted: () => true, problem: errorText(query) }
  const matches = matcherOf(query, pattern)
  return { isWanted: (run) => run !== undefined && (run.path === baseline || matches(run)), problem: '' }
}
