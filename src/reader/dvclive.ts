import { readLooseYaml } from '../text/yaml-loose.ts'
import { csvReader } from './csv.ts'
import { figuresOf } from './flatten-row.ts'
import { looseJson } from './json-value.ts'
import { readText } from './text-file.ts'
import type { Folder, ReadReport, RunReader, Sink } from './types.ts'

/** Deepest folder below `plots/metrics`: names of metrics hold slashes. */
const mostDepth = 8

async function tables(folder: Folder, path: string, depth = 0): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, kind } of (await folder.list(path)) ?? []) {
    if (kind === 'file' && name.endsWith('.tsv')) found.push(`${path}/${name}`)
    else if (kind === 'folder' && depth < mostDepth) found.push(...(await tables(folder, `${path}/${name}`, depth + 1)))
  }
  return found.sort()
}

/** Reads a folder that DVCLive writes: one table a metric, the settings, and the last figures (handbook compare 4.6). */
export function dvcliveReader(folder: Folder, path: string): RunReader {
  const root = `${path}/plots/metrics`
  const readers = new Map<string, RunReader>()
  return {
    format: 'dvclive',
    async advance(sink, signal) {
      const reports: ReadReport[] = []
      for (const table of await tables(folder, root)) {
        const below = table.slice(root.length + 1, table.lastIndexOf('/') + 1)
        const known = readers.get(table) ?? csvReader(folder.open(table), 'dvclive', { separator: '\t', prefix: below })
        readers.set(table, known)
        reports.push(...(await known.advance(sink, signal)))
      }
      reports.push(...(await settings(folder, path, sink)))
      return reports
    },
    async close() {
      for (const reader of readers.values()) await reader.close()
    },
  }
}

async function settings(folder: Folder, path: string, sink: Sink): Promise<readonly ReadReport[]> {
  const reports: ReadReport[] = []
  const params = await readText(folder, `${path}/params.yaml`, 'dvclive')
  if (params !== null) {
    const { value, problem } = readLooseYaml(params.text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, setting] of Object.entries(value)) sink.config([name], setting)
    }
    reports.push(params.report(problem))
  }
  const last = await readText(folder, `${path}/metrics.json`, 'dvclive')
  if (last !== null) {
    const value = looseJson(last.text)
    figuresOf(value, (name, figure) => {
      if (name !== 'step') sink.summary([name], figure)
    })
    reports.push(last.report(value === undefined ? 'is no JSON; nothing was taken from it' : null))
  }
  return reports
}
