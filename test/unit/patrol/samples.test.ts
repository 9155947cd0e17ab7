import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { foldPoints, type MetricPoint, openSamples, ringPoints, thinMetric } from '../../../src/patrol/samples.ts'
import { metricsOf } from '../../../src/patrol/tails.ts'

const folders: string[] = []
const file = () => {
  const folder = mkdtempSync(join(tmpdir(), 'kx-samples-'))
  folders.push(folder)
  return join(folder, 'run/samples.db')
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe('samples', () => {
  it('come back as they went in; what is unknown is not there', () => {
    const path = file()
    const samples = openSamples(path)
    samples.add(1000, { a: 1, b: null, c: Number.NaN })
    samples.add(2000, { a: 3 })
    expect(samples.series('a')).toEqual([
      { atMs: 1000, minimum: 1, maximum: 1, mean: 1 },
      { atMs: 2000, minimum: 3, maximum: 3, mean: 3 },
    ])
    expect(samples.series('a', 1500).length).toBe(1)
    expect(samples.summary('a', 0)).toEqual({ count: 2, mean: 2, firstMs: 1000 })
    expect(samples.summary('a', 1500)).toEqual({ count: 1, mean: 3, firstMs: 2000 })
    expect(samples.summary('a', 2500)).toBeNull()
    expect(samples.names()).toEqual(['a'])
    samples.set('k', { x: [1] })
    samples.close()
    const again = openSamples(path)
    expect([again.get('k'), again.get('none'), again.series('a').length]).toEqual([{ x: [1] }, null, 2])
    again.close()
  })

  it('are for their owner only, in every file', () => {
    const path = file()
    const samples = openSamples(path)
    samples.add(1000, { a: 1 })
    for (const name of readdirSync(dirname(path))) expect(statSync(join(dirname(path), name)).mode & 0o077).toBe(0)
    samples.close()
  })

  it('are folded by age, extremes kept, and dropped in the end', () => {
    const samples = openSamples(file())
    const now = Date.UTC(2026, 5, 1)
    const minutes = 30 * 60
    samples.together(() => {
      for (let i = 0; i < minutes; i++) samples.add(now - i * 60_000 - 30_000, { a: i === 700 ? 99 : 1, old: 1 })
      for (let i = 0; i < 120; i++) samples.add(now - 2 * 3_600_000 - i * 1000, { fine: i === 60 ? -5 : 1 })
      samples.add(now - 61 * 24 * 3_600_000, { ancient: 1 })
    })
    samples.roll(now)
    expect(samples.series('ancient')).toEqual([])
    const fine = samples.series('fine')
    expect(fine.length).toBeLessThan(5)
    expect(Math.min(...fine.map((point) => point.minimum))).toBe(-5)
    const all = samples.series('a', 0, 10_000)
    expect(all.length).toBeLessThan(minutes)
    expect(Math.max(...all.map((point) => point.maximum))).toBe(99)
    samples.roll(now)
    expect(samples.series('a', 0, 10_000)).toEqual(all)
    expect(samples.series('a').length).toBeLessThanOrEqual(ringPoints)
    samples.close()
  })

  it('keeps metrics by step, the later line holding, bounded, with every extreme and every NaN', () => {
    const samples = openSamples(file())
    samples.addMetrics('u', 'loss', [
      { step: 1, value: 1 },
      { step: 2, value: null },
    ])
    samples.addMetrics('u', 'loss', [{ step: 1, value: 5 }])
    expect(samples.metric('u', 'loss')).toEqual([
      { step: 1, value: 5 },
      { step: 2, value: null },
    ])
    const many = Array.from({ length: 20_000 }, (_, step) => ({
      step,
      value: step === 7777 ? 1000 : Math.sin(step / 100),
    }))
    for (let at = 0; at < many.length; at += 500) samples.addMetrics('u', 'long', many.slice(at, at + 500))
    const kept = samples.metric('u', 'long')
    expect(kept.length).toBeLessThanOrEqual(ringPoints)
    expect(kept.some((point) => point.value === 1000)).toBe(true)
    expect(samples.metricNames('u')).toEqual(['long', 'loss'])
    samples.close()
  })

  it('puts a damaged file aside and begins anew', () => {
    const path = file()
    openSamples(path).close()
    const other = join(path, '..', 'damaged.db')
    writeFileSync(other, 'this is no database at all, '.repeat(100))
    const samples = openSamples(other)
    samples.add(1, { a: 1 })
    expect(samples.series('a').length).toBe(1)
    expect(existsSync(`${other}.damaged`)).toBe(true)
    samples.close()
  })

  it('lets two processes write: two connections here', () => {
    const path = file()
    const one = openSamples(path)
    const two = openSamples(path)
    one.add(1, { a: 1 })
    two.add(2, { a: 2 })
    expect(one.series('a').length).toBe(2)
    one.close()
    two.close()
  })
})

describe('folding', () => {
  it('loses no extreme and keeps the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })), { maxLength: 3000 }),
        fc.integer({ min: 9, max: 200 }),
        (values, maximum) => {
          const points: MetricPoint[] = values.map((value, step) => ({ step, value }))
          const kept = thinMetric(points, maximum)
          expect(kept.length).toBeLessThanOrEqual(Math.max(maximum + 3, 0))
          expect(kept.map((p) => p.step)).toEqual([...kept.map((p) => p.step)].sort((a, b) => a - b))
          const numbers = (list: readonly MetricPoint[]) => list.flatMap((p) => (p.value === null ? [] : [p.value]))
          const extent = (list: readonly number[]) =>
            list.reduce<[number, number]>(
              ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
              [Infinity, -Infinity],
            )
          expect(extent(numbers(kept))).toEqual(extent(numbers(points)))
          expect(kept.some((p) => p.value === null)).toBe(points.some((p) => p.value === null))
          const samples = points.map((p) => ({
            atMs: p.step,
            minimum: p.value ?? 0,
            maximum: p.value ?? 0,
            mean: p.value ?? 0,
          }))
          expect(foldPoints(samples, maximum).length).toBeLessThanOrEqual(maximum)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('lines of metrics.jsonl', () => {
  it.each([
    ['{"step":1,"time":2,"loss":0.5}', [['loss', { step: 1, value: 0.5 }]]],
    [
      '{"step":1,"loss":NaN,"acc":-Infinity}',
      [
        ['loss', { step: 1, value: null }],
        ['acc', { step: 1, value: null }],
      ],
    ],
    ['{"step":1,"loss":"NaN","note":"x","none":null}', [['loss', { step: 1, value: null }]]],
    ['{"step":1,"lo', []],
    ['{"loss":1}', []],
    ['[1]', []],
    ['null', []],
    ['{"step":"1","loss":1}', []],
  ] as const)('%s', (line, expected) => expect(metricsOf(line)).toEqual(expected))
})
