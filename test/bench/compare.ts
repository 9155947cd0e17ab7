// npm run bench:compare [-- --only wandb,tfevents,runs200,runs1000,memory] [--quick] [--peer PYTHON]
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchRuns, bigEventFile, bigWandbLog, manyRuns, sameLog } from './compare/make.ts'
import { spread } from './stats.ts'
import { takeFigures } from './take.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    peer: { type: 'string' },
    out: { type: 'string', default: resolve(import.meta.dirname, 'results/compare.json') },
  },
})
const { quick } = values
const bundle = resolve(import.meta.dirname, '../../dist/kx.mjs')

/** The program from its start to the table on standard output, and the most memory that it had: looked at all the while. */
async function once(folder: string): Promise<{ readonly ms: number; readonly rssMiB: number }> {
  const at = performance.now()
  const child = spawn(process.execPath, [bundle, 'compare', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  let rssKiB = 0
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      rssKiB = Math.max(rssKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    } catch {
      // It has ended between two looks.
    }
  }, 10)
  const code = await new Promise<number | null>((settle) => child.on('exit', settle))
  clearInterval(look)
  if (code !== 0) throw new Error(`kx compare ended with ${code}`)
  return { ms: performance.now() - at, rssMiB: rssKiB / 1024 }
}

/** Decoding alone, in this process: the points of every metric. */
async function decoding(folder: string): Promise<{ readonly ms: number; readonly points: number }> {
  const [{ scan }, { localFolder }, { Columns }] = await Promise.all([
    import('../../src/reader/scan.ts'),
    import('../../src/reader/source.ts'),
    import('../../src/reader/columns.ts'),
  ])
  const { runs } = await scan(localFolder(folder))
  const at = performance.now()
  let points = 0
  for (const run of runs) {
    const columns = new Columns()
    const reader = run.open()
    await reader.advance(columns)
    await reader.close()
    points += columns.all().reduce((sum, { values }) => sum + values.length, 0)
  }
  return { ms: performance.now() - at, points }
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => (entry.isFile() ? sum + statSync(join(entry.parentPath, entry.name)).size : sum),
    0,
  )
}

async function measured(made: BenchRuns, rounds: number, isDecoded: boolean) {
  try {
    const starts = []
    for (let i = 0; i < rounds; i++) starts.push(await once(made.folder))
    const decoded = []
    for (let i = 0; isDecoded && i < rounds; i++) decoded.push(await decoding(made.folder))
    const points = decoded[0]?.points ?? 0
    const decodeMs = decoded.map(({ ms }) => ms)
    return {
      mib: Math.round(bytesBelow(made.folder) / 1024 / 1024),
      tableMs: spread(starts.map(({ ms }) => ms)),
      rssMiB: Math.round(Math.max(...starts.map(({ rssMiB }) => rssMiB))),
      ...(isDecoded
        ? { points, decodeMs: spread(decodeMs), pointsPerSecond: Math.round(points / (Math.min(...decodeMs) / 1000)) }
        : {}),
    }
  } finally {
    made.remove()
  }
}

/** TensorBoard's own reader on the same file, where a Python has it. */
function peerSeconds(folder: string): number | null {
  if (values.peer === undefined) return null
  const code = `
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
at = time.time()
reader = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
reader.Reload()
print(time.time() - at)`
  return Number(
    execFileSync(values.peer, ['-W', 'ignore', '-c', code, join(folder, 'run')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
}

const rounds = quick ? 2 : 5
await takeFigures({
  name: 'bench:compare',
  parts: {
    wandb: () => measured(bigWandbLog(quick ? 5000 : 60_000, 10), rounds, true),
    tfevents: async () => {
      const made = bigEventFile(quick ? 5000 : 60_000, 10)
      const peer = peerSeconds(made.folder)
      return { ...(await measured(made, rounds, true)), peerSeconds: peer }
    },
    runs200: () => measured(manyRuns(quick ? 20 : 200, 100, 50, 20), rounds, false),
    runs1000: () => measured(manyRuns(quick ? 50 : 1000, 20, 10, 20), rounds, false),
    memory: () => measured(sameLog(quick ? 5 : 50, quick ? 1000 : 100_000, 10), 1, false),
  },
  only: values.only,
  out: values.out,
  isQuick: quick,
})
