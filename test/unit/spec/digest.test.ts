import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, digestOf, sha256Hex } from '../../../src/spec/digest.ts'
import { isUnderAny, matchesGlob } from '../../../src/spec/glob.ts'
import { planJsonSchema } from '../../../src/spec/json-schema.ts'
import { planSchema } from '../../../src/spec/schema.ts'

describe('canonicalJson', () => {
  it('is the same for any key order and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(turned)).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
  it('gives different digests to different values', () => {
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: 2 }))
    expect(digestOf({ a: undefined, b: 1 })).toBe(digestOf({ b: 1 }))
    expect(digestOf([undefined])).toBe(digestOf([null]))
  })
  it('refuses what JSON would turn into null silently', () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(/NaN/)
    expect(() => canonicalJson(() => 1)).toThrow(/function/)
  })
  it('knows the published SHA-256 of "abc"', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('matchesGlob', () => {
  it.each([
    ['units/split-00/result.json', 'units/*/result.json', true],
    ['units/a/b/result.json', 'units/*/result.json', false],
    ['units/a/b/result.json', 'units/**/result.json', true],
    ['units/result.json', 'units/**/result.json', true],
    ['a/b.csv', '**/*.{csv,tsv}', true],
    ['a/b.txt', '**/*.{csv,tsv}', false],
    ['x{y', 'x{y', true],
    ['abc', 'a?c', true],
    ['a/c', 'a?c', false],
  ])('%s against %s is %s', (path, glob, expected) => {
    expect(matchesGlob(path, glob)).toBe(expected)
  })
  it('answers hostile patterns without backtracking for ever', () => {
    expect(matchesGlob('a'.repeat(4000), `${'*a'.repeat(500)}b`)).toBe(false)
    expect(matchesGlob(Array(200).fill('a').join('/'), `${'**/a/'.repeat(100)}b`)).toBe(false)
    expect(matchesGlob('x', '{a,b}'.repeat(100))).toBe(false)
  })
})

describe('isUnderAny', () => {
  it('knows folders, files and globs', () => {
    expect(isUnderAny('data/a.csv', ['data/'])).toBe(true)
    expect(isUnderAny('database/a.csv', ['data'])).toBe(false)
    expect(isUnderAny('out/x/y.bin', ['out/*'])).toBe(true)
    expect(isUnderAny('anything', ['.'])).toBe(true)
  })
})

describe('planJsonSchema', () => {
  it('names every key of the plan and which are needed', () => {
    const schema = planJsonSchema() as { properties: Record<string, unknown>; required: string[] }
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(planSchema.shape).sort())
    expect(schema.required).toContain('goal')
    expect(schema.required).not.toContain('after')
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })
})
