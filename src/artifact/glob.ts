/**
 * Matches one name against one component: `*` any run of characters, `?` one. Linear in space and at worst quadratic
 * in time, unlike a regular expression made from foreign text. A leading dot must be asked for, as in a shell.
 */
export function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  let p = 0
  let n = 0
  let star = -1
  let mark = 0
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p
      mark = n
      p += 1
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p += 1
      n += 1
    } else if (star >= 0) {
      p = star + 1
      mark += 1
      n = mark
    } else return false
  }
  while (pattern[p] === '*') p += 1
  return p === pattern.length
}

export function hasWildcard(component: string): boolean {
  return /[*?]/.test(component)
}
