import { encodingsOf, minSecretLength } from '../text/encodings.ts'
import type { SecretSet } from '../text/redact.ts'

/** Where a value came from, in words; never the value. */
export interface SecretEntry {
  readonly name: string
  readonly source: string
  readonly isMasked: boolean
}

export interface SecretRegistry extends SecretSet {
  /** False when the value is too short to be masked by value. */
  add(name: string, value: string, source: string): boolean
  readonly entries: readonly SecretEntry[]
  /**
   * Names of the values that stand in a text, in any encoding. A short value counts only where it is not part of a
   * longer word, and not at all when it is a plain word: what is refused or withheld should be right more often than
   * what is masked, and a token set to `disabled` makes no secret of that word.
   */
  namesIn(text: string): readonly string[]
  /** Whether a value stands in a text, in any encoding, also inside of a longer word; plain words are not looked for. */
  standsIn(text: string): boolean
  /** For handing over on standard input only: null when it is not known. */
  valueOf(name: string): string | null
}

/** From this length on nobody writes a value by chance, and it is found inside of words too. */
const tellingLength = 16
/** A plain word or figure, which stands in many places by itself. */
const aWord = /^(?:[A-Za-z]{1,11}|\d{1,9})$/
/** Longer values are masked in pieces of this length. */
const pieceLength = 2048

/**
 * All secret values that this process knows. What it holds is masked in all encodings before anything is shown or stored;
 * it never prints itself: `JSON.stringify` and the inspector see names only.
 */
export function createRegistry(): SecretRegistry {
  const values = new Map<string, string>()
  const entries = new Map<string, SecretEntry>()
  let version = 0
  let cached: { version: number; needles: readonly string[] } = { version: -1, needles: [] }
  const needlesByName = new Map<string, readonly string[]>()
  const needlesOf = (name: string, value: string): readonly string[] => {
    const known = needlesByName.get(name)
    if (known !== undefined) return known
    const all = [...new Set(piecesOf(value).flatMap((piece) => encodingsOf(piece).map(({ text }) => text)))]
    needlesByName.set(name, all)
    return all
  }
  return {
    get version() {
      return version
    },
    needles() {
      if (cached.version !== version) {
        const all = new Set<string>()
        for (const [name, value] of values) for (const text of needlesOf(name, value)) all.add(text)
        cached = { version, needles: [...all] }
      }
      return cached.needles
    },
    add(name, value, source) {
      const isMasked = value.trim().length >= minSecretLength
      entries.set(`${source}\0${name}`, { name, source, isMasked })
      if (value !== '' && values.get(name) !== value) {
        const old = values.get(name)
        // An earlier value under the same name must stay unseen too.
        if (old !== undefined) values.set(`${name}\0${values.size}`, old)
        values.set(name, value)
        needlesByName.delete(name)
        version++
      }
      return isMasked
    },
    get entries() {
      return [...entries.values()]
    },
    namesIn(text) {
      const found = new Set<string>()
      for (const [key, value] of values) {
        if (aWord.test(value)) continue
        const isThere = (needle: string) =>
          needle.length >= tellingLength ? text.includes(needle) : standsIn(text, needle)
        if (needlesOf(key, value).some(isThere)) found.add(key.split('\0', 1)[0] ?? key)
      }
      return [...found].sort()
    },
    standsIn: (text) =>
      [...values].some(
        ([key, value]) => !aWord.test(value) && needlesOf(key, value).some((each) => text.includes(each)),
      ),
    valueOf: (name) => values.get(name) ?? null,
  }
}

/** Whether it stands there as a word of its own. */
function standsIn(text: string, needle: string): boolean {
  const isWord = (at: number) => at >= 0 && at < text.length && /[A-Za-z0-9]/.test(text[at] ?? '')
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1))
    if (!isWord(at - 1) && !isWord(at + needle.length)) return true
  return false
}

/** The value, its trimmed form, and each of its lines: tools print keys line by line. */
function piecesOf(value: string): readonly string[] {
  const pieces = new Set<string>()
  const add = (text: string) => {
    for (let at = 0; at < text.length; at += pieceLength) pieces.add(text.slice(at, at + pieceLength))
  }
  add(value)
  add(value.trim())
  if (value.includes('\n'))
    for (const line of value.split(/\r?\n/)) if (line.trim().length >= 12 && !line.startsWith('-----')) add(line.trim())
  return [...pieces].filter((piece) => piece.length >= minSecretLength)
}
