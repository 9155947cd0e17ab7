import { type Ast, parsePattern } from './safe-pattern-parse.ts'

/** A regular expression whose search takes time in proportion to the text, whatever the pattern is. */
export interface SafePattern {
  /** True when the pattern is found anywhere in the text. */
  readonly test: (text: string) => boolean
  /**
   * True once building the automaton has cost more than any sensible pattern needs. From then on nothing is found, so
   * that keys stay answered; say so to the person.
   */
  readonly isExhausted: () => boolean
}

/** Longest pattern that is taken, in characters. */
export const longestPattern = 256
/** Most nodes that a pattern may come to when its counts are written out. */
const nodeLimit = 2000
/** The remembered part of the automaton is thrown away above this and grows again. */
const stateLimit = 500
/** Node visits outside the remembered part: some tenths of a second. Ordinary patterns need a few thousand. */
const workLimit = 3_000_000

type Node =
  | { readonly op: 'char'; readonly has: (code: number) => boolean; next: number }
  | { readonly op: 'split'; a: number; b: number }
  | { readonly op: 'assert'; readonly kind: '^' | '$' | 'b' | 'B'; next: number }
  | { readonly op: 'accept' }

/** Kind of the character before: there is none, a word character, another one. */
type Before = 0 | 1 | 2

interface State {
  readonly kernel: readonly number[]
  readonly before: Before
  /** By character code; `null` is a match. */
  readonly ascii: (State | null | undefined)[]
  readonly others: Map<number, State | null>
}

const endOfText = -1

const isWordCode = (c: number) => (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || c === 95 || (c >= 97 && c <= 122)

function size(ast: Ast): number {
  switch (ast.type) {
    case 'set':
    case 'assert':
    case 'empty':
      return 1
    case 'cat':
    case 'alt':
      return ast.parts.reduce((sum, part) => sum + size(part) + 1, 0)
    case 'repeat':
      return (size(ast.part) + 1) * (Number.isFinite(ast.max) ? Math.max(1, ast.max) : ast.min + 1)
  }
}

/** Writes the nodes of `ast` so that they lead on to `next`; returns the first one. */
function emit(ast: Ast, next: number, nodes: Node[]): number {
  switch (ast.type) {
    case 'empty':
      return next
    case 'set':
      return nodes.push({ op: 'char', has: ast.has, next }) - 1
    case 'assert':
      return nodes.push({ op: 'assert', kind: ast.kind, next }) - 1
    case 'cat':
      return ast.parts.reduceRight((after, part) => emit(part, after, nodes), next)
    case 'alt':
      return ast.parts
        .map((part) => emit(part, next, nodes))
        .reduceRight((b, a) => nodes.push({ op: 'split', a, b }) - 1)
    case 'repeat': {
      let first = next
      if (!Number.isFinite(ast.max)) {
        const loop: Node = { op: 'split', a: next, b: next }
        const at = nodes.push(loop) - 1
        loop.a = emit(ast.part, at, nodes)
        first = at
      } else {
        for (let i = ast.min; i < ast.max; i++) {
          const a = emit(ast.part, first, nodes)
          first = nodes.push({ op: 'split', a, b: next }) - 1
        }
      }
      for (let i = 0; i < ast.min; i++) first = emit(ast.part, first, nodes)
      return first
    }
  }
}

/**
 * Builds a pattern. Understood: literals, `.`, classes, `\d \w \s \b` and their opposites, groups, `|`, `* + ? {m,n}`,
 * `^ $`. Back-references and look-around cannot be searched in linear time and are refused. Without capitals in the
 * pattern, case does not count. Returns the reason in words when the pattern is not taken.
 */
export function makePattern(source: string): SafePattern | { readonly error: string } {
  if (source.length > longestPattern) return { error: `pattern is longer than ${longestPattern} characters` }
  const ignoreCase = !/\p{Lu}/u.test(source.replace(/\\./g, ''))
  const ast = parsePattern(source, ignoreCase)
  if ('error' in ast) return ast
  if (size(ast) > nodeLimit) return { error: 'pattern repeats too much: use smaller counts' }
  const nodes: Node[] = [{ op: 'accept' }]
  const start = emit(ast, 0, nodes)
  return automaton(nodes, start)
}

function automaton(nodes: readonly Node[], start: number): SafePattern {
  let work = 0
  let states = new Map<string, State>()
  const intern = (kernel: readonly number[], before: Before): State => {
    const key = `${before}:${kernel.join(',')}`
    const known = states.get(key)
    if (known !== undefined) return known
    if (states.size >= stateLimit) states = new Map()
    const state: State = { kernel, before, ascii: [], others: new Map() }
    states.set(key, state)
    return state
  }
  const holds = (kind: '^' | '$' | 'b' | 'B', before: Before, code: number): boolean => {
    if (kind === '^') return before === 0
    if (kind === '$') return code === endOfText
    const isBorder = (before === 1) !== (code !== endOfText && isWordCode(code))
    return (kind === 'b') === isBorder
  }
  /** Where `code` leads from this state; null when the pattern is found before it. */
  const step = (state: State, code: number): State | null => {
    const seen = new Set<number>()
    const next = new Set<number>([start])
    const stack = [...state.kernel]
    work += 20
    while (stack.length > 0) {
      const at = stack.pop() ?? 0
      if (seen.has(at)) continue
      seen.add(at)
      work += 1
      const node = nodes[at]
      if (node === undefined) continue
      if (node.op === 'accept') return null
      if (node.op === 'split') stack.push(node.a, node.b)
      else if (node.op === 'assert') {
        if (holds(node.kind, state.before, code)) stack.push(node.next)
      } else if (code !== endOfText && node.has(code)) next.add(node.next)
    }
    return intern(
      [...next].sort((a, b) => a - b),
      isWordCode(code) ? 1 : 2,
    )
  }
  const test = (text: string) => {
    let state = intern([start], 0)
    for (let i = 0; i <= text.length; i++) {
      if (work > workLimit) return false
      const code = i < text.length ? text.charCodeAt(i) : endOfText
      let next: State | null | undefined
      if (code >= 0 && code < 128) {
        next = state.ascii[code]
        if (next === undefined) state.ascii[code] = next = step(state, code)
      } else {
        next = state.others.get(code)
        if (next === undefined) {
          next = step(state, code)
          if (state.others.size < 1000) state.others.set(code, next)
        }
      }
      if (next === null) return true
      state = next
    }
    return false
  }
  return { test, isExhausted: () => work > workLimit }
}
