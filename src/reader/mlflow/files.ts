import { readLooseYaml } from '../../text/yaml-loose.ts'
import { GrowingLines } from '../lines.ts'
import { reportOn } from '../report.ts'
import { readText } from '../text-file.ts'
import type { Facts, Folder, ReadReport, RunReader, RunState, Sink } from '../types.ts'
import { factsOfTags, figureOfMlflow } from './rules.ts'

const mostDepth = 8
const states: readonly RunState[] = ['unknown', 'running', 'unknown', 'finished', 'failed', 'killed']

/** Files below a folder, with their names relative to it: a slash in a key makes folders. */
async function below(folder: Folder, root: string, inside = '', depth = 0): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, kind } of (await folder.list(inside === '' ? root : `${root}/${inside}`)) ?? []) {
    const path = inside === '' ? name : `${inside}/${name}`
    if (kind === 'file') found.push(path)
    else if (kind === 'folder' && depth < mostDepth) found.push(...(await below(folder, root, path, depth + 1)))
  }
  return found.sort()
}

/** Reads one run folder of MLflow's file store (handbook compare 4.3). */
export function mlflowFilesReader(folder: Folder, path: string): RunReader {
  const metrics = new Map<string, GrowingLines>()
  const bad = new Map<string, number>()
  const advanceMetric = async (name: string, sink: Sink, signal?: AbortSignal): Promise<ReadReport | null> => {
    const source = folder.open(`${path}/metrics/${name}`)
    const lines = metrics.get(name) ?? new GrowingLines(source)
    metrics.set(name, lines)
    const metric = sink.metric(name)
    const growth = await lines.advance((line) => {
      // `<milliseconds> <value> <step>`, newer ones with more behind it; an old one has no step.
      const [time, value, step] = line.split(' ')
      const figure = figureOfMlflow(value ?? '')
      const milliseconds = Number(time)
      if (figure === null || Number.isNaN(milliseconds)) bad.set(name, (bad.get(name) ?? 0) + 1)
      else if (metric >= 0) sink.point(metric, step === undefined ? 0 : Number(step), figure, milliseconds / 1000)
    }, signal)
    if (growth === null) return null
    const wrong = bad.get(name) ?? 0
    return reportOn('mlflow-files', source, growth, {
      records: lines.lines,
      skippedBytes: lines.skippedBytes,
      notes: wrong === 0 ? [] : [`${wrong} lines have another form than time, value and step; they were left out.`],
    })
  }
  return {
    format: 'mlflow-files',
    async advance(sink, signal) {
      const reports: ReadReport[] = []
      for (const name of await below(folder, `${path}/metrics`)) {
        const report = await advanceMetric(name, sink, signal)
        if (report !== null) reports.push(report)
      }
      for (const name of await below(folder, `${path}/params`)) {
        const file = await readText(folder, `${path}/params/${name}`, 'mlflow-files')
        if (file !== null) sink.config([name], file.text)
      }
      const tags: Record<string, string> = Object.create(null)
      for (const name of await below(folder, `${path}/tags`)) {
        const file = await readText(folder, `${path}/tags/${name}`, 'mlflow-files')
        if (file !== null) tags[name] = file.text
      }
      sink.facts(factsOfTags(tags))
      const meta = await readText(folder, `${path}/meta.yaml`, 'mlflow-files')
      if (meta !== null) {
        const { value, problem } = readLooseYaml(meta.text)
        sink.facts(factsOfMeta(value))
        reports.push(meta.report(problem))
      }
      return reports
    },
    async close() {
      for (const lines of metrics.values()) await lines.close()
    },
  }
}

function factsOfMeta(value: unknown): Facts {
  const meta = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const id = meta.run_id ?? meta.run_uuid
  return {
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof meta.run_name === 'string' && meta.run_name !== '' ? { name: meta.run_name } : {}),
    ...(typeof meta.start_time === 'number' ? { startedAtMs: meta.start_time } : {}),
    ...(typeof meta.end_time === 'number' ? { endedAtMs: meta.end_time } : {}),
    ...(typeof meta.status === 'number' ? { state: states[meta.status] ?? 'unknown' } : {}),
  }
}
