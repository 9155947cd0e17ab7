import { scan, type Token } from './lexer.ts'

/** The function that stands in for `import` in evaluated code, where the engine has none. */
export const importName = '__kxImport'

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Makes `import` work in evaluated code: static imports become constants, dynamic ones calls of a helper. Lines stay where
 * they are, so that errors point at what was typed. Code without imports comes back as it is.
 */
export function rewriteImports(source: string): string {
  if (!source.includes('import')) return source
  const { tokens } = scan(source)
  const edits: Edit[] = []
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i]
    if (token?.kind !== 'word' || token.text !== 'import') continue
    const before = tokens[i - 1]?.text
    const next = tokens[i + 1]
    if (before === '.' || before === '?.') continue
    if (next?.text === '(') edits.push({ start: token.start, end: token.end, text: importName })
    else if (next !== undefined && next.text !== '.' && token.depth === 0) {
      const edit = staticImport(source, tokens, i)
      if (edit !== null) edits.push(edit)
    }
  }
  return edits.reduceRight((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), source)
}

/** One statement; null when it is none that we know, and the engine says what is wrong with it. */
function staticImport(source: string, tokens: readonly Token[], at: number): Edit | null {
  const first = tokens[at]
  if (first === undefined) return null
  let i = at + 1
  let whole: string | null = null
  const names: string[] = []
  const text = () => tokens[i]?.text ?? ''
  const isName = () => tokens[i]?.kind === 'word'
  const done = (declared: (from: string) => string): Edit | null => {
    const from = tokens[i]
    if (from?.kind !== 'string') return null
    i += 1
    let end = from.end
    let attributes = ''
    if (text() === 'with' && tokens[i + 1]?.text === '{') {
      const close = tokens.findIndex((t, n) => n > i && t.text === '}' && t.depth === first.depth)
      if (close < 0) return null
      attributes = `{ with: ${source.slice(tokens[i + 1]?.start, tokens[close]?.end)} }`
      end = tokens[close]?.end ?? end
    }
    const wanted = names.map((name) => `'${name.split(':')[0]}'`).join(', ')
    const rest =
      wanted === '' && attributes === '' ? '' : `, ${attributes === '' ? 'undefined' : attributes}, [${wanted}]`
    const made = declared(`await ${importName}(${from.text}${rest})`)
    // Lines behind it keep their numbers.
    const lines = source.slice(first.start, end).split('\n').length - made.split('\n').length
    return { start: first.start, end, text: made + '\n'.repeat(Math.max(0, lines)) }
  }
  if (tokens[i]?.kind === 'string') return done((from) => `void ${from}`)
  if (text() === 'type' && tokens[i + 1]?.text !== 'from' && tokens[i + 1]?.text !== ',') {
    const from = tokens.findIndex((t, n) => n > i && t.kind === 'string' && t.depth === first.depth)
    if (from < 0) return null
    i = from
    return done(() => 'void 0')
  }
  if (isName()) {
    names.push(`default: ${text()}`)
    i += 1
    if (text() === ',') i += 1
  }
  if (text() === '*') {
    if (tokens[i + 1]?.text !== 'as' || tokens[i + 2]?.kind !== 'word') return null
    whole = tokens[i + 2]?.text ?? null
    i += 3
  } else if (text() === '{') {
    i += 1
    while (text() !== '}') {
      if (i >= tokens.length) return null
      const isType = text() === 'type' && tokens[i + 1]?.kind === 'word' && tokens[i + 1]?.text !== 'as'
      if (isType) i += 1
      const name = text()
      i += 1
      let local = name
      if (text() === 'as') {
        local = tokens[i + 1]?.text ?? ''
        i += 2
      }
      if (!isType) names.push(name === local ? name : `${name}: ${local}`)
      if (text() === ',') i += 1
      else if (text() !== '}') return null
    }
    i += 1
  }
  if (text() !== 'from' || (names.length === 0 && whole === null && tokens[i - 1]?.text !== '}')) return null
  i += 1
  return done((from) => {
    if (whole === null) return `const { ${names.join(', ')} } = ${from}`
    return names.length === 0
      ? `const ${whole} = ${from}`
      : `const ${whole} = ${from}, { ${names.join(', ')} } = ${whole}`
  })
}
