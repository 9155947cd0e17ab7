import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/compare/digest.ts'
import { type CompareModel, compareRuns } from '../../../src/compare/model.ts'
import type { LoadedRun } from '../../../src/compare/run.ts'
import { parallelOf } from '../../../src/compare/views/parallel.ts'
import { scatterOf } from '../../../src/compare/views/scatter.ts'
import { otherRun } from '../../../src/compare/views/scene.ts'
import { splitsOf } from '../../../src/compare/views/splits.ts'
import { stripsOf } from '../../../src/compare/views/strips.ts'
import { Columns } from '../../../src/reader/columns.ts'

interface Made {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly metrics?: Readonly<Record<string, number>>
  /** By metric, by unit. */
  readonly units?: Readonly<Record<string, Readonly<Record<string, number>>>>
}
function modelOf(runs: Readonly<Record<string, Made>>): CompareModel {
  const loaded = Object.entries(runs).map(([name, { settings = {}, metrics = {}, units = {} }]): LoadedRun => {
    const columns = new Columns()
    for (const [key, value] of Object.entries(settings)) columns.config([key], value)
    for (const [metric, value] of Object.entries(metrics)) columns.point(columns.metric(metric), 1, value, 1)
    for (const [metric, each] of Object.entries(units))
      for (const [unit, value] of Object.entries(each)) columns.summary([metric], value, unit)
    return { name, path: `runs/${name}`, format: 'jsonl', digest: digestOf(columns), reports: [] }
  })
  return compareRuns(loaded)
}

describe('splits of two runs', () => {
  const folds = (values: readonly number[]) => Object.fromEntries(values.map((value, at) => [`fold-${at}`, value]))
  it('are held in pairs, with what has no partner told', () => {
    const model = modelOf({
      base: { units: { acc: folds([0.5, 0.6, 0.7, 0.8, 0.9, 0.4]), norm: { 'fold-0': 1 } } },
      other: { units: { acc: { ...folds([0.6, 0.7, 0.7, 0.7, 1]), 'fold-10': 0.1 }, norm: { 'fold-0': 2 } } },
    })
    const { a, b, tables, why } = splitsOf(model, 1)
    expect([a, b, why]).toEqual(['base', 'other', ''])
    const acc = tables.find(({ metric }) => metric === 'acc')
    // By number, not by letter.
    expect(acc?.rows.map(({ unit }) => unit)).toEqual([
      ...['fold-0', 'fold-1', 'fold-2', 'fold-3', 'fold-4', 'fold-5', 'fold-10'],
    ])
    expect(acc?.rows.map(({ word }) => word)).toEqual(['better', 'better', 'same', 'worse', 'better', '', ''])
    expect(acc?.rows[5]).toMatchObject({ a: 0.4, b: null, delta: null })
    expect(acc).toMatchObject({ pairs: 5, up: 3, down: 1, equal: 1 })
    expect(acc?.delta).toBeCloseTo(0.04)
    expect(acc?.interval?.low).toBeLessThan(0.04)
    expect(acc?.interval?.high).toBeGreaterThan(0.04)
    // Of five pairs no flip of signs could show anything.
    expect(acc?.how).toContain('a hint')
    // Nobody ranks a norm: no word, and one pair is no interval.
    expect(tables.find(({ metric }) => metric === 'norm')).toMatchObject({
      rows: [{ delta: 1, word: '' }],
      interval: null,
      how: 'too few pairs for an interval',
    })
  })

  it('of six pairs and more are held by flips of their signs', () => {
    const model = modelOf({
      a: { units: { acc: folds([0.5, 0.6, 0.7, 0.8, 0.9, 0.4]) } },
      b: { units: { acc: folds([0.6, 0.7, 0.7, 0.7, 1, 0.5]) } },
    })
    expect(splitsOf(model, 1).tables[0]?.how).toMatch(/bootstrap; sign flip p 0\.\d+/)
  })

  it('of few pairs have an interval by t that is called a hint', () => {
    const model = modelOf({ a: { units: { loss: folds([1, 2, 3]) } }, b: { units: { loss: folds([0, 0, 3]) } } })
    const [loss] = splitsOf(model, 1).tables
    // Differences -1, -2, 0: mean -1, standard error 1 / sqrt 3, t of 2 degrees 4.3027.
    expect(loss?.interval?.low).toBeCloseTo(-1 - 4.302_652_73 / Math.sqrt(3), 6)
    expect(loss?.how).toContain('a hint')
    expect(loss?.rows.map(({ word }) => word)).toEqual(['better', 'better', 'same'])
  })

  it('are not there for runs without units, nor for one run, and that is said', () => {
    const two = modelOf({ a: { metrics: { loss: 1 } }, b: { metrics: { loss: 2 } } })
    expect(splitsOf(two, otherRun(two, 0)).why).toBe('neither a nor b has units, splits or folds on record')
    const one = modelOf({ a: { units: { loss: folds([1]) } } })
    expect(splitsOf(one, otherRun(one, 3)).why).toContain('one run')
  })
})

const sweep = (count: number) =>
  modelOf(
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [
        `run${at}`,
        {
          settings: {
            lr: 10 ** (at % 4) / 1000,
            opt: at % 2 === 0 ? 'sgd' : 'adam',
            ...(at === 0 ? {} : { depth: at }),
          },
          metrics: { acc: at / count },
        },
      ]),
    ),
  )

describe('a setting against a metric', () => {
  it('is drawn on a logarithmic axis beyond two decades, in columns where it is a word', () => {
    const model = sweep(12)
    expect(scatterOf(model, 'acc', 'lr').parameter).toMatchObject({ key: 'lr', isLog: true, categories: null })
    expect(scatterOf(model, 'acc', 'depth').parameter).toMatchObject({ isLog: false, categories: null })
    const opt = scatterOf(model, 'acc', 'opt')
    expect(opt.parameter).toMatchObject({ categories: ['adam', 'sgd'], isLog: false })
    expect(opt.rho).toBeNull()
    expect(opt.words[0]).toBe('adam: 6, mean 0.5; sgd: 6, mean 0.41667')
    // One that does not vary is not offered, and without a choice the first is taken.
    expect(scatterOf(model, 'acc', 'nothing')).toMatchObject({
      parameters: ['depth', 'lr', 'opt'],
      parameter: { key: 'depth' },
    })
  })

  it('says rho with its n, what else varies, and no p of a few', () => {
    const many = scatterOf(sweep(12), 'acc', 'depth')
    expect(many.rho).toBeCloseTo(1)
    expect(many.missing).toBe(1)
    expect(many.words).toEqual([
      "Spearman's rho 1.00, n 11 (p < 0.001, not corrected): depth and the metric rise together.",
      '2 other settings vary as well: this shows how they go together, not what causes it.',
    ])
    expect(scatterOf(sweep(6), 'acc', 'depth').words[0]).toContain('n 5 (too few for a p)')
  })

  it('has a point a run that has both, and never another', () => {
    const value = fc.option(fc.integer({ min: -9, max: 9 }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 12 }), (runs) => {
        const model = modelOf(
          Object.fromEntries(
            runs.map(([x, y], at) => [
              `r${at}`,
              { settings: x === undefined ? {} : { x }, ...(y === undefined ? {} : { metrics: { acc: y } }) },
            ]),
          ),
        )
        const { parameter, points, missing } = scatterOf(model, 'acc', 'x')
        const both = runs.filter(([x, y]) => x !== undefined && y !== undefined).length
        expect(points.length).toBe(parameter === null ? 0 : both)
        expect(points.length + missing).toBe(runs.length)
        for (const { run, x, y } of points) expect(runs[run]).toEqual([x, y])
      }),
      { numRuns: 50 },
    )
  })
})

describe('the spread over seeds', () => {
  it('has all values of each group, the baseline first, with an interval from three on', () => {
    const run = (arm: string, seed: number, acc: number) => ({ settings: { arm, seed }, metrics: { acc } })
    const model = modelOf({
      b1: run('b', 1, 0.9),
      a1: run('a', 1, 0.5),
      a2: run('a', 2, 0.7),
      a3: run('a', 3, 0.6),
      b2: run('b', 2, 0.8),
    })
    const { groups, goal } = stripsOf(model, 'acc')
    expect(goal).toBe('higher')
    expect(groups.map(({ name, isBaseline, values }) => [name, isBaseline, values])).toEqual([
      ['b1 and 1 more seeds', true, [0.9, 0.8]],
      ['a1 and 2 more seeds', false, [0.5, 0.7, 0.6]],
    ])
    expect(groups[0]?.interval).toBeNull()
    expect(groups[1]?.mean).toBeCloseTo(0.6)
    expect(groups[1]?.interval?.high).toBeCloseTo(0.6 + (4.302_652_73 * 0.1) / Math.sqrt(3), 6)
    expect(stripsOf(model, 'nothing').groups).toEqual([])
  })
})

describe('parallel coordinates', () => {
  it('put every run on every axis, ranked by what is better, with a gap where nothing is recorded', () => {
    const { axes, runs, leftOut } = parallelOf(sweep(8), 'acc')
    expect(axes.map(({ name, low, high }) => [name, low, high])).toEqual([
      ['depth', '1', '7'],
      ['lr', '0.001', '1'],
      ['opt', 'adam', 'sgd'],
      ['acc', '0', '0.875'],
    ])
    expect(leftOut).toEqual([])
    expect(runs.map(({ name, rank }) => [name, rank])).toEqual(
      Array.from({ length: 8 }, (_, at) => [`run${7 - at}`, at + 1]),
    )
    expect(runs.at(-1)).toMatchObject({ shares: [null, 0, 1, 0], texts: ['not recorded', '0.001', 'sgd', '0'] })
    expect(runs[0]?.shares[1]).toBeCloseTo(1)
    expect(runs[1]?.shares[1]).toBeCloseTo(2 / 3)
  })

  it('say which settings have no axis, and rank nothing that has no figure', () => {
    const settings = (at: number) => Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`s${i}`, at]))
    const { axes, leftOut, runs } = parallelOf(
      modelOf({
        a: { settings: settings(1), metrics: { loss: 2 } },
        b: { settings: settings(2) },
        c: { settings: settings(3), metrics: { loss: 1 } },
      }),
      'loss',
    )
    expect(axes).toHaveLength(8)
    expect(leftOut).toEqual(['s7', 's8', 's9'])
    expect(runs.map(({ name, rank }) => [name, rank])).toEqual([
      ['c', 1],
      ['a', 2],
      ['b', null],
    ])
  })
})
