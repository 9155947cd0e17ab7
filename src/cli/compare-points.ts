import type { Axis } from '../compare/align.ts'
import type { RunDigest } from '../compare/digest.ts'
import { batchesOf, smallCurves } from '../compare/views/multiples.ts'
import type { CurveView, Smoothing } from '../compare/views/types.ts'
import { Columns } from '../reader/columns.ts'
import type { FoundRun } from '../reader/scan.ts'

type SmallCurves = ReadonlyMap<string, readonly CurveView[]>

/** Small curves of runs; those of a run that has ended are made once, and no more of its points are kept than they show. */
export class SmallCurvesCache {
  private readonly known = new WeakMap<FoundRun, { readonly key: string; readonly curves: SmallCurves }>()

  /** @param live points of a run that is still written; null: it is read for this. */
  async of(
    { found, digest, live }: { readonly found: FoundRun; readonly digest: RunDigest; readonly live: Columns | null },
    name: string,
    axis: Axis,
    smoothing: Smoothing,
  ): Promise<SmallCurves> {
    const batches = batchesOf(digest)
    if (live !== null) return smallCurves(live, name, batches.flat(), axis, smoothing)
    const key = JSON.stringify([name, axis, smoothing])
    const known = this.known.get(found)
    if (known?.key === key) return known.curves
    const curves = new Map<string, readonly CurveView[]>()
    for (const metrics of batches) {
      const wanted = new Set(metrics)
      const columns = new Columns((metric) => wanted.has(metric) || /epoch|tokens/i.test(metric))
      const reader = found.open()
      try {
        await reader.advance(columns)
      } finally {
        await reader.close()
      }
      for (const [metric, each] of smallCurves(columns, name, metrics, axis, smoothing)) curves.set(metric, each)
    }
    this.known.set(found, { key, curves })
    return curves
  }
}
