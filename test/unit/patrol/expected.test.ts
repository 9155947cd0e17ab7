import { describe, expect, it } from 'vitest'
import { usualUnitSeconds } from '../../../src/patrol/expected.ts'
import type { UnitRow } from '../../../src/patrol/types.ts'

const row = (state: UnitRow['state'], seconds: number | null) => ({ state, seconds }) as UnitRow

describe('what a unit usually takes', () => {
  it('is what the smoke measured until three have finished', () => {
    expect(usualUnitSeconds([row('done', 30), row('done', 30), row('running', 90)], 10)).toBe(10)
  })
  it('is the median of those that finished from then on, so that a slow machine is not a finding a unit', () => {
    expect(usualUnitSeconds([row('done', 30), row('done', 31), row('done', 29), row('failed', 1)], 10)).toBe(30)
  })
  it('is unknown without either', () => {
    expect(usualUnitSeconds([row('queued', null)], null)).toBeNull()
  })
})
