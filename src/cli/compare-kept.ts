import { stat } from 'node:fs/promises'
import type { CompareBasis } from '../commands/compare-basis.ts'
import { digestOf, type RunDigest } from '../compare/digest.ts'
import type { DigestCache } from '../compare/digest-cache.ts'
import { maskDigest } from '../compare/masked.ts'
import { Columns } from '../reader/columns.ts'
import type { FoundRun } from '../reader/scan.ts'
import type { ReadReport, RunReader } from '../reader/types.ts'
import { maskNow } from './masking.ts'

/** A run that nobody has written to for so long is looked at no more by itself (leet: 5 minutes of silence). */
const quietMs = 5 * 60_000

/** A run as the screen keeps it. */
export interface Kept {
  readonly found: FoundRun
  /** Open while the run may still be written, with its points; of the others nothing but the digest is kept. */
  live: { readonly reader: RunReader; readonly columns: Columns } | null
  digest: RunDigest | null
  /** Its files are not what they were: what stands here holds until they are read. */
  isStale: boolean
  reports: readonly ReadReport[]
  /** Why it could not be read; null: it was. */
  failure: string | null
}

export const newlyFound = (found: FoundRun): Kept => ({
  found,
  live: null,
  digest: null,
  isStale: false,
  reports: [],
  failure: null,
})

/** Reads what there is more. True where anything was. */
export async function readOn(kept: readonly Kept[], cache: DigestCache, basis: CompareBasis | null): Promise<boolean> {
  let isNew = false
  for (const each of kept) {
    if (each.digest !== null && each.live === null && !each.isStale) continue
    const known = each.digest === null || each.isStale ? await cache.get(each.found) : null
    if (known !== null) {
      each.isStale = false
      each.digest = maskDigest(known.digest, maskNow)
      each.reports = known.reports
      isNew = true
      if (!mayGrow(each)) continue
    }
    const live = each.live ?? { reader: each.found.open(), columns: new Columns() }
    each.live = live
    try {
      const reports = await live.reader.advance(live.columns)
      if (each.digest === null || each.isStale || extentOf(reports) !== extentOf(each.reports)) {
        each.digest = maskDigest(digestOf(live.columns, basis?.options.directions, basis?.thresholds), maskNow)
        isNew = true
      }
      each.reports = reports
      each.isStale = false
      each.failure = null
      if (!mayGrow(each)) {
        await live.reader.close()
        each.live = null
        await cache.put(each.found, each.digest, reports, Date.now())
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      isNew ||= each.failure !== why
      each.failure = why
    }
  }
  return isNew
}

const extentOf = (reports: readonly ReadReport[]) =>
  reports.map(({ path, bytes, mtimeMs }) => `${path} ${bytes} ${mtimeMs}`).join('\n')

export function mayGrow({ digest, reports, found }: Kept): boolean {
  const state = digest?.facts.state ?? 'unknown'
  if (state === 'finished' || state === 'failed' || state === 'killed') return false
  const newest = reports.length === 0 ? found.mtimeMs : Math.max(...reports.map(({ mtimeMs }) => mtimeMs))
  return Date.now() - newest < quietMs
}

/** The runs that are there now; what is kept of those that were there before goes on. Null: they are the same ones. */
export function merged(kept: readonly Kept[], found: readonly FoundRun[]): readonly Kept[] | null {
  const keyOf = ({ format, root, path }: FoundRun) => `${format}\n${root}\n${path}`
  const before = new Map(kept.map((each) => [keyOf(each.found), each]))
  if (found.length === kept.length && found.every((each) => before.has(keyOf(each)))) return null
  return found.map((each) => before.get(keyOf(each)) ?? newlyFound(each))
}

/** Files of a run that are looked at: those that were written last, and the journal of a run of kx. */
const mostLooks = 3

/**
 * Marks runs of this machine that are not followed any more and whose files have changed all the same: a finished run of kx gets
 * its metrics when its artifacts are pulled. True where there is one.
 */
export async function markStale(kept: readonly Kept[]): Promise<boolean> {
  const looks = kept.map(async (each) => {
    if (each.digest === null || each.live !== null || each.found.stat !== undefined) return false
    const journal = each.reports.filter(({ path }) => path.endsWith('/journal.jsonl'))
    const newest = [...each.reports].sort((a, b) => b.mtimeMs - a.mtimeMs).slice(0, mostLooks)
    for (const { path, bytes, mtimeMs } of [...journal, ...newest]) {
      const now = await stat(path).catch(() => null)
      if (now === null || now.size !== bytes || Math.abs(now.mtimeMs - mtimeMs) >= 0.01) each.isStale = true
    }
    return each.isStale
  })
  return (await Promise.all(looks)).some(Boolean)
}
