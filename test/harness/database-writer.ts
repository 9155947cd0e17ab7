import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'

/** Tables as MLflow and Trackio have them, small pages so that a few rows fill many. */
export const schema = `PRAGMA page_size = 512;
CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER, lifecycle_stage TEXT, experiment_id INTEGER);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, step INTEGER, is_nan INTEGER, run_uuid TEXT);
CREATE INDEX by_run ON metrics (run_uuid);
INSERT INTO runs VALUES ('r1', 'one', 'RUNNING', 1000, NULL, 'active', 0);
INSERT INTO params VALUES ('lr', '0.1', 'r1');`
export const trackioSchema = `PRAGMA page_size = 512;
CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
CREATE INDEX by_run ON metrics (run_name);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT);
INSERT INTO configs VALUES (1, 'r1', '{"lr": 0.1}');`

export const addMetric = `INSERT INTO metrics VALUES ('loss', ?, 1000, ?, 0, 'r1')`
export const addTrackio = `INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('2026-01-01T00:00:00', 'r1', ?, ?)`

/** A database with so many points, the value of each twice its step. */
export function makeDatabase(
  path: string,
  kind: 'mlflow' | 'trackio',
  points: number,
  journal: 'delete' | 'wal',
): void {
  const database = new DatabaseSync(path)
  database.exec(kind === 'mlflow' ? schema : trackioSchema)
  database.exec(`PRAGMA journal_mode = ${journal}`)
  addPoints(database, kind, 0, points)
  database.close()
}

export function addPoints(database: DatabaseSync, kind: 'mlflow' | 'trackio', from: number, to: number): void {
  const add = database.prepare(kind === 'mlflow' ? addMetric : addTrackio)
  for (let step = from; step < to; step++) {
    if (kind === 'mlflow') add.run(step * 2, step)
    else add.run(step, JSON.stringify({ loss: step * 2 }))
  }
}

/** Another process that holds or writes a database. */
export interface Writer {
  readonly child: ChildProcess
  /** Says its next word when that was done. */
  said(word: string): Promise<void>
  tell(word: string): void
  end(): Promise<void>
}

/** Runs a script with `database` open in a process of its own; it says words by `say`, and hears one by `heard`. */
export async function startWriter(path: string, script: string): Promise<Writer> {
  const source = `const { DatabaseSync } = require('node:sqlite')
const database = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000 })
const say = (word) => process.stdout.write(word + '\\n')
const heard = () => new Promise((resolve) => process.stdin.once('data', resolve))
;(async () => { ${script} })().then(() => process.exit(0), (error) => { console.error(error); process.exit(1) })`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more
    child.emit('word')
  })
  return {
    child,
    async said(word) {
      while (!text.split('\n').includes(word)) {
        if (child.exitCode !== null) throw new Error(`the writer ended before it said ${word}`)
        await Promise.race([once(child, 'word'), once(child, 'exit')])
      }
    },
    tell: (word) => void child.stdin?.write(word),
    async end() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    },
  }
}
