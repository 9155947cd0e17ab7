import { GrowingTable } from './csv-rows.ts'
import { stepNames, timeNames } from './flatten-row.ts'
import { wallSecondsOf } from './jsonl.ts'
import { reportOn } from './report.ts'
import type { ByteSource, Format, ReadReport, RunReader, Sink } from './types.ts'

/** A figure in a cell, in the words of any writer; null where there is none. */
export function figureInCell(cell: string): number | null {
  const text = cell.trim()
  if (text === '') return null
  const value = Number(text)
  if (!Number.isNaN(value)) return value
  const word = text.toLowerCase()
  if (word === 'nan') return Number.NaN
  if (/^\+?inf(inity)?$/.test(word)) return Number.POSITIVE_INFINITY
  if (/^-inf(inity)?$/.test(word)) return Number.NEGATIVE_INFINITY
  return null
}

interface Layout {
  readonly header: readonly string[]
  readonly step: number
  readonly time: number
  /** Index of the metric of each column; -1: none, or nobody wants it. */
  readonly metrics: readonly number[]
}

/**
 * A table with a header, a column with the step, and figures. Blank cells are no figures: rows of training and of validation
 * have each their own columns filled (handbook compare 4.5).
 */
export function csvReader(
  source: ByteSource,
  format: Format = 'csv',
  options: { readonly separator?: string; readonly unit?: string; readonly prefix?: string } = {},
): RunReader {
  const table = new GrowingTable(source, options.separator ?? ',')
  let layout: Layout | null = null
  let lastSink: Sink | null = null
  let withoutStep = 0
  let ragged = 0
  const layoutOf = (header: readonly string[], sink: Sink): Layout => {
    const names = header.map((name) => name.trim())
    const step = stepNames.map((name) => names.indexOf(name)).find((at) => at >= 0) ?? -1
    const time = timeNames.map((name) => names.indexOf(name)).find((at) => at >= 0) ?? -1
    const metrics = names.map((name, at) =>
      at === step || at === time || name === '' ? -1 : sink.metric(`${options.prefix ?? ''}${name}`, options.unit),
    )
    return { header, step, time, metrics }
  }
  const take = (cells: readonly string[], header: readonly string[], sink: Sink) => {
    if (layout?.header !== header) layout = layoutOf(header, sink)
    if (cells.length !== header.length) ragged++
    const stepFigure = layout.step < 0 ? null : figureInCell(cells[layout.step] ?? '')
    if (stepFigure === null) withoutStep++
    const step = stepFigure ?? (layout.step < 0 ? table.rows - 1 : Number.NaN)
    const timeCell = layout.time < 0 ? '' : (cells[layout.time] ?? '')
    const wallSeconds = timeCell === '' ? Number.NaN : wallSecondsOf(figureInCell(timeCell) ?? timeCell)
    for (let at = 0; at < layout.metrics.length; at++) {
      const metric = layout.metrics[at] as number
      const value = metric < 0 ? null : figureInCell(cells[at] ?? '')
      if (value !== null) sink.point(metric, step, value, wallSeconds)
    }
  }
  return {
    format,
    async advance(sink, signal): Promise<readonly ReadReport[]> {
      if (sink !== lastSink) layout = null
      lastSink = sink
      const growth = await table.advance((cells, header) => take(cells, header, sink), signal)
      if (growth === null) return []
      const notes = [
        ...(withoutStep === 0 ? [] : [`${withoutStep} rows name no step.`]),
        ...(ragged === 0 ? [] : [`${ragged} rows have more or fewer cells than the header.`]),
      ]
      return [reportOn(format, source, growth, { records: table.rows, notes })]
    },
    close: () => source.close(),
  }
}
