import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdMaker } from '../../../src/run/id.ts'

describe('ids', () => {
  it('always rise, also within a millisecond and when the clock is set back (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { minLength: 2, maxLength: 50 }), (times) => {
        let i = 0
        const newId = createIdMaker({
          nowMs: () => times[i++ % times.length] ?? 0,
          randomBytes: (n) => new Uint8Array(n).fill(255),
        })
        const ids = times.map(() => newId())
        for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
        expect([...ids].sort()).toEqual(ids)
        expect(new Set(ids).size).toBe(ids.length)
      }),
    )
  })
})
