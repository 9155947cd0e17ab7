import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/compare/digest.ts'
import { batchesOf, multiplesOf, pickedPoints, smallCurves } from '../../../src/compare/views/multiples.ts'
import { Columns } from '../../../src/reader/columns.ts'

describe('points of a small chart', () => {
  it('are points that were logged, with both ends, every extreme and a NaN of each column', () => {
    const figure = fc.oneof(
      { weight: 9, arbitrary: fc.double({ noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(Number.NaN) },
    )
    fc.assert(
      fc.property(
        fc.array(figure, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 20 }),
        (all, columns) => {
          const values = Float64Array.from(all)
          const xs = Float64Array.from(all, (_, at) => at * 3)
          const picked = pickedPoints(xs, values, columns)
          expect(picked.length).toBeLessThanOrEqual(Math.max(columns * 5, columns * 2))
          expect(picked).toEqual([...new Set(picked)].sort((a, b) => a - b))
          const finite = all.filter(Number.isFinite)
          const kept = picked.map((at) => values[at] as number)
          if (finite.length > 0) {
            expect(Math.min(...kept.filter(Number.isFinite))).toBe(Math.min(...finite))
            expect(Math.max(...kept.filter(Number.isFinite))).toBe(Math.max(...finite))
          }
          expect(kept.some((value) => !Number.isFinite(value))).toBe(finite.length < all.length)
        },
      ),
    )
  })

  it('of a long curve are few, and its spike is one of them', () => {
    const columns = new Columns()
    const metric = columns.metric('loss')
    for (let step = 0; step < 50_000; step++) columns.point(metric, step, step === 31_234 ? 1e6 : Math.sin(step), step)
    const [curve] = smallCurves(columns, 'one', ['loss'], 'step', 'mean 0.9').get('loss') ?? []
    expect(curve?.xs.length).toBeLessThan(1300)
    expect(curve?.smooth?.length).toBe(curve?.xs.length)
    expect(curve?.xs[curve.values.indexOf(1e6)]).toBe(31_234)
    expect([curve?.xs[0], curve?.xs.at(-1)]).toEqual([0, 49_999])
  })
})

describe('small charts of all metrics', () => {
  const run = (metrics: Readonly<Record<string, number>>) => {
    const columns = new Columns()
    for (const [name, points] of Object.entries(metrics))
      for (let step = 0; step < points; step++) columns.point(columns.metric(name), step, step, step)
    return columns
  }
  it('have a letter a run in every one, also where it has no such metric', () => {
    const [a, b] = [run({ loss: 3, acc: 2 }), run({ loss: 2 })]
    const small = (columns: Columns, name: string) => smallCurves(columns, name, ['acc', 'loss'], 'step', 'off')
    const { names, charts } = multiplesOf(['a', 'b'], [small(a, 'a'), small(b, 'b')])
    expect(names).toEqual(['a', 'b'])
    expect(charts.map(({ metric, curves }) => [metric, curves.map(({ xs }) => xs.length)])).toEqual([
      ['acc', [2, 0]],
      ['loss', [3, 2]],
    ])
  })

  it('are read in parts of which each fits into memory, and every metric once', () => {
    const digest = digestOf(run({ a: 3, b: 4, c: 2 }))
    expect(batchesOf(digest)).toEqual([['a', 'b', 'c']])
    const large = (points: number) => ({ value: 1, step: 1, points, nonFinite: 0 })
    const metrics = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name, at) => [
        name,
        { results: {}, curves: { '': { last: large(at === 1 ? 9e6 : 1.5e6) } } },
      ]),
    )
    expect(batchesOf({ ...digest, metrics } as never)).toEqual([['a'], ['b'], ['c', 'd']])
  })
})
