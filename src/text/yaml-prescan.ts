import type { SourceProblem } from './problem.ts'

export interface ScanLimits {
  readonly bytes: number
  readonly depth: number
  /** Most structural marks: newlines, commas, brackets, `: `, `- `, anchors, aliases, tags. They are what costs time. */
  readonly marks: number
}

type Scanned =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly SourceProblem[] }

/**
 * What must be refused before a YAML parser sees it, in linear time: too many bytes, bytes that are not UTF-8, NUL and
 * other controls, directives, and nesting deep enough to exhaust a recursive reader. Source: handbook reliability 10.
 */
export function prescan(source: string | Uint8Array, file: string, limits: ScanLimits): Scanned {
  const fail = (line: number, column: number, message: string, hint?: string): Scanned => ({
    ok: false,
    errors: [{ file, line, column, key: '', message, ...(hint ? { hint } : {}) }],
  })
  const size = typeof source === 'string' ? Buffer.byteLength(source) : source.length
  if (size > limits.bytes)
    return fail(1, 1, `the file has ${size} bytes, more than ${limits.bytes}`, 'Make the file smaller')
  const text = typeof source === 'string' ? source : decodeStrictly(source)
  if (text === null) return fail(badUtf8Line(source as Uint8Array), 1, 'this is not UTF-8 text', 'Save it as UTF-8')
  const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/.exec(text)
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    const before = text.slice(0, control.index)
    const line = before.split('\n').length
    const column = control.index - before.lastIndexOf('\n')
    return fail(line, column, `a control character (U+${code}) stands here`, 'Remove it')
  }
  let marks = 0
  const mark = /[\n,[\]{}\\]|[-:?](?=\s)|(?<=[\s,[{])[&*!|>]/g
  while (mark.test(text))
    if (++marks > limits.marks) {
      const line = text.slice(0, mark.lastIndex).split('\n').length
      return fail(line, 1, `more than ${limits.marks} keys, items and lines`, 'Make the file smaller')
    }
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('%')) return fail(index + 1, 1, 'directives (`%…`) are not allowed', 'Remove this line')
    if (!/^(?:\s*$|#)/.test(line)) break
  }
  const deep = findTooDeep(lines, limits.depth)
  if (deep !== null) return fail(deep, 1, `nested more than ${limits.depth} levels deep`, 'Flatten the structure')
  return { ok: true, text }
}

function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function badUtf8Line(bytes: Uint8Array): number {
  const at = new TextDecoder('utf-8').decode(bytes).indexOf('\ufffd')
  let line = 1
  const text = new TextDecoder('utf-8').decode(bytes)
  for (let i = 0; i < at; i++) if (text.charCodeAt(i) === 0x0a) line++
  return line
}

/** Line (from 1) on which nesting by indentation, `- - -` or brackets passes the limit; null when it never does. */
function findTooDeep(lines: readonly string[], limit: number): number | null {
  const indents: number[] = []
  let brackets = 0
  let quote = ''
  let blockIndent = -1
  for (const [index, line] of lines.entries()) {
    const indent = line.length - line.trimStart().length
    if (line.length === indent) continue
    if (blockIndent >= 0 && indent > blockIndent) continue
    blockIndent = -1
    let from = indent
    if (brackets === 0 && quote === '') {
      while ((indents.at(-1) ?? -1) >= indent) indents.pop()
      indents.push(indent)
      for (let mark = line.charAt(from); mark === '-' || mark === '?' || mark === ':'; mark = line.charAt(from)) {
        const rest = line.slice(from + 1)
        if (rest !== '' && !/^[ \t]/.test(rest)) break
        from += 1 + (rest.length - rest.trimStart().length)
        if (rest.trim() === '') break
        indents.push(from)
        if (indents.length > limit) return index + 1
      }
    }
    if (indents.length > limit) return index + 1
    const scanned = scanLine(line, from, brackets, quote, limit)
    if (scanned.isTooDeep) return index + 1
    brackets = scanned.brackets
    quote = scanned.quote
    if (brackets === 0 && quote === '' && /(?:^|[\s:-])[|>][-+0-9]{0,2}(?:\s+#.*)?\s*$/.test(line)) blockIndent = indent
  }
  return null
}

function scanLine(line: string, from: number, open: number, openQuote: string, limit: number) {
  let brackets = open
  let quote = openQuote
  for (let i = from; i < line.length; i++) {
    const char = line.charAt(i)
    if (quote !== '') {
      if (char === '\\' && quote === '"') i++
      else if (char === quote) quote = ''
      continue
    }
    const before = i === 0 ? ' ' : line.charAt(i - 1)
    if (char === '#' && /\s/.test(before)) break
    if ((char === '"' || char === "'") && /[\s,:[{]/.test(before)) quote = char
    else if (char === '[' || char === '{') {
      if (++brackets > limit) return { brackets, quote, isTooDeep: true }
    } else if ((char === ']' || char === '}') && brackets > 0) brackets--
  }
  return { brackets, quote, isTooDeep: false }
}
