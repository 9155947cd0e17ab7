import type { FoundRun } from '../reader/scan.ts'
import type { Axis } from './align.ts'
import { digestAt, type Place, placeText, reachOf, shortText } from './place.ts'
import { distinctNames, type LoadedRun, readPoints } from './run.ts'

/** Where the metrics of a comparison are taken, for whoever reads it. */
export interface PlaceView extends Place {
  readonly text: string
  /** Runs that do not reach it, one sentence each. */
  readonly short: readonly string[]
}

/**
 * The same runs with their values at one place, read once more for it: a digest holds no points. Without a place it is the
 * furthest that all runs reach which have that axis. Null: no run has it.
 *
 * @param found the runs that were loaded, in their order
 */
export async function loadAt(
  found: readonly FoundRun[],
  loaded: readonly LoadedRun[],
  axis: Axis,
  at: number | null,
  signal?: AbortSignal,
): Promise<{ readonly runs: readonly LoadedRun[]; readonly place: PlaceView } | null> {
  const reaches: (number | null)[] = []
  // One run at a time: the points of many would not fit into memory.
  for (const run of found) reaches.push(reachOf((await readPoints(run, signal)).columns, axis))
  const known = reaches.filter((reach) => reach !== null)
  if (known.length === 0) return null
  const place: Place = { axis, at: at ?? Math.min(...known), isNamed: at !== null }
  const names = distinctNames(loaded.map(({ name, path, digest }) => ({ name: digest.facts.name ?? name, path })))
  const runs: LoadedRun[] = []
  const short: string[] = []
  for (const [i, run] of loaded.entries()) {
    const reach = reaches[i] ?? null
    const { columns } = await readPoints(found[i] as FoundRun, signal)
    runs.push({ ...run, digest: digestAt(run.digest, columns, place) })
    if (reach === null || reach < place.at) short.push(shortText(names[i] ?? run.path, axis, { reach }))
  }
  return { runs, place: { ...place, text: `at ${placeText(axis, place.at)}`, short } }
}

/** A place as a person types it: a figure; a moment for the time. Null: it is none. */
export function placeOf(axis: Axis, text: string): number | null {
  const figure = Number(text)
  if (text.trim() !== '' && Number.isFinite(figure)) return figure
  const moment = axis === 'time' ? Date.parse(text) : Number.NaN
  return Number.isNaN(moment) ? null : moment / 1000
}
