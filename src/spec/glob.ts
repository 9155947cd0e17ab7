/**
 * Matches a `/`-separated relative path against a glob: `*` and `?` inside one name, `**` for any number of folders,
 * `{a,b}` for choices. Hidden names are ordinary names. Runs in O(path x glob): no backtracking blow-up.
 */
export function matchesGlob(path: string, glob: string): boolean {
  const names = path.split('/').filter((n) => n !== '' && n !== '.')
  return expandChoices(glob).some((g) =>
    matchNames(
      names,
      g.split('/').filter((n) => n !== '' && n !== '.'),
    ),
  )
}

/** True when the path lies in one of the given folders, is one of the given paths, or matches one of the globs. */
export function isUnderAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const plain = pattern.replace(/^\.\//, '').replace(/\/+$/, '')
    if (plain === '.' || plain === '') return true
    return (
      path === plain || path.startsWith(`${plain}/`) || matchesGlob(path, plain) || matchesGlob(path, `${plain}/**`)
    )
  })
}

const maximumChoices = 256

/** The globs that a glob with `{a,b}` stands for; at most 256. An unbalanced brace is an ordinary character. */
export function expandChoices(glob: string): string[] {
  let done = ['']
  let rest = glob
  while (rest !== '') {
    const match = /^([^{]*)(?:\{([^{}]*)\})?/.exec(rest)
    const head = match?.[1] ?? ''
    const choices = match?.[2]?.split(',')
    const taken = match?.[0].length ?? 0
    if (taken === 0) {
      // An unbalanced brace is an ordinary character.
      done = done.map((d) => d + rest[0])
      rest = rest.slice(1)
      continue
    }
    done = done.flatMap((d) => (choices ?? ['']).map((c) => d + head + c)).slice(0, maximumChoices)
    rest = rest.slice(taken)
  }
  return done
}

function matchNames(names: readonly string[], globs: readonly string[]): boolean {
  // reach[j]: the names read so far can be matched by the first j parts of the glob.
  let reach: boolean[] = [true]
  for (let j = 0; j < globs.length; j++) reach[j + 1] = reach[j] === true && globs[j] === '**'
  for (const name of names) {
    const next: boolean[] = [false]
    for (let j = 0; j < globs.length; j++) {
      const part = globs[j] ?? ''
      next[j + 1] =
        part === '**' ? reach[j + 1] === true || next[j] === true : reach[j] === true && matchName(name, part)
    }
    reach = next
  }
  return reach[globs.length] === true
}

/** One name against one part of a glob: `*` any run of characters, `?` one. At worst quadratic, unlike a regular expression. */
export function matchName(name: string, glob: string): boolean {
  let n = 0
  let g = 0
  let star = -1
  let mark = 0
  while (n < name.length) {
    if (g < glob.length && glob[g] === '*') {
      star = g++
      mark = n
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      n++
      g++
    } else if (star >= 0) {
      g = star + 1
      n = ++mark
    } else return false
  }
  while (g < glob.length && glob[g] === '*') g++
  return g === glob.length
}
