import type { Direction } from '../reader/columns.ts'

/** Which way is better, and who says so. `guessed`: the name alone says it. */
export interface Judged {
  readonly goal: 'lower' | 'higher' | null
  readonly source: string
  readonly isGuessed: boolean
}

/** Parts of names, the whole of one or of several joined by `_`. Order matters nowhere: no name is in both. */
const lower = [
  'loss',
  'nll',
  'perplexity',
  'ppl',
  'error',
  'err',
  'wer',
  'cer',
  'mae',
  'mse',
  'rmse',
  'fid',
  'latency',
  'step_time',
  'memory',
  'cost',
]
const higher = [
  'acc',
  'accuracy',
  'f1',
  'auc',
  'auroc',
  'bleu',
  'rouge',
  'map',
  'iou',
  'psnr',
  'ssim',
  'reward',
  'tokens_per_sec',
  'tokens_per_second',
  'samples_per_second',
  'steps_per_second',
  'mfu',
  'r2',
  'precision',
  'recall',
]
/** Figures that are no measure of success in either direction (handbook compare 5). */
const never = [
  'grad_norm',
  'lr',
  'learning_rate',
  'epoch',
  'step',
  'global_step',
  'runtime',
  'time',
  'timestamp',
  'count',
  'total_flos',
  'samples',
  'tokens',
  'steps',
  'epochs',
  'nan_count',
  'seed',
]

const partsOf = (name: string) =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '')

const holds = (parts: readonly string[], word: string) => `_${parts.join('_')}_`.includes(`_${word}_`)

/**
 * Direction of a metric: a person's own word first, then what a tracker recorded, then its name, marked as guessed. Unknown
 * stays neutral (handbook compare 5).
 */
export function directionOf(
  name: string,
  own: Readonly<Record<string, 'lower' | 'higher' | 'none'>>,
  recorded: Direction | undefined,
): Judged {
  const said = own[name]
  if (said !== undefined) return { goal: said === 'none' ? null : said, source: 'your settings', isGuessed: false }
  if (recorded !== undefined) return { goal: recorded.goal, source: recorded.source, isGuessed: false }
  const parts = partsOf(name)
  const rates = higher.filter((word) => word.includes('_'))
  const isRate = rates.some((word) => holds(parts, word)) || holds(parts, 'step_time')
  const isNever = never.some((word) => `_${parts.join('_')}`.endsWith(`_${word}`)) || parts.includes('num')
  if (isNever && !isRate) return { goal: null, source: 'never ranked', isGuessed: false }
  const isLower = lower.some((word) => holds(parts, word))
  const isHigher = higher.some((word) => holds(parts, word))
  if (isLower === isHigher) return { goal: null, source: 'unknown', isGuessed: false }
  return { goal: isLower ? 'lower' : 'higher', source: 'its name', isGuessed: true }
}
