import { closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { failpoint } from '../run/failpoints.ts'

/** One point of a series: over the time or the steps that it stands for, the extent and the mean of what was seen. */
export interface SamplePoint {
  readonly atMs: number
  readonly minimum: number
  readonly maximum: number
  readonly mean: number
}

export interface MetricPoint {
  readonly step: number
  /** Null: it was there and was no number (NaN or infinite). */
  readonly value: number | null
}

/** Points that a screen keeps of one series (handbook monitoring 7.1). */
export const ringPoints = 1024

/** Age from which samples are folded, and how long one point then stands for; older than the last: dropped. */
const rollup = [
  { fromAgeMs: 3_600_000, everyMs: 60_000 },
  { fromAgeMs: 24 * 3_600_000, everyMs: 900_000 },
] as const
const dropAgeMs = 60 * 24 * 3_600_000
/** Metric points kept a unit and name; above it the middle of them is folded to extents. */
const metricPoints = 4096

export interface Samples {
  add(atMs: number, values: Readonly<Record<string, number | null>>): void
  /** Oldest first, at most `maximumPoints`: neighbours are folded, and no extreme is lost. */
  series(name: string, sinceMs?: number, maximumPoints?: number): readonly SamplePoint[]
  /** How many points there are since then, their mean, and when the first one was; null when there is none. */
  summary(
    name: string,
    sinceMs: number,
  ): { readonly count: number; readonly mean: number; readonly firstMs: number } | null
  names(): readonly string[]
  addMetrics(unit: string, name: string, points: readonly MetricPoint[]): void
  metric(unit: string, name: string, maximumPoints?: number): readonly MetricPoint[]
  metricNames(unit: string): readonly string[]
  /** Small facts between ticks: offsets into files, baselines. JSON. */
  get(key: string): unknown
  set(key: string, value: unknown): void
  /** Folds what is old. Reads every sample: for once a minute, not for every look. */
  roll(nowMs: number): void
  /** All reads and writes of `work` in one transaction. */
  together<T>(work: () => T): T
  /** Facts that another process wrote are seen from now on. */
  refresh(): void
  close(): void
}

const schema = `
pragma journal_mode = wal;
pragma synchronous = off;
pragma busy_timeout = 2000;
create table if not exists sample (series text not null, at_ms integer not null, span_ms integer not null,
  minimum real not null, maximum real not null, mean real not null, primary key (series, at_ms)) without rowid;
create table if not exists metric (unit text not null, name text not null, step real not null, value real,
  primary key (unit, name, step)) without rowid;
create table if not exists fact (key text primary key, value text not null) without rowid;
`

/**
 * Telemetry of one run in `samples.db`. It can be lost without losing a result, so it is written without fsync, and a
 * file that is damaged is put aside and begun anew.
 */
export function openSamples(file: string): Samples {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return wrap(openSound(file))
}

/**
 * SQLite makes files by the umask, and gives its journals the mode of the database. Made only when it is not there:
 * closing a descriptor of ours would drop the locks of another connection of this process.
 */
function openPrivate(file: string): DatabaseSync {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return new DatabaseSync(file)
}

const sound = new Set<string>()

function openSound(file: string): DatabaseSync {
  let damaged: DatabaseSync | undefined
  try {
    const database = openPrivate(file)
    damaged = database
    database.exec(schema)
    // Once a process: a tick must not pay for reading the whole file.
    if (sound.has(file)) return database
    if ((database.prepare('pragma quick_check(1)').get() as { quick_check?: unknown })?.quick_check !== 'ok')
      throw new Error('damaged')
    sound.add(file)
    return database
  } catch (error) {
    if (isBusy(error)) throw error
    try {
      damaged?.close()
    } catch {
      // It never opened.
    }
    renameSync(file, `${file}.damaged`)
    for (const tail of ['-wal', '-shm']) rmSync(`${file}${tail}`, { force: true })
    const database = openPrivate(file)
    database.exec(schema)
    return database
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is locked|busy/i.test(error.message)
}

function wrap(database: DatabaseSync): Samples {
  const insert = database.prepare('insert or replace into sample values (?, ?, 0, ?, ?, ?)')
  const select = database.prepare(
    'select at_ms, minimum, maximum, mean from sample where series = ? and at_ms >= ? order by at_ms',
  )
  const summarise = database.prepare(
    'select count(*) as n, avg(mean) as mean, min(at_ms) as first from sample where series = ? and at_ms >= ?',
  )
  const insertMetric = database.prepare('insert or replace into metric values (?, ?, ?, ?)')
  const selectMetric = database.prepare('select step, value from metric where unit = ? and name = ? order by step')
  const countMetric = database.prepare('select count(*) as n from metric where unit = ? and name = ?')
  const getFact = database.prepare('select value from fact where key = ?')
  const setFact = database.prepare('insert or replace into fact values (?, ?)')
  let depth = 0
  const dataVersion = database.prepare('pragma data_version')
  const versionNow = () => Number(dataVersion.get()?.data_version)
  // A look asks for a dozen facts, of which hardly any changed since the last one.
  const facts = new Map<string, { readonly json: string; readonly value: unknown }>()
  let factsVersion = versionNow()
  const together = <T>(work: () => T): T => {
    if (depth > 0) return work()
    depth++
    database.exec('begin immediate')
    try {
      const result = work()
      failpoint('patrol.in-samples')
      database.exec('commit')
      return result
    } catch (error) {
      facts.clear()
      database.exec('rollback')
      throw error
    } finally {
      depth--
    }
  }
  const metric = (unit: string, name: string): readonly MetricPoint[] =>
    selectMetric.all(unit, name).map((row) => ({
      step: Number(row.step),
      value: row.value === null ? null : Number(row.value),
    }))
  return {
    add(atMs, values) {
      together(() => {
        for (const [name, value] of Object.entries(values))
          if (value !== null && Number.isFinite(value)) insert.run(name, Math.round(atMs), value, value, value)
      })
    },
    series(name, sinceMs = 0, maximumPoints = ringPoints) {
      const rows = select.all(name, Math.round(sinceMs)).map((row) => ({
        atMs: Number(row.at_ms),
        minimum: Number(row.minimum),
        maximum: Number(row.maximum),
        mean: Number(row.mean),
      }))
      return foldPoints(rows, maximumPoints)
    },
    summary(name, sinceMs) {
      const row = summarise.get(name, Math.round(sinceMs))
      const count = Number(row?.n ?? 0)
      return count === 0 ? null : { count, mean: Number(row?.mean), firstMs: Number(row?.first) }
    },
    names: () =>
      database
        .prepare('select distinct series from sample order by series')
        .all()
        .map((row) => String(row.series)),
    addMetrics(unit, name, points) {
      together(() => {
        for (const point of points) insertMetric.run(unit, name, point.step, point.value)
        if (Number(countMetric.get(unit, name)?.n ?? 0) <= metricPoints) return
        const kept = thinMetric(metric(unit, name), ringPoints)
        database.prepare('delete from metric where unit = ? and name = ?').run(unit, name)
        for (const point of kept) insertMetric.run(unit, name, point.step, point.value)
      })
    },
    metric: (unit, name, maximumPoints = ringPoints) => thinMetric(metric(unit, name), maximumPoints),
    metricNames: (unit) =>
      database
        .prepare('select distinct name from metric where unit = ? order by name')
        .all(unit)
        .map((row) => String(row.name)),
    get(key) {
      const known = facts.get(key)
      if (known !== undefined) return known.value
      const row = getFact.get(key)
      if (row === undefined) return null
      const json = String(row.value)
      const value: unknown = JSON.parse(json)
      facts.set(key, { json, value })
      return value
    },
    set(key, value) {
      const json = JSON.stringify(value ?? null)
      if (facts.get(key)?.json === json) return
      setFact.run(key, json)
      facts.set(key, { json, value: JSON.parse(json) })
    },
    refresh() {
      const version = versionNow()
      if (version !== factsVersion) facts.clear()
      factsVersion = version
    },
    roll(nowMs) {
      together(() => {
        database.prepare('delete from sample where at_ms < ?').run(Math.round(nowMs - dropAgeMs))
        for (const { fromAgeMs, everyMs } of rollup) {
          const before = Math.floor((nowMs - fromAgeMs) / everyMs) * everyMs
          const rows = database
            .prepare(
              `select series, at_ms / ${everyMs} as bucket, min(minimum) as low, max(maximum) as high, avg(mean) as mean
               from sample where at_ms < ? and span_ms < ${everyMs} group by series, bucket`,
            )
            .all(before)
          database.prepare(`delete from sample where at_ms < ? and span_ms < ${everyMs}`).run(before)
          const put = database.prepare(`insert or replace into sample values (?, ?, ${everyMs}, ?, ?, ?)`)
          for (const row of rows) {
            // Stored numbers are what this very statement read.
            put.run(
              String(row.series),
              Number(row.bucket) * everyMs,
              Number(row.low),
              Number(row.high),
              Number(row.mean),
            )
          }
        }
      })
    },
    together,
    close: () => database.close(),
  }
}

/** Folds neighbours until there are at most `maximum` points: minimum and maximum are kept, the mean is averaged. */
export function foldPoints(points: readonly SamplePoint[], maximum: number): readonly SamplePoint[] {
  if (points.length <= maximum) return points
  const size = Math.ceil(points.length / maximum)
  const folded: SamplePoint[] = []
  for (let at = 0; at < points.length; at += size) {
    const group = points.slice(at, at + size)
    const last = group.at(-1)
    if (last === undefined) continue
    folded.push({
      atMs: last.atMs,
      minimum: Math.min(...group.map((point) => point.minimum)),
      maximum: Math.max(...group.map((point) => point.maximum)),
      mean: group.reduce((sum, point) => sum + point.mean, 0) / group.length,
    })
  }
  return folded
}

/** At most `maximum` points of a metric, in order: of each group its lowest, its highest, and what was no number. */
export function thinMetric(points: readonly MetricPoint[], maximum: number): readonly MetricPoint[] {
  if (points.length <= maximum) return points
  const size = Math.ceil((points.length * 3) / maximum)
  const kept: MetricPoint[] = []
  for (let at = 0; at < points.length; at += size) {
    const group = points.slice(at, at + size)
    const chosen = new Set<MetricPoint>()
    let low: MetricPoint | undefined
    let high: MetricPoint | undefined
    for (const point of group) {
      if (point.value === null) {
        if (![...chosen].some((each) => each.value === null)) chosen.add(point)
        continue
      }
      if (low?.value == null || point.value < low.value) low = point
      if (high?.value == null || point.value > high.value) high = point
    }
    if (low !== undefined) chosen.add(low)
    if (high !== undefined) chosen.add(high)
    kept.push(...group.filter((point) => chosen.has(point)))
  }
  return kept
}
