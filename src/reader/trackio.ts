import { figuresOf } from './flatten-row.ts'
import { looseJson } from './json-value.ts'
import { wallSecondsOf } from './jsonl.ts'
import { columnsOf, database, foundIn } from './sqlite.ts'
import type { Folder, RunReader, Sink } from './types.ts'

/** Names of the runs in a Trackio database, in the order of their first row. Older databases have no ids. */
export async function trackioRuns(folder: Folder, path: string): Promise<readonly string[]> {
  const found = await database(folder, path, 'trackio').read((opened) =>
    columnsOf(opened, 'metrics').has('run_name')
      ? opened.prepare('SELECT run_name AS name FROM metrics GROUP BY run_name ORDER BY min(rowid)').all()
      : [],
  )
  return foundIn(found).map(({ name }) => String(name))
}

/** Reads one run of a Trackio database (handbook compare 4.7). Newer versions write their JSON as bytes, not as text. */
export function trackioReader(folder: Folder, path: string, run: string): RunReader {
  const known = database(folder, path, 'trackio')
  let lastRow = 0
  let rows = 0
  let bad = 0
  const tellRow = (row: Record<string, unknown>, sink: Sink) => {
    lastRow = Number(row.at)
    rows++
    const values = looseJson(String(row.metrics))
    if (typeof values !== 'object' || values === null) bad++
    const wallSeconds = wallSecondsOf(row.timestamp)
    figuresOf(values, (name, value) => {
      const metric = sink.metric(name)
      if (metric >= 0) sink.point(metric, typeof row.step === 'number' ? row.step : rows - 1, value, wallSeconds)
    })
  }
  return {
    format: 'trackio',
    async advance(sink) {
      const found = await known.read((opened) => {
        const metrics = opened.prepare(
          `SELECT rowid AS at, timestamp, step, CAST(metrics AS TEXT) AS metrics FROM metrics
           WHERE run_name = ? AND rowid > ? ORDER BY rowid`,
        )
        for (const row of metrics.iterate(run, lastRow)) tellRow(row, sink)
        if (columnsOf(opened, 'configs').has('config')) {
          const config = opened
            .prepare('SELECT CAST(config AS TEXT) AS config FROM configs WHERE run_name = ? ORDER BY rowid DESC')
            .get(run)
          const settings = config === undefined ? {} : looseJson(String(config.config))
          for (const [name, value] of Object.entries((settings ?? {}) as object)) {
            if (!name.startsWith('_')) sink.config([name], value)
          }
        }
        sink.facts({ name: run, id: run })
      })
      if (found === null) return []
      return [found.report(rows, bad === 0 ? [] : [`${bad} rows hold no JSON object; they were left out.`])]
    },
    async close() {},
  }
}
