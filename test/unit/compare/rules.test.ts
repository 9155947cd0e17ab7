import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aggregate, inOrder } from '../../../src/compare/aggregate.ts'
import { configDiff } from '../../../src/compare/config-diff.ts'
import { directionOf } from '../../../src/compare/direction.ts'
import { flatten, keyOf, pathOf, valueText } from '../../../src/compare/flatten.ts'
import { changeOf, compareGroups, verdictOf } from '../../../src/compare/significance.ts'
import { oneChange } from '../../../src/compare/verdict.ts'
import type { Column } from '../../../src/reader/columns.ts'

const settings = (value: object) => Object.entries(value).map(([name, each]) => ({ path: [name], value: each }))
const column = (points: readonly (readonly [number, number])[]): Column => ({
  name: 'm',
  unit: '',
  steps: Float64Array.from(points, ([step]) => step),
  values: Float64Array.from(points, ([, value]) => value),
  wallSeconds: new Float64Array(points.length).fill(Number.NaN),
})
const json = fc.object({
  values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(Number.NaN)],
})

describe('settings', () => {
  it('keep every key, with its type, and no two paths read alike', () => {
    const leaves = flatten(settings({ 'a.b': 1, a: { b: '1', c: [1, 2], d: {}, e: [{ f: true }] } }))
    expect([...leaves].map(([key, { value }]) => [key, value])).toEqual([
      ['a\\.b', 1],
      ['a.b', '1'],
      ['a.c', [1, 2]],
      ['a.d', {}],
      ['a.e.0.f', true],
    ])
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (path) => {
        expect(pathOf(keyOf(path))).toEqual(path)
      }),
    )
  })

  it('of a run and of itself do not differ, in whatever order they stand', () => {
    fc.assert(
      fc.property(json, (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse())
        const diff = configDiff([flatten(settings(value)), flatten(settings(turned))])
        expect(diff.changed).toEqual([])
        expect(diff.ignored).toEqual([])
      }),
    )
  })

  it('differ the same way from either side', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const [there, back] = [
          configDiff([flatten(settings(a)), flatten(settings(b))]),
          configDiff([flatten(settings(b)), flatten(settings(a))]),
        ]
        const turned = back.changed.map((row) => ({ ...row, values: [...row.values].reverse() }))
        expect(there.changed).toEqual(turned)
      }),
    )
  })

  it('show a changed type, and hide what is noise by name only', () => {
    const diff = configDiff([
      flatten(settings({ lr: 1, run_name: 'a', seed: 1, 'train/output-dir': 'x', only: true })),
      flatten(settings({ lr: '1', run_name: 'b', seed: 2, 'train/output-dir': 'y' })),
    ])
    expect(diff.changed.map(({ key, difference }) => [key, difference])).toEqual([
      ['lr', 'type'],
      ['only', 'missing'],
      ['seed', 'value'],
    ])
    expect(diff.ignored.map(({ key }) => key)).toEqual(['run_name', 'train/output-dir'])
  })

  it('of a tracker that knows only texts are read for what they stand for', () => {
    const texts = flatten(settings({ lr: '1e-3', flag: 'True', name: 'v1.0', none: 'None' }), true)
    const typed = flatten(settings({ lr: 0.001, flag: true, name: 'v1.0', none: null }))
    expect(configDiff([texts, typed]).changed).toEqual([])
    expect(valueText('1')).toBe('"1"')
    expect(valueText(1)).toBe('1')
  })
})

describe('exactly one thing changed', () => {
  const known = (band: 'code' | 'environment' | 'data', changes: string[] = [], isKnown = true) => ({
    band,
    changes,
    isKnown,
  })
  const diff = (a: object, b: object) => configDiff([flatten(settings(a)), flatten(settings(b))])

  it('is said only when every band is known', () => {
    const all = [known('code'), known('environment'), known('data')]
    expect(oneChange(diff({ lr: 1 }, { lr: 2 }), all).word).toBe('exactly one thing changed')
    expect(oneChange(diff({ lr: 1, seed: 1 }, { lr: 2, seed: 2 }), all)).toMatchObject({
      word: 'exactly one thing changed',
      isSeedChanged: true,
    })
    expect(oneChange(diff({ lr: 1 }, { lr: 1 }), all).word).toBe('identical')
    expect(oneChange(diff({ lr: 1 }, { lr: 2 }), [...all, known('code', ['commit'])]).word).toBe(
      'several things changed',
    )
    expect(oneChange(diff({ lr: 1 }, { lr: 2 }), [known('code', [], false)])).toMatchObject({
      word: 'cannot tell',
      unknown: ['code'],
    })
  })
})

describe('direction', () => {
  it.each([
    ['val/loss', 'lower'],
    ['eval_accuracy', 'higher'],
    ['tokens_per_sec', 'higher'],
    ['train_step_time', 'lower'],
    ['valRMSE', 'lower'],
    ['grad_norm', null],
    ['train/learning_rate', null],
    ['epoch', null],
    ['nan_count', null],
    ['eval_runtime', null],
    ['thing', null],
    ['loss_acc', null],
  ] as const)('of %s is %s by its name', (name, goal) => {
    expect(directionOf(name, {}, undefined).goal).toBe(goal)
  })

  it('is said by a person first, then by the tracker, and its source stands beside it', () => {
    expect(directionOf('loss', { loss: 'none' }, { goal: 'lower', source: 'plan' })).toMatchObject({ goal: null })
    expect(directionOf('loss', {}, { goal: 'higher', source: 'wandb goal' })).toEqual({
      goal: 'higher',
      source: 'wandb goal',
      isGuessed: false,
    })
    expect(directionOf('loss', {}, undefined)).toMatchObject({ isGuessed: true })
  })
})

describe('one figure of a curve', () => {
  it('rests on finite points, and the later of two equal steps', () => {
    const curve = column([
      [1, 4],
      [2, 3],
      [3, 9],
      [2, 2],
      [3, Number.NaN],
      [4, 5],
    ])
    expect(inOrder(curve)).toEqual([0, 3, 4, 5])
    expect(aggregate(curve, 'last')).toEqual({ value: 5, step: 4, points: 3, nonFinite: 1 })
    expect(aggregate(curve, 'min')).toMatchObject({ value: 2, step: 2 })
    expect(aggregate(curve, 'max')).toMatchObject({ value: 5, step: 4 })
    expect(aggregate(curve, 'tail-mean')).toMatchObject({ value: 5, step: null })
    expect(aggregate(column([[1, Number.NaN]]), 'last')).toBeNull()
  })
})

describe('whether a difference is more than noise', () => {
  const ten = [0.71, 0.72, 0.7, 0.73, 0.69, 0.715, 0.705, 0.725, 0.695, 0.71]
  const better = ten.map((value, at) => value + 0.03 + (at % 3) * 0.001)

  it.each([
    [[1], [9], 'cannot tell', 'one run each: cannot separate from seed noise'],
    [[1, 1.1], [9, 9.1], 'cannot tell', 'two runs a side: values and range, no test'],
    [[1, 1.1, 1], [9, 9.1, 9], 'cannot tell', '3 runs a side: too few to decide, the interval is a hint'],
    [[], [1], 'cannot tell', 'one side has no value'],
  ] as const)('is not said from %j against %j', (a, b, word, note) => {
    const found = compareGroups(a, b)
    expect(verdictOf(found, 'higher', found.p)).toBe(word)
    expect(found.note).toBe(note)
  })

  it('is said from ten a side, by direction, and only when it is there', () => {
    const found = compareGroups(ten, better)
    expect(verdictOf(found, 'higher', found.p)).toBe('better')
    expect(verdictOf(found, 'lower', found.p)).toBe('worse')
    expect(verdictOf(found, null, found.p)).toBe('cannot tell')
    const same = compareGroups(ten, [...ten].reverse())
    expect(verdictOf(same, 'higher', same.p)).toBe('no clear difference')
    expect(verdictOf(compareGroups([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]), 'higher', 1)).toBe('no clear difference')
  })

  it('uses pairs where there are some', () => {
    const pairs = ten.map((_, at) => [at, at] as const)
    const found = compareGroups(
      ten,
      ten.map((value) => value + 0.002),
      pairs,
    )
    expect(found).toMatchObject({ test: 'sign flip of pairs', isPaired: true })
    expect(verdictOf(found, 'higher', found.p)).toBe('better')
  })

  it('is no percentage of nothing', () => {
    expect(changeOf(0, 1)).toEqual({ delta: 1, share: null, points: 100 })
    expect(changeOf(-1, 1)).toEqual({ delta: 2, share: null, points: null })
    expect(changeOf(-2, -1)).toEqual({ delta: 1, share: 0.5, points: null })
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(changeOf(0, value).share).toBeNull()
      }),
    )
  })
})
