const plain = /^[A-Za-z0-9_@%+=:,./-]+$/

/**
 * One word for a POSIX shell, in single quotes where needed: the same word in sh, dash, bash, zsh, fish and busybox.
 * Throws on NUL, which no argument can hold. Prefer argument vectors and standard input; this is for display and for the
 * places where a shell is in the way. Source: handbook reliability 8.
 */
export function shellQuote(word: string): string {
  if (word.includes('\0')) throw new Error('An argument cannot hold a NUL byte. Remove it from the value.')
  if (plain.test(word) && !/^[=%]|^~/.test(word)) return word
  // fish reads \\ and \' inside single quotes as escapes, so a backslash stays outside of them there and everywhere.
  return (
    word
      .split(/(['\\]+)/)
      .filter((part) => part !== '')
      .map((part) => (/^['\\]/.test(part) ? part.replace(/['\\]/g, '\\$&') : `'${part}'`))
      .join('') || "''"
  )
}

/** An argument vector as one command line that a person can paste. */
export function shellJoin(argv: readonly string[]): string {
  const words = argv.map(shellQuote)
  // A first word with `=` would be read as an assignment.
  if (argv[0] !== undefined && /^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(argv[0]))
    words[0] = `'${argv[0].replace(/'/g, "'\\''")}'`
  return words.join(' ')
}
