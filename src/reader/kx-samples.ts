import { database } from './sqlite.ts'
import type { Facts, Folder, ReadReport, WalkFacts } from './types.ts'

/**
 * Utilisation of the cards and memory of the machine from the samples of patrol, over the time in which the run ran. Only of a
 * run that lies here: samples are for looks, and not worth the way over a link. Empty: nobody sampled, or none of it can be read.
 */
export async function readSamples(
  folder: Folder,
  path: string,
  { startedAtMs, endedAtMs }: Facts,
): Promise<{ readonly walk: WalkFacts; readonly reports: readonly ReadReport[] }> {
  if (folder.localPath(path) === null || startedAtMs === undefined) return { walk: {}, reports: [] }
  try {
    const found = await database(folder, path, 'kx').read((opened) =>
      opened
        .prepare(
          // A point of old is the mean of its minute or quarter of an hour.
          `SELECT series, sum(mean * max(span_ms, 1000)) / sum(max(span_ms, 1000)) AS mean, max(maximum) AS most
           FROM sample WHERE at_ms >= ? AND at_ms <= ?
           AND (series LIKE 'gpu.%.utilisation' OR series LIKE 'gpu.%.memory' OR series = 'machine.memoryWorking')
           GROUP BY series`,
        )
        .all(startedAtMs, endedAtMs ?? Number.MAX_SAFE_INTEGER),
    )
    if (found?.trouble) throw new Error(found.trouble.words)
    const rows = (found?.value ?? []) as { series: string; mean: number; most: number }[]
    const of = (end: string) => rows.filter(({ series }) => series.endsWith(end))
    const cards = of('.utilisation').map(({ mean }) => mean / 100)
    const [memory] = of('machine.memoryWorking')
    const gpuMemory = of('.memory').map(({ most }) => most)
    return {
      walk: {
        ...(cards.length === 0 ? {} : { utilisationShare: cards.reduce((a, b) => a + b, 0) / cards.length }),
        ...(memory === undefined ? {} : { peakMachineMemoryBytes: memory.most }),
        ...(gpuMemory.length === 0 ? {} : { peakGpuMemoryBytes: Math.max(...gpuMemory) * 1024 * 1024 }),
      },
      reports: [],
    }
  } catch (error) {
    const note = `samples.db could not be read: ${error instanceof Error ? error.message : String(error)}.`
    const none = { bytes: 0, mtimeMs: 0, records: 0, skippedBytes: 0, crcErrors: 0, isTruncated: false }
    return { walk: {}, reports: [{ format: 'kx', path: `${folder.root}/${path}`, ...none, notes: [note] }] }
  }
}
