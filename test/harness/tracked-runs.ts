import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesField, historyRecord, wandbLog } from './wandb-log.ts'

/** Figures that look like noise and are the same each time: sums of twelve, less six (Irwin and Hall). */
export function noiseFrom(seed: number): () => number {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
  return () => Array.from({ length: 12 }, next).reduce((sum, each) => sum + each, -6)
}

export interface TrackedRun {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** By metric, a figure a step. */
  readonly curves: Readonly<Record<string, readonly number[]>>
}

/** Writes runs as W&B keeps them offline, below a folder. */
export function writeTracked(folder: string, runs: readonly TrackedRun[]): void {
  for (const { name, config, curves } of runs) {
    const settings = Object.entries(config).map(([key, value]) =>
      bytesField(1, Buffer.concat([bytesField(2, key), bytesField(16, JSON.stringify(value))])),
    )
    const steps = Math.max(...Object.values(curves).map(({ length }) => length))
    const rows = Array.from({ length: steps }, (_, step) =>
      historyRecord(
        step,
        Object.fromEntries(
          Object.entries(curves).flatMap(([metric, values]) => {
            const value = values[step]
            return value === undefined ? [] : [[metric, Number.isNaN(value) ? 'NaN' : String(value)]]
          }),
        ),
      ),
    )
    const records = [
      bytesField(17, Buffer.concat([bytesField(1, name), bytesField(8, name)])),
      bytesField(5, Buffer.concat(settings)),
      ...rows,
      bytesField(18, Buffer.from([0x08, 0x00])),
    ]
    const run = join(folder, `offline-run-20260101_000000-${name}`)
    mkdirSync(run, { recursive: true })
    writeFileSync(join(run, `run-${name}.wandb`), wandbLog(records))
  }
}

/** A validation accuracy that rises to about `level`, with the noise of its seed. */
export function accuracy(level: number, seed: number, points = 60): readonly number[] {
  const noise = noiseFrom(seed * 7919 + 17)
  const own = 0.01 * noise()
  return Array.from({ length: points }, (_, at) => (level + own) * (1 - Math.exp(-at / 8)) + 0.002 * noise())
}
