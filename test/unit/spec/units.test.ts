import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unitCommand } from '../../../src/spec/command.ts'
import { type Plan, slugPattern, unitsSchema } from '../../../src/spec/schema.ts'
import { choose, countUnits, effectiveWorkers, expandUnits, maximumUnits, UnitsError } from '../../../src/spec/units.ts'

const units = (spec: unknown): Plan['units'] => unitsSchema.parse(spec)
const expand = (spec: unknown, seed = 0) => expandUnits({ units: units(spec), seed })

describe('expandUnits', () => {
  it('makes the 45 splits of 10 groups choose 2, each once, in order', () => {
    const all = expand({ cpcv: { groups: 10, choose: 2 } })
    expect(all).toHaveLength(45)
    expect(all[0]).toEqual({ id: 'split-00-01', index: 0, seed: 0, parameters: { groups: [0, 1] } })
    expect(all[2]?.id).toBe('split-00-03')
    expect(all[44]?.id).toBe('split-08-09')
    expect(new Set(all.map((u) => u.id)).size).toBe(45)
  })

  it('counts and expands alike, with unique slugs, for any combinatorial split', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 1, max: 11 }), (groups, size) => {
        fc.pre(size < groups)
        const all = expand({ cpcv: { groups, choose: size } })
        expect(all.length).toBe(choose(groups, size))
        const sets = new Set(all.map((u) => String(u.parameters.groups)))
        expect(sets.size).toBe(all.length)
        for (const u of all) {
          expect(u.id).toMatch(slugPattern)
          const g = u.parameters.groups as number[]
          expect([...g].sort((a, b) => a - b)).toEqual(g)
          expect(g.every((x) => x >= 0 && x < groups)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('keeps ids inside a folder name when many groups are chosen', () => {
    const all = expand({ cpcv: { groups: 30, choose: 28 } })
    expect(all).toHaveLength(435)
    expect(all[7]?.id).toBe('split-007')
  })

  it('reads ranges with both ends, negative values and steps', () => {
    expect(expand({ range: { from: -10, to: 10, step: 10 } }).map((u) => u.id)).toEqual([
      'value-minus-10',
      'value-00',
      'value-10',
    ])
    expect(() => expand({ range: { from: 3, to: 1 } })).toThrow(/empty/)
  })

  it('does not depend on the order of grid keys and names its points', () => {
    const a = expand({ grid: { lr: [0.1, 0.01], batch: [8, 16] } })
    const b = expand({ grid: { batch: [8, 16], lr: [0.1, 0.01] } })
    expect(a).toEqual(b)
    expect(a.map((u) => u.id)).toEqual(['batch-8_lr-0.1', 'batch-8_lr-0.01', 'batch-16_lr-0.1', 'batch-16_lr-0.01'])
  })

  it('numbers grid points whose values make no folder name', () => {
    const all = expand({ grid: { path: ['a/b', 'c d'] } })
    expect(all.map((u) => u.id)).toEqual(['point-0', 'point-1'])
  })

  it('takes seeds as written, and counts up from the plan seed elsewhere, within 32 bits', () => {
    expect(expand({ seeds: [7, 3] }).map((u) => [u.id, u.seed])).toEqual([
      ['seed-7', 7],
      ['seed-3', 3],
    ])
    expect(expand({ list: ['a', 'b'] }, 4_294_967_295).map((u) => u.seed)).toEqual([4_294_967_295, 0])
  })

  it('refuses twins, also those that differ in case only, and names the row', () => {
    expect(() => expand({ list: ['a', 'b', 'a'] })).toThrow(/twice/)
    try {
      expand({ list: ['fold', 'Fold'] })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(UnitsError)
      expect((error as UnitsError).path).toEqual(['units', 'list', 1])
    }
  })

  it('refuses more than the cap without making them', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => i)
    const huge = units({ grid: { a: values, b: values, c: values, d: values } })
    expect(countUnits(huge)).toBe(1e16)
    expect(() => expandUnits({ units: huge, seed: 0 })).toThrow(/split the plan/)
    expect(() => expand({ cpcv: { groups: 40, choose: 20 } })).toThrow(/split the plan/)
    expect(() => expand({ range: { from: 1, to: maximumUnits + 1 } })).toThrow(/split the plan/)
    expect(expand({ range: { from: 1, to: maximumUnits } })).toHaveLength(maximumUnits)
  })

  it('leaves something to train on', () => {
    expect(() => expand({ cpcv: { groups: 3, choose: 3 } })).toThrow(/below groups/)
  })
})

describe('effectiveWorkers', () => {
  const resources = { compute: 'cpu', workers: 8 } as Plan['resources']
  it('is one when a unit needs the one before, and never above the number of units', () => {
    expect(effectiveWorkers({ units: units({ list: ['a', 'b'], sequential: true }), resources })).toBe(1)
    expect(effectiveWorkers({ units: units({ list: ['a', 'b'] }), resources })).toBe(2)
    expect(effectiveWorkers({ units: units({ range: { from: 1, to: 99 } }), resources })).toBe(8)
  })
})

describe('unitCommand', () => {
  const unit = { id: 'split-00-03', index: 2, seed: 44, parameters: { groups: [0, 3], lr: 0.1 } }
  it('replaces inside words and keeps words whole', () => {
    expect(
      unitCommand(
        { command: ['node', 'train.mjs', '--groups={groups}', '{unit}/{index}', '{seed}', 'lr={lr}', '{{x}}'] },
        unit,
      ),
    ).toEqual(['node', 'train.mjs', '--groups=0,3', 'split-00-03/2', '44', 'lr=0.1', '{x}'])
  })
  it('names the unknown word and what there is', () => {
    expect(() => unitCommand({ command: ['run', '{sead}'] }, unit)).toThrow(/\{sead\} is not known.*\{seed\}/)
  })
  it('never lets a value become a placeholder or a second word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (value) => {
        fc.pre(!value.includes('\0'))
        const got = unitCommand({ command: ['a', '{p}', '--x={p}'] }, { ...unit, parameters: { p: value } })
        expect(got).toEqual(['a', value, `--x=${value}`])
      }),
    )
  })
})
