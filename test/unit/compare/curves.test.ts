import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curveOver } from '../../../src/compare/align.ts'
import { extentsOf } from '../../../src/compare/downsample.ts'
import { findingsOf } from '../../../src/compare/findings/all.ts'
import { foldUnits } from '../../../src/compare/findings/fold.ts'
import type { RunFigures } from '../../../src/compare/findings/types.ts'
import { smoothed } from '../../../src/compare/smooth.ts'
import { wordDiff } from '../../../src/compare/word-diff.ts'
import type { Column } from '../../../src/reader/columns.ts'

const column = (name: string, values: readonly number[], steps?: readonly number[]): Column => ({
  name,
  unit: '',
  steps: Float64Array.from(steps ?? values.map((_, at) => at)),
  values: Float64Array.from(values),
  wallSeconds: Float64Array.from(values, (_, at) => 1000 + at),
})
const run = (columns: readonly Column[], more: Partial<RunFigures> = {}): RunFigures => ({
  columns,
  state: 'finished',
  seconds: null,
  expectedSeconds: null,
  usd: null,
  expectedUsd: null,
  chance: {},
  ends: {},
  nonFiniteResults: {},
  utilisationShare: null,
  gradientClip: null,
  goalOf: (name) => (name.includes('loss') ? 'lower' : name.includes('acc') ? 'higher' : null),
  ...more,
})
const rules = (figures: RunFigures) => findingsOf(figures).map(({ rule }) => rule)
/** A loss that falls, with noise that is the same each time. */
const falling = (points: number) =>
  Array.from({ length: points }, (_, at) => Math.exp(-at / (points / 12)) + 0.01 * Math.sin(at * 12.9898) + 0.05)

describe('a curve in a picture', () => {
  it('keeps its least and greatest value, and every column with a NaN', () => {
    const values = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN)), {
      minLength: 1,
      maxLength: 300,
    })
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 40 }), (all, columns) => {
        const xs = Float64Array.from(all, (_, at) => at)
        const found = extentsOf(xs, Float64Array.from(all), 0, Math.max(1, all.length - 1), columns)
        const finite = all.filter(Number.isFinite)
        const [least, most] = [Math.min(...finite), Math.max(...finite)]
        if (finite.length > 0) {
          expect(Math.min(...[...found.least].filter((v) => !Number.isNaN(v)))).toBe(least)
          expect(Math.max(...[...found.most].filter((v) => !Number.isNaN(v)))).toBe(most)
        }
        for (const [at, value] of all.entries()) {
          if (Number.isFinite(value)) continue
          const place = Math.min(columns - 1, Math.floor((at * columns) / Math.max(1, all.length - 1)))
          expect(found.nonFinite[place]).toBe(1)
        }
      }),
    )
  })

  it('may be smoothed, and is not drawn to nothing at its beginning', () => {
    const xs = Float64Array.from({ length: 50 }, (_, at) => at)
    const flat = new Float64Array(50).fill(3)
    for (const value of smoothed(xs, flat, 0.9)) expect(value).toBeCloseTo(3, 12)
    expect([...smoothed(xs, flat, 0)]).toEqual([...flat])
  })
})

describe('an axis', () => {
  it('is looked up where rows hold their own columns, and is missing where a run has none', () => {
    const loss = column('loss', [5, 4, 3], [10, 20, 30])
    const epoch = column('epoch', [0, 1], [5, 25])
    expect([...(curveOver(loss, 'epoch', [loss, epoch], null)?.xs ?? [])]).toEqual([0, 0, 1])
    expect(curveOver(loss, 'tokens', [loss, epoch], null)).toBeNull()
    expect([...(curveOver(loss, 'relative', [loss], 990_000)?.xs ?? [])]).toEqual([10, 11, 12])
  })
})

describe('findings', () => {
  it('has none in a healthy curve', () => {
    expect(rules(run([column('loss', falling(400))]))).toEqual(['plateau'])
  })

  it.each([
    ['non-finite', 'loss', (at: number) => (at > 300 ? Number.NaN : null)],
    ['loss-spike', 'loss', (at: number) => (at >= 300 && at < 310 ? 5 : null)],
    ['spikes', 'grad_norm', (at: number) => (at === 350 ? 900 : null)],
    ['extreme', 'loss', (at: number) => (at === 200 ? 50 : null)],
    ['divergence', 'loss', (at: number) => (at > 300 ? 4 : null)],
    ['learning-rate-zero', 'train/lr', () => 0],
  ] as const)('sees %s', (rule, name, changed) => {
    const values = falling(400).map((value, at) => changed(at) ?? value)
    expect(rules(run([column(name, values)]))).toContain(rule)
    expect(rules(run([column(name, falling(400))]))).not.toContain(rule)
  })

  it('tells one episode once, with the steps that it lasted', () => {
    const values = falling(100).map((value, at) => (at === 20 || at === 21 || at === 60 ? Number.NaN : value))
    const found = findingsOf(run([column('val/acc', values)])).filter(({ rule }) => rule === 'non-finite')
    expect(found.map(({ fromStep, toStep, severity }) => [fromStep, toStep, severity])).toEqual([
      [20, 21, 'warning'],
      [60, 60, 'warning'],
    ])
  })

  it('judges overfitting by the trend of both curves, not by a gap', () => {
    const training = column('train/loss', falling(100))
    const worse = column('val/loss', [1, 0.8, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8], [0, 12, 24, 36, 48, 60, 72, 84])
    const apart = column('val/loss', [3, 2.8, 2.6, 2.5, 2.4, 2.3, 2.2, 2.1], [0, 12, 24, 36, 48, 60, 72, 84])
    const [found] = findingsOf(run([training, worse])).filter(({ rule }) => rule === 'overfit')
    expect(found).toMatchObject({ fromStep: 36, severity: 'warning' })
    expect(rules(run([training, apart]))).not.toContain('overfit')
  })

  it('says that a run ended while it got better, and not when it was stopped', () => {
    const values = Array.from({ length: 200 }, (_, at) => 1 - at / 250 + 0.001 * Math.sin(at * 7.1))
    expect(rules(run([column('loss', values)]))).toContain('still-improving')
    expect(rules(run([column('loss', values)], { state: 'killed' }))).not.toContain('still-improving')
  })

  it('does not ask for more training over a gain that is certain and nothing', () => {
    // Without noise any gain is certain; this one is a thousandth of what the curve fell by.
    const values = Array.from({ length: 400 }, (_, at) => Math.exp(-at / 10) + (400 - at) * 1e-5)
    expect(rules(run([column('loss', values)]))).toEqual(['plateau'])
  })

  it('tells what it finds in many units once, and keeps each unit by name', () => {
    const units = ['split-0', 'split-1', 'split-2', 'split-3']
    const values = falling(400)
    const columns = units.map((unit) => ({ ...column('loss', values), unit }))
    const alone = { ...column('val_acc', [0.5, Number.NaN]), unit: 'split-2' }
    const found = findingsOf(run([...columns, alone]))
    expect(found).toHaveLength(5)
    const folded = foldUnits(found)
    expect(folded.map(({ rule, unit }) => [rule, unit])).toEqual([
      ['non-finite', 'split-2'],
      ['plateau', '4 units'],
    ])
    expect(folded[1]?.units).toEqual(units)
    expect(folded[1]?.what).toMatch(/^split-0: .*; likewise split-1, split-2 and 1 more$/)
    expect(foldUnits(found.slice(0, 2))).toEqual(found.slice(0, 2))
  })

  it('looks at the run: time, money, chance, throughput, clipped gradients', () => {
    const figures = run(
      [
        column('test_acc', [0.4, 0.5]),
        column(
          'grad_norm',
          Array.from({ length: 40 }, () => 3),
        ),
        column(
          'tokens_per_sec',
          Array.from({ length: 60 }, (_, at) => (at > 40 && at < 55 ? 700 : 1000)),
        ),
      ],
      {
        seconds: 100,
        expectedSeconds: 1000,
        usd: 13,
        expectedUsd: 10,
        chance: { test_acc: 0.5 },
        ends: { test_acc: [0.4, 0.5] },
        gradientClip: 1,
      },
    )
    expect(rules(figures)).toEqual(
      expect.arrayContaining(['fast-finish', 'cost', 'below-chance', 'gradient-clipped', 'throughput-loss']),
    )
  })
})

describe('words that changed', () => {
  it('give either text again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (before, after) => {
        const pieces = wordDiff(before, after)
        const side = (kind: 'removed' | 'added') =>
          pieces
            .filter((piece) => piece.kind === 'same' || piece.kind === kind)
            .map(({ text }) => text)
            .join('')
        expect(side('removed')).toBe(before)
        expect(side('added')).toBe(after)
      }),
    )
    expect(wordDiff('adamw, wd 0.1', 'adamw, wd 0.2')).toEqual([
      { kind: 'same', text: 'adamw, wd ' },
      { kind: 'removed', text: '0.1' },
      { kind: 'added', text: '0.2' },
    ])
  })
})
