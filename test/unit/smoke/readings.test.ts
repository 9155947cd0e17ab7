import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  droppedSteps,
  median,
  notFiniteIn,
  parseMetrics,
  parseMetricsLine,
  stepSecondsOf,
  thinned,
} from '../../../src/smoke/readings.ts'

const line = (step: number, time: number) => ({ step, time })

describe('readings of a smoke', () => {
  it('leaves a torn last line out, and counts lines that do not parse', () => {
    expect(parseMetrics('{"step":1}\n{"step":2}\n{"st')).toEqual({ lines: [{ step: 1 }, { step: 2 }], badLines: 0 })
    expect(parseMetrics('{"step":1}\nnonsense\n[1]\n\n{"step":2}\n')).toMatchObject({ badLines: 2 })
  })

  it('sees NaN as text and as Python writes it, and takes null for not measured', () => {
    expect(notFiniteIn(parseMetricsLine('{"loss":NaN,"a":-Infinity,"b":1}') ?? {})).toEqual(['loss', 'a'])
    expect(notFiniteIn(parseMetricsLine('{"loss":"NaN","note":"NaN is bad"}') ?? {})).toEqual(['loss'])
    expect(notFiniteIn(parseMetricsLine('{"loss":null}') ?? {})).toEqual([])
    expect(parseMetricsLine('{"note":"x: NaN, y"}')).toEqual({ note: 'x: NaN, y' })
  })

  it('drops the first steps, and gives one sample a gap', () => {
    const lines = Array.from({ length: 12 }, (_, i) => line(i + 1, 0.5 + i * 0.25 + (i < droppedSteps ? i * 10 : 100)))
    expect(stepSecondsOf(lines)).toEqual(Array.from({ length: 11 - droppedSteps }, () => 0.25))
    expect(stepSecondsOf(lines.slice(0, droppedSteps + 1))).toEqual([])
  })

  it('makes no single samples out of whole-second clocks, and none out of clocks that step back', () => {
    const whole = Array.from({ length: 25 }, (_, i) => line(i + 1, 1000 + Math.floor(i / 4)))
    expect(stepSecondsOf(whole)).toEqual([5 / 19])
    const frozen = Array.from({ length: 25 }, (_, i) => line(i + 1, 1000))
    expect(stepSecondsOf(frozen)).toEqual([])
    const back = [...Array.from({ length: 7 }, (_, i) => line(i + 1, i + 0.5)), line(8, 0.25), line(9, 1.25)]
    expect(stepSecondsOf(back)).toEqual([1, 1])
  })

  it('never gives a negative or infinite sample', () => {
    const record = fc.record({
      step: fc.integer({ min: -5, max: 50 }),
      time: fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (lines) => {
        for (const sample of stepSecondsOf(lines)) expect(sample >= 0 && Number.isFinite(sample)).toBe(true)
      }),
    )
  })

  it('thins evenly and keeps both ends', () => {
    const many = Array.from({ length: 10_001 }, (_, i) => i)
    expect(thinned(many, 5)).toEqual([0, 2500, 5000, 7500, 10_000])
    expect(thinned([1, 2], 5)).toEqual([1, 2])
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNull()
  })
})
