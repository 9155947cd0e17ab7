/** A text that holds the letters of a query in order, with how well it does. */
export interface FuzzyMatch {
  /** Higher is better; only comparable between matches of the same query. */
  readonly score: number
  /** Offsets of the matched letters, for marking them. */
  readonly positions: readonly number[]
}

const longestQuery = 64
const longestText = 512
const none = -1_000_000

const isUpper = (c: string) => c !== c.toLowerCase()
const isSeparator = (c: string | undefined) => c === undefined || /[\s./:_\-\\,;()[\]]/.test(c)

/** Worth of matching the letter at this place: beginnings of words count more than their middles. */
function placeBonus(text: string, at: number): number {
  const before = text[at - 1]
  if (at === 0) return 10
  if (isSeparator(before)) return 8
  if (before !== undefined && !isUpper(before) && isUpper(text[at] ?? '')) return 6
  return 0
}

/**
 * Matches a query as a subsequence of a text. Without capitals in the query, case does not count. Runs of neighbours and
 * beginnings of words score best. Queries above 64 and texts above 512 letters are cut.
 */
export function fuzzyMatch(query: string, text: string): FuzzyMatch | null {
  const wanted = query.replaceAll(' ', '').slice(0, longestQuery)
  const shown = text.slice(0, longestText)
  if (wanted === '') return { score: 0, positions: [] }
  const minds = isUpper(wanted)
  const hay = minds ? shown : shown.toLowerCase()
  const needle = minds ? wanted : wanted.toLowerCase()
  if (!isSubsequence(needle, hay)) return null
  const n = needle.length
  const m = hay.length
  // best[i][j]: best score with letter i of the query matched at place j of the text.
  const best: Float64Array[] = []
  const from: Int32Array[] = []
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(m).fill(none)
    const back = new Int32Array(m).fill(-1)
    const previous = best[i - 1]
    let reach = none
    let reachAt = -1
    for (let j = i; j < m; j++) {
      if (previous !== undefined && j >= 2) {
        // A gap costs a little for every letter that it leaps over.
        reach -= 0.2
        const candidate = (previous[j - 2] ?? none) - 1
        if (candidate > reach) {
          reach = candidate
          reachAt = j - 2
        }
      }
      if (hay[j] !== needle[i]) continue
      const bonus = 4 + placeBonus(shown, j)
      if (previous === undefined) {
        row[j] = bonus - Math.min(4, j * 0.1)
        continue
      }
      const neighbour = (previous[j - 1] ?? none) + 6
      const gap = reach
      if (neighbour <= none / 2 && gap <= none / 2) continue
      row[j] = bonus + Math.max(neighbour, gap)
      back[j] = neighbour >= gap ? j - 1 : reachAt
    }
    best.push(row)
    from.push(back)
  }
  const last = best[n - 1]
  if (last === undefined) return null
  let at = 0
  for (let j = 1; j < m; j++) if ((last[j] ?? none) > (last[at] ?? none)) at = j
  // Of texts that match alike the shorter one is meant.
  const score = (last[at] ?? none) - m * 0.02
  const positions: number[] = []
  for (let i = n - 1; i >= 0 && at >= 0; i--) {
    positions.unshift(at)
    at = from[i]?.[at] ?? -1
  }
  return { score, positions }
}

function isSubsequence(needle: string, hay: string): boolean {
  let at = 0
  for (const c of needle.split('')) {
    const found = hay.indexOf(c, at)
    if (found < 0) return false
    at = found + 1
  }
  return true
}

export interface Ranked<T> extends FuzzyMatch {
  readonly item: T
}

/** Items whose text matches, best first; equal ones keep their order. An empty query keeps all as they are. */
export function fuzzyRank<T>(query: string, items: readonly T[], textOf: (item: T) => string): Ranked<T>[] {
  const ranked = items.flatMap((item) => {
    const match = fuzzyMatch(query, textOf(item))
    return match === null ? [] : [{ item, ...match }]
  })
  return query.trim() === '' ? ranked : ranked.sort((a, b) => b.score - a.score)
}
