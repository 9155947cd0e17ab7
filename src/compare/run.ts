import { Columns } from '../reader/columns.ts'
import type { FoundRun } from '../reader/scan.ts'
import type { Format, ReadReport } from '../reader/types.ts'
import { digestOf, type OwnDirections, type RunDigest } from './digest.ts'
import type { DigestCache } from './digest-cache.ts'
import { type Thresholds, usualThresholds } from './findings/types.ts'

/** A run that is compared: what was read of it, and how well it could be read. */
export interface LoadedRun {
  readonly name: string
  readonly path: string
  readonly format: Format
  readonly digest: RunDigest
  readonly reports: readonly ReadReport[]
}

/** Names that tell runs apart: where two are called alike, their paths do. */
export function distinctNames(runs: readonly { readonly name: string; readonly path: string }[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const { name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1)
  return runs.map(({ name, path }) => (counts.get(name) === 1 ? name : path))
}

/**
 * Reads runs, some at a time. One that cannot be read at all is told with its reason and left out.
 *
 * @param isWanted metrics that are looked at
 * @param own which way is better, where a person said it
 * @param cache digests of all metrics of runs that were read before, of the same directions and thresholds
 */
export async function loadRuns(
  found: readonly FoundRun[],
  onFailure: (run: FoundRun, why: string) => void,
  isWanted: (metric: string) => boolean = () => true,
  own: OwnDirections = {},
  signal?: AbortSignal,
  cache: DigestCache | null = null,
  thresholds: Thresholds = usualThresholds,
): Promise<readonly LoadedRun[]> {
  const loaded = new Array<LoadedRun | null>(found.length).fill(null)
  let next = 0
  // Reading is work for one core: two files of this machine at once take no less time, and twice the memory.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(run: FoundRun, read: () => Promise<T>): Promise<T> => {
    if (run.stat !== undefined) return read()
    const mine = turn.then(read)
    turn = mine.catch(() => {})
    return mine
  }
  const work = async () => {
    for (let at = next++; at < found.length; at = next++) {
      const run = found[at] as FoundRun
      const known = (await cache?.get(run)) ?? null
      if (known !== null) {
        const { digest, reports } = known
        loaded[at] = { name: run.name, path: run.path, format: run.format, digest, reports }
        continue
      }
      const reader = run.open()
      try {
        const { digest, reports } = await inTurn(run, async () => {
          const columns = new Columns(cache === null ? isWanted : undefined)
          const reports = await reader.advance(columns, signal)
          // Points are given up at once: those of many runs would not fit into memory.
          return { digest: digestOf(columns, own, thresholds), reports }
        })
        loaded[at] = { name: run.name, path: run.path, format: run.format, digest, reports }
        await cache?.put(run, digest, reports, Date.now())
      } catch (error) {
        signal?.throwIfAborted()
        onFailure(run, error instanceof Error ? error.message : String(error))
      } finally {
        await reader.close()
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, work))
  return loaded.filter((run) => run !== null)
}

/** All points of one run, for whoever draws its curves; they are not kept for many runs at once. */
export async function readPoints(
  run: FoundRun,
  signal?: AbortSignal,
): Promise<{ readonly columns: Columns; readonly reports: readonly ReadReport[] }> {
  const reader = run.open()
  try {
    const columns = new Columns()
    return { reports: await reader.advance(columns, signal), columns }
  } finally {
    await reader.close()
  }
}
