export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'template' | 'regex' | 'punctuation'
  readonly start: number
  readonly end: number
  readonly text: string
  /** Brackets that are open around it. */
  readonly depth: number
}

export interface Scanned {
  readonly tokens: readonly Token[]
  /** What would close everything that is open, innermost first: `})`, a backtick, an end of comment. */
  readonly closers: string
  /** A bracket closes another one than the one that is open. */
  readonly isMismatched: boolean
}

const closerOf: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const wordStart = /[\p{L}_$#]/u
const wordPart = /[\p{L}\p{N}\p{M}_$]/u
/** After these words a slash begins a regular expression. */
const beforeRegex = new Set(
  'return typeof case in of delete void throw new do else await yield instanceof default'.split(' '),
)

/**
 * Cuts JavaScript into tokens as far as the prompt needs it: what stands in strings, comments, templates and regular
 * expressions is told from code. It never fails; whether the code is right is for the engine to say.
 */
export function scan(source: string): Scanned {
  const tokens: Token[] = []
  /** Open brackets; a `${` of a template is held as `}` with the template under it. */
  const open: string[] = []
  let isMismatched = false
  let at = 0
  const put = (kind: Token['kind'], start: number, depth = open.length) =>
    tokens.push({ kind, start, end: at, text: source.slice(start, at), depth })

  /** Reads a template from after its backtick or `}`; true when it was closed. */
  const template = (start: number) => {
    while (at < source.length) {
      const c = source[at]
      if (c === '\\') at += 2
      else if (c === '`') {
        at += 1
        open.pop()
        put('template', start)
        return
      } else if (c === '$' && source[at + 1] === '{') {
        at += 2
        put('template', start)
        open.push('}')
        return
      } else at += 1
    }
    at = source.length
    put('template', start)
  }

  while (at < source.length) {
    const start = at
    const c = source[at] ?? ''
    if (/\s/.test(c)) {
      at += 1
      continue
    }
    if (c === '/' && source[at + 1] === '/') {
      const end = source.indexOf('\n', at)
      at = end < 0 ? source.length : end
      continue
    }
    if (c === '/' && source[at + 1] === '*') {
      const end = source.indexOf('*/', at + 2)
      if (end < 0) return { tokens, closers: `*/${[...open].reverse().join('')}`, isMismatched }
      at = end + 2
      continue
    }
    if (c === '"' || c === "'") {
      at += 1
      while (at < source.length && source[at] !== c && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1
      at = Math.min(source.length, at + 1)
      put('string', start)
    } else if (c === '`') {
      at += 1
      open.push('`')
      template(start)
    } else if (wordStart.test(c)) {
      while (at < source.length && wordPart.test(source[at] ?? '')) at += 1
      if (at === start) at += 1
      put('word', start)
    } else if (/\d/.test(c) || (c === '.' && /\d/.test(source[at + 1] ?? ''))) {
      while (at < source.length && /[\w.]/.test(source[at] ?? '')) at += 1
      put('number', start)
    } else if (c === '/' && isRegexPlace(tokens.at(-1))) {
      regex()
      put('regex', start)
    } else if (closerOf[c] !== undefined) {
      at += 1
      put('punctuation', start)
      open.push(closerOf[c] ?? '')
    } else if (c === ')' || c === ']' || c === '}') {
      at += 1
      if (open.at(-1) === c) open.pop()
      else isMismatched = true
      if (c === '}' && open.at(-1) === '`') template(start)
      else put('punctuation', start)
    } else {
      at += 1
      if (c === '=' && source[at] === '>') at += 1
      else if (c === '?' && source[at] === '.' && !/\d/.test(source[at + 1] ?? '')) at += 1
      put('punctuation', start)
    }
  }
  return { tokens, closers: [...open].reverse().join(''), isMismatched }

  function regex(): void {
    let isInClass = false
    at += 1
    while (at < source.length && source[at] !== '\n') {
      const c = source[at]
      if (c === '\\') at += 1
      else if (c === '[') isInClass = true
      else if (c === ']') isInClass = false
      else if (c === '/' && !isInClass) break
      at += 1
    }
    at = Math.min(source.length, at + 1)
    while (/[a-z]/.test(source[at] ?? '')) at += 1
  }
}

function isRegexPlace(before: Token | undefined): boolean {
  if (before === undefined) return true
  if (before.kind === 'word') return beforeRegex.has(before.text)
  if (before.kind === 'punctuation') return !/^[)\]}]$/.test(before.text)
  return before.kind === 'template' && before.text.endsWith('${')
}
