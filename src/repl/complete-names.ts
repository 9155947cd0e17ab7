import { types } from 'node:util'
import { scan, type Token } from './lexer.ts'
import type { Completions } from './types.ts'

export interface NameSource {
  /** Names of `let`, `const` and `class`. */
  lexicalNames(): Promise<readonly string[]>
  /** A value, where finding it changes nothing. */
  look(expression: string): Promise<{ readonly value: unknown } | null>
}

const mostNames = 500
const keywords =
  'async await break case catch class const continue default delete do else false finally for function if import in instanceof let new null of return switch this throw true try typeof undefined var void while yield'.split(
    ' ',
  )
const isName = (text: string) => /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text)

/**
 * Names that may follow at the cursor: members of the object before the dot, else what is in scope. Objects are looked at
 * without running anything that has an effect; what cannot be looked at has no completions.
 */
export async function completeNames(source: string, cursor: number, names: NameSource): Promise<Completions> {
  const before = source.slice(0, cursor)
  const { tokens, closers } = scan(before)
  const last = tokens.at(-1)
  const none: Completions = { from: cursor, names: [] }
  if (closers.startsWith('*/') || closers.startsWith('`') || last?.kind === 'string' || last?.kind === 'regex')
    return none
  const isPartial = last?.kind === 'word' && last.end === before.length
  const partial = isPartial ? last.text : ''
  const from = cursor - partial.length
  const at = tokens.length - (isPartial ? 2 : 1)
  const dot = tokens[at]
  if (dot?.text !== '.' && dot?.text !== '?.') {
    if (partial === '' && before.trim() !== '') return none
    const found = [...(await names.lexicalNames()), ...globalNames(), ...keywords]
    return { from, names: ranked(found, partial) }
  }
  const start = chainStart(tokens, at)
  if (start === null) return none
  const looked = await names.look(before.slice(start, dot.start))
  if (looked === null) return none
  return { from, names: ranked(membersOf(looked.value), partial) }
}

function globalNames(): readonly string[] {
  return Object.getOwnPropertyNames(globalThis).filter((name) => isName(name) && !name.startsWith('__kx'))
}

/** Where the chain of names, indexes, calls and literals begins that ends before token `at`. */
function chainStart(tokens: ReturnType<typeof scan>['tokens'], at: number): number | null {
  let i = at - 1
  for (;;) {
    const token = tokens[i]
    if (token === undefined) return null
    if (token.text === ']' || token.text === ')' || token.text === '}') {
      const opener = { ']': '[', ')': '(', '}': '{' }[token.text]
      const start = tokens.findLastIndex((each, n) => n < i && each.text === opener && each.depth === token.depth)
      const before = tokens[start - 1]
      if (start < 0) return null
      const isLiteral = token.text === '}' || before === undefined || !isOperand(before)
      if (isLiteral) return tokens[start]?.start ?? null
      i = start - 1
      continue
    }
    if (!['word', 'string', 'template', 'regex', 'number'].includes(token.kind)) return null
    const before = tokens[i - 1]?.text
    if (before !== '.' && before !== '?.') return token.start
    i -= 2
  }
}

/** Something that can be indexed or called; `return [` is none. */
const isOperand = ({ kind, text }: Token) =>
  (kind === 'word' && !keywords.includes(text)) || kind === 'string' || kind === 'template' || /^[)\]]$/.test(text)

function membersOf(value: unknown): readonly string[] {
  if (value === null || value === undefined) return []
  const names = new Set<string>()
  let at: object | null = Object(value) as object
  for (let depth = 0; at !== null && depth < 8 && names.size < mostNames; depth += 1) {
    if (types.isProxy(at)) break
    for (const name of Object.getOwnPropertyNames(at)) if (isName(name)) names.add(name)
    at = Object.getPrototypeOf(at)
  }
  names.delete('__proto__')
  return [...names]
}

/** Those that begin like it, in their order; names that begin with an underscore last. */
function ranked(names: readonly string[], partial: string): readonly string[] {
  const fitting = [...new Set(names)].filter((name) => name.startsWith(partial) && name !== partial)
  return [...fitting.filter((name) => !name.startsWith('_')), ...fitting.filter((name) => name.startsWith('_'))].slice(
    0,
    mostNames,
  )
}
