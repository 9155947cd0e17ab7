import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scalarEvent, tfRecord } from '../../harness/event-file.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'
import { bytesField, historyRecord, wandbLog } from '../../harness/wandb-log.ts'

export interface BenchRuns {
  readonly folder: string
  remove(): void
}

const place = (): BenchRuns => {
  const folder = mkdtempSync(join(tmpdir(), 'kx-bench-compare-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
const value = (step: number, metric: number) => Math.exp(-step / 20_000) + 0.01 * Math.sin(step * 12.9898 + metric)

/** A log as W&B writes it: a row a step, and two records of the summary behind each, which are half of it. */
export function bigWandbLog(steps: number, metrics: number): BenchRuns {
  const made = place()
  const names = Array.from({ length: metrics }, (_, at) => (at === 0 ? 'loss' : `m${at}/loss`))
  const records: Buffer[] = [bytesField(17, bytesField(1, 'big'))]
  for (let step = 0; step < steps; step++) {
    const figures = Object.fromEntries(names.map((name, at) => [name, String(value(step, at))]))
    const summary = bytesField(
      3,
      Buffer.concat(
        Object.entries(figures).map(([name, json]) =>
          bytesField(1, Buffer.concat([bytesField(2, name), bytesField(16, json)])),
        ),
      ),
    )
    records.push(
      historyRecord(step, { ...figures, _timestamp: String(1_700_000_000 + step), _runtime: String(step) }),
      summary,
    )
  }
  const run = join(made.folder, 'offline-run-20260101_000000-big')
  mkdirSync(run)
  writeFileSync(join(run, 'run-big.wandb'), wandbLog(records))
  return made
}

/** An event file with a record a point. */
export function bigEventFile(steps: number, metrics: number): BenchRuns {
  const made = place()
  const records: Buffer[] = []
  for (let step = 0; step < steps; step++) {
    for (let metric = 0; metric < metrics; metric++)
      records.push(tfRecord(scalarEvent(`m${metric}`, step, value(step, metric))))
  }
  mkdirSync(join(made.folder, 'run'))
  writeFileSync(join(made.folder, 'run', 'events.out.tfevents.1700000000.box'), Buffer.concat(records))
  return made
}

/** The same log so many times: what it takes to keep their points is what it would take for others. */
export function sameLog(times: number, steps: number, metrics: number): BenchRuns {
  const made = bigWandbLog(steps, metrics)
  const first = join(made.folder, 'offline-run-20260101_000000-big')
  for (let at = 1; at < times; at++)
    cpSync(first, join(made.folder, `offline-run-20260101_000000-big${at}`), { recursive: true })
  return made
}

/** A sweep: many runs with many settings and metrics, few points each. */
export function manyRuns(count: number, keys: number, metrics: number, points: number): BenchRuns {
  const made = place()
  for (let run = 0; run < count; run++) {
    const config = Object.fromEntries(
      Array.from({ length: keys }, (_, at) => [`key${at}`, at < 3 ? run % (at + 2) : at]),
    )
    const curves = Object.fromEntries(
      Array.from({ length: metrics }, (_, at) => [
        `m${at}_loss`,
        Array.from({ length: points }, (_step, step) => value(step * 100, at) + run / 1000),
      ]),
    )
    writeTracked(made.folder, [{ name: `r${run}`, config, curves }])
  }
  return made
}
