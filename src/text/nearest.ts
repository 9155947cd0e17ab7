/**
 * Number of single edits (insert, delete, replace, swap of neighbours) between two words: Damerau-Levenshtein, restricted
 * form. Words are cut at 64 characters, so the work is bounded.
 */
export function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64)
  const b = right.slice(0, 64)
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The candidate that a typing mistake is most likely to have meant, or null. Case, `_` and `-` count for nothing. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const plain = (s: string) => s.toLowerCase().replace(/[_-]/g, '')
  const wanted = plain(word)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.min(3, Math.floor(wanted.length / 3))) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
