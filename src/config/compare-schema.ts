import { z } from 'zod'

const share = z.number().min(0).max(1)
const names = z.array(z.string().min(1).max(256)).max(256)

/** Borders of the rules that look for what is wrong with a run. Sources of the numbers: handbook compare 7. */
export const findingsSchema = z.strictObject({
  spikeFactor: z.number().min(1).max(1000).default(2).describe('a loss so many times the mean of the points before it'),
  spikePoints: z.number().int().min(0).max(10_000).default(4).describe('for more than so many points on end: a spike'),
  spikeWindow: z.number().int().min(10).max(100_000).default(100).describe('points of that mean, at least'),
  spikeWindowShare: share.default(0.05).describe('and at least this share of the curve'),
  sigmas: z.number().min(1).max(100).default(6).describe('standard deviations above the points before: a single spike'),
  sigmaWindow: z.number().int().min(8).max(100_000).default(128).describe('points of that deviation'),
  leastSigma: z.number().min(0).max(1).default(1e-10).describe('a smaller deviation is none'),
  spikesShare: share.default(0.01).describe('single spikes among the points from which on they are a warning'),
  extremeFactor: z.number().min(1).max(1e6).default(10).describe('a loss so many times anything before it'),
  plateauShare: share.default(0.01).describe('change that is none, as a share of what the curve spans'),
  plateauPoints: z
    .number()
    .int()
    .min(5)
    .max(100_000)
    .default(50)
    .describe('points over which nothing changes: a plateau'),
  improvingShare: z
    .number()
    .min(0.01)
    .max(0.5)
    .default(0.1)
    .describe('share at the end that is held against the same before: still improving'),
  improvingP: z
    .number()
    .min(1e-9)
    .max(1)
    .default(0.01)
    .describe('chance below which it is no chance that the end is better'),
  overfitPoints: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(3)
    .describe('evaluations that are worse while training gets better'),
  clippedShare: share
    .default(0.5)
    .describe('steps with a clipped gradient from which on the learning rate is another one'),
  warmupShare: share.default(0.1).describe('warm-up that is longer is unusual'),
  learningRateLeast: z
    .number()
    .min(0)
    .max(1000)
    .default(1e-6)
    .describe('a greatest learning rate below this is worth a look'),
  learningRateMost: z.number().min(0).max(1000).default(0.01).describe('the same above this'),
  throughputLoss: share.default(0.1).describe('loss against the usual throughput of the run'),
  throughputPoints: z.number().int().min(1).max(100_000).default(10).describe('for so many points on end'),
  fastShare: share.default(0.5).describe('a run that ends in less than this share of its expected time is suspect'),
  costFactor: z.number().min(1).max(1000).default(1.2).describe('cost against its estimate'),
  utilisationLeast: share.default(0.3).describe('utilisation below this share is worth a look'),
})

/** What comparisons go by. */
export const compareSchema = z.strictObject({
  ignore: names.default([]).describe('settings whose difference says nothing, beside those that kx knows'),
  keep: names.default([]).describe('settings that kx takes for noise, and that count all the same'),
  lower: names.default([]).describe('metrics of which less is better'),
  higher: names.default([]).describe('metrics of which more is better'),
  neutral: names.default([]).describe('metrics that are never better or worse'),
  bounded: names
    .default(['acc', 'accuracy', 'f1', 'auc', 'auroc', 'precision', 'recall', 'iou', 'ssim'])
    .describe('names, or parts of names, of metrics between 0 and 1: their change is also told in percentage points'),
  primary: z
    .string()
    .min(1)
    .max(256)
    .nullable()
    .default(null)
    .describe('metric by which runs are judged; null: the one that the plan of the runs names'),
})
