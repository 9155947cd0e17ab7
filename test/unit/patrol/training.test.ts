import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConditionsInput, Spend, UnitSeries } from '../../../src/patrol/rules/condition-input.ts'
import { moneyRule } from '../../../src/patrol/rules/money-conditions.ts'
import { defaultThresholds, type Thresholds, thresholdsWith } from '../../../src/patrol/rules/thresholds.ts'
import { isLoss, theilSen, trainingRule } from '../../../src/patrol/rules/training-conditions.ts'
import { openSamples } from '../../../src/patrol/samples.ts'
import { unitSeries } from '../../../src/patrol/series.ts'
import { spendOf } from '../../../src/patrol/spend.ts'
import type { UnitRow } from '../../../src/patrol/types.ts'
import type { RunState } from '../../../src/run/types.ts'
import { temporaryFolder } from '../run/support.ts'

const plan = {
  abort: { nan: true },
  budget: { hours: 30 },
  metrics: [{ name: 'acc', direction: 'higher', primary: true }],
}
const input = (change: object): ConditionsInput =>
  ({ plan, units: [], thresholds: defaultThresholds, ...change }) as unknown as ConditionsInput

describe('money', () => {
  const spend = (change: Partial<Spend> = {}): Spend => ({
    usd: 1,
    usdPerHour: 2,
    estimateUsd: 10,
    capUsd: 20,
    meterSeconds: 7200,
    sinceLaunchSeconds: 7200,
    ...change,
  })
  const active = (change: Partial<Spend>, more: object = {}) =>
    moneyRule(input({ spend: spend(change), ...more })).flatMap((c) =>
      c.isActive === true ? [`${c.rule} ${c.severity} ${c.class} ${c.recipe}`] : [],
    )

  it.each<readonly [string, Partial<Spend>, readonly string[]]>([
    ['within its estimate', { usd: 12 }, []],
    ['just begun', { usd: 0 }, []],
    ['a fifth above it', { usd: 12.01 }, ['cost-estimate warn billing ask-person']],
    ['half above it', { usd: 15.01 }, ['cost-estimate error billing ask-person']],
    [
      'a fifth above it in the first quarter of an hour',
      { usd: 12.01, sinceLaunchSeconds: 900 },
      ['cost-estimate error billing ask-person'],
    ],
    ['at its cap', { usd: 20, estimateUsd: 19 }, ['cost-cap error billing ask-person']],
    ['without an estimate', { usd: 19, estimateUsd: null }, []],
    ['billed for a day and more', { meterSeconds: 86_401 }, ['machine-age warn billing ask-person']],
    [
      'billed for far longer than planned',
      { meterSeconds: 30 * 3600 * 1.5 + 1 },
      ['machine-age error billing ask-person'],
    ],
    ['not billed now', { meterSeconds: null }, []],
  ])('%s', (_, change, expected) => expect(active(change)).toEqual(expected))

  it('does not apply where nothing is billed, and is not known where a price is not', () => {
    expect(moneyRule(input({ spend: spend({ usd: 0, usdPerHour: 0 }) }))).toEqual([])
    expect(moneyRule(input({}))).toEqual([])
    const unknown = moneyRule(input({ spend: spend({ usd: null, usdPerHour: null }) }))
    expect(unknown.map((condition) => condition.isActive)).toEqual([null, null, false])
  })

  it('stops at the share of the cap that the plan names', () => {
    const stopping = { plan: { ...plan, abort: { nan: true, costPercent: 50 } } }
    expect(active({ usd: 9.99 }, stopping)).toEqual([])
    expect(active({ usd: 10 }, stopping)).toEqual(['cost-cap error billing ask-person'])
  })

  it('is summed over every meter since the launch; one unknown price makes it unknown', () => {
    const hour = 3_600_000
    const meter = (change: object) => ({ usdPerHour: 2, openedAtMs: hour, closedAtMs: null, ...change })
    const state = (...meters: object[]) =>
      ({
        meters,
        proofs: [{ kind: 'Receipt', atMs: hour }],
        latest: { PricedPlan: { payload: { usdP50: 3 } }, Approval: { payload: { capUsd: 9 } } },
      }) as unknown as RunState
    expect(spendOf(state(meter({}), meter({ usdPerHour: 4, closedAtMs: 2 * hour })), 1, 3 * hour)).toEqual({
      usd: 8,
      usdPerHour: 2,
      estimateUsd: 3,
      capUsd: 9,
      meterSeconds: 7200,
      sinceLaunchSeconds: 7200,
    })
    expect(spendOf(state(meter({}), meter({ usdPerHour: null })), 1, 3 * hour)).toMatchObject({
      usd: null,
      usdPerHour: null,
    })
  })
})

describe('training', () => {
  const row = (change: Partial<UnitRow> = {}): UnitRow => ({
    unit: 'a',
    index: 0,
    state: 'running',
    worker: 1,
    attempt: 1,
    seconds: 6000,
    exitCode: null,
    step: 100,
    steps: 200,
    metric: 0.9,
    nanCount: 0,
    etaSeconds: null,
    logBytes: 1,
    lastWriteMs: 1,
    ...change,
  })
  const points = (value: (step: number) => number | null, count = 100) =>
    Array.from({ length: count }, (_, i) => ({ step: i + 1, value: value(i + 1) }))
  const judge = (
    series: readonly UnitSeries[],
    units: readonly UnitRow[] = [row()],
    thresholds: Thresholds = defaultThresholds,
  ) => trainingRule(input({ series, units, thresholds }))
  const loss = (value: (step: number) => number | null): UnitSeries => ({
    unit: 'a',
    name: 'loss',
    points: points(value),
  })
  // A minute a step: the last 30 of 100 steps are the last 30 minutes.
  const falls = (step: number) => Math.exp(-step / 20)
  const flat = (step: number) => (step < 40 ? falls(step) : falls(39) + (step % 7) / 1000)

  it('names a loss that no longer falls, once it has been flat for half an hour', () => {
    const [found] = judge([loss(flat)])
    expect(found).toMatchObject({ rule: 'loss-plateau', unit: 'a', isActive: true, severity: 'warn' })
    expect(found?.text).toContain('1 h 01 min')
    expect(found?.remedy).toContain('Check')
    expect(judge([loss(flat)], [row({ seconds: 4500 })])[0]?.remedy).toContain('curve')
    expect(judge([loss(falls)])[0]?.isActive).toBe(false)
    expect(judge([loss((step) => 2 - step / 1000)])[0]?.isActive).toBe(false)
    expect(judge([loss((step) => (step < 40 ? falls(step) : falls(39) + step / 100))])[0]?.isActive).toBe(false)
  })

  it('cannot tell too early, of a resumed unit, or from too few values', () => {
    expect(judge([loss(flat)], [row({ seconds: 600 })])[0]?.isActive).toBeNull()
    expect(judge([loss(flat)], [row({ attempt: 2 })])[0]?.isActive).toBeNull()
    expect(judge([{ ...loss(flat), points: [] }])[0]?.isActive).toBeNull()
    const seldom = { ...loss(flat), points: points(flat).filter((point) => point.step % 10 === 0) }
    expect(judge([seldom])[0]?.isActive).toBeNull()
  })

  it('never throws and never calls a loss flat that found a better value in the window', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ noNaN: false })), { maxLength: 120 }), (values) => {
        const [found] = judge([{ unit: 'a', name: 'loss', points: values.map((value, i) => ({ step: i + 1, value })) }])
        const seen = values.flatMap((value, i) =>
          value !== null && Number.isFinite(value) ? [[i + 1, value] as const] : [],
        )
        const lastStep = seen.at(-1)?.[0] ?? 0
        const old = seen.filter(([step]) => step < lastStep - 30).map(([, value]) => value)
        const late = seen.filter(([step]) => step >= lastStep - 30).map(([, value]) => value)
        if (late.some((value) => value < Math.min(...old))) expect(found?.isActive).not.toBe(true)
      }),
    )
  })

  it('names a metric that never moved, gravest at zero', () => {
    const acc = (value: (step: number) => number, count?: number): UnitSeries => ({
      unit: 'a',
      name: 'acc',
      points: points(value, count),
    })
    expect(judge([acc(() => 0.63, 10)])[0]).toMatchObject({ rule: 'metric-fixed', isActive: true, severity: 'warn' })
    expect(judge([acc(() => 0, 10)])[0]).toMatchObject({ isActive: true, severity: 'error', class: 'bug' })
    expect(judge([acc(() => 0.63, 9)])[0]?.isActive).toBeNull()
    expect(judge([acc((step) => (step === 1 ? 0.6 : 0.63))])[0]?.isActive).toBe(false)
  })

  it('names finished units that all show one value, and closes what a unit left open', () => {
    const done = (unit: string, metric: number) => row({ unit, metric, state: 'done' })
    const units = (...metrics: number[]) => metrics.map((metric, i) => done(`u${i}`, metric))
    const identical = (list: readonly UnitRow[]) => judge([], list).find((c) => c.rule === 'units-identical')
    expect(identical(units(0.5, 0.5))).toBeUndefined()
    expect(identical(units(0.5, 0.5, 0.5))).toMatchObject({ isActive: true, severity: 'warn', class: 'invalid' })
    expect(identical(units(0.5, 0.5, 0.500001))).toMatchObject({ isActive: false })
    expect(judge([], [done('u0', 1)]).map((c) => [c.rule, c.unit, c.isActive])).toEqual([
      ['loss-plateau', 'u0', false],
      ['metric-fixed', 'u0', false],
    ])
    expect(judge([], units(0.5, 0.5), thresholdsWith({ fixedUnits: 2 })).at(-1)).toMatchObject({ isActive: true })
  })

  it('takes the median slope, which one spike does not turn', () => {
    const line = points((step) => 3 - step / 10, 20).map(({ step, value }) => ({ step, value: value ?? 0 }))
    expect(theilSen(line)).toBeCloseTo(-0.1)
    expect(theilSen(line.map((point) => (point.step === 9 ? { ...point, value: 1e6 } : point)))).toBeCloseTo(-0.1, 1)
  })

  it('knows a loss by its name', () => {
    expect(['loss', 'train_loss', 'val/loss', 'Loss'].map(isLoss)).toEqual([true, true, true, true])
    expect(['gloss', 'loss_scale', 'acc'].map(isLoss)).toEqual([false, false, false])
  })

  it('reads losses and the primary metric of running units alone', () => {
    const samples = openSamples(`${temporaryFolder()}/samples.db`)
    for (const unit of ['a', 'b'])
      for (const name of ['loss', 'acc', 'lr']) samples.addMetrics(unit, name, [{ step: 1, value: 2 }])
    const found = unitSeries(samples, [row(), row({ unit: 'b', state: 'done' })], 'acc', new Set())
    expect(found.map(({ unit, name, points: p }) => [unit, name, p.length])).toEqual([
      ['a', 'acc', 1],
      ['a', 'loss', 1],
    ])
    // The store is asked again only of units that appended something.
    samples.addMetrics('a', 'loss', [{ step: 2, value: 1 }])
    const counts = (grown: readonly string[]) =>
      unitSeries(samples, [row()], 'acc', new Set(grown)).map(({ points: p }) => p.length)
    expect(counts([])).toEqual([1, 1])
    expect(counts(['a'])).toEqual([1, 2])
    samples.close()
  })
})
