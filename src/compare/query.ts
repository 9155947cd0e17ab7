/** What a query may ask of one run. */
export interface QuerySubject {
  readonly name: string
  readonly path: string
  readonly format: string
  readonly state: string
  readonly tags: readonly string[]
  /** What else its tracker wrote down, by name: project, group, host, commit, gpu, started, ended, usd. */
  readonly facts: Readonly<Record<string, string | number>>
  /** Flattened. */
  readonly settings: ReadonlyMap<string, unknown>
  /** Figures by metric, each by the way of taking it. */
  readonly metrics: ReadonlyMap<string, Readonly<Partial<Record<Taken, number>>>>
}

/** How a metric becomes one figure: `best(val/acc)`. */
export const takens = ['last', 'best', 'min', 'max', 'first'] as const
export type Taken = (typeof takens)[number]

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':' | '~' | '!~'

/** Name of what is asked for; with `taken` it is a metric. */
export interface Field {
  readonly name: string
  readonly taken: Taken | null
}

export type Query =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query }
  | { readonly kind: 'has'; readonly field: Field }
  /** `isText`: it stood in quotes and would read as a figure, a word of truth or nothing otherwise. */
  | {
      readonly kind: 'compare'
      readonly field: Field
      readonly operator: Operator
      readonly value: string
      readonly isText: boolean
    }
  /** Stands in the name, the path or a tag. */
  | { readonly kind: 'text'; readonly text: string }

/** What is wrong with a query, and at which character of it, counted from 0. */
export interface QueryError {
  readonly at: number
  readonly what: string
}

/** A pattern that was made, or why it is none. */
export type MakePattern = (source: string) => { readonly test: (text: string) => boolean } | { readonly error: string }

/** The patterns of JavaScript: what a person gives to their own process. Without capitals in one, case does not count. */
export const nativePattern: MakePattern = (source) => {
  try {
    const pattern = new RegExp(source, /\p{Lu}/u.test(source.replace(/\\./g, '')) ? '' : 'i')
    return { test: (text) => pattern.test(text) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { error: why.replace(/^Invalid regular expression: \/.*\/\w*: /s, '') }
  }
}

const operators: readonly string[] = ['==', '!=', '!~', '<=', '>=', '=', '<', '>', '~', ':']
/** Deeper ones are no query of a person, and would exhaust the stack. */
const mostDepth = 100

/** Reads a query. Null: it is empty, and every run answers it. Never throws. */
export function parseQuery(text: string, pattern: MakePattern = nativePattern): Query | null | QueryError {
  try {
    return new Parser(text, pattern).whole()
  } catch (error) {
    if (error instanceof Wrong) return { at: error.at, what: error.what }
    throw error
  }
}

/** The error with its place, for one line: `character 6 of the query: …`. */
export const errorText = ({ at, what }: QueryError): string => `character ${at + 1} of the query: ${what}`

class Wrong extends Error {
  readonly at: number
  readonly what: string

  constructor(at: number, what: string) {
    super(what)
    this.at = at
    this.what = what
  }
}

class Parser {
  readonly #text: string
  readonly #pattern: MakePattern
  #at = 0
  #depth = 0

  constructor(text: string, pattern: MakePattern) {
    this.#text = text
    this.#pattern = pattern
  }

  whole(): Query | null {
    this.#blanks()
    if (this.#at === this.#text.length) return null
    const query = this.#or()
    if (this.#at < this.#text.length) throw new Wrong(this.#at, 'this ) closes nothing')
    return query
  }

  #or(): Query {
    const parts = [this.#and()]
    while (this.#word('or')) parts.push(this.#and())
    return joined('or', parts)
  }

  #and(): Query {
    const parts = [this.#not()]
    while (this.#word('and') || this.#goesOn()) parts.push(this.#not())
    return joined('and', parts)
  }

  /** Two terms beside each other are both asked for. */
  #goesOn(): boolean {
    this.#blanks()
    return this.#at < this.#text.length && this.#text[this.#at] !== ')' && this.#peekWord() !== 'or'
  }

  #not(): Query {
    if (++this.#depth > mostDepth) throw new Wrong(this.#at, 'there are too many parentheses in each other')
    try {
      return this.#word('not') ? { kind: 'not', part: this.#not() } : this.#term()
    } finally {
      this.#depth--
    }
  }

  #term(): Query {
    this.#blanks()
    const start = this.#at
    if (this.#text[start] === '(') {
      this.#at++
      const query = this.#or()
      this.#blanks()
      if (this.#text[this.#at] !== ')') throw new Wrong(start, 'this ( is not closed')
      this.#at++
      return query
    }
    const word = this.#peekWord()
    if (word === 'and' || word === 'or') throw new Wrong(start, `something to ask for stands before ${word}`)
    const { text: name, isQuoted } = this.#name()
    const taken = isQuoted ? undefined : takens.find((each) => each === name)
    const field: Field =
      taken !== undefined && this.#text[this.#at] === '(' ? this.#taken(taken) : { name, taken: null }
    this.#blanks()
    const operator = operators.find((each) => this.#text.startsWith(each, this.#at))
    if (operator === undefined) {
      if (field.taken !== null) throw new Wrong(this.#at, 'a comparison is missing, as in best(val/acc) > 0.8')
      return { kind: 'text', text: name }
    }
    const operatorAt = this.#at
    this.#at += operator.length
    this.#blanks()
    if (name === 'has' && !isQuoted && operator === ':' && field.taken === null) return this.#has(operatorAt)
    const value = this.#value(operator)
    return { kind: 'compare', field, operator: operator === '==' ? '=' : (operator as Operator), ...value }
  }

  #has(colonAt: number): Query {
    const { text } = this.#valueText(colonAt, 'has:')
    const [, taken, name] = /^(last|best|min|max|first)\((.*)\)$/s.exec(text) ?? []
    return taken === undefined || name === undefined
      ? { kind: 'has', field: { name: text, taken: null } }
      : { kind: 'has', field: { name, taken: taken as Taken } }
  }

  /** `best(val/acc)`: what stands up to the parenthesis that closes it. */
  #taken(taken: Taken): Field {
    const open = this.#at++
    if (this.#text[this.#at] === '"') {
      const { text } = this.#quoted()
      if (this.#text[this.#at] !== ')') throw new Wrong(open, 'this ( is not closed')
      this.#at++
      return { name: text, taken }
    }
    const end = this.#text.indexOf(')', this.#at)
    if (end < 0) throw new Wrong(open, 'this ( is not closed')
    const name = this.#text.slice(this.#at, end).trim()
    if (name === '') throw new Wrong(this.#at, 'the name of a metric is missing')
    this.#at = end + 1
    return { name, taken }
  }

  #value(operator: string): { readonly value: string; readonly isText: boolean } {
    const at = this.#at
    const { text, isQuoted } = this.#valueText(at, operator)
    if (operator === '~' || operator === '!~') {
      const made = this.#pattern(text)
      if ('error' in made) throw new Wrong(at, `no regular expression: ${made.error}`)
    }
    return { value: text, isText: isQuoted && isTyped(text) }
  }

  #valueText(at: number, before: string): { readonly text: string; readonly isQuoted: boolean } {
    if (this.#text[this.#at] === '"') return this.#quoted()
    const start = this.#at
    let open = 0
    for (; this.#at < this.#text.length; this.#at++) {
      const mark = this.#text[this.#at] as string
      if (isBlank(mark) || (mark === ')' && open === 0)) break
      if (mark === '(') open++
      if (mark === ')') open--
    }
    if (this.#at === start) throw new Wrong(at, `a value is missing after ${before}`)
    return { text: this.#text.slice(start, this.#at), isQuoted: false }
  }

  #name(): { readonly text: string; readonly isQuoted: boolean } {
    if (this.#text[this.#at] === '"') return this.#quoted()
    const start = this.#at
    while (this.#at < this.#text.length && !this.#endsName()) this.#at++
    if (this.#at === start) {
      const mark = this.#text[start]
      throw new Wrong(
        start,
        mark === undefined
          ? 'something to ask for is missing at the end'
          : mark === ')'
            ? 'something to ask for is missing before this )'
            : `a name is missing before ${operators.find((each) => this.#text.startsWith(each, start)) ?? mark}`,
      )
    }
    return { text: this.#text.slice(start, this.#at), isQuoted: false }
  }

  #endsName(): boolean {
    const mark = this.#text[this.#at] as string
    return isBlank(mark) || '()"'.includes(mark) || operators.some((each) => this.#text.startsWith(each, this.#at))
  }

  #quoted(): { readonly text: string; readonly isQuoted: true } {
    const start = this.#at++
    let text = ''
    for (;;) {
      const mark = this.#text[this.#at]
      if (mark === undefined) throw new Wrong(start, 'this " is not closed')
      this.#at++
      if (mark === '"') return { text, isQuoted: true }
      text += mark === '\\' ? (this.#text[this.#at++] ?? '') : mark
    }
  }

  #blanks(): void {
    while (isBlank(this.#text[this.#at] ?? 'x')) this.#at++
  }

  /** The word of the language that comes next; null: none does. Before an operator it is a name like any other. */
  #peekWord(): string | null {
    this.#blanks()
    const found = /^(and|or|not)(?=[\s()"]|$)/i.exec(this.#text.slice(this.#at, this.#at + 4))?.[1]
    return found?.toLowerCase() ?? null
  }

  #word(word: string): boolean {
    if (this.#peekWord() !== word) return false
    this.#at += word.length
    return true
  }
}

const isBlank = (mark: string) => /\s/.test(mark)

function joined(kind: 'and' | 'or', parts: readonly Query[]): Query {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.parts : [part]))
  return flat.length === 1 ? (flat[0] as Query) : { kind, parts: flat }
}

const isTyped = (text: string) => /^(true|false|null)$/.test(text) || isFigure(text)
const isFigure = (text: string) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)

/** A query in its usual form; read again it is the same. */
export function printQuery(query: Query): string {
  switch (query.kind) {
    case 'or':
      return query.parts.map(printQuery).join(' or ')
    case 'and':
      return query.parts.map((part) => (part.kind === 'or' ? `(${printQuery(part)})` : printQuery(part))).join(' and ')
    case 'not': {
      const isJoined = query.part.kind === 'and' || query.part.kind === 'or'
      return `not ${isJoined ? `(${printQuery(query.part)})` : printQuery(query.part)}`
    }
    case 'has':
      return `has:${valueWords(fieldWords(query.field, true), false)}`
    case 'compare':
      return `${fieldWords(query.field, false)} ${query.operator} ${valueWords(query.value, query.isText)}`
    case 'text':
      return nameWords(query.text)
  }
}

const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, (mark) => `\\${mark}`)}"`

const isPlainName = (text: string) =>
  /^[^\s()"]+$/.test(text) && !operators.some((each) => text.includes(each)) && !/^(and|or|not|has)$/i.test(text)

const nameWords = (text: string) => (isPlainName(text) ? text : quoted(text))

function fieldWords({ name, taken }: Field, isWhole: boolean): string {
  if (taken === null) return isWhole ? name : nameWords(name)
  const isPlain = isWhole || (!/[()"]/.test(name) && name.trim() === name && name !== '')
  return `${taken}(${isPlain ? name : quoted(name)})`
}

const valueWords = (text: string, isText: boolean) => (/^[^\s()"]+$/.test(text) && !isText ? text : quoted(text))

/** Tells whether a run answers the query. What a run does not have answers no comparison, not even `!=`. */
export function matcherOf(query: Query | null, pattern: MakePattern = nativePattern): (run: QuerySubject) => boolean {
  if (query === null) return () => true
  switch (query.kind) {
    case 'and': {
      const parts = query.parts.map((part) => matcherOf(part, pattern))
      return (run) => parts.every((matches) => matches(run))
    }
    case 'or': {
      const parts = query.parts.map((part) => matcherOf(part, pattern))
      return (run) => parts.some((matches) => matches(run))
    }
    case 'not': {
      const matches = matcherOf(query.part, pattern)
      return (run) => !matches(run)
    }
    case 'has':
      return (run) => valuesOf(run, query.field).length > 0
    case 'text': {
      const text = query.text.toLowerCase()
      return ({ name, path, tags }) => [name, path, ...tags].some((each) => each.toLowerCase().includes(text))
    }
    case 'compare': {
      const isTrue = comparisonOf(query, pattern)
      const isAgainst = query.operator === '!=' || query.operator === '!~'
      return (run) => {
        const values = valuesOf(run, query.field)
        // Of several values, one is enough to say yes, and each must differ to say no.
        return values.length > 0 && (isAgainst ? values.every(isTrue) : values.some(isTrue))
      }
    }
  }
}

/** What a run has under a name: what it is, then a setting by its whole key or its last part, then a metric's last value. */
function valuesOf(run: QuerySubject, { name, taken }: Field): readonly unknown[] {
  const figure = (metric: string, how: Taken) => {
    const value = run.metrics.get(metric)?.[how]
    return value === undefined ? [] : [value]
  }
  if (taken !== null) return figure(name, taken)
  if (name === 'name' || name === 'path' || name === 'format' || name === 'state') return [run[name]]
  if (name === 'tag' || name === 'tags') return run.tags
  const fact = Object.hasOwn(run.facts, name) ? run.facts[name] : undefined
  if (fact !== undefined) return [fact]
  if (name.startsWith('config.')) return settingsOf(run, name.slice('config.'.length))
  if (name.startsWith('metric.')) return figure(name.slice('metric.'.length), 'last')
  const settings = settingsOf(run, name)
  return settings.length > 0 ? settings : figure(name, 'last')
}

function settingsOf({ settings }: QuerySubject, name: string): readonly unknown[] {
  if (settings.has(name)) return [settings.get(name)]
  const ending = `.${name}`
  return [...settings].flatMap(([key, value]) => (key.endsWith(ending) ? [value] : []))
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
/** NaN is no figure to JSON, and one to a person who asks for it. */
const wordOf = (value: unknown): string => (typeof value === 'number' ? String(value) : textOf(value))
const figureOf = (value: unknown): number | null =>
  typeof value === 'number' ? value : typeof value === 'string' && isFigure(value) ? Number(value) : null

function comparisonOf(
  { operator, value, isText }: Extract<Query, { kind: 'compare' }>,
  pattern: MakePattern,
): (own: unknown) => boolean {
  const figure = isText || !isFigure(value) ? null : Number(value)
  const isEqual = (own: unknown) => {
    if (isText) return own === value
    const ownFigure = figureOf(own)
    return figure !== null && ownFigure !== null ? ownFigure === figure : wordOf(own) === value
  }
  const order = (own: unknown): number | null => {
    const ownFigure = figureOf(own)
    if (figure !== null) return ownFigure === null || Number.isNaN(ownFigure) ? null : ownFigure - figure
    // Texts by their characters: moments, versions.
    return typeof own === 'string' ? (own < value ? -1 : own > value ? 1 : 0) : null
  }
  const isOrdered = (is: (difference: number) => boolean) => (own: unknown) => {
    const difference = order(own)
    return difference !== null && is(difference)
  }
  switch (operator) {
    case '=':
      return isEqual
    case '!=':
      return (own) => !isEqual(own)
    case '<':
      return isOrdered((difference) => difference < 0)
    case '<=':
      return isOrdered((difference) => difference <= 0)
    case '>':
      return isOrdered((difference) => difference > 0)
    case '>=':
      return isOrdered((difference) => difference >= 0)
    case ':': {
      const part = value.toLowerCase()
      return (own) =>
        figure !== null && typeof own === 'number' ? own === figure : wordOf(own).toLowerCase().includes(part)
    }
    default: {
      const made = pattern(value)
      const test = 'error' in made ? () => false : made.test
      return operator === '~' ? (own) => test(wordOf(own)) : (own) => !test(wordOf(own))
    }
  }
}
