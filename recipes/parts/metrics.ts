/** What one `metrics.jsonl` holds, judged line by line (docs/unit-contract.md, section 3). */
export interface MetricsRead {
  readonly rows: readonly { readonly step: number; readonly values: Readonly<Record<string, number>> }[]
  /** Line numbers, from 1, that are no JSON object with a step. The last line without its end is not among them. */
  readonly brokenLines: readonly number[]
  readonly isTorn: boolean
  /** Where a value was no finite number: step and name, in order. */
  readonly notFinite: readonly { readonly step: number; readonly name: string }[]
}

const bareNumbers = /(?<=[:[,]\s*)(NaN|-?Infinity)(?=\s*[,}\]])/g
const notFiniteWords = new Set(['NaN', 'Infinity', '-Infinity'])

export function readMetrics(text: string): MetricsRead {
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  const rows: { step: number; values: Record<string, number> }[] = []
  const brokenLines: number[] = []
  const notFinite: { step: number; name: string }[] = []
  lines.forEach((line, i) => {
    const row = objectOf(line)
    const step = row?.step
    if (row === null || typeof step !== 'number' || !Number.isFinite(step)) {
      brokenLines.push(i + 1)
      return
    }
    const values: Record<string, number> = {}
    for (const [name, value] of Object.entries(row)) {
      if (typeof value === 'number') values[name] = value
      else if (typeof value === 'string' && notFiniteWords.has(value)) notFinite.push({ step, name })
    }
    rows.push({ step, values })
  })
  return { rows, brokenLines, isTorn: rest !== '', notFinite }
}

/** A JSON object, with Python's bare NaN and infinities read as their words; null when it is none. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text.replaceAll(bareNumbers, '"$1"'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
