import * as module from 'node:module'
import { Script } from 'node:vm'
import { scan } from './lexer.ts'
import { rewriteImports } from './rewrite.ts'

export type Parsed =
  | { readonly kind: 'code'; readonly code: string; readonly isTypeScript: boolean }
  /** Something that could follow would make it right: the person is still writing. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'error'; readonly message: string; readonly line: number; readonly column: number }
  | { readonly kind: 'empty' }

const head = '(async () => {\n'

/** Whether the engine takes it, alone or with `await` in it. Nothing is run. */
function parses(code: string): boolean {
  const own = failure(code)
  // `return` would pass in there and nowhere else.
  return own === null || (!/^Illegal return/.test(own.message) && failure(`${head}${code}\n})`) === null)
}

function failure(code: string): SyntaxError | null {
  try {
    new Script(code, { filename: 'kx-parse' })
    return null
  } catch (error) {
    return error as SyntaxError
  }
}

/** Types taken away; null when that cannot be done. */
function withoutTypes(source: string): { readonly code: string } | { readonly message: string } | null {
  const emitWarning = process.emitWarning
  // The engine calls this experimental on standard error at its first use; which is no business of whoever types here.
  process.emitWarning = () => {}
  try {
    return { code: module.stripTypeScriptTypes(source) }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' ? { message } : null
  } finally {
    process.emitWarning = emitWarning
  }
}

const fillers = ['', '0', ' x', ' {}', ';;', ' of []']
const afterClosers = ['', ' {}', ' catch {}', ' while (0)', ' 0', ' => 0']

function isIncomplete(source: string): boolean {
  const { closers, isMismatched } = scan(source)
  if (isMismatched) return false
  const isInComment = closers.startsWith('*/')
  for (const filler of isInComment || closers.startsWith('`') ? [''] : fillers)
    for (const after of afterClosers) {
      // The source alone was looked at already.
      const added = `${filler}${closers}${after}`
      if (added !== '' && parses(`${source}${isInComment || closers.startsWith('`') ? '' : '\n'}${added}`)) return true
    }
  return false
}

/** Where the engine points, counted from 1, and what it says. */
function located(error: SyntaxError, linesBefore: number): { message: string; line: number; column: number } {
  const [place = '', ...rest] = (error.stack ?? '').split('\n')
  const line = Number(/:(\d+)$/.exec(place)?.[1] ?? '1') - linesBefore
  const arrow = rest.find((text) => /^\s*\^+\s*$/.test(text))
  return { message: error.message, line: Math.max(1, line), column: (arrow?.indexOf('^') ?? 0) + 1 }
}

/** Enums and namespaces need code of their own made; taking the types away is not enough. */
const needsTransform =
  'enum, namespace and parameter properties need a compiler, which kx does not carry: write a const object, a module or a field instead'

/**
 * Makes what was typed ready to be evaluated: imports rewritten, types taken away where it is no JavaScript. An object
 * literal alone is taken for a value, not for a block. Nothing is run here, so what is refused has had no effect.
 */
export function prepare(source: string): Parsed {
  if (scan(source).tokens.length === 0) return scan(source).closers === '' ? { kind: 'empty' } : { kind: 'incomplete' }
  const rewritten = rewriteImports(source)
  if (/^\s*\{/.test(rewritten) && !/;\s*$/.test(rewritten) && parses(`(${rewritten}\n)`))
    return { kind: 'code', code: `(${rewritten}\n)`, isTypeScript: false }
  const own = failure(rewritten)
  if (own === null && !/(?:^|[^\w$.])await\s*$/.test(rewritten))
    return { kind: 'code', code: rewritten, isTypeScript: false }
  if (own === null || own.message === 'Unexpected end of input' || isUnfinishedImport(rewritten))
    return { kind: 'incomplete' }
  const inAsync = failure(`${head}${rewritten}\n})`)
  if (parses(rewritten)) return { kind: 'code', code: rewritten, isTypeScript: false }
  if (isIncomplete(rewritten)) return { kind: 'incomplete' }
  const stripped = withoutTypes(source)
  if (stripped !== null && 'code' in stripped) {
    const code = rewriteImports(stripped.code)
    if (parses(code)) return { kind: 'code', code, isTypeScript: true }
  } else if (stripped !== null)
    return { kind: 'error', message: `${stripped.message.split('\n')[0]}. ${needsTransform}`, line: 1, column: 1 }
  const isAboutAwait = inAsync !== null && /await/.test(own.message)
  if (stripped === null && isIncompleteTypeScript(source)) return { kind: 'incomplete' }
  return { kind: 'error', ...(isAboutAwait ? located(inAsync, 1) : located(own, 0)) }
}

/** Whether the person is still writing: something could follow that makes it right JavaScript. Nothing is run. */
export function isUnfinished(source: string): boolean {
  const { tokens, closers } = scan(source)
  if (tokens.length === 0) return closers !== ''
  const rewritten = rewriteImports(source)
  if (/^\s*\{/.test(rewritten) && parses(`(${rewritten}\n)`)) return false
  const own = failure(rewritten)
  if (own === null) return /(?:^|[^\w$.])await\s*$/.test(rewritten)
  if (own.message === 'Unexpected end of input' || isUnfinishedImport(rewritten)) return true
  return !parses(rewritten) && isIncomplete(rewritten)
}

/** The same question for code with types in it. */
function isIncompleteTypeScript(source: string): boolean {
  const { closers, isMismatched } = scan(source)
  if (isMismatched) return false
  return ['', '0', ' x'].some((filler) =>
    ['', '>', '> = 0', ' {}'].some((after) => {
      const stripped = withoutTypes(`${source}\n${filler}${closers}${after}`)
      return stripped !== null && 'code' in stripped && parses(rewriteImports(stripped.code))
    }),
  )
}

/** `import {` and the like, before the name of the module. */
const isUnfinishedImport = (source: string) => /(?:^|[;\n])\s*import\b(?!\s*[(.])[^'"();]*$/.test(source)

/** Whether it is one expression without effects on names: what may be looked at while it is being typed. */
export function isExpression(source: string): boolean {
  return source.trim() !== '' && !/\bimport\b|\bawait\b/.test(source) && failure(`(${source}\n)`) === null
}
