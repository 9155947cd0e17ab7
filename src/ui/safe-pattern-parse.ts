export type Ast =
  | { readonly type: 'empty' }
  | { readonly type: 'set'; readonly has: (code: number) => boolean }
  | { readonly type: 'assert'; readonly kind: '^' | '$' | 'b' | 'B' }
  | { readonly type: 'cat'; readonly parts: readonly Ast[] }
  | { readonly type: 'alt'; readonly parts: readonly Ast[] }
  | { readonly type: 'repeat'; readonly part: Ast; readonly min: number; readonly max: number }

type Range = readonly [number, number]

const classes: Readonly<Record<string, readonly Range[]>> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 13],
    [32, 32],
    [160, 160],
    [0x2028, 0x2029],
    [0xfeff, 0xfeff],
  ],
}
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }
const greatestCount = 1000

class PatternError extends Error {}

const inside = (ranges: readonly Range[], code: number) => ranges.some(([low, high]) => code >= low && code <= high)

/** Complement of ranges over all UTF-16 units. */
function invert(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0])
  const out: Range[] = []
  let from = 0
  for (const [low, high] of sorted) {
    if (low > from) out.push([from, low - 1])
    from = Math.max(from, high + 1)
  }
  if (from <= 0xffff) out.push([from, 0xffff])
  return out
}

function variants(code: number): number[] {
  const c = String.fromCharCode(code)
  return [code, c.toLowerCase().charCodeAt(0), c.toUpperCase().charCodeAt(0)]
}

/** Reads a pattern by recursive descent; its depth is bounded by the length that the caller allows. */
export function parsePattern(source: string, ignoreCase: boolean): Ast | { readonly error: string } {
  try {
    return new Parser(source, ignoreCase).parse()
  } catch (error) {
    if (error instanceof PatternError) return { error: error.message }
    throw error
  }
}

class Parser {
  readonly #source: string
  readonly #ignoreCase: boolean
  #at = 0

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source
    this.#ignoreCase = ignoreCase
  }

  parse(): Ast {
    const ast = this.#alternatives()
    if (this.#at < this.#source.length) throw new PatternError('unmatched ) in pattern')
    return ast
  }

  get #next(): string | undefined {
    return this.#source[this.#at]
  }

  #alternatives(): Ast {
    const parts = [this.#sequence()]
    while (this.#next === '|') {
      this.#at += 1
      parts.push(this.#sequence())
    }
    return parts.length === 1 ? (parts[0] ?? { type: 'empty' }) : { type: 'alt', parts }
  }

  #sequence(): Ast {
    const parts: Ast[] = []
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated())
    return { type: 'cat', parts }
  }

  #repeated(): Ast {
    let part = this.#atom()
    for (let count = this.#count(); count !== null; count = this.#count()) {
      // A lazy mark changes which text is matched, never whether one is.
      if (this.#next === '?') this.#at += 1
      part = { type: 'repeat', part, ...count }
    }
    return part
  }

  #count(): { min: number; max: number } | null {
    const c = this.#next
    if (c === '*' || c === '+' || c === '?') {
      this.#at += 1
      return c === '*' ? { min: 0, max: Infinity } : c === '+' ? { min: 1, max: Infinity } : { min: 0, max: 1 }
    }
    const match = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#source.slice(this.#at))
    if (match === null) return null
    const min = Number(match[1])
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3])
    if (min > greatestCount || (Number.isFinite(max) && max > greatestCount)) {
      throw new PatternError(`counts in a pattern go up to ${greatestCount}`)
    }
    if (max < min) throw new PatternError('a count in the pattern runs backwards')
    this.#at += match[0].length
    return { min, max }
  }

  #atom(): Ast {
    const c = this.#next ?? ''
    this.#at += 1
    switch (c) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '.':
        return { type: 'set', has: () => true }
      case '^':
      case '$':
        return { type: 'assert', kind: c }
      case '*':
      case '+':
      case '?':
        throw new PatternError(`nothing to repeat before ${c}`)
      case '\\':
        return this.#escape()
      default:
        return this.#set([[c.charCodeAt(0), c.charCodeAt(0)]])
    }
  }

  #group(): Ast {
    if (this.#next === '?') {
      if (this.#source[this.#at + 1] !== ':') throw new PatternError('look-around and named groups are not supported')
      this.#at += 2
    }
    const inner = this.#alternatives()
    if (this.#next !== ')') throw new PatternError('missing ) in pattern')
    this.#at += 1
    return inner
  }

  #escape(): Ast {
    const c = this.#next
    if (c === 'b' || c === 'B') {
      this.#at += 1
      return { type: 'assert', kind: c }
    }
    if (c !== undefined && /[1-9]/.test(c)) throw new PatternError('back-references are not supported')
    return this.#set(this.#escaped())
  }

  /** Ranges of what follows a backslash. */
  #escaped(): readonly Range[] {
    const c = this.#next
    if (c === undefined) throw new PatternError('pattern ends in a backslash')
    this.#at += 1
    const ranges = classes[c.toLowerCase()]
    if (ranges !== undefined) return c === c.toLowerCase() ? ranges : invert(ranges)
    const hex = c === 'x' ? 2 : c === 'u' ? 4 : 0
    const digits = this.#source.slice(this.#at, this.#at + hex)
    if (hex > 0 && digits.length === hex && /^[0-9a-f]+$/i.test(digits)) {
      this.#at += hex
      return [[Number.parseInt(digits, 16), Number.parseInt(digits, 16)]]
    }
    const code = controls[c] ?? c.charCodeAt(0)
    return [[code, code]]
  }

  #class(): Ast {
    const isNegated = this.#next === '^'
    if (isNegated) this.#at += 1
    const ranges: Range[] = []
    while (this.#next !== ']') {
      const low = this.#classAtom()
      const isRange =
        this.#next === '-' && this.#source[this.#at + 1] !== ']' && this.#source[this.#at + 1] !== undefined
      const only = low.length === 1 && low[0]?.[0] === low[0]?.[1] ? low[0] : undefined
      if (!isRange || only === undefined) {
        ranges.push(...low)
        continue
      }
      this.#at += 1
      const high = this.#classAtom()
      const end = high.length === 1 ? high[0] : undefined
      if (end === undefined || end[0] < only[0]) throw new PatternError('a range in [ ] runs backwards')
      ranges.push([only[0], end[1]])
    }
    this.#at += 1
    return this.#set(ranges, isNegated)
  }

  #classAtom(): readonly Range[] {
    const c = this.#next
    if (c === undefined) throw new PatternError('missing ] in pattern')
    this.#at += 1
    if (c !== '\\') return [[c.charCodeAt(0), c.charCodeAt(0)]]
    if (this.#next === 'b') {
      this.#at += 1
      return [[8, 8]]
    }
    return this.#escaped()
  }

  #set(ranges: readonly Range[], isNegated = false): Ast {
    const has = this.#ignoreCase
      ? (code: number) => variants(code).some((v) => inside(ranges, v))
      : (code: number) => inside(ranges, code)
    return { type: 'set', has: isNegated ? (code) => !has(code) : has }
  }
}
