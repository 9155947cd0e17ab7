import type { SmokeUnit, UnitFiles } from './types.ts'

/** Warm-up: the first steps of a unit compile, fill caches and read the disk (handbook lifecycle 6.3: 5 to 10). */
export const droppedSteps = 5
/** Fewer kept steps than this are shown as few (handbook lifecycle 6.3). */
export const enoughSteps = 30

const notFinite = /^[-+]?(NaN|nan|Infinity|inf)$/
const bareNotFinite = /([:[,]\s*)([-+]?(?:NaN|Infinity))(?=\s*[,}\]])/g

/** One line of metrics.jsonl; bare NaN, as Python writes it, counts as the string that the contract asks for. */
export function parseMetricsLine(line: string): Readonly<Record<string, unknown>> | null {
  for (const text of [line, line.replaceAll(bareNotFinite, '$1"$2"')]) {
    try {
      const value: unknown = JSON.parse(text)
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as Record<string, unknown>)
        : null
    } catch {
      // The second form, or not JSON at all.
    }
  }
  return null
}

/** Lines of metrics.jsonl that are complete: a torn last line is left out and not called bad. */
export function parseMetrics(text: string): Pick<UnitFiles, 'lines' | 'badLines'> {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines: Readonly<Record<string, unknown>>[] = []
  let badLines = 0
  for (const line of complete.split('\n')) {
    if (line.trim() === '') continue
    const parsed = parseMetricsLine(line)
    if (parsed === null) badLines++
    else lines.push(parsed)
  }
  return { lines, badLines }
}

export function numberIn(record: Readonly<Record<string, unknown>> | null | undefined, key: string): number | null {
  const value = record !== null && record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** Names of values that are NaN or infinite in a record. */
export function notFiniteIn(record: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(record).flatMap(([key, value]) =>
    (typeof value === 'string' && notFinite.test(value)) || (typeof value === 'number' && !Number.isFinite(value))
      ? [key]
      : [],
  )
}

/**
 * Seconds between successive steps, by the times that the unit wrote, the first `droppedSteps` left out. Clocks that
 * step back and lines that repeat a step give no sample. Whole-second clocks give one sample, their mean: single
 * differences of 0 and 1 would say nothing.
 */
export function stepSecondsOf(lines: UnitFiles['lines']): readonly number[] {
  const marks = lines.flatMap((line) => {
    const step = numberIn(line, 'step')
    const time = numberIn(line, 'time')
    return step === null || time === null ? [] : [{ step, time }]
  })
  const kept = marks.slice(droppedSteps)
  const first = kept[0]
  const last = kept.at(-1)
  if (first === undefined || last === undefined || kept.length < 2) return []
  if (kept.every(({ time }) => Number.isInteger(time))) {
    const mean = (last.time - first.time) / (last.step - first.step)
    return mean > 0 && Number.isFinite(mean) ? [mean] : []
  }
  const samples: number[] = []
  for (let i = 1; i < kept.length; i++) {
    const before = kept[i - 1]
    const now = kept[i]
    if (before === undefined || now === undefined) continue
    const steps = now.step - before.step
    const seconds = now.time - before.time
    if (steps > 0 && seconds >= 0) samples.push(seconds / steps)
  }
  return samples
}

export const lastStepOf = (files: UnitFiles): number | null => numberIn(files.lines.at(-1), 'step')

/** Steps of a whole unit, as the unit says it itself (`steps` in metrics.jsonl). */
export function stepsPerUnitOf(files: UnitFiles): number | null {
  const said = files.lines.flatMap((line) => numberIn(line, 'steps') ?? [])
  return said.at(-1) ?? null
}

/** True when the unit went through all its steps, so that its seconds are those of a whole unit. */
export function isWholeUnit({ files }: SmokeUnit): boolean {
  const steps = stepsPerUnitOf(files)
  const last = lastStepOf(files)
  return steps === null || last === null || last >= steps
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  const upper = sorted[Math.floor(half)] ?? 0
  return Number.isInteger(half) ? ((sorted[half - 1] ?? 0) + upper) / 2 : upper
}

/** At most `most` of the samples, evenly taken, first and last among them: a proof is one bounded line of the journal. */
export function thinned(samples: readonly number[], most: number): readonly number[] {
  if (samples.length <= most) return samples
  return Array.from({ length: most }, (_, i) => samples[Math.round((i * (samples.length - 1)) / (most - 1))] ?? 0)
}
