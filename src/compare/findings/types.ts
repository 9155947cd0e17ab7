import type { Column } from '../../reader/columns.ts'

export type Severity = 'critical' | 'warning' | 'note'

/** Something that a rule found in one run. The rule and its numbers stand beside every word (handbook compare 7). */
export interface Finding {
  readonly rule: string
  readonly severity: Severity
  /** Empty where it is about the run. */
  readonly metric: string
  readonly unit: string
  /** Units that it was found in, where it is told once for several; `unit` then says how many. */
  readonly units?: readonly string[]
  readonly fromStep: number | null
  readonly toStep: number | null
  /** One sentence with the figures that the rule went by. */
  readonly what: string
  readonly next: string
}

/** Every border that a rule goes by. A person may set each of them. */
export interface Thresholds {
  /** Loss so many times the mean of its window, for more than so many points on end (llm-foundry). */
  readonly spikeFactor: number
  readonly spikePoints: number
  readonly spikeWindow: number
  readonly spikeWindowShare: number
  /** Standard deviations above the mean of the last 128 points (OLMo-core). */
  readonly sigmas: number
  readonly sigmaWindow: number
  readonly leastSigma: number
  /** Share of single spikes from which on they are a warning. */
  readonly spikesShare: number
  /** Times the greatest value so far (Megatron). */
  readonly extremeFactor: number
  /** Least change that counts, as a share of the curve's extent, over so many points. */
  readonly plateauShare: number
  readonly plateauPoints: number
  /** Share at the end that is held against the one before it, and the chance below which it is better. */
  readonly improvingShare: number
  readonly improvingP: number
  /** Evaluations on end that get worse while training gets better. */
  readonly overfitPoints: number
  /** Share of steps with a clipped gradient from which on the learning rate is another one. */
  readonly clippedShare: number
  readonly warmupShare: number
  readonly learningRateLeast: number
  readonly learningRateMost: number
  /** Loss of throughput against its own median, sustained over so many points. */
  readonly throughputLoss: number
  readonly throughputPoints: number
  /** Share of the expected time below which a finished run is not believed. */
  readonly fastShare: number
  /** Cost against its estimate. */
  readonly costFactor: number
  readonly utilisationLeast: number
}

export const usualThresholds: Thresholds = {
  spikeFactor: 2,
  spikePoints: 4,
  spikeWindow: 100,
  spikeWindowShare: 0.05,
  sigmas: 6,
  sigmaWindow: 128,
  leastSigma: 1e-10,
  spikesShare: 0.01,
  extremeFactor: 10,
  plateauShare: 0.01,
  plateauPoints: 50,
  improvingShare: 0.1,
  improvingP: 0.01,
  overfitPoints: 3,
  clippedShare: 0.5,
  warmupShare: 0.1,
  learningRateLeast: 1e-6,
  learningRateMost: 1e-2,
  throughputLoss: 0.1,
  throughputPoints: 10,
  fastShare: 0.5,
  costFactor: 1.2,
  utilisationLeast: 0.3,
}

/** What the rules look at. Columns stand in the order of their steps. */
export interface RunFigures {
  readonly columns: readonly Column[]
  readonly state: string
  readonly seconds: number | null
  readonly expectedSeconds: number | null
  readonly usd: number | null
  readonly expectedUsd: number | null
  /** Value that guessing reaches, by metric. */
  readonly chance: Readonly<Record<string, number>>
  /** Units whose written result is NaN or infinite, by metric. */
  readonly nonFiniteResults: Readonly<Record<string, readonly string[]>>
  /** What each metric with a chance level ended at, a figure a unit. */
  readonly ends: Readonly<Record<string, readonly number[]>>
  /** Mean of the cards over the run, where somebody sampled it; 1 is all of the time. */
  readonly utilisationShare: number | null
  readonly gradientClip: number | null
  readonly goalOf: (metric: string) => 'lower' | 'higher' | null
}

const parts = (name: string) => name.toLowerCase().split(/[^a-z0-9]+/)
export const isLoss = (name: string) => parts(name).some((part) => part === 'loss' || part === 'nll')
export const isValidation = (name: string) =>
  parts(name).some((part) => ['val', 'valid', 'validation', 'eval', 'test'].includes(part))
export const isGradientNorm = (name: string) => /grad(ient)?[_/.-]?norm/i.test(name)
export const isLearningRate = (name: string) => /(^|[_/.-])(lr|learning[_-]?rate)([_/.-]|$)/i.test(name)
export const isThroughput = (name: string) =>
  /(tokens|samples|steps|examples|images|it)[_/-]?(per[_-]?s(ec(ond)?)?|\/s)/i.test(name)
export const isUtilisation = (name: string) => /(gpu.*util|util.*gpu|(^|[_/.-])mfu($|[_/.-]))/i.test(name)

const known = new WeakMap<Column, readonly number[]>()

/** Finite points of a column, in their order; each rule asks for those of the same column. */
export function finiteOf(column: Column): readonly number[] {
  const before = known.get(column)
  if (before !== undefined) return before
  const finite: number[] = []
  for (const value of column.values) if (Number.isFinite(value)) finite.push(value)
  known.set(column, finite)
  return finite
}

/** Step of a point, or null where none was written. */
export const stepAt = (column: Column, at: number): number | null => {
  const step = column.steps[at]
  return step === undefined || Number.isNaN(step) ? null : step
}

/** Four significant digits: enough to see what a rule went by. */
export const digits = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value))
export const percent = (share: number) => `${digits(share * 100)} %`
