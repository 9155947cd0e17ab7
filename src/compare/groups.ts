import type { Leaf } from './flatten.ts'
import { type IsIgnored, isNamed, noiseKeys, seedKeys } from './noise.ts'

/** Runs of one experiment that differ by their seeds alone. */
export interface Group {
  /** Places of its runs. */
  readonly members: readonly number[]
  /** Seed of each, for pairs; null where none was written. */
  readonly seeds: readonly (string | null)[]
}

/**
 * Puts runs together whose settings are equal once seeds and noise are taken away (handbook compare 6). A run without any
 * settings stands alone: nothing says that it repeats another.
 *
 * @param isIgnored what a person says of a key, before its name does
 */
export function groupBySettings(
  runs: readonly ReadonlyMap<string, Leaf>[],
  noise: readonly string[] = noiseKeys,
  isIgnored: IsIgnored = () => null,
): readonly Group[] {
  const groups = new Map<string, { members: number[]; seeds: (string | null)[] }>()
  const paths = new Map<string, readonly string[]>()
  for (const run of runs) for (const [key, { path }] of run) paths.set(key, path)
  // In one order for all, so that the order of a run's own means nothing; a name is judged once, not once a run.
  const keys = [...paths]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([key, path]) => !(isIgnored(key) ?? isNamed(path, noise)))
  const isSeed = new Set(keys.flatMap(([key, path]) => (isNamed(path, seedKeys) ? [key] : [])))
  for (const [at, run] of runs.entries()) {
    const kept: string[] = []
    let seed: string | null = null
    for (const [key] of keys) {
      const leaf = run.get(key)
      if (leaf === undefined) continue
      const { value } = leaf
      if (isSeed.has(key)) seed = String(value)
      else kept.push(`${key}\u0001${typeof value}\u0001${typeof value === 'object' ? JSON.stringify(value) : value}`)
    }
    const mark = kept.length === 0 && seed === null ? `alone ${at}` : kept.join('\u0002')
    const group = groups.get(mark) ?? { members: [], seeds: [] }
    group.members.push(at)
    group.seeds.push(seed)
    groups.set(mark, group)
  }
  return [...groups.values()]
}

/** Places in two groups that have the same seed, each seed once. Null: they share none, or a seed stands twice. */
export function pairsOf(a: Group, b: Group): readonly (readonly [number, number])[] | null {
  const places = new Map<string, number>()
  for (const [at, seed] of b.seeds.entries()) {
    if (seed === null || places.has(seed)) return null
    places.set(seed, at)
  }
  const pairs: (readonly [number, number])[] = []
  for (const [at, seed] of a.seeds.entries()) {
    const there = seed === null ? undefined : places.get(seed)
    if (there !== undefined) pairs.push([at, there])
  }
  return pairs.length < 2 ? null : pairs
}
