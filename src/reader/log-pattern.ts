import { GrowingLines } from './lines.ts'
import { reportOn } from './report.ts'
import type { ByteSource, ReadReport, RunReader, Sink } from './types.ts'

/** `step 12`, `iter: 12`, `global_step=12/100`, `[12/100]`: linear in the length of the line. */
const stepPattern = /(?:\b(?:global_)?(?:step|iter(?:ation)?)\b\s{0,4}[:=]?\s{0,4}|\[)(\d{1,12})(?:\/\d{1,12})?/i
/** `loss=0.5`, `val_loss: nan`: a name, a mark between, a figure. */
const figurePattern =
  /([A-Za-z][A-Za-z0-9_/.-]{0,63})\s{0,2}[:=]\s{0,2}([-+]?(?:\d{1,20}(?:\.\d{0,20})?(?:[eE][-+]?\d{1,4})?|nan|inf))\b/gi
const words: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '+inf': Infinity, '-inf': -Infinity }
const notFigures = /^(step|global_step|iter|iteration|pid|port|line|rank|seed|time|date|version)$/i

/** A log without any form, line by line: a step, and behind it names with figures (handbook compare 4.9). */
export function logPatternReader(source: ByteSource): RunReader {
  const lines = new GrowingLines(source)
  let rows = 0
  const take = (line: string, sink: Sink) => {
    const step = stepPattern.exec(line)?.[1]
    if (step === undefined) return
    let isRow = false
    for (const [, name, figure] of line.matchAll(figurePattern)) {
      if (name === undefined || figure === undefined || notFigures.test(name)) continue
      const metric = sink.metric(name)
      isRow = true
      if (metric >= 0) sink.point(metric, Number(step), words[figure.toLowerCase()] ?? Number(figure), Number.NaN)
    }
    if (isRow) rows++
  }
  return {
    format: 'log',
    async advance(sink, signal): Promise<readonly ReadReport[]> {
      const growth = await lines.advance((line) => take(line, sink), signal)
      if (growth === null) return []
      return [
        reportOn('log', source, growth, {
          records: rows,
          skippedBytes: lines.skippedBytes,
          notes: ['Read from a log by a pattern: figures of other things may be among them.'],
        }),
      ]
    },
    close: () => source.close(),
  }
}
