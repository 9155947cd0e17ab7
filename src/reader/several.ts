import type { Format, ReadReport, RunReader, Sink } from './types.ts'

/** One part of a run: read on, or read anew when its file has changed. */
export type Part = (sink: Sink, signal?: AbortSignal) => Promise<readonly ReadReport[]>

/** A run that lies in several files, each read by a part of its own, in this order. */
export function severalReader(format: Format, parts: readonly Part[], close: () => Promise<void>): RunReader {
  return {
    format,
    async advance(sink, signal) {
      const reports: ReadReport[] = []
      for (const part of parts) {
        signal?.throwIfAborted()
        reports.push(...(await part(sink, signal)))
      }
      return reports
    },
    close,
  }
}
