import { readFileSync } from 'node:fs'
import { startBuilt } from '../../harness/built.ts'
import type { PtyApp } from '../../harness/pty.ts'
import { press } from '../keys.ts'
import { median, spread, tidy } from '../stats.ts'
import type { BenchNotebook } from './make.ts'

const waitMs = 60_000

/** Milliseconds until something is drawn that a person can read. */
function until(app: PtyApp, isThere: (seen: string) => boolean, fromMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const timer = setTimeout(
      () => reject(new Error(`not drawn within a minute; got ${JSON.stringify(seen.slice(-400))}`)),
      waitMs,
    )
    const stop = app.onOutput((chunk, atMs) => {
      seen += chunk
      if (!isThere(seen)) return
      clearTimeout(timer)
      stop()
      resolve(atMs - fromMs)
    })
  })
}

/** Resident memory of the program that draws: a child of the shell that started it. */
function rssBytes(app: PtyApp): number {
  const status = readFileSync(`/proc/${app.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024
}

function start(notebook: BenchNotebook, screen: string): PtyApp {
  return startBuilt({
    project: notebook.folder,
    state: notebook.state,
    columns: 120,
    rows: 40,
    args: ['--screen', screen],
  })
}

async function end(app: PtyApp): Promise<void> {
  app.signal('SIGTERM')
  await app.exited
  await app.dispose()
}

/** From the start of the program, and from the key, to the newest cell on screen. */
export async function openings(notebook: BenchNotebook, rounds: number) {
  const newest = `#${notebook.cells + 1}`
  const toFirstFrame: number[] = []
  const afterFirstFrame: number[] = []
  const firstFrameCpus: number[] = []
  const fromStart: number[] = []
  const fromKey: number[] = []
  const rss: number[] = []
  // What it costs whatever else the machine does.
  const startCpus: number[] = []
  const keyCpus: number[] = []
  for (let round = -1; round < rounds; round += 1) {
    const cold = start(notebook, 'notebook')
    // The frame that waits for nothing: what comes after it is the notebook's own.
    let firstFrameCpu = 0
    const firstFrame = until(cold, (seen) => seen.includes('1 Plan'), cold.startedAtMs).then((ms) => {
      firstFrameCpu = cold.use().cpuSeconds * 1000
      return ms
    })
    const startMs = await until(cold, (seen) => seen.includes(newest), cold.startedAtMs)
    const firstFrameMs = await firstFrame
    const startCpu = cold.use().cpuSeconds * 1000
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const bytes = rssBytes(cold)
    await end(cold)
    const warm = start(notebook, 'plan')
    // The run has been read when the rail knows its plan.
    await until(warm, (seen) => seen.includes('1 Plan'), warm.startedAtMs)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await press(warm, 'g')
    const beforeCpu = warm.use().cpuSeconds * 1000
    const sentMs = performance.now()
    const drawn = until(warm, (seen) => seen.includes(newest), sentMs)
    warm.press('n')
    const keyMs = await drawn
    const keyCpu = warm.use().cpuSeconds * 1000 - beforeCpu
    await end(warm)
    if (round < 0) continue
    toFirstFrame.push(firstFrameMs)
    afterFirstFrame.push(startMs - firstFrameMs)
    firstFrameCpus.push(firstFrameCpu)
    fromStart.push(startMs)
    fromKey.push(keyMs)
    startCpus.push(startCpu)
    keyCpus.push(keyCpu)
    rss.push(bytes)
  }
  return {
    startToFirstFrameMs: spread(toFirstFrame),
    firstFrameCpuMs: spread(firstFrameCpus),
    firstFrameToNewestMs: spread(afterFirstFrame),
    startToNewestMs: spread(fromStart),
    keyToNewestMs: spread(fromKey),
    startCpuMs: spread(startCpus),
    keyCpuMs: spread(keyCpus),
    rssMiB: tidy(median(rss) / 1024 ** 2),
    barMs: 300,
    barRssMb: 200,
  }
}

/** Key to paint in the list at 120x40. */
export async function keysOf(notebook: BenchNotebook, rounds: number) {
  const app = start(notebook, 'notebook')
  try {
    await until(app, (seen) => seen.includes(`#${notebook.cells + 1}`), app.startedAtMs)
    await new Promise((resolve) => setTimeout(resolve, 3000))
    const sequence = [...'jjjjjkkjj', 'pagedown', 'pagedown', 'G', 'g', 'g', 'e', 'e']
    const latencies: number[] = []
    let unpainted = 0
    for (let i = 0; i < rounds; i += 1) {
      const key = sequence[i % sequence.length] ?? 'j'
      const pressed = await press(app, key)
      // The first g of a chord shows what may follow; it is a key like any other.
      if (pressed === null) unpainted += 1
      else if (i >= sequence.length) latencies.push(pressed.latencyMs)
    }
    return { keyToPaintMs: spread(latencies), unpainted, rssMiB: tidy(rssBytes(app) / 1024 ** 2), barP95Ms: 35 }
  } finally {
    await end(app)
  }
}
