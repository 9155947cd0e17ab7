import { describe, expect, it } from 'vitest'
import { dalySeconds, expectedSeconds, isSpotCheaper, youngSeconds } from '../../../src/estimate/checkpoint-interval.ts'
import { diskNeed, growthOf, timeToFullSeconds } from '../../../src/estimate/disk.ts'
import {
  activationBytes,
  fitsGpu,
  kvCacheBytes,
  logitsBytes,
  memoryLine,
  trainingStateBytes,
} from '../../../src/estimate/vram.ts'

describe('checkpoint interval', () => {
  // Check values of handbook money 5.3, against the abstract of Daly 2004: saves of 5 minutes.
  it.each([
    [24 * 60, 116.7],
    [6 * 60, 56.7],
    [15, 9.1],
  ])('for %d minutes between interruptions is %d minutes', (meanMinutes, expected) => {
    expect(dalySeconds(300, meanMinutes * 60) / 60).toBeCloseTo(expected, 1)
  })
  it('is the mean time itself when a save takes twice as long', () => {
    expect(dalySeconds(200, 100)).toBe(100)
    expect(youngSeconds(2, 100)).toBe(20)
  })
  // Check values of handbook money 5.4: 30 s saves, 5 min restart.
  it.each([
    [2.3, 1.13],
    [4.3, 1.09],
    [10.5, 1.05],
    [24, 1.03],
  ])('stretches work by the published factor at %d h between interruptions', (hours, factor) => {
    const meanUpSeconds = hours * 3600
    const got = expectedSeconds({
      workSeconds: 1,
      intervalSeconds: youngSeconds(30, meanUpSeconds),
      saveSeconds: 30,
      restartSeconds: 300,
      meanUpSeconds,
    })
    expect(Math.abs(got - factor)).toBeLessThan(0.01)
  })
  it('takes spot only when the stretch is paid for', () => {
    expect(isSpotCheaper(0.35, 1, 1.13)).toBe(true)
    expect(isSpotCheaper(0.9, 1, 1.13)).toBe(false)
  })
})

describe('disk', () => {
  it('adds up', () => {
    expect(
      diskNeed({ checkpointBytes: 10, checkpointCount: 3, scratchBytes: 5, artifactBytes: 2, codeBytes: 1 }).totalBytes,
    ).toBe(38)
  })
  it('sees growth, and no trend in one look', () => {
    expect(growthOf([{ atMs: 0, usedBytes: 5 }])).toBeNull()
    const growth = growthOf([0, 1, 2, 3].map((s) => ({ atMs: s * 1000, usedBytes: 100 + s * 10 })))
    expect(growth?.bytesPerSecond).toBeCloseTo(10)
    expect(timeToFullSeconds(growth, 500)).toBeCloseTo(50)
    expect(timeToFullSeconds(growth, -1)).toBe(0)
  })
  it('never fills when it shrinks', () => {
    const growth = growthOf([
      { atMs: 0, usedBytes: 10 },
      { atMs: 1000, usedBytes: 5 },
    ])
    expect(timeToFullSeconds(growth, 100)).toBeNull()
    expect(timeToFullSeconds(null, 100)).toBeNull()
  })
})

describe('vram', () => {
  it('needs 16 bytes a parameter, and up to 18 with fp32 gradients', () => {
    expect(trainingStateBytes(1e9, 'fp32')).toEqual({ minimumBytes: 16e9, maximumBytes: 16e9 })
    expect(trainingStateBytes(1e9, 'bf16')).toEqual({ minimumBytes: 16e9, maximumBytes: 18e9 })
  })
  it('drops the quadratic term of attention with flash attention', () => {
    const shape = { layers: 24, hidden: 1024, heads: 16, sequence: 2048, microBatch: 4 }
    expect(activationBytes(shape, 'flash')).toBe(34 * 2048 * 4 * 1024 * 24)
    expect(activationBytes(shape, 'full') / activationBytes(shape, 'flash')).toBeCloseTo((34 + 160) / 34)
    expect(logitsBytes(4, 2048, 50_000)).toBe(2 * 4 * 2048 * 50_000 * 4)
    expect(kvCacheBytes(shape, 1024, 2)).toBe(2 * 24 * 2048 * 4 * 1024 * 2)
  })
  it('keeps a gibibyte and 15 percent free', () => {
    const usableMiB = 22_888
    const room = (usableMiB * 1024 ** 2 - 1024 ** 3) / 1.15
    const base = { workersPerGpu: 1, datasetBytes: 0, contextBytes: 0, usableMiB }
    expect(fitsGpu({ ...base, perWorkerBytes: Math.floor(room) }).fits).toBe(true)
    expect(fitsGpu({ ...base, perWorkerBytes: Math.ceil(room) + 1 }).fits).toBe(false)
    expect(fitsGpu({ ...base, perWorkerBytes: room / 2, workersPerGpu: 2, contextBytes: 1e9 }).fits).toBe(false)
  })
  it('draws the line through two measured batches', () => {
    expect(memoryLine({ batch: 4, peakBytes: 60 }, { batch: 8, peakBytes: 100 })).toEqual({
      fixedBytes: 20,
      bytesPerBatch: 10,
    })
    expect(memoryLine({ batch: 4, peakBytes: 60 }, { batch: 4, peakBytes: 61 })).toBeNull()
  })
})
