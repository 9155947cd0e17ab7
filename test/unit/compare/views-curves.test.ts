import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearestIndex, stepCursor } from '../../../src/compare/rules.ts'
import { curvesOf, mostCurves } from '../../../src/compare/views/curves.ts'
import { Columns } from '../../../src/reader/columns.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'

function columns(values: readonly number[], more: (columns: Columns) => void = () => {}) {
  const made = new Columns()
  const metric = made.metric('loss')
  for (const [step, value] of values.entries()) made.point(metric, step * 10, value, 1000 + step)
  more(made)
  return { columns: made }
}

describe('a run of kx', () => {
  it('has its findings as alerts, at their time', async () => {
    const root = mkdtempSync(join(tmpdir(), 'kx-run-events-'))
    try {
      const unit = join(root, 'artifacts/units/fold-0')
      mkdirSync(unit, { recursive: true })
      writeFileSync(join(root, 'plan.yaml'), 'name: one\n')
      const finding = { findingId: 'f', rule: 'disk-full', severity: 'error', text: '97 % of /data' }
      const records = [
        { kind: 'run.created', atMs: 1_000_000, payload: { runId: 'one' } },
        { kind: 'finding.opened', atMs: 1_001_500, payload: finding },
      ]
      writeFileSync(join(root, 'journal.jsonl'), records.map((each) => `${JSON.stringify(each)}\n`).join(''))
      const points = [1000, 1001, 1002].map((time, step) => `${JSON.stringify({ step, time, loss: step })}\n`)
      writeFileSync(join(unit, 'metrics.jsonl'), points.join(''))
      const { runs } = await scan(localFolder(root))
      const read = new Columns()
      const reader = runs[0]?.open()
      await reader?.advance(read)
      await reader?.close()
      expect(curvesOf([{ columns: read }], ['one'], 'loss', 'step').curves[0]?.events).toEqual([
        { kind: 'alert', x: 2, text: 'disk-full: 97 % of /data' },
      ])
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})

describe('curves of several runs', () => {
  it('keep every point, with their events at the points that follow them', () => {
    const run = columns([3, 2, 1], (made) => {
      made.event({ kind: 'checkpoint', step: 11, wallSeconds: null, text: 'saved' })
      made.event({ kind: 'restart', step: null, wallSeconds: 1000.5, text: 'again' })
      made.event({ kind: 'alert', step: 999, wallSeconds: null, text: 'late' })
      made.event({ kind: 'alert', step: null, wallSeconds: null, text: 'no GPU left' })
    })
    const { curves, notes } = curvesOf([run], ['one'], 'loss', 'step')
    expect(curves).toMatchObject([{ name: 'one', xs: Float64Array.of(0, 10, 20), values: Float64Array.of(3, 2, 1) }])
    expect(curves[0]?.smooth).toBeNull()
    expect(curves[0]?.events).toEqual([
      { kind: 'checkpoint', x: 20, text: 'saved' },
      { kind: 'restart', x: 10, text: 'again' },
      { kind: 'alert', x: 20, text: 'late' },
    ])
    // One that nobody can place is told, not drawn somewhere.
    expect(notes).toEqual(['one: alert (no GPU left), at no known place'])
    expect(curvesOf([run], ['one'], 'loss', 'relative').curves[0]?.events[0]?.x).toBe(2)
  })

  it('are smoothed beside the raw points, never in their place', () => {
    const { curves } = curvesOf([columns([1, 1, 9, 1, Number.NaN, 1])], ['one'], 'loss', 'step', 'median 9')
    expect([...(curves[0]?.values ?? [])]).toEqual([1, 1, 9, 1, Number.NaN, 1])
    expect([...(curves[0]?.smooth ?? [])]).toEqual([1, 1, 1, 1, Number.NaN, 1])
    const mean = curvesOf([columns([0, 1])], ['one'], 'loss', 'step', 'mean 0.9').curves[0]?.smooth
    expect(mean?.[1]).toBeCloseTo(1 / 1.9)
  })

  it('are as many as can be told apart, and the rest is said', () => {
    const runs = Array.from({ length: mostCurves + 2 }, () => columns([1, 2]))
    const names = runs.map((_, at) => `run ${at}`)
    const { curves, notes } = curvesOf(runs, names, 'loss', 'step')
    expect(curves).toHaveLength(mostCurves)
    expect(notes).toEqual(['2 more curves are not drawn'])
    expect(curvesOf(runs.slice(0, 1), names, 'loss', 'epoch').notes).toEqual(['run 0 has no epoch on record for loss'])
  })
})

describe('curves of runs with many units', () => {
  it('are drawn of every run before more of one, the same units of each', () => {
    const run = (name: string) => {
      const made = new Columns()
      for (let unit = 0; unit < 6; unit++) made.point(made.metric('loss', `fold-${unit}`), 0, unit, 0)
      return { name, columns: made }
    }
    const { curves, notes } = curvesOf([run('a'), run('b')], ['a', 'b'], 'loss', 'step')
    expect(curves.map(({ name }) => name)).toEqual([0, 1, 2, 3].flatMap((unit) => [`a fold-${unit}`, `b fold-${unit}`]))
    expect(notes).toEqual(['4 more curves are not drawn'])
  })
})

const places = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 })

describe('the cursor on the x axis', () => {
  it('finds the nearest point, and none where no point has a place', () => {
    expect(nearestIndex([0, 10, 20], 14)).toBe(1)
    expect(nearestIndex([0, Number.NaN, 20], 9)).toBe(0)
    expect(nearestIndex([Number.NaN], 1)).toBe(-1)
    fc.assert(
      fc.property(places, fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (xs, x) => {
        const found = xs[nearestIndex(xs, x)] as number
        for (const each of xs) expect(Math.abs(found - x)).toBeLessThanOrEqual(Math.abs(each - x))
      }),
    )
  })

  it('goes over all places in order, always to one where a curve has a point, and ends at the ends', () => {
    expect(stepCursor([[0, 10, 20]], null, 1, 80)).toBe(0)
    expect(stepCursor([[0, 10, 20]], null, -1, 80)).toBe(20)
    expect(stepCursor([[0, 10], [15]], 10, 1, 80)).toBe(15)
    expect(stepCursor([[0, 10, 20]], 20, 1, 80)).toBe(20)
    expect(stepCursor([[], [Number.NaN]], null, 1, 80)).toBeNull()
    // Of a thousand points a column holds many; a step is one column.
    const many = Array.from({ length: 1001 }, (_, at) => at)
    expect(stepCursor([many], 500, 1, 50)).toBe(520)
    fc.assert(
      fc.property(places, places, fc.integer({ min: 1, max: 200 }), (a, b, columns) => {
        const seen = new Set([...a, ...b])
        let at = stepCursor([a, b], null, 1, columns) as number
        expect(at).toBe(Math.min(...seen))
        for (let steps = 0; steps < 70; steps++) {
          const next = stepCursor([a, b], at, 1, columns) as number
          expect(seen.has(next) && next >= at).toBe(true)
          at = next
        }
      }),
    )
  })
})
