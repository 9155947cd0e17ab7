import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makePattern } from '../../../src/ui/safe-pattern.ts'

function found(source: string, text: string): boolean {
  const pattern = makePattern(source)
  if ('error' in pattern) throw new Error(`${source}: ${pattern.error}`)
  return pattern.test(text)
}
const refused = (source: string) => {
  const pattern = makePattern(source)
  return 'error' in pattern ? pattern.error : null
}

/** Patterns of the forms that both engines know, small enough that backtracking ends. */
const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '\\W',
  '1',
  ' ',
  '\\b',
  '^',
  '$',
  '(a|bc)',
  '(?:ab)',
)
const piece = fc
  .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?'))
  .map(([a, q]) => (['\\b', '^', '$'].includes(a) ? a : a + q))
const pattern = fc
  .array(
    fc.array(piece, { minLength: 1, maxLength: 5 }).map((p) => p.join('')),
    { minLength: 1, maxLength: 3 },
  )
  .map((p) => p.join('|'))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '-'), maxLength: 14 })

describe('safe patterns', () => {
  it('find what the built-in engine finds', () => {
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        expect([source, subject, found(source, subject)]).toEqual([
          source,
          subject,
          new RegExp(source, 'i').test(subject),
        ])
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['(a+)+$', 'a'.repeat(4000)],
    ['(a|a)*b', 'a'.repeat(4000)],
    ['(a*)*(a*)*(a*)*x', 'a'.repeat(4000)],
    ['a*a*a*a*a*a*a*a*x', 'a'.repeat(4000)],
    ['(x+x+)+y', 'x'.repeat(4000)],
    ['([a-z]+.?)+[0-9]$', 'abc '.repeat(1000)],
    ['(a?){100}a{100}b', 'a'.repeat(4000)],
  ])('answer %s on a hostile line', (source, subject) => {
    // A backtracking engine does not come back from these within the time that a test is given.
    expect(found(source, `${subject}!`)).toBe(false)
  })

  it('give up rather than hang when the automaton keeps growing', () => {
    const made = makePattern('(a|b)*a(a|b){200}c')
    if ('error' in made) throw new Error(made.error)
    expect(made.isExhausted()).toBe(false)
    const noise = fc.sample(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4000, maxLength: 4096 }), 60)
    for (const line of noise) made.test(line)
    expect(made.isExhausted()).toBe(true)
    expect(made.test('a'.repeat(202))).toBe(false)
  })

  it('refuse what cannot be searched in linear time, in words', () => {
    expect(refused('(a)\\1')).toMatch(/back-references/)
    expect(refused('(?=a)')).toMatch(/look-around/)
    expect(refused('(?<n>a)')).toMatch(/named groups/)
    expect(refused('((a{100}){100}){100}')).toMatch(/repeats too much/)
    expect(refused('a{5000}')).toMatch(/up to 1000/)
    expect(refused('a'.repeat(257))).toMatch(/longer than 256/)
    for (const broken of ['(', ')', '[a', 'a**|(', '*a', '\\', 'a{3,1}', '[z-a]'])
      expect(refused(broken)).not.toBeNull()
  })

  it('mind case only when the pattern has a capital', () => {
    expect(found('error', 'ERROR: x')).toBe(true)
    expect(found('Error', 'ERROR: x')).toBe(false)
    expect(found('\\Dx', 'ax')).toBe(true)
    expect(found('[^e]x', 'Ex')).toBe(false)
    expect(found('straße\\s+é', 'STRASSE straße  É')).toBe(true)
  })

  it('survive any pattern without throwing or hanging', () => {
    const wild = fc.string({
      unit: fc.constantFrom(
        'a',
        '(',
        ')',
        '[',
        ']',
        '^',
        '$',
        '|',
        '*',
        '+',
        '?',
        '{',
        '}',
        ',',
        '1',
        '9',
        '\\',
        '-',
        'b',
        'd',
      ),
      maxLength: 40,
    })
    fc.assert(
      fc.property(wild, (source) => {
        const made = makePattern(source)
        if (!('error' in made)) expect(typeof made.test('a1b-'.repeat(100))).toBe('boolean')
      }),
      { numRuns: 3000 },
    )
  })
})
