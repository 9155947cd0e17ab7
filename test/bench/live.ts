import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { boxFolderOf, clearPlaces, makePlace, mustPass, type Place, passGates } from '../e2e/support.ts'
import { node } from '../harness/apps.ts'
import { builtCommand, builtEntry, settledScreen } from '../harness/built.ts'
import { type PtyApp, startPty } from '../harness/pty.ts'
import { watch } from './idle.ts'
import { keysAt, press } from './keys.ts'
import { spread, tidy } from './stats.ts'

/**
 * A run that stays live by itself: one unit hangs without using the CPU, the others finish. Eight cards are simulated
 * by a strict fake of nvidia-smi that stands first on the PATH.
 */
async function livePlace(): Promise<Place> {
  const place = makePlace({ groups: 10, epochs: 20, fault: 'hang:split-00-03' })
  const tools = join(place.root, 'tools')
  mkdirSync(tools)
  copyFileSync(resolve(import.meta.dirname, 'fake-nvidia-smi.sh'), join(tools, 'nvidia-smi'))
  place.env.PATH = `${tools}${delimiter}${place.env.PATH}`
  place.env.KX_REFRESH_SECONDS = '1'
  await passGates(place)
  await mustPass(place, ['launch'])
  return place
}

function open(place: Place, columns: number, rows: number): PtyApp {
  return startPty({
    command: builtCommand,
    args: [builtEntry(), '--project', place.project, '--screen', 'patrol', '--theme', 'dark'],
    cwd: place.project,
    env: place.env,
    columns,
    rows,
  })
}

const done = (screen: readonly string[]) => screen.some((row) => /\b44 of 45\b|\b44\/45\b/.test(row))

/**
 * What the workbench costs while it watches that run once a second; at the end, keys beside it. Watched twice: in its
 * first minute, in which V8 still compiles what it sees used, and `settleSeconds` later, as a pane costs that is left open.
 */
export async function live(seconds: number, settleSeconds: number, rounds: Readonly<Record<string, number>>) {
  try {
    const place = await livePlace()
    return {
      '120x40': await liveAt(place, 120, 40, { seconds, settleSeconds, rounds }),
      '200x60': await liveAt(place, 200, 60, { seconds, settleSeconds, rounds }),
    }
  } finally {
    clearPlaces()
  }
}

interface Watching {
  readonly seconds: number
  readonly settleSeconds: number
  readonly rounds: Readonly<Record<string, number>>
}

async function liveAt(place: Place, columns: number, rows: number, { seconds, settleSeconds, rounds }: Watching) {
  const app = open(place, columns, rows)
  try {
    await app.waitFor(done, { timeoutMs: 300_000, what: 'all units but the one that hangs' })
    // Two looks more: the first ones after the start compile what they use.
    await watch(app, 5)
    const first = await watch(app, seconds)
    await watch(app, settleSeconds)
    const settled = await watch(app, seconds)
    const figures = {
      ...settled,
      settledAfterSeconds: seconds + settleSeconds,
      firstMinuteCpuPercent: first.cpuPercent,
      keys: (await keysAt(app, rounds)).allMs,
    }
    // What is open is remembered: without this the next size would watch a palette over the patrol.
    app.press('ctrl+c')
    await settledScreen(app, 400, 10_000)
    return figures
  } finally {
    await app.dispose()
  }
}

const MiB = 2 ** 20

/** Keys on the patrol screen while the log that it shows grows by 100 MB/s. */
export async function flood(seconds: number) {
  try {
    const place = await livePlace()
    const app = open(place, 120, 40)
    try {
      await app.waitFor(done, { timeoutMs: 300_000, what: 'all units but the one that hangs' })
      const log = join(boxFolderOf(place), 'units', 'split-00-03', 'log')
      const writer = spawn(node, [resolve(import.meta.dirname, 'flood-writer.ts'), log, '100', String(seconds)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      writer.stdout.on('data', (chunk: Buffer) => {
        said += chunk
      })
      const ended = new Promise<void>((settle) => writer.once('close', () => settle()))
      let isWriting = true
      void ended.then(() => {
        isWriting = false
      })
      const latencies: number[] = []
      let unanswered = 0
      let rssMost = 0
      for (let i = 0; isWriting; i += 1) {
        const one = await press(app, i % 2 === 0 ? 'j' : 'k')
        if (one === null) unanswered += 1
        else latencies.push(one.latencyMs)
        rssMost = Math.max(rssMost, app.use().rssBytes)
      }
      await ended
      const { megabytes, seconds: elapsed } = JSON.parse(said) as { megabytes: number; seconds: number }
      return {
        seconds: tidy(elapsed),
        megabytesPerSecond: tidy(megabytes / elapsed),
        keysMs: spread(latencies),
        unanswered,
        rssMostMiB: tidy(rssMost / MiB),
      }
    } finally {
      await app.dispose()
    }
  } finally {
    clearPlaces()
  }
}
