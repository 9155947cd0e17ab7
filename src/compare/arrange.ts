import type { Aggregator } from './aggregate.ts'
import { type CompareModel, type CompareOptions, compareRuns, usualOptions } from './model.ts'
import { bestRuns } from './narrow.ts'
import type { IsIgnored } from './noise.ts'
import type { LoadedRun } from './run.ts'
import { type Grouping, isGrouped } from './table.ts'

/** Which runs are compared, and how: what a person chose, on the screen or for a script. */
export interface Arrangement
  extends Partial<Pick<CompareOptions, 'directions' | 'noise' | 'bounded' | 'primary' | 'place' | 'said'>> {
  readonly aggregator: Aggregator
  readonly isShown: (metric: string) => boolean
  /** Settings that are left out, and those that are looked at although they are called like noise. */
  readonly ignored: readonly string[]
  readonly heeded: readonly string[]
  /** Path of the run that others are held against; null: nobody chose one, and the first is it. */
  readonly baseline: string | null
  /** Only the best so many, of groups where there are any; null: all. */
  readonly top: number | null
  /** Metric that says which are the best; null: the only one with a direction. */
  readonly by: string | null
  readonly grouping: Grouping
}

export interface Arranged {
  readonly model: CompareModel
  /** Places, among the runs that were given, of those of the model. */
  readonly kept: readonly number[]
  /** Runs before it was narrowed. */
  readonly all: number
  /** What must be said of the narrowing. */
  readonly notes: readonly string[]
}

/** What a person says of the settings. */
export function ignoring(ignored: readonly string[], heeded: readonly string[]): IsIgnored {
  const [out, kept] = [new Set(ignored), new Set(heeded)]
  return (key) => (out.has(key) ? true : kept.has(key) ? false : null)
}

/** Compares the runs as they were asked for, or says why that cannot be done. */
export function arrange(loaded: readonly LoadedRun[], asked: Arrangement): Arranged | { readonly why: string } {
  const { directions, noise, bounded, primary, place, said } = { ...usualOptions, ...asked }
  const options: CompareOptions = {
    ...usualOptions,
    directions,
    noise,
    bounded,
    primary,
    place,
    said,
    aggregator: asked.aggregator,
    isShown: asked.isShown,
    isIgnored: ignoring(asked.ignored, asked.heeded),
  }
  const chosen = asked.baseline === null ? -1 : loaded.findIndex(({ path }) => path === asked.baseline)
  const model = compareRuns(loaded, { ...options, baseline: Math.max(0, chosen) })
  if (asked.top === null)
    return asked.by === null
      ? { model, kept: [...loaded.keys()], all: loaded.length, notes: [] }
      : { why: '--by goes with --top' }
  const ofGroups = isGrouped(model, asked.grouping)
  const found = bestRuns(model, asked.by, asked.top, ofGroups)
  if ('why' in found) return found
  const { best, without, count, of } = found
  if (best.length === 0) return { why: 'no run has a value of that metric' }
  const held = chosen < 0 ? [] : ofGroups ? (model.groups[model.baselineGroup]?.members ?? []) : [chosen]
  const kept = [...held, ...best.filter((at) => !held.includes(at))]
  const baseline = chosen < 0 ? 0 : kept.indexOf(chosen)
  const what = ofGroups ? 'groups' : 'runs'
  return {
    model: compareRuns(
      kept.map((at) => loaded[at] as LoadedRun),
      // The best were looked for among all: what is said of them counts all that was looked at.
      { ...options, baseline, fewestTests: model.tests },
    ),
    kept,
    all: loaded.length,
    notes: [
      `the best ${count} of ${of} ${of === 1 ? what.slice(0, -1) : what}: the best of many are so in part by luck, run them again before you believe their figures`,
      ...(without > 0
        ? [`${without} ${without === 1 ? what.slice(0, -1) : what} without a value could not be among them`]
        : []),
    ],
  }
}
