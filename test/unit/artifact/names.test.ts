import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesName } from '../../../src/artifact/glob.ts'
import { collisions, nameProblem, pathProblem } from '../../../src/artifact/names.ts'

const hostile = [
  '',
  '.',
  '..',
  '../x',
  '/etc/passwd',
  'a/b',
  'a\\b',
  '..\\x',
  'C:',
  'C:x',
  'c:\\x',
  'CON',
  'con.txt',
  'Nul',
  'LPT1.log',
  'COM9',
  'aux.json',
  'x.',
  'x ',
  'x...',
  'a\0b',
  'a\nb',
  'a\rb',
  'a\tb',
  '\u001b[2J',
  '\u009b31m',
  'a\u202egpj.exe',
  'a\u200fb',
  'a\u200bb',
  'a\u2028b',
  'a\ufeffb',
  '-rf',
  '--help',
  'x'.repeat(256),
  'é'.repeat(130),
  'a\ufffdb',
  'a:b',
  'a*b',
  'a?b',
  'a|b',
  'a<b',
  'a"b',
  'a\ud800b',
  'a\ue000b',
  'x.part',
  '\u2066x',
  'a\u00adb',
]

describe('names', () => {
  it.each(hostile)('refuses %j', (name) => {
    expect(nameProblem(name)).not.toBeNull()
  })
  it('refuses a hostile name anywhere in a path', () => {
    for (const name of hostile.filter((n) => !n.includes('/')))
      for (const path of [`units/${name}`, `${name}/result.json`, `units/${name}/x`])
        expect(pathProblem(path), JSON.stringify(path)).not.toBeNull()
  })
  it.each([
    'result.json',
    'split-03',
    'äöü.csv',
    '日本.txt',
    '.hidden',
    'a b.txt',
    'console',
    'comma',
    'x'.repeat(250),
  ])('accepts %s', (name) => expect(nameProblem(name)).toBeNull())
  it('never lets a path out of its folder', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 6 }), { minLength: 1, maxLength: 4 }), (parts) => {
        const path = parts.join('/')
        if (pathProblem(path) !== null) return true
        return !path.startsWith('/') && path.split('/').every((p) => p !== '..' && p !== '.' && p !== '')
      }),
      { numRuns: 2000 },
    )
  })
  it('finds twins by case and by Unicode form, in folders too', () => {
    expect(collisions(['a/x', 'A/y'])).toEqual([['a', 'A']])
    expect(collisions(['\u00e9', 'e\u0301'])).toHaveLength(1)
    expect(collisions(['straße', 'STRASSE'])).toHaveLength(1)
    expect(collisions(['a/x', 'a/y', 'b/x'])).toEqual([])
  })
})

describe('globs', () => {
  it('matches as a shell does', () => {
    expect(matchesName('*.json', 'a.json')).toBe(true)
    expect(matchesName('*.json', '.json')).toBe(false)
    expect(matchesName('.*', '.json')).toBe(true)
    expect(matchesName('a?c', 'abc')).toBe(true)
    expect(matchesName('a?c', 'ac')).toBe(false)
    expect(matchesName('split-*-*.pt', 'split-1-2.pt')).toBe(true)
    expect(matchesName('[ab]', 'a')).toBe(false)
  })
  it('agrees with a regular expression', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 })
    fc.assert(
      fc.property(part, name, (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        return matchesName(pattern, text) === expression.test(text)
      }),
      { numRuns: 2000 },
    )
  })
  it('is not led into exponential time', () => {
    expect(matchesName(`${'*a'.repeat(40)}b`, 'a'.repeat(2000))).toBe(false)
  })
})
