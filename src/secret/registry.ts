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
  /** For handing over on standard input only: null when it is not known. */
  valueOf(name: string): string | null
}

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
  return {
    get version() {
      return version
    },
    needles() {
      if (cached.version !== version) {
        const all = new Set<string>()
        for (const value of values.values())
          for (const piece of piecesOf(value)) for (const { text } of encodingsOf(piece)) all.add(text)
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
        version++
      }
      return isMasked
    },
    get entries() {
      return [...entries.values()]
    },
    valueOf: (name) => values.get(name) ?? null,
  }
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
