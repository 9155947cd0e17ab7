import { figuresOf } from './flatten-row.ts'
import { figureOf, looseJson } from './json-value.ts'
import { jsonlReader } from './jsonl.ts'
import { readText } from './text-file.ts'
import type { Folder, ReadReport, RunReader, Sink } from './types.ts'

/** Most units of one run that are read; more are said. */
const mostUnits = 10_000

/**
 * Units of a run as the unit contract has them: a folder each, with `metrics.jsonl` and `result.json`. Files that have not
 * changed are not read again.
 */
export class UnitFolders {
  private readonly folder: Folder
  private readonly path: string
  private readonly readers = new Map<string, RunReader>()
  private readonly seen = new Map<string, string>()

  constructor(folder: Folder, path: string) {
    this.folder = folder
    this.path = path
  }

  async advance(sink: Sink, signal?: AbortSignal): Promise<readonly ReadReport[]> {
    const units = ((await this.folder.list(this.path)) ?? []).filter(({ kind }) => kind === 'folder')
    units.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    const reports: ReadReport[] = []
    for (const { name: unit } of units.slice(0, mostUnits)) {
      signal?.throwIfAborted()
      const at = `${this.path}/${unit}`
      const reader = this.readers.get(unit) ?? jsonlReader(this.folder.open(`${at}/metrics.jsonl`), 'kx', unit)
      this.readers.set(unit, reader)
      reports.push(...(await reader.advance(sink, signal)))
      const result = await this.result(`${at}/result.json`, unit, sink)
      if (result !== null) reports.push(result)
    }
    if (units.length > mostUnits) {
      reports.push(notRead(this.folder.root, `${units.length - mostUnits} units of ${units.length} were not read.`))
    }
    return reports
  }

  async close(): Promise<void> {
    for (const reader of this.readers.values()) await reader.close()
  }

  private async result(path: string, unit: string, sink: Sink): Promise<ReadReport | null> {
    const file = await readText(this.folder, path, 'kx')
    if (file === null) return null
    const value = looseJson(file.text)
    const report = file.report(value === undefined ? 'is cut short or no JSON; nothing was taken from it' : null)
    const mark = `${report.bytes} ${report.mtimeMs}`
    if (this.seen.get(path) === mark) return report
    this.seen.set(path, mark)
    for (const [name, each] of Object.entries((value ?? {}) as Record<string, unknown>)) {
      if (figureOf(each) !== null) sink.summary([name], figureOf(each), unit)
      else figuresOf(each, (inner, figure) => sink.summary([`${name}/${inner}`], figure, unit))
    }
    return report
  }
}

const notRead = (path: string, note: string): ReadReport => ({
  format: 'kx',
  path,
  bytes: 0,
  mtimeMs: 0,
  records: 0,
  skippedBytes: 0,
  crcErrors: 0,
  isTruncated: false,
  notes: [note],
})
