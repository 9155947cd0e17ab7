import { type Place, readOn } from '../growing.ts'
import { reportOn } from '../report.ts'
import type { ByteSource, Folder, ReadReport, RunReader, Sink } from '../types.ts'
import { TfEvents } from './events.ts'
import { TfRecords } from './framing.ts'

interface OpenFile {
  readonly source: ByteSource
  readonly place: Place
  records: TfRecords
}

export const isEventFile = (name: string) => name.includes('.tfevents.')

/**
 * Reads the event files of one run in the order of their names, which begin with the time.
 *
 * @param paths folders that belong to the run: its own, and after it those that HParams made below it. Steps of one folder
 * say nothing of those of another.
 */
export function tfeventsReader(folder: Folder, paths: readonly string[]): RunReader {
  const groups = paths.map((path) => ({ path, events: new TfEvents(), files: new Map<string, OpenFile>() }))
  let lastSink: Sink | null = null
  return {
    format: 'tfevents',
    async advance(sink, signal): Promise<readonly ReadReport[]> {
      if (sink !== lastSink) for (const { events } of groups) events.forget()
      lastSink = sink
      const reports: ReadReport[] = []
      for (const { path, events, files } of groups) {
        const names = ((await folder.list(path)) ?? []).filter((e) => e.kind === 'file' && isEventFile(e.name))
        for (const { name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
          if (!files.has(name)) files.set(name, openFile(folder, `${path}/${name}`))
        }
        for (const [index, file] of [...files.values()].entries()) {
          const report = await advanceFile(file, index, events, sink, signal)
          if (report !== null) reports.push(report)
        }
      }
      return reports
    },
    async close() {
      for (const { files } of groups) for (const { source } of files.values()) await source.close()
    },
  }
}

const openFile = (folder: Folder, path: string): OpenFile => ({
  source: folder.open(path),
  place: { offset: 0, identity: null },
  records: new TfRecords(),
})

async function advanceFile(
  file: OpenFile,
  index: number,
  events: TfEvents,
  sink: Sink,
  signal?: AbortSignal,
): Promise<ReadReport | null> {
  const growth = await readOn(
    file.source,
    file.place,
    (bytes, from) => {
      const offset = file.records.read(bytes, from, (buffer, start, end) =>
        events.take(index, buffer, start, end, sink),
      )
      return file.records.brokenAt === null ? offset : 'stop'
    },
    signal,
  )
  if (growth === null) return null
  const { brokenAt, crcErrors, records } = file.records
  const notes = [
    ...(brokenAt === null ? [] : [`A checksum is wrong at byte ${brokenAt}; nothing behind it was read.`]),
    ...(events.broken > 0 ? [`${events.broken} events are whole and make no sense; they were left out.`] : []),
  ]
  return reportOn('tfevents', file.source, growth, {
    records,
    skippedBytes: brokenAt === null ? 0 : growth.bytes - brokenAt,
    crcErrors,
    isTruncated: brokenAt === null && growth.isTruncated,
    notes,
  })
}
