import { join } from 'node:path'
import { openPlain } from '../artifact/local-store.ts'
import { pathProblem } from '../artifact/names.ts'

/** What one unit left behind, as far as it can be read. Foreign values are numbers or they are left out. */
export interface UnitResult {
  readonly unit: string
  /** `unreadable`: there, and not one JSON object. */
  readonly result: 'there' | 'missing' | 'unreadable'
  /** Finite numbers of result.json by name. */
  readonly values: Readonly<Record<string, number>>
  /** Names whose value in result.json is NaN or infinite. */
  readonly nonFinite: readonly string[]
  /** `nan_count` of result.json; null: not said. */
  readonly nanCount: number | null
  readonly series: UnitSeries | null
}

/** metrics.jsonl of one unit, read tolerantly: bad lines are counted, never guessed at. */
export interface UnitSeries {
  readonly lines: number
  readonly badLines: number
  readonly nonFinite: number
  readonly lastStep: number | null
  /** Points by metric name, thinned to a bounded number: [step, value]. */
  readonly points: Readonly<Record<string, readonly (readonly [number, number])[]>>
}

const resultLimitBytes = 4 * 1024 * 1024
const seriesLimitBytes = 64 * 1024 * 1024
const lineLimitBytes = 64 * 1024
const maxPoints = 2048
const maxNames = 64
const nonFiniteWords = new Set(['NaN', 'Infinity', '-Infinity', 'nan', 'inf', '-inf'])

/** One JSON object; Python's bare NaN and Infinity are read as the strings that the unit contract asks for. */
function parseObject(text: string): Record<string, unknown> | null {
  const quoted = () => text.replace(/(?<=[:[,]\s{0,8})-?(?:NaN|Infinity)(?=\s{0,8}[,\]}])/g, (word) => `"${word}"`)
  for (const source of [() => text, quoted])
    try {
      const value: unknown = JSON.parse(source())
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      return isObject ? (value as Record<string, unknown>) : null
    } catch {
      // Not strict JSON; the second way is looser, and after it the text is unreadable.
    }
  return null
}

async function readBounded(path: string, limit: number): Promise<Buffer | null> {
  const file = await openPlain(path)
  if (file === null) return null
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, limit))
    let at = 0
    while (at < buffer.length) {
      const { bytesRead } = await file.read(buffer, at, buffer.length - at, at)
      if (bytesRead === 0) break
      at += bytesRead
    }
    return buffer.subarray(0, at)
  } finally {
    await file.close()
  }
}

/** Reads a series from its bytes. A torn last line counts as bad; the later of two equal steps holds. */
export function parseSeries(bytes: Uint8Array): UnitSeries {
  const points = new Map<string, Map<number, number>>()
  let lines = 0
  let badLines = 0
  let nonFinite = 0
  let lastStep: number | null = null
  let from = 0
  while (from < bytes.length) {
    const end = bytes.indexOf(0x0a, from)
    const to = end < 0 ? bytes.length : end
    const isTorn = end < 0
    const length = to - from
    const line = length > lineLimitBytes ? null : Buffer.from(bytes.subarray(from, to)).toString('utf8')
    from = to + 1
    if (line !== null && line.trim() === '') continue
    lines += 1
    const object = line === null || isTorn ? null : parseObject(line)
    const step = object?.step
    if (object === null || typeof step !== 'number' || !Number.isFinite(step)) {
      badLines += 1
      continue
    }
    lastStep = step
    for (const [name, value] of Object.entries(object)) {
      if (name === 'step' || name === 'time') continue
      if (typeof value === 'string' && nonFiniteWords.has(value)) nonFinite += 1
      if (typeof value !== 'number' || !Number.isFinite(value)) continue
      let series = points.get(name)
      if (series === undefined) {
        if (points.size >= maxNames) continue
        series = new Map()
        points.set(name, series)
      }
      series.delete(step)
      series.set(step, value)
    }
  }
  return {
    lines,
    badLines,
    nonFinite,
    lastStep,
    points: Object.fromEntries([...points].map(([name, series]) => [name, thin([...series])])),
  }
}

/** At most `maxPoints`, evenly taken, the last one always among them. */
function thin(points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  if (points.length <= maxPoints) return points
  const stride = Math.ceil(points.length / maxPoints)
  return points.filter((_, i) => i % stride === 0 || i === points.length - 1)
}

function valuesOf(object: Record<string, unknown>): Pick<UnitResult, 'values' | 'nonFinite' | 'nanCount'> {
  const values: Record<string, number> = {}
  const nonFinite: string[] = []
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'number' && Number.isFinite(value)) values[name] = value
    else if (typeof value === 'string' && nonFiniteWords.has(value)) nonFinite.push(name)
  }
  const count = values.nan_count
  return { values, nonFinite, nanCount: count !== undefined && Number.isInteger(count) && count >= 0 ? count : null }
}

/** Results of every unit of the plan from the pulled artifacts (`units/<unit>/…`). Throws only on a failing disk. */
export async function readResults(
  artifactsFolder: string,
  units: readonly string[],
  signal: AbortSignal,
): Promise<readonly UnitResult[]> {
  const results: UnitResult[] = []
  for (const unit of units) {
    signal.throwIfAborted()
    const none = { unit, result: 'missing', values: {}, nonFinite: [], nanCount: null, series: null } as const
    if (pathProblem(unit) !== null) {
      results.push(none)
      continue
    }
    const folder = join(artifactsFolder, 'units', unit)
    const bytes = await readBounded(join(folder, 'result.json'), resultLimitBytes)
    const object = bytes === null ? null : parseObject(bytes.toString('utf8'))
    const metrics = await readBounded(join(folder, 'metrics.jsonl'), seriesLimitBytes)
    results.push({
      ...none,
      result: bytes === null ? 'missing' : object === null ? 'unreadable' : 'there',
      ...(object !== null && valuesOf(object)),
      series: metrics === null ? null : parseSeries(metrics),
    })
  }
  return results
}

/** The environment fingerprint that the run left, flattened to one level of readable values; null: none. */
export async function readFingerprint(
  artifactsFolder: string,
  path: string | null,
): Promise<Readonly<Record<string, string>> | null> {
  if (path === null || pathProblem(path) !== null) return null
  const bytes = await readBounded(join(artifactsFolder, path), resultLimitBytes)
  const object = bytes === null ? null : parseObject(bytes.toString('utf8'))
  if (object === null) return null
  const flat: Record<string, string> = {}
  const walk = (value: unknown, name: string, depth: number): void => {
    if (Object.keys(flat).length >= 60) return
    if (typeof value === 'object' && value !== null && depth < 3)
      for (const [key, inner] of Object.entries(value)) walk(inner, name === '' ? key : `${name}.${key}`, depth + 1)
    else if (value !== null && value !== undefined) flat[name] = String(value).slice(0, 200)
  }
  walk(object, '', 0)
  return flat
}
