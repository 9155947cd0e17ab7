import { scan } from './lexer.ts'

export type Kind = 'let' | 'const' | 'var'

/**
 * The code with its top-level declaration of `name` made one of another kind: the engine lets a name be declared again by
 * its own kind only. Null where the code does not declare it at its top level.
 */
export function declaredAs(code: string, name: string, kind: Kind): string | null {
  const { tokens } = scan(code)
  let found: { readonly start: number; readonly end: number; readonly text: string } | null = null
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word' || token.depth !== 0) continue
    const next = tokens[at + 1]
    if (token.text === 'let' || token.text === 'const' || token.text === 'var') {
      const until = tokens.findIndex(
        (each, n) => n > at && each.depth === 0 && /^(?:;|let|const|var|class|function)$/.test(each.text),
      )
      const own = tokens.slice(at + 1, until < 0 ? tokens.length : until)
      if (own.some((each) => each.text === name)) found = { start: token.start, end: token.end, text: kind }
    } else if ((token.text === 'class' || token.text === 'function') && next?.text === name) {
      const before = tokens[at - 1]
      const isAsync = before?.text === 'async'
      const start = isAsync ? before.start : token.start
      const word = `${isAsync ? 'async ' : ''}${token.text}`
      found = { start, end: token.end, text: `${kind === 'var' ? 'let' : kind} ${name} = ${word}` }
    }
  }
  return found === null ? null : code.slice(0, found.start) + found.text + code.slice(found.end)
}
