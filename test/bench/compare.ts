// npm run bench:compare [-- --only wandb,tfevents,runs200,screen,runs1000,many] [--quick] [--peer PYTHON] [--wandb-peer PYTHON]
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchRuns, bigEventFile, bigWandbLog, manyRuns, sameLog } from './compare/make.ts'
import { compareKeys } from './compare/screen.ts'
import { spread } from './stats.ts'
import { takeFigures } from './take.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    peer: { type: 'string' },
    'wandb-peer': { type: 'string' },
    out: { type: 'string', default: resolve(import.meta.dirname, 'results/compare.json') },
  },
})
const { quick } = values
const bundle = resolve(import.meta.dirname, '../../dist/kx.mjs')
const compileCache = join(tmpdir(), 'kx-bench-compile')

/**
 * The program from its start to the table on standard output, and the most memory that it had: looked at all the while.
 *
 * @param cache where it keeps digests of what it has read
 */
async function once(folder: string, cache: string): Promise<{ readonly ms: number; readonly rssMiB: number }> {
  const at = performance.now()
  // As it is installed: its first lines are a script that starts Node with what it needs.
  const child = spawn(bundle, ['compare', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: compileCache },
  })
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

/** The comparison alone, each time in a process that has done nothing before; the first one reads the runs. */
function insideMs(folder: string, cache: string, rounds: number) {
  const words = [resolve(import.meta.dirname, 'compare/inside.ts'), folder, cache]
  const took = Array.from({ length: rounds + 1 }, () =>
    Number(execFileSync(process.execPath, words, { encoding: 'utf8' })),
  )
  return spread(took.slice(1))
}

type Kind = 'read anew' | 'decoded too' | 'digests kept'

/** Runs that were written a moment ago may be written on, and are not kept: the kept ones are of runs that are older. */
const settledMs = 2500

async function measured(made: BenchRuns, rounds: number, kind: Kind) {
  const caches = mkdtempSync(join(tmpdir(), 'kx-bench-caches-'))
  try {
    // What the program compiles of itself is kept, as it is on any machine that has started it before.
    await once(join(made.folder, 'nothing'), join(caches, 'none')).catch(() => {})
    const starts = []
    if (kind === 'digests kept') {
      await new Promise((resume) => setTimeout(resume, settledMs))
      await once(made.folder, join(caches, 'kept'))
    }
    for (let i = 0; i < rounds; i++)
      starts.push(await once(made.folder, join(caches, kind === 'digests kept' ? 'kept' : String(i))))
    const decoded = []
    for (let i = 0; kind === 'decoded too' && i < rounds; i++) decoded.push(await decoding(made.folder))
    const inside = kind === 'digests kept' ? insideMs(made.folder, join(caches, 'inside'), rounds) : null
    const points = decoded[0]?.points ?? 0
    const decodeMs = spread(decoded.map(({ ms }) => ms))
    return {
      mib: Math.round(bytesBelow(made.folder) / 1024 / 1024),
      tableMs: spread(starts.map(({ ms }) => ms)),
      rssMiB: Math.round(Math.max(...starts.map(({ rssMiB }) => rssMiB))),
      ...(inside === null ? {} : { insideMs: inside }),
      ...(kind === 'decoded too'
        ? { points, decodeMs, pointsPerSecond: Math.round(points / (decodeMs.p50 / 1000)) }
        : {}),
    }
  } finally {
    made.remove()
    rmSync(caches, { recursive: true, force: true })
  }
}

/** TensorBoard's own reader of an event file. */
const tensorboard = `
import sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
at = time.time()
reader = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
reader.Reload()
print(time.time() - at)`

/** The reader that W&B's own package had for its logs up to 0.24: newer ones read them in Go, behind no interface. */
const wandb = `
import json, sys, time
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal import datastore
at = time.time()
store = datastore.DataStore()
store.open_for_scan(sys.argv[1])
points = 0
for data in iter(store.scan_data, None):
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    if record.WhichOneof("record_type") == "history":
        points += len([json.loads(item.value_json) for item in record.history.item])
print(time.time() - at)`

/** A peer on the same file, where a Python has it; null: none was named. */
function peerSeconds(python: string | undefined, code: string, path: string): number | null {
  if (python === undefined) return null
  const words = ['-W', 'ignore', '-c', code, path]
  return Number(execFileSync(python, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
}

const rounds = quick ? 2 : 5
await takeFigures({
  name: 'bench:compare',
  parts: {
    wandb: async () => {
      const made = bigWandbLog(quick ? 5000 : 60_000, 10)
      const log = join(made.folder, 'offline-run-20260101_000000-big', 'run-big.wandb')
      const peer = peerSeconds(values['wandb-peer'], wandb, log)
      return { ...(await measured(made, rounds, 'decoded too')), peerSeconds: peer }
    },
    tfevents: async () => {
      const made = bigEventFile(quick ? 5000 : 60_000, 10)
      const peer = peerSeconds(values.peer, tensorboard, join(made.folder, 'run'))
      return { ...(await measured(made, rounds, 'decoded too')), peerSeconds: peer }
    },
    runs200: () => measured(manyRuns(quick ? 20 : 200, 100, 50, 20), rounds, 'digests kept'),
    screen: () => (quick ? compareKeys(20, 20, 10, 1) : compareKeys(200, 100, 50, 4)),
    runs1000: () => measured(manyRuns(quick ? 50 : 1000, 20, 10, 20), rounds, 'digests kept'),
    many: async () => {
      const [times, steps, metrics] = quick ? [5, 1000, 10] : [50, 100_000, 10]
      return { ...(await measured(sameLog(times, steps, metrics), 1, 'read anew')), points: times * steps * metrics }
    },
  },
  only: values.only,
  out: values.out,
  isQuick: quick,
})
