import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzyMatch, fuzzyRank } from '../../../src/ui/fuzzy.ts'

describe('fuzzy matching', () => {
  it('finds subsequences and nothing else, and says where', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'C', '.', '-'), maxLength: 20 })
    fc.assert(
      fc.property(letters, letters, (query, text) => {
        const match = fuzzyMatch(query, text)
        const hasCapital = /[A-Z]/.test(query)
        const hay = hasCapital ? text : text.toLowerCase()
        let at = -1
        const isSubsequence = query.split('').every((c) => {
          at = hay.indexOf(c, at + 1)
          return at >= 0
        })
        expect(match !== null).toBe(isSubsequence)
        if (match === null) return
        expect(match.positions.map((p) => hay[p]).join('')).toBe(query)
        expect([...match.positions].sort((a, b) => a - b)).toEqual(match.positions)
      }),
      { numRuns: 3000 },
    )
  })

  it('puts beginnings of words and neighbours first', () => {
    const commands = ['launch.abort', 'plan.open', 'audit.run', 'patrol.run', 'palette.open', 'run.archive']
    const first = (query: string) => fuzzyRank(query, commands, (c) => c)[0]?.item
    expect(first('ar')).toBe('audit.run')
    expect(first('pal')).toBe('palette.open')
    expect(first('run')).toBe('run.archive')
    expect(first('po')).toBe('plan.open')
    expect(first('zzz')).toBeUndefined()
    expect(fuzzyRank('', commands, (c) => c).map((r) => r.item)).toEqual(commands)
  })

  it('takes the better of two ways to match', () => {
    expect(fuzzyMatch('ab', 'axxb ab')?.positions).toEqual([5, 6])
  })
})
