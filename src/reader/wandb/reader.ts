import { type Place, readOn } from '../growing.ts'
import { reportOn } from '../report.ts'
import type { ByteSource, ReadReport, RunReader, Sink } from '../types.ts'
import { WandbFrames } from './framing.ts'
import { WandbRecords } from './records.ts'

/** Reads a run from W&B's own log, `run-<id>.wandb`, finished or still growing (handbook compare 4.1). */
export function wandbReader(source: ByteSource): RunReader {
  const place: Place = { offset: 0, identity: null }
  const frames = new WandbFrames()
  const records = new WandbRecords()
  let lastSink: Sink | null = null
  return {
    format: 'wandb',
    async advance(sink, signal): Promise<readonly ReadReport[]> {
      if (sink !== lastSink) records.forgetMetrics()
      lastSink = sink
      const growth = await readOn(
        source,
        place,
        (bytes, from) => {
          const { offset } = frames.read(bytes, from, (buffer, start, end) => records.take(buffer, start, end, sink))
          records.endPiece()
          return frames.isForeign ? 'stop' : offset
        },
        signal,
      )
      if (growth === null) return []
      records.tellSummary(sink)
      const notes: string[] = []
      if (frames.isForeign) notes.push('This is no log of W&B: it begins with other bytes.')
      if (records.broken > 0) notes.push(`${records.broken} records are whole and make no sense; they were left out.`)
      return [
        reportOn('wandb', source, growth, {
          records: frames.records,
          skippedBytes: frames.skippedBytes,
          crcErrors: frames.crcErrors,
          notes,
        }),
      ]
    },
    close: () => source.close(),
  }
}
