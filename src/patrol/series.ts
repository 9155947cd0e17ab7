import { join } from 'node:path'
import { type MetricPoint, openSamples, type SamplePoint } from './samples.ts'

/** What a chart asks for: machine series by name, and one metric of some units. */
export interface SeriesRequest {
  readonly names?: readonly string[]
  readonly sinceMs?: number
  readonly metric?: { readonly name: string; readonly units: readonly string[] }
  /** Points of each series at most; the default is what a screen can show. */
  readonly maximumPoints?: number
}

export interface SeriesAnswer {
  readonly series: Readonly<Record<string, readonly SamplePoint[]>>
  readonly metrics: Readonly<Record<string, readonly MetricPoint[]>>
  /** Names of machine series that this run has. */
  readonly names: readonly string[]
}

/** Reads series of a run for the charts, from `samples.db` alone: it asks no host. */
export function readSeries(runFolder: string, request: SeriesRequest): SeriesAnswer {
  const samples = openSamples(join(runFolder, 'samples.db'))
  try {
    const { names = [], sinceMs, metric, maximumPoints } = request
    return {
      series: Object.fromEntries(names.map((name) => [name, samples.series(name, sinceMs, maximumPoints)])),
      metrics: Object.fromEntries(
        (metric?.units ?? []).map((unit) => [unit, samples.metric(unit, metric?.name ?? '', maximumPoints)]),
      ),
      names: samples.names(),
    }
  } finally {
    samples.close()
  }
}
