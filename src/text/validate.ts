import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { dottedKey, type SourceProblem } from './problem.ts'
import { sanitiseLine } from './sanitise.ts'
import { describeSchema, descriptionOf, keysOf, schemaAt } from './schema-words.ts'
import { type YamlDocument, yamlLimits } from './yaml.ts'

export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly SourceProblem[] }

type Issue = z.core.$ZodIssue

/**
 * Checks a document against a schema. Each problem names file, line, column and key, what was found, what was expected and
 * what to write; an unknown key comes with the key that was probably meant.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  document: Pick<YamlDocument, 'file' | 'value' | 'locate'>,
): Validated<z.output<S>> {
  const parsed = schema.safeParse(document.value)
  if (parsed.success) return { ok: true, value: parsed.data }
  const problems: SourceProblem[] = []
  const meant = new Set<string>()
  const issues = parsed.error.issues
  for (const issue of issues.filter((i) => i.code === 'unrecognized_keys')) {
    for (const key of issue.keys.slice(0, yamlLimits.problems)) {
      if (problems.length >= yamlLimits.problems) break
      const path = [...issue.path, key]
      const known = keysOf(schemaAt(schema, issue.path, document.value))
      const guess = nearest(key, known)
      if (guess !== null) meant.add(dottedKey([...issue.path, guess]))
      problems.push(unknownKey(document, path, known, guess))
    }
  }
  for (const issue of issues) {
    if (problems.length >= yamlLimits.problems) break
    if (issue.code === 'unrecognized_keys') continue
    const found = valueAt(document.value, issue.path)
    // A key that was misspelt is missing too: one message is enough.
    if (found === undefined && meant.has(dottedKey(issue.path))) continue
    problems.push(describe(schema, document, issue, found))
  }
  return { ok: false, errors: problems.sort((a, b) => a.line - b.line || a.column - b.column) }
}

function unknownKey(
  document: Pick<YamlDocument, 'file' | 'locate'>,
  path: readonly PropertyKey[],
  known: readonly string[],
  guess: string | null,
): SourceProblem {
  const expected = known.length > 0 && known.length <= 12 ? { expected: `one of ${known.join(', ')}` } : {}
  const hint = guess === null ? 'Remove it, or look the name up in the documentation' : `Did you mean \`${guess}\`?`
  return { ...place(document, path), message: 'unknown key', ...expected, hint }
}

function place(document: Pick<YamlDocument, 'file' | 'locate'>, path: readonly PropertyKey[]) {
  return { file: document.file, ...document.locate(path), key: sanitiseLine(dottedKey(path), 200) }
}

function describe(
  schema: z.ZodType,
  document: Pick<YamlDocument, 'file' | 'value' | 'locate'>,
  issue: Issue,
  found: unknown,
): SourceProblem {
  const at = place(document, issue.path)
  const target = schemaAt(schema, issue.path, document.value)
  const words = expectedWords(issue, target)
  const last = String(issue.path.at(-1) ?? '')
  if (issue.code === 'invalid_key') {
    const inner = issue.issues[0]?.message ?? 'another name'
    return { ...at, message: 'this name is not allowed', expected: inner, hint: 'Rename the key' }
  }
  if (found === undefined && issue.path.length > 0 && typeof issue.path.at(-1) === 'string')
    return { ...at, message: 'is missing', expected: words, hint: `Add \`${last}:\`${exampleOf(words)}` }
  const hint = whatToWrite(last, words, found, issue)
  const description = descriptionOf(target)
  const about = description === undefined ? '' : ` (${description})`
  return { ...at, message: `found ${foundWords(found)}`, expected: `${words}${about}`, ...(hint ? { hint } : {}) }
}

/** A line that would pass, where one can be given from what stands there. */
function whatToWrite(key: string, words: string, found: unknown, issue: Issue): string {
  const label = /^\d*$/.test(key) ? '' : `${key}: `
  if (issue.code === 'invalid_value') return `Write \`${label}${String(issue.values[0])}\``
  if (typeof found === 'string' && /number/.test(words) && /^-?\d+(?:\.\d+)?$/.test(found))
    return `Write \`${label}${found}\` without quotes`
  if (words === 'text' && (typeof found === 'number' || typeof found === 'boolean'))
    return `Write \`${label}"${String(found)}"\``
  if (words === 'true or false') return `Write \`${label}true\` or \`${label}false\``
  if (words.startsWith('a list') && found !== null && typeof found !== 'object')
    return `Write \`${label}[${sanitiseLine(String(found), 40)}]\``
  if (issue.code === 'too_small' && issue.origin === 'number' && issue.inclusive !== false)
    return `Write \`${label}${String(issue.minimum)}\` or more`
  if (issue.code === 'too_big' && issue.origin === 'number' && issue.inclusive !== false)
    return `Write \`${label}${String(issue.maximum)}\` or less`
  return `Write ${words}`
}

const exampleOf = (words: string) => (words === 'a map of keys' ? ' with its keys below it' : ` with ${words}`)

function expectedWords(issue: Issue, target: z.ZodType | null): string {
  const own = issue.message
  const isOwn = own !== undefined && !/^(?:Invalid|Too |Unrecognized|Number must)/.test(own)
  if (isOwn) return own
  switch (issue.code) {
    case 'invalid_value':
      return oneOf(issue.values.map(String))
    case 'too_small':
      return `${sized(issue.origin)}${issue.inclusive === false ? 'more than' : 'at least'} ${String(issue.minimum)}${counted(issue.origin)}`
    case 'too_big':
      return `${sized(issue.origin)}${issue.inclusive === false ? 'less than' : 'at most'} ${String(issue.maximum)}${counted(issue.origin)}`
    case 'invalid_format':
      return formatWords(issue.format)
    case 'invalid_type':
      return target !== null && issue.expected !== 'int' ? describeSchema(target) : typeWords(issue.expected)
    case 'invalid_union': {
      const options = (issue as { options?: readonly unknown[] }).options
      if (options !== undefined) return oneOf(options.map(String))
      return target === null ? 'another value' : describeSchema(target)
    }
    default:
      return target === null ? 'another value' : describeSchema(target)
  }
}

const oneOf = (values: readonly string[]) => (values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`)
const sized = (origin: string) => (origin === 'string' || origin === 'array' ? '' : 'a number of ')
const counted = (origin: string) => (origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '')

function formatWords(format: string): string {
  if (format === 'datetime') return 'a time with zone, such as 2026-07-01T12:00:00Z'
  if (format === 'url') return 'a web address'
  return `text in the form ${format}`
}

function typeWords(type: string): string {
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map of keys',
    record: 'a map of keys',
  }
  return words[type] ?? type
}

/** A found value in a few safe words. */
function foundWords(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'an empty value'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'a map of keys'
  if (typeof value === 'string') return `"${sanitiseLine(value, 60)}"`
  return sanitiseLine(String(value), 60)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const part of path) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, part)) return undefined
    here = (here as Record<PropertyKey, unknown>)[part]
  }
  return here
}
