import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TransferMeter } from '../../../../src/host/transfer/meter.ts'

const mib = 1024 * 1024

describe('the meter of a transfer', () => {
  it('says files, bytes, rate and the time left from what was measured', () => {
    const meter = new TransferMeter(100 * mib, 4, 0)
    expect(meter.line(0)).toBe('0 of 4 files, 0 B of 100 MiB')
    for (let second = 1; second <= 5; second += 1) meter.add(10 * mib, second * 1000)
    meter.file(40 * mib, 5000)
    expect(meter.line(5000)).toBe('1 of 4 files, 50 MiB of 100 MiB, 10 MiB/s, 5 s left')
  })
  it('forgets how fast the link once was', () => {
    const meter = new TransferMeter(1000 * mib, 1, 0)
    meter.add(500 * mib, 1000)
    for (let second = 2; second <= 30; second += 1) meter.add(mib, second * 1000)
    expect(meter.bytesPerSecond(30_000)).toBeCloseTo(mib, -5)
  })
  it('counts what was here already as done and not as moved', () => {
    const meter = new TransferMeter(10 * mib, 2, 0)
    meter.file(6 * mib, 1000)
    expect([meter.moved, meter.bytesPerSecond(1000)]).toEqual([0, null])
    expect(meter.line(1000)).toBe('1 of 2 files, 6 MiB of 10 MiB')
  })
  it('never says more than all, whatever is sent twice', () => {
    const moves = fc.array(fc.record({ bytes: fc.nat(mib), ms: fc.nat(500), isFile: fc.boolean() }), { maxLength: 50 })
    fc.assert(
      fc.property(moves, (list) => {
        const meter = new TransferMeter(5 * mib, 3, 0)
        let at = 0
        for (const { bytes, ms, isFile } of list) {
          at += ms
          if (isFile) meter.file(bytes, at)
          else meter.add(bytes, at)
          const done = /, ([\d.]+) (B|KiB|MiB) of 5 MiB/.exec(meter.line(at))
          expect(done).not.toBeNull()
          const unit = { B: 1, KiB: 1024, MiB: mib }[done?.[2] as 'B']
          expect(Number(done?.[1]) * unit).toBeLessThanOrEqual(5 * mib)
          expect(meter.bytesPerSecond(at) ?? 1).toBeGreaterThan(0)
        }
      }),
    )
  })
})
