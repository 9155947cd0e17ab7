import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  errorText,
  matcherOf,
  type Operator,
  parseQuery,
  printQuery,
  type Query,
  type QuerySubject,
  takens,
} from '../../../src/compare/query.ts'

const run = (more: Partial<QuerySubject> = {}): QuerySubject => ({
  name: 'sweep-07',
  path: 'wandb/run-7',
  format: 'wandb',
  state: 'finished',
  tags: ['paper', 'v2'],
  facts: { host: 'box', usd: 2.5, started: '2026-11-22T10:00:00.000Z' },
  settings: new Map<string, unknown>([
    ['lr', 0.001],
    ['optim.name', 'adam'],
    ['seed', '7'],
    ['amp', true],
    ['note', null],
  ]),
  metrics: new Map([
    ['val/acc', { last: 0.7, best: 0.8, min: 0.1, max: 0.8, first: 0.1 }],
    ['loss', { last: Number.NaN }],
  ]),
  ...more,
})

function ask(text: string, of = run()): boolean | string {
  const query = parseQuery(text)
  return query !== null && 'at' in query ? errorText(query) : matcherOf(query)(of)
}

describe('a query', () => {
  it.each([
    ['', true],
    ['  ', true],
    ['lr >= 1e-3 and format:wandb or not name~sweep', true],
    ['lr > 1e-3 and format:wandb', false],
    ['lr=0.001', true],
    ['lr = "0.001"', false],
    ['seed = 7', true],
    ['seed = "7"', true],
    ['amp = true note = null', true],
    ['name = adam', false],
    ['config.name = adam', true],
    ['optim.name:ADA', true],
    ['tag = paper', true],
    ['tag != paper', false],
    ['tags != other', true],
    ['val/acc < 0.75', true],
    ['best(val/acc) >= 0.8 first(val/acc) < 0.2', true],
    ['metric.val/acc = 0.7', true],
    ['loss = NaN', true],
    ['loss < 1 or loss >= 1', false],
    ['has:lr', true],
    ['has:dropout', false],
    ['has:best(val/acc)', true],
    ['not has:best(loss)', true],
    ['dropout = 1', false],
    ['dropout != 1', false],
    ['not dropout = 1', true],
    ['name~^sweep-\\d+$', true],
    ['(name~(sweep|grid)) and (lr < 1)', true],
    ['name !~ sweep', false],
    ['sweep', true],
    ['SWEEP paper', true],
    ['"sweep 07"', false],
    ['started >= 2026-11-01', true],
    ['usd < 3 and host=box', true],
    ['not (sweep and grid)', true],
    ['grid or not grid and sweep', true],
    ['NOT grid AND sweep', true],
    ['toString = 1', false],
  ])('%j is answered with %j', (text, expected) => expect(ask(text)).toBe(expected))

  it.each([
    ['lr >=', 'character 6 of the query: a value is missing after >='],
    ['lr >= and', false],
    ['(lr = 1', 'character 1 of the query: this ( is not closed'],
    ['lr = 1)', 'character 7 of the query: this ) closes nothing'],
    ['name ~ (', 'character 8 of the query: no regular expression: Unterminated group'],
    ['a or', 'character 5 of the query: something to ask for is missing at the end'],
    ['or a', 'character 1 of the query: something to ask for stands before or'],
    ['a and or b', 'character 7 of the query: something to ask for stands before or'],
    ['()', 'character 2 of the query: something to ask for is missing before this )'],
    ['= 3', 'character 1 of the query: a name is missing before ='],
    ['name = "x', 'character 8 of the query: this " is not closed'],
    ['best(val/acc)', 'character 14 of the query: a comparison is missing, as in best(val/acc) > 0.8'],
    ['best(val/acc > 1', 'character 5 of the query: this ( is not closed'],
    ['best() > 1', 'character 6 of the query: the name of a metric is missing'],
    ['has:', 'character 4 of the query: a value is missing after has:'],
  ])('%j points at what is wrong', (text, expected) => expect(ask(text)).toBe(expected))

  it('of any depth ends', () => {
    expect(ask(`${'('.repeat(5000)}a${')'.repeat(5000)}`)).toContain('too many parentheses')
    expect(ask(`${'not '.repeat(5000)}a`)).toContain('too many parentheses')
    expect(ask(Array.from({ length: 2000 }, () => 'sweep').join(' and '))).toBe(true)
  })
})

const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.constantFrom(
    'lr',
    'val/acc',
    'and',
    'or',
    'not',
    'has',
    'best',
    'a b',
    '1e-3',
    'true',
    '"',
    '\\',
    '(',
    ')',
    '==',
    '!~',
  ),
)
const field = fc.record({ name: words, taken: fc.option(fc.constantFrom(...takens), { nil: null }) })
const operator = fc.constantFrom<Operator>('=', '!=', '<', '<=', '>', '>=', ':')
const looksTyped = (text: string) => /^(true|false|null|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/.test(text)
const compare = fc
  .record({ field, operator, value: words, isQuoted: fc.boolean() })
  .map(({ isQuoted, value, ...rest }) => ({
    kind: 'compare' as const,
    ...rest,
    value,
    isText: isQuoted && looksTyped(value),
  }))
const { query } = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { depthSize: 'small' },
    compare,
    words.map((text): Query => ({ kind: 'text', text })),
    tie('query').map((part): Query => ({ kind: 'not', part })),
    fc
      .record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
      })
      .map((made): Query => made),
  ),
}))

describe('a query in print', () => {
  it('reads as what it was', () => {
    fc.assert(
      fc.property(query, (made) => {
        const read = parseQuery(printQuery(made))
        if (read === null || 'at' in read) throw new Error(`${printQuery(made)}: ${JSON.stringify(read)}`)
        // Once through the reader parentheses that say nothing are gone; from then on nothing changes.
        expect(parseQuery(printQuery(read))).toEqual(read)
        expect(printQuery(read)).toBe(printQuery(parseQuery(printQuery(read)) as Query))
        expect(matcherOf(read)(run())).toBe(matcherOf(made)(run()))
      }),
      { numRuns: 400 },
    )
  })

  it('of any text at all is read, or told with a place in it', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(words, { maxLength: 8 }).map((parts) => parts.join(' ')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const read = parseQuery(text)
        if (read === null) {
          expect(text.trim()).toBe('')
          return
        }
        if ('at' in read) {
          expect(read.at).toBeGreaterThanOrEqual(0)
          expect(read.at).toBeLessThanOrEqual(text.length)
          expect(read.what).not.toBe('')
          return
        }
        expect(parseQuery(printQuery(read))).toEqual(read)
        expect(typeof matcherOf(read)(run())).toBe('boolean')
      }),
      { numRuns: 600 },
    )
  })
})
