import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settledScreen, startBuilt } from '../../harness/built.ts'
import { press } from '../keys.ts'
import { spread, tidy } from '../stats.ts'
import { manyRuns } from './make.ts'

/** Keys of each view, in the order in which `v` turns through them: the cursor, the metric, the setting, the run. */
const views: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['table', [...'jjjjjjjjkkkkkkkk', 'pagedown', 'pageup']],
  ['curves', [...'hhhhhhllllll', ...'jjjkkk', 't', 't', 't', 't', 'u', 'u']],
  // Nothing moves in it: these runs have no units.
  ['splits', []],
  ['text', [...'nnnnNNNN']],
  ['multiples', [...'hhhhhhllllll', ...'jjkk']],
  ['scatter', [...'llll', ...'jjjkkk']],
  ['strips', [...'jjjkkk']],
  ['parallel', [...'llllllhhhhhh', ...'jjjkkk']],
]

/**
 * Key to paint on the compare screen with many runs: from the write into the terminal to the first byte that comes back, and
 * what a key costs in processor time, view by view.
 */
export async function compareKeys(runs: number, keys: number, metrics: number, rounds: number) {
  const made = manyRuns(runs, keys, metrics, 20)
  const root = mkdtempSync(join(tmpdir(), 'kx-bench-compare-screen-'))
  mkdirSync(join(root, 'project', '.kx'), { recursive: true })
  renameSync(made.folder, join(root, 'project', '.kx', 'runs'))
  const app = startBuilt({
    project: join(root, 'project'),
    state: join(root, 'user'),
    columns: 200,
    rows: 60,
    args: ['--screen', 'compare', '--theme', 'dark'],
  })
  try {
    await settledScreen(app, 3000, 120_000)
    const figures: Record<string, unknown> = {}
    let unpainted = 0
    for (const [name, sequence] of views) {
      if (name !== 'table') {
        await press(app, 'v')
        await settledScreen(app, 1500, 60_000)
      }
      const before = app.use()
      const latencies: number[] = []
      // One round is dropped: the compiler has to warm up.
      for (let round = -1; round < rounds; round++)
        for (const key of sequence) {
          const one = await press(app, key)
          if (round < 0) continue
          if (one === null) unpainted++
          else latencies.push(one.latencyMs)
        }
      const cpu = app.use().cpuSeconds - before.cpuSeconds
      figures[name] = { ms: spread(latencies), cpuMsPerKey: tidy((cpu * 1000) / (sequence.length * (rounds + 1))) }
    }
    return { runs, keys, metrics, ...figures, unpainted }
  } finally {
    await app.dispose()
    made.remove()
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}
