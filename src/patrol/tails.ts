import type { BoxHandle } from '../engine/types.ts'
import type { Host } from '../host/types.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { diagnoseLine } from './rules/classify.ts'
import type { MetricPoint, Samples } from './samples.ts'
import type { CrashMark, UnitRow } from './types.ts'

/** Read of one file in one tick; what lies beyond is read in the next one. */
const sliceBytes = 64 * 1024
/** Read of all files together in one tick, so that a tick stays short whatever was written. */
const tickBytes = 1024 * 1024
/** A backlog above this is skipped: crash marks stand at the end. What was skipped is counted. */
const backlogBytes = 4 * 1024 * 1024
const longestLine = 64 * 1024
const marksPerUnit = 20

/** How far a file has been read. The inode tells a file that was replaced from one that grew. */
interface Position {
  readonly offset: number
  readonly inode: number
  readonly dropped: number
}

interface Piece {
  readonly lines: readonly string[]
  readonly bytes: number
  /** Whole lines are left for the next tick. */
  readonly hasMore: boolean
}

const nothing: Piece = { lines: [], bytes: 0, hasMore: false }

/** Up to when files of one kind were read, by the clock of the box, and the units of which more was there. */
interface Progress {
  readonly atMs: number
  readonly behind: readonly string[]
}

/** File times have whole seconds. */
const fileTimeSlackMs = 2000

/** Units whose files may have grown since the last tick: a look must not ask for every file of a run that is half done. */
function liveRows(rows: readonly UnitRow[], before: Progress | null): readonly UnitRow[] {
  const sinceMs = (before?.atMs ?? 0) - fileTimeSlackMs
  const behind = new Set(before?.behind)
  return rows.filter(
    ({ unit, state, lastWriteMs }) =>
      state === 'running' || behind.has(unit) || (state !== 'queued' && (lastWriteMs ?? 0) >= sinceMs),
  )
}

/**
 * New whole lines of a file since the last tick, by byte offset. A file that shrank or was replaced is read from its
 * beginning. An unfinished last line waits, unless it is longer than any line may be.
 */
async function nextLines(host: Host, path: string, samples: Samples, budget: number): Promise<Piece> {
  const stat = await host.stat(path)
  if (stat === null || stat.kind !== 'file') return nothing
  const key = `offset ${path}`
  const before = samples.get(key) as Position | null
  let position: Position =
    before === null || before.inode !== stat.inode || before.offset > stat.bytes
      ? { offset: 0, inode: stat.inode, dropped: before?.dropped ?? 0 }
      : before
  if (stat.bytes - position.offset > backlogBytes) {
    const to = stat.bytes - sliceBytes
    position = { ...position, offset: to, dropped: position.dropped + (to - position.offset) }
  }
  const length = Math.min(sliceBytes, budget, stat.bytes - position.offset)
  if (length <= 0) {
    if (before === null) samples.set(key, position)
    return nothing
  }
  const bytes = await host.read(path, position.offset, length)
  if (bytes === null || bytes.byteLength === 0) return nothing
  const last = bytes.lastIndexOf(10)
  const used = last >= 0 ? last + 1 : bytes.byteLength >= longestLine ? bytes.byteLength : 0
  samples.set(key, { ...position, offset: position.offset + used })
  const text = new TextDecoder().decode(bytes.subarray(0, used))
  return {
    lines: text.split('\n').slice(0, last >= 0 ? -1 : undefined),
    bytes: bytes.byteLength,
    hasMore: position.offset + bytes.byteLength < stat.bytes,
  }
}

/** Crash marks that appeared in the units' own logs. A mark is found once; later ticks know it from the store. */
export async function readCrashMarks(
  host: Host,
  handle: BoxHandle,
  rows: readonly UnitRow[],
  samples: Samples,
  nowMs: number,
  boxNowMs: number,
): Promise<readonly CrashMark[]> {
  const found: CrashMark[] = []
  const behind: string[] = []
  let left = tickBytes
  for (const row of liveRows(rows, samples.get('logs read') as Progress | null)) {
    if (row.logBytes === null || row.logBytes === 0) continue
    const piece = left <= 0 ? null : await nextLines(host, `${handle.folder}/units/${row.unit}/log`, samples, left)
    if (piece === null || piece.hasMore) behind.push(row.unit)
    if (piece === null) continue
    left -= piece.bytes
    for (const line of piece.lines) {
      const diagnosis = diagnoseLine(line)
      if (diagnosis === null || found.filter((mark) => mark.unit === row.unit).length >= marksPerUnit) continue
      found.push({ unit: row.unit, line: sanitiseLine(line, 300), atMs: nowMs, ...diagnosis })
    }
  }
  samples.set('logs read', { atMs: boxNowMs, behind } satisfies Progress)
  if (found.length > 0) samples.set('marks', [...allMarks(samples), ...found].slice(-2000))
  return found
}

/** Every mark of this run that has been found so far. */
export function allMarks(samples: Samples): readonly CrashMark[] {
  return (samples.get('marks') as readonly CrashMark[] | null) ?? []
}

/** Marks of a unit that has begun another attempt say nothing about this one. */
export function forgetMarks(samples: Samples, units: ReadonlySet<string>): void {
  if (units.size > 0)
    samples.set(
      'marks',
      allMarks(samples).filter((mark) => !units.has(mark.unit)),
    )
}

/**
 * Reads what units appended to `metrics.jsonl` and keeps it as series for the chart. Lines that are no JSON are skipped.
 * Answers which units appended something.
 */
export async function readMetrics(
  host: Host,
  handle: BoxHandle,
  rows: readonly UnitRow[],
  samples: Samples,
  boxNowMs: number,
): Promise<ReadonlySet<string>> {
  const grown = new Set<string>()
  const behind: string[] = []
  let left = tickBytes
  for (const row of liveRows(rows, samples.get('metrics read') as Progress | null)) {
    const path = `${handle.folder}/units/${row.unit}/metrics.jsonl`
    const piece = left <= 0 ? null : await nextLines(host, path, samples, left)
    if (piece === null || piece.hasMore) behind.push(row.unit)
    if (piece === null) continue
    left -= piece.bytes
    const series = new Map<string, MetricPoint[]>()
    for (const line of piece.lines) {
      for (const [name, point] of metricsOf(line)) {
        const points = series.get(name) ?? []
        points.push(point)
        series.set(name, points)
      }
    }
    for (const [name, points] of series) samples.addMetrics(row.unit, name, points)
    if (series.size > 0) grown.add(row.unit)
  }
  samples.set('metrics read', { atMs: boxNowMs, behind } satisfies Progress)
  return grown
}

/** Values of one line by metric name; `"NaN"` and its kin, quoted or bare, are there and are no number. */
export function metricsOf(line: string): readonly (readonly [string, MetricPoint])[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(line.replace(/([:,[]\s{0,4})(-?(?:NaN|Infinity))(?=\s{0,4}[,}\]])/g, '$1"$2"'))
  } catch {
    return []
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return []
  const { step } = parsed as { step?: unknown }
  if (typeof step !== 'number' || !Number.isFinite(step)) return []
  const found: [string, MetricPoint][] = []
  for (const [name, value] of Object.entries(parsed)) {
    if (name === 'step' || name === 'time' || name === 'steps' || name.length > 128 || found.length >= 64) continue
    const clean = sanitiseLine(name, 128)
    if (typeof value === 'number') found.push([clean, { step, value: Number.isFinite(value) ? value : null }])
    else if (typeof value === 'string' && /^[-+]?(?:nan|inf|infinity)$/i.test(value))
      found.push([clean, { step, value: null }])
  }
  return found
}
