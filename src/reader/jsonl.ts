import { figuresOf, stepNames, timeNames } from './flatten-row.ts'
import { looseJson } from './json-value.ts'
import { GrowingLines } from './lines.ts'
import { reportOn } from './report.ts'
import type { ByteSource, Format, ReadReport, RunReader, Sink } from './types.ts'

/** Milliseconds since 1970 look like this since 2001; seconds do so in the year 33658. */
const leastMilliseconds = 1e12

/** Seconds since 1970 of a time in seconds, milliseconds, or ISO 8601; NaN where it is none. */
export function wallSecondsOf(value: unknown): number {
  const known = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return known >= leastMilliseconds ? known / 1000 : known
}

/**
 * One JSON object a line, with a step, a time, and figures; bare NaN is read (unit contract, section 3). Without a step the
 * place of the line is its step, and that is said.
 *
 * @param unit part of the run that this file belongs to
 */
export function jsonlReader(source: ByteSource, format: Format = 'jsonl', unit = ''): RunReader {
  const lines = new GrowingLines(source)
  let bad = 0
  let withoutStep = 0
  let rows = 0
  const take = (line: string, sink: Sink) => {
    if (line.trim() === '') return
    const row = looseJson(line)
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      bad++
      return
    }
    const object = row as Record<string, unknown>
    const stepName = stepNames.find((name) => typeof object[name] === 'number')
    const timeName = timeNames.find((name) => object[name] !== undefined)
    const step = stepName === undefined ? rows : (object[stepName] as number)
    if (stepName === undefined) withoutStep++
    const wallSeconds = timeName === undefined ? Number.NaN : wallSecondsOf(object[timeName])
    rows++
    figuresOf(object, (name, value) => {
      if (name === stepName || name === timeName) return
      const metric = sink.metric(name, unit)
      if (metric >= 0) sink.point(metric, step, value, wallSeconds)
    })
  }
  return {
    format,
    async advance(sink, signal): Promise<readonly ReadReport[]> {
      const growth = await lines.advance((line) => take(line, sink), signal)
      if (growth === null) return []
      const notes = [
        ...(bad > 0 ? [`${bad} lines are no JSON object; they were left out.`] : []),
        ...(withoutStep > 0 ? [`${withoutStep} rows name no step; their place in the file stands for it.`] : []),
      ]
      return [reportOn(format, source, growth, { records: rows, skippedBytes: lines.skippedBytes, notes })]
    },
    close: () => source.close(),
  }
}
