import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/compare/digest.ts'
import { packDigest, unpackDigest } from '../../../src/compare/digest-pack.ts'
import { Columns } from '../../../src/reader/columns.ts'

const name = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('a.b', 'a\\.b', '__proto__', 'loss'))
const figure = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0))
const step = fc.oneof(fc.nat(50), fc.constant(Number.NaN))

describe('a digest that is kept', () => {
  it('comes back as it was, whatever its names and figures are', () => {
    const points = fc.array(fc.tuple(name, fc.constantFrom('', 'split-0', 'split-1'), step, figure), { maxLength: 30 })
    const settings = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.anything()), { maxLength: 6 })
    fc.assert(
      fc.property(points, settings, fc.array(fc.tuple(name, figure)), (logged, set, results) => {
        const columns = new Columns()
        for (const [metric, unit, at, value] of logged)
          columns.point(columns.metric(metric, unit), at, value, Number.NaN)
        for (const [path, value] of set) columns.config(path, value)
        for (const [metric, value] of results) columns.summary([metric], value)
        const digest = digestOf(columns)
        const packed = packDigest({ ...digest, settings: digest.settings.filter(({ value }) => isPlain(value)) })
        const back = unpackDigest(deserialize(serialize(packed)))
        expect(back).toEqual({ ...digest, settings: digest.settings.filter(({ value }) => isPlain(value)) })
      }),
      { numRuns: 200 },
    )
  })
})

/** Readers give what JSON, YAML and numbers can say. */
function isPlain(value: unknown): boolean {
  try {
    serialize(value)
    return Object.getPrototypeOf(value ?? 0) !== null
  } catch {
    return false
  }
}
