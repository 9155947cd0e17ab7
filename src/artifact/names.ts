const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i
/** Characters that hide or reorder what is shown: format, bidirectional and line separators (Unicode Cf, Zl, Zp). */
const hiding = /[\p{Cf}\p{Zl}\p{Zp}\p{Cc}\p{Cs}\p{Co}]/u
/** 255 is the limit of common file systems; the rest is room for `.part`. */
const maxNameBytes = 250
const maxPathBytes = 4000

/** Why one component of a foreign path is not accepted (handbook ssh 11), or null when it is. */
export function nameProblem(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'an empty name, . or ..'
  if (/[/\\]/.test(name)) return 'a path separator in a name'
  if (hiding.test(name)) return 'a control, format or bidirectional character'
  if (name.includes('\ufffd')) return 'bytes that are not UTF-8'
  if (name.startsWith('-')) return 'a leading hyphen'
  if (/^[A-Za-z]:/.test(name) || /[<>:"|?*]/.test(name)) return 'a character that not every file system allows'
  if (/[. ]$/.test(name)) return 'a trailing dot or space'
  if (reserved.test(name)) return 'a name that is a device on Windows'
  if (Buffer.byteLength(name) > maxNameBytes) return `longer than ${maxNameBytes} bytes`
  if (name.endsWith('.part')) return 'the ending .part, which marks an unfinished transfer'
  return null
}

/** The same for a relative path of several components. */
export function pathProblem(path: string): string | null {
  if (Buffer.byteLength(path) > maxPathBytes) return `longer than ${maxPathBytes} bytes`
  for (const name of path.split('/')) {
    const problem = nameProblem(name)
    if (problem !== null) return problem
  }
  return null
}

/** Two names with the same key are one file on some file system: case and Unicode composition are folded away. */
export function foldKey(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC')
}

/** Paths (or folders of theirs) that differ only by case or composition, as pairs. */
export function collisions(paths: readonly string[]): readonly (readonly [string, string])[] {
  const seen = new Map<string, string>()
  const found = new Map<string, readonly [string, string]>()
  for (const path of paths) {
    const parts = path.split('/')
    for (let n = 1; n <= parts.length; n += 1) {
      const prefix = parts.slice(0, n).join('/')
      const key = foldKey(prefix)
      const other = seen.get(key)
      if (other === undefined) seen.set(key, prefix)
      else if (other !== prefix) found.set(key, [other, prefix])
    }
  }
  return [...found.values()]
}
