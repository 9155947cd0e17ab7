import { database, foundIn } from '../sqlite.ts'
import type { Facts, Folder, RunReader, RunState } from '../types.ts'
import { factsOfTags, figureOfDatabase } from './rules.ts'

const states: Readonly<Record<string, RunState>> = {
  RUNNING: 'running',
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'killed',
}

/** A run of an MLflow database. */
export interface MlflowRun {
  readonly id: string
  readonly name: string
  readonly experiment: string
  readonly startedAtMs: number | null
}

/** Runs of an MLflow database that were not deleted, the newest first. Empty: no such database. */
export async function mlflowRuns(folder: Folder, path: string): Promise<readonly MlflowRun[]> {
  const found = await database(folder, path, 'mlflow-sqlite').read((opened) =>
    opened
      .prepare(
        `SELECT r.run_uuid AS id, coalesce(r.name, '') AS name, coalesce(e.name, '') AS experiment, r.start_time AS startedAtMs
         FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
         WHERE r.lifecycle_stage IS NULL OR r.lifecycle_stage <> 'deleted' ORDER BY r.start_time DESC`,
      )
      .all(),
  )
  return foundIn(found) as unknown as readonly MlflowRun[]
}

interface Row {
  readonly at: number
  readonly key: string
  readonly value: number
  readonly milliseconds: number
  readonly step: number
  readonly isNan: number
}

/** Reads one run of an MLflow database; what was added since is read alone (handbook compare 4.3). */
export function mlflowSqliteReader(folder: Folder, path: string, runId: string): RunReader {
  const known = database(folder, path, 'mlflow-sqlite')
  let lastRow = 0
  let points = 0
  let bad = 0
  return {
    format: 'mlflow-sqlite',
    async advance(sink) {
      const found = await known.read((opened) => {
        const rows = opened
          .prepare(
            `SELECT rowid AS at, key, value, timestamp AS milliseconds, step, is_nan AS isNan FROM metrics
             WHERE run_uuid = ? AND rowid > ? ORDER BY rowid`,
          )
          .iterate(runId, lastRow) as IterableIterator<Row>
        for (const row of rows) {
          lastRow = row.at
          // A page that was never written whole has rows of nothing.
          if (typeof row.key !== 'string' || typeof row.value !== 'number' || typeof row.step !== 'number') {
            bad++
            continue
          }
          points++
          const metric = sink.metric(row.key)
          if (metric < 0) continue
          sink.point(metric, row.step, figureOfDatabase(row.value, row.isNan !== 0), row.milliseconds / 1000)
        }
        for (const { key, value } of opened.prepare('SELECT key, value FROM params WHERE run_uuid = ?').all(runId)) {
          sink.config([String(key)], value)
        }
        const tags: Record<string, string> = Object.create(null)
        for (const { key, value } of opened.prepare('SELECT key, value FROM tags WHERE run_uuid = ?').all(runId)) {
          tags[String(key)] = String(value)
        }
        sink.facts(factsOfTags(tags))
        const run = opened.prepare('SELECT name, status, start_time, end_time FROM runs WHERE run_uuid = ?').get(runId)
        if (run !== undefined) sink.facts(factsOfRun(runId, run))
      })
      const notes = bad === 0 ? [] : [`${bad} rows hold no name, value or step; they were left out.`]
      return found === null ? [] : [found.report(points, notes)]
    },
    async close() {},
  }
}

function factsOfRun(id: string, run: Record<string, unknown>): Facts {
  return {
    id,
    ...(typeof run.name === 'string' && run.name !== '' ? { name: run.name } : {}),
    state: states[String(run.status)] ?? 'unknown',
    ...(typeof run.start_time === 'number' ? { startedAtMs: run.start_time } : {}),
    ...(typeof run.end_time === 'number' ? { endedAtMs: run.end_time } : {}),
  }
}
