import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as f from '../../../src/text/format.ts'

describe('format', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1_048_575, '1 MiB'],
    [25_769_803_776, '24 GiB'],
    [-2048, '-2 KiB'],
    [null, 'unknown'],
    [Number.NaN, 'unknown'],
  ])('bytes %s', (value, text) => expect(f.formatBytes(value)).toBe(text))

  it.each([
    [0, '0 ms'],
    [0.0042, '4.2 ms'],
    [0.25, '0.25 s'],
    [9.994, '9.99 s'],
    [12.4, '12 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [3605, '1 h'],
    [7500, '2 h 05 min'],
    [86_399, '1 d'],
    [356_400, '4 d 3 h'],
    [undefined, 'unknown'],
  ])('duration %s s', (value, text) => expect(f.formatDuration(value)).toBe(text))

  it.each([
    [-1000, 'now'],
    [0, 'now'],
    [4999, 'now'],
    [5000, '5 s'],
    [44_000, '40 s'],
    [59_999, '55 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [7_200_000, '2 h'],
    [4 * 86_400_000, '4 d'],
    [null, 'unknown'],
  ])('age %s ms', (value, text) => expect(f.formatAge(value)).toBe(text))

  it.each([
    [0, '$0.00'],
    [12.3, '$12.30'],
    [1234.5, '$1,234.50'],
    [0.0035, '$0.0035'],
    [-2, '-$2.00'],
    [null, 'unknown'],
    [Number.POSITIVE_INFINITY, 'unknown'],
  ])('money %s', (value, text) => expect(f.formatUsd(value)).toBe(text))

  it.each([
    [0, '0 %'],
    [0.5, '50 %'],
    [0.975, '97.5 %'],
    [0.9999, '> 99.9 %'],
    [0.0001, '< 0.1 %'],
    [1, '100 %'],
    [null, 'unknown'],
  ])('share %s', (value, text) => expect(f.formatPercent(value)).toBe(text))

  it('counts, quantities, metrics', () => {
    expect(f.formatCount(1_234_567)).toBe('1,234,567')
    expect(f.plural(1, 'unit')).toBe('1 unit')
    expect(f.plural(45, 'unit')).toBe('45 units')
    expect(f.formatNumber(0.123456)).toBe('0.1235')
    expect(f.formatNumber(Number.NaN)).toBe('NaN')
    expect(f.formatUsdPerHour(1.2)).toBe('$1.20/h')
  })

  it('times in UTC', () => {
    const at = Date.UTC(2026, 6, 1, 12, 0, 5)
    expect(f.formatTime(at)).toBe('2026-07-01T12:00:05Z')
    expect(f.formatTime(9e18)).toBe('unknown')
    expect(f.formatMoment(at)).toBe('2026-07-01 12:00 UTC')
    expect(f.formatMoment(Number.NaN)).toBe('unknown')
  })

  it('tells when an age will read differently', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * 86_400_000 }), (age) => {
        const wait = f.nextAgeChangeMs(age)
        expect(wait).toBeGreaterThan(0)
        expect(f.formatAge(age + wait - 1)).toBe(f.formatAge(age))
      }),
    )
  })
})
