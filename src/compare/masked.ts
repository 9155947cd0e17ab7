import type { Setting } from '../reader/columns.ts'
import type { Facts } from '../reader/types.ts'
import { redactText } from '../text/redact.ts'
import type { RunDigest } from './digest.ts'

type Mask = (text: string) => string

/** Patterns and telling names alone: what this process knows of secrets is masked where it is shown. */
const byLook: Mask = (text) => redactText(text, null).text

/**
 * Settings and arguments as they may be kept and shown: a tracker writes down a key that was among them, and a comparison is a
 * picture that people send around. Two runs with other keys are then the same there, which is what they are.
 */
export const maskSettings = (settings: readonly Setting[], mask: Mask = byLook): readonly Setting[] =>
  settings.map(({ path, value }) => ({ path, value: maskValue(path.at(-1) ?? '', value, mask) }))

function maskValue(name: string, value: unknown, mask: Mask): unknown {
  if (typeof value === 'string' || typeof value === 'number') return maskScalar(name, value, mask)
  if (Array.isArray(value)) return value.map((each) => maskValue(name, each, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, maskValue(key, each, mask)]))
}

/** Part of every name that tells of a secret; of a sweep most settings are numbers with other names, and need no look. */
const telling = /pass|secret|key|token|credential|bearer|pwd/i
/** Shorter than any credential that is known by its look. */
const shortest = 8

/** The value behind its name, as in a file of settings: the name tells what it is. */
function maskScalar(name: string, value: string | number, mask: Mask): unknown {
  const said = String(value)
  if (said === '' || (!telling.test(name) && (typeof value === 'number' || said.length < shortest))) return value
  const head = `${name}="`
  const quoted = said.replaceAll('"', "'").replaceAll('\n', ' ')
  const line = `${head}${quoted}"`
  const masked = mask(line)
  if (masked === line) return value
  return masked.startsWith(head) && masked.endsWith('"') ? masked.slice(head.length, -1) : '***'
}

export function maskFacts(facts: Facts, mask: Mask = byLook): Facts {
  const { args } = facts
  if (args === undefined) return facts
  const words = args.map((word, at) => {
    const option = args[at - 1] ?? ''
    // The value may be the word behind its name, with blanks in it, or stand behind a `=`.
    if (/^--?[A-Za-z][^=]*$/.test(option) && !word.startsWith('-'))
      return String(maskScalar(option.replace(/^-+/, ''), word, mask))
    const [, name, value] = /^(-*[A-Za-z][^=]*)=(.*)$/s.exec(word) ?? []
    return name === undefined || value === undefined
      ? mask(word)
      : `${name}=${maskScalar(name.replace(/^-+/, ''), value, mask)}`
  })
  return { ...facts, args: words }
}

/** A digest with what this process knows to be secret taken out of its settings and arguments. */
export const maskDigest = (digest: RunDigest, mask: Mask): RunDigest => ({
  ...digest,
  settings: maskSettings(digest.settings, mask),
  facts: maskFacts(digest.facts, mask),
})
