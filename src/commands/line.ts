import type { z } from 'zod'
import type { CommandSpec } from './types.ts'

export interface ParsedLine {
  readonly spec: CommandSpec
  readonly args: Readonly<Record<string, unknown>>
}

export type LineResult =
  | { readonly ok: true; readonly parsed: ParsedLine }
  | { readonly ok: false; readonly text: string }

/** Splits a `:` line into words; quotes group, a backslash keeps the next character. Null: an open quote. */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = []
  let word = ''
  let hasWord = false
  let quote = ''
  for (let i = 0; i < line.length; i += 1) {
    const c = line[i] ?? ''
    if (c === '\\' && quote !== "'" && i + 1 < line.length) {
      i += 1
      word += line[i]
      hasWord = true
    } else if (quote !== '') {
      if (c === quote) quote = ''
      else word += c
    } else if (c === '"' || c === "'") {
      quote = c
      hasWord = true
    } else if (/\s/.test(c)) {
      if (hasWord) words.push(word)
      word = ''
      hasWord = false
    } else {
      word += c
      hasWord = true
    }
  }
  if (quote !== '') return null
  if (hasWord) words.push(word)
  return words
}

type Shape = Readonly<Record<string, z.ZodType>>

/** The plain type behind optional and default wrappers. */
export function baseType(schema: z.ZodType): string {
  let s = schema as unknown as { _zod: { def: { type: string; innerType?: z.ZodType } } }
  while (s._zod.def.innerType !== undefined) s = s._zod.def.innerType as unknown as typeof s
  return s._zod.def.type
}

/** Values that an argument can take, for completion: those of an enum, true/false of a flag. */
export function choicesOf(schema: z.ZodType): readonly string[] {
  let s = schema as unknown as {
    _zod: { def: { type: string; innerType?: z.ZodType; entries?: Record<string, string> } }
  }
  while (s._zod.def.innerType !== undefined) s = s._zod.def.innerType as unknown as typeof s
  if (s._zod.def.type === 'enum') return Object.values(s._zod.def.entries ?? {})
  return []
}

function coerce(schema: z.ZodType, text: string): unknown {
  const type = baseType(schema)
  if (type === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'array') return text.split(',').map((t) => t.trim())
  return text
}

/** Words of a list come one after the other. */
const addedTo = (before: unknown, value: unknown) =>
  Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value

const kebab = (name: string) => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)
const camel = (name: string) => name.replace(/-([a-z])/g, (_all, c: string) => c.toUpperCase())

/** The words a command answers to on the `:` line: its CLI words, and its id. */
export function wordsOf(spec: CommandSpec): readonly string[] {
  return spec.cli === undefined ? [spec.id] : [spec.cli.join(' '), spec.id]
}

function findSpec(specs: readonly CommandSpec[], words: readonly string[]): { spec: CommandSpec; used: number } | null {
  let best: { spec: CommandSpec; used: number } | null = null
  for (const spec of specs) {
    for (const name of wordsOf(spec)) {
      const parts = name.split(' ')
      if (parts.every((p, i) => words[i] === p) && parts.length > (best?.used ?? 0)) best = { spec, used: parts.length }
    }
  }
  return best
}

/** Parses `audit --only gpu-present` into a command and validated arguments; says in words what is wrong. */
export function parseLine(specs: readonly CommandSpec[], line: string): LineResult {
  const words = splitWords(line)
  if (words === null) return { ok: false, text: 'a quote is not closed' }
  if (words.length === 0) return { ok: false, text: 'type a command; Tab completes' }
  const found = findSpec(specs, words)
  if (found === null) return { ok: false, text: `no command "${words[0]}"; Ctrl-P lists them all` }
  const { spec } = found
  const shape = spec.args.shape as Shape
  const raw: Record<string, unknown> = {}
  const rest = words.slice(found.used)
  const positional = [...(spec.positional ?? [])]
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? ''
    if (!word.startsWith('--') || word === '--') {
      const name = positional[0]
      const schema = name === undefined ? undefined : shape[name]
      if (name === undefined || schema === undefined)
        return { ok: false, text: `"${word}" is one word too many for ${spec.id}` }
      // The last of them takes all further words where it is a list.
      if (positional.length > 1 || baseType(schema) !== 'array') positional.shift()
      raw[name] = addedTo(raw[name], coerce(schema, word))
      continue
    }
    const [flag = '', inline] = word.slice(2).split(/=(.*)/s)
    const name = camel(flag)
    const schema = shape[name]
    if (spec.takesFlags !== undefined && (schema === undefined || name === spec.takesFlags)) {
      const hasValue = inline === undefined && rest[i + 1] !== undefined && rest[i + 1]?.startsWith('--') === false
      if (hasValue) i += 1
      raw[spec.takesFlags] = { ...(raw[spec.takesFlags] as object), [name]: inline ?? (hasValue ? rest[i] : 'true') }
      continue
    }
    if (schema === undefined) {
      const known = Object.keys(shape).map((n) => `--${kebab(n)}`)
      return { ok: false, text: `${spec.id} has no --${flag}${known.length > 0 ? `; it has ${known.join(', ')}` : ''}` }
    }
    if (inline !== undefined) raw[name] = coerce(schema, inline)
    else if (baseType(schema) === 'boolean') raw[name] = true
    else {
      i += 1
      const value = rest[i]
      if (value === undefined) return { ok: false, text: `--${flag} needs a value` }
      raw[name] = coerce(schema, value)
    }
  }
  return validateArgs(spec, raw)
}

/** Flags that a command does not know itself, as words left over by whoever parsed the others. Null: no flags at all. */
export function looseFlags(words: readonly string[]): Readonly<Record<string, string>> | null {
  const flags: Record<string, string> = {}
  for (let i = 0; i < words.length; i += 1) {
    const [flag = '', inline] = (words[i] ?? '').split(/=(.*)/s)
    if (!flag.startsWith('--') || flag === '--') return null
    const hasValue = inline === undefined && words[i + 1]?.startsWith('--') === false
    if (hasValue) i += 1
    flags[camel(flag.slice(2))] = inline ?? (hasValue ? (words[i] ?? '') : 'true')
  }
  return flags
}

/** Validates arguments that came from anywhere (line, argv, form) against the command's schema. */
export function validateArgs(spec: CommandSpec, raw: Readonly<Record<string, unknown>>): LineResult {
  const parsed = spec.args.safeParse(raw)
  if (parsed.success) return { ok: true, parsed: { spec, args: parsed.data as Record<string, unknown> } }
  const issue = parsed.error.issues[0]
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  return { ok: false, text: `${spec.id}: ${where}${issue?.message ?? 'the arguments do not fit'}` }
}

/** Completions of the last word of a `:` line, best first. */
export function completeLine(specs: readonly CommandSpec[], line: string): readonly string[] {
  const words = splitWords(line) ?? []
  const isNewWord = line === '' || /\s$/.test(line)
  const last = isNewWord ? '' : (words.at(-1) ?? '')
  const before = isNewWord ? words : words.slice(0, -1)
  const found = findSpec(specs, before)
  const names = specs
    .flatMap(wordsOf)
    .filter((n) => n.startsWith([...before, last].join(' ')) && n.split(' ').length > before.length)
    .map((n) => n.split(' ').slice(before.length).join(' '))
  if (found === null) return [...new Set(names)].sort()
  const shape = found.spec.args.shape as Shape
  const previous = before.at(-1) ?? ''
  if (previous.startsWith('--')) {
    const schema = shape[camel(previous.slice(2))]
    if (schema !== undefined && baseType(schema) !== 'boolean')
      return choicesOf(schema).filter((c) => c.startsWith(last))
  }
  const flags = Object.keys(shape)
    .map((n) => `--${kebab(n)}`)
    .filter((f) => f.startsWith(last) && !before.includes(f))
  return [...new Set([...names, ...(last === '' || last.startsWith('-') ? flags : [])])].sort()
}
