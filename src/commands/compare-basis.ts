import type { Thresholds } from '../compare/findings/types.ts'
import type { CompareOptions } from '../compare/model.ts'
import type { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'

type EffectiveConfig = Awaited<ReturnType<typeof loadSettings>>

/** What a comparison goes by, from the settings and from what was said with the command. */
export interface CompareBasis {
  readonly options: Pick<CompareOptions, 'directions' | 'noise' | 'bounded' | 'primary' | 'said'>
  readonly thresholds: Thresholds
  /** Digests that were made by something else than this are none. */
  readonly key: string
}

/** @param own which way is better, as it was said with the command: stronger than the settings */
export async function compareBasis(
  env: Pick<CommandEnvironment, 'projectFolder' | 'settings'>,
  own: CompareOptions['directions'] = {},
): Promise<CompareBasis> {
  const [{ loadSettings }, { noiseKeys, isNamed }] = await Promise.all([
    import('./open.ts'),
    import('../compare/noise.ts'),
  ])
  const effective = await loadSettings(env.projectFolder, env.settings)
  const { config } = effective
  const thresholds = thresholdsOf(effective)
  const directions = {
    ...Object.fromEntries(config.compare.neutral.map((name) => [name, 'none'] as const)),
    ...Object.fromEntries(config.compare.lower.map((name) => [name, 'lower'] as const)),
    ...Object.fromEntries(config.compare.higher.map((name) => [name, 'higher'] as const)),
    ...own,
  }
  const noise = [...noiseKeys.filter((name) => !isNamed([name], config.compare.keep)), ...config.compare.ignore]
  const { bounded, primary } = { bounded: config.compare.bounded, primary: config.compare.primary }
  return {
    options: { directions, noise, bounded, primary, said: await saidOf(effective) },
    thresholds,
    key: JSON.stringify([thresholds, Object.entries(directions).sort(([a], [b]) => (a < b ? -1 : 1))]),
  }
}

const thresholdsOf = ({ config }: EffectiveConfig): Thresholds => ({
  spikeFactor: config.findings.spikeFactor,
  spikePoints: config.findings.spikePoints,
  spikeWindow: config.findings.spikeWindow,
  spikeWindowShare: config.findings.spikeWindowShare,
  sigmas: config.findings.sigmas,
  sigmaWindow: config.findings.sigmaWindow,
  leastSigma: config.findings.leastSigma,
  spikesShare: config.findings.spikesShare,
  extremeFactor: config.findings.extremeFactor,
  plateauShare: config.findings.plateauShare,
  plateauPoints: config.findings.plateauPoints,
  improvingShare: config.findings.improvingShare,
  improvingP: config.findings.improvingP,
  overfitPoints: config.findings.overfitPoints,
  clippedShare: config.findings.clippedShare,
  warmupShare: config.findings.warmupShare,
  learningRateLeast: config.findings.learningRateLeast,
  learningRateMost: config.findings.learningRateMost,
  throughputLoss: config.findings.throughputLoss,
  throughputPoints: config.findings.throughputPoints,
  fastShare: config.findings.fastShare,
  costFactor: config.findings.costFactor,
  utilisationLeast: config.findings.utilisationLeast,
})

/** Settings that are not the built-in ones, with where each came from: who reads a verdict must know what it went by. */
async function saidOf(effective: EffectiveConfig): Promise<readonly string[]> {
  const { configRows } = await import('../config/lines.ts')
  return configRows(effective).flatMap(({ key, value, origin }) =>
    /^(compare|findings)\./.test(key) && effective.origin[key]?.source !== 'built-in'
      ? [`${key}: ${value} (${origin})`]
      : [],
  )
}
