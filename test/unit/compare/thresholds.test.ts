import { describe, expect, it } from 'vitest'
import { findingsOf } from '../../../src/compare/findings/all.ts'
import { type RunFigures, type Thresholds, usualThresholds } from '../../../src/compare/findings/types.ts'
import type { Column } from '../../../src/reader/columns.ts'

/** Ups and downs that are the same on every machine. */
const wave = (at: number) => Math.sin(at * 12.9898) * 0.05
const column = (name: string, length: number, value: (at: number) => number): Column => ({
  name,
  unit: '',
  steps: Float64Array.from({ length }, (_, at) => at),
  values: Float64Array.from({ length }, (_, at) => value(at)),
  wallSeconds: new Float64Array(length).fill(Number.NaN),
})

/** A run in which every rule has something that lies near its border. */
const run: RunFigures = {
  columns: [
    column('train/loss', 600, (at) => 1 + wave(at) + (at >= 400 && at < 405 ? 1.3 : 0) + (at === 500 ? 0.35 : 0)),
    // Few and long apart, or many: what a share of them is.
    column('jumpy/loss', 600, (at) => 1 + wave(at) + (at > 200 && at % 60 === 0 ? 0.5 : 0)),
    column('late/loss', 300, (at) => 1 + wave(at) + (at === 150 ? 7.2 : 0)),
    column('small/loss', 300, (at) => wave(at) * 1e-11 + (at === 290 ? 1e-10 : 0)),
    column('flat/loss', 300, (at) => (at < 100 ? 2 - at / 100 : 1 + wave(at) * 0.05)),
    column('better/loss', 300, (at) => 3 - at / 200 + wave(at) * 4),
    { ...column('train/loss', 12, (at) => 2 - at / 10), unit: 'fold' },
    { ...column('val/loss', 12, (at) => (at < 6 ? 2 - at / 10 : 1.4 + at / 50)), unit: 'fold' },
    column('grad_norm', 200, (at) => 1 + wave(at) + (at % 10 < 6 ? 0.5 : -0.5)),
    column('lr', 200, (at) => (at < 30 ? at / 30 : 1 - at / 400) * 0.02),
    column('low/lr', 200, (at) => (at < 10 ? at / 10 : 1 - at / 400) * 1e-7),
    column('tokens_per_second', 200, (at) => (at > 150 && at < 162 ? 880 : 1000)),
    column('gpu_util', 100, () => 28),
  ],
  state: 'finished',
  seconds: 40,
  expectedSeconds: 100,
  usd: 13,
  expectedUsd: 10,
  chance: {},
  ends: {},
  nonFiniteResults: {},
  utilisationShare: null,
  gradientClip: 1,
  goalOf: (name) => (name.includes('loss') ? 'lower' : null),
}

const said = (thresholds: Partial<Thresholds>) => JSON.stringify(findingsOf(run, { ...usualThresholds, ...thresholds }))

/** Another value for each border; what it is held against is the built-in one. */
const others: Readonly<Record<keyof Thresholds, number>> = {
  spikeFactor: 3,
  spikePoints: 9,
  spikeWindow: 40,
  spikeWindowShare: 0.5,
  sigmas: 14,
  sigmaWindow: 40,
  leastSigma: 1e-14,
  spikesShare: 0.001,
  extremeFactor: 5,
  plateauShare: 0.2,
  plateauPoints: 140,
  improvingShare: 0.02,
  improvingP: 1e-8,
  overfitPoints: 9,
  clippedShare: 0.9,
  warmupShare: 0.3,
  learningRateLeast: 1e-9,
  learningRateMost: 0.5,
  throughputLoss: 0.5,
  throughputPoints: 30,
  fastShare: 0.2,
  costFactor: 2,
  utilisationLeast: 0.1,
}

const usual = said({})

describe('borders of the findings', () => {
  it.each(Object.entries(others))('%s is what its rule goes by', (name, value) => {
    expect(said({ [name]: value })).not.toBe(usual)
  })

  it('are all here', () => {
    expect(Object.keys(others).sort()).toEqual(Object.keys(usualThresholds).sort())
  })
})
