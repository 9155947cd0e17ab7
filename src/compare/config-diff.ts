import { isSameValue, type Leaf } from './flatten.ts'
import { type IsIgnored, isNamed, noiseKeys, seedKeys } from './noise.ts'

/** `type`: the same text with another type; `missing`: not every run has it. */
export type Difference = 'same' | 'value' | 'type' | 'missing'

export interface ConfigRow {
  readonly key: string
  readonly path: readonly string[]
  /** One a run, in the order of the runs; `undefined` where a run has no such setting. */
  readonly values: readonly unknown[]
  readonly difference: Difference
  readonly isSeed: boolean
}

export interface ConfigDiff {
  /** Settings that differ, seeds last. */
  readonly changed: readonly ConfigRow[]
  readonly same: readonly ConfigRow[]
  /** Differ, and say nothing of the experiment: listed by name, never silently dropped. */
  readonly ignored: readonly ConfigRow[]
}

/**
 * Settings of any number of runs side by side. Order of keys means nothing.
 *
 * @param isIgnored what a person says of a key, before its name does
 * @param noise names of settings that say nothing of the experiment
 */
export function configDiff(
  runs: readonly ReadonlyMap<string, Leaf>[],
  isIgnored: IsIgnored = () => null,
  noise: readonly string[] = noiseKeys,
): ConfigDiff {
  const keys = new Map<string, readonly string[]>()
  for (const run of runs) for (const [key, { path }] of run) keys.set(key, path)
  const [changed, same, ignored]: [ConfigRow[], ConfigRow[], ConfigRow[]] = [[], [], []]
  for (const [key, path] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const leaves = runs.map((run) => run.get(key))
    const values = leaves.map((leaf) => leaf?.value)
    const difference = differenceOf(leaves)
    const row: ConfigRow = { key, path, values, difference, isSeed: isNamed(path, seedKeys) }
    if (difference === 'same') same.push(row)
    else if (isIgnored(key) ?? isNamed(path, noise)) ignored.push(row)
    else changed.push(row)
  }
  changed.sort((a, b) => Number(a.isSeed) - Number(b.isSeed))
  return { changed, same, ignored }
}

function differenceOf(leaves: readonly (Leaf | undefined)[]): Difference {
  if (leaves.some((leaf) => leaf === undefined)) return leaves.every((leaf) => leaf === undefined) ? 'same' : 'missing'
  const [first, ...rest] = leaves.map((leaf) => leaf?.value)
  if (rest.every((value) => isSameValue(first, value))) return 'same'
  return rest.every((value) => String(value) === String(first)) ? 'type' : 'value'
}
