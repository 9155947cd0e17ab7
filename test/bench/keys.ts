import { settledScreen, startBuilt } from '../harness/built.ts'
import type { PtyApp } from '../harness/pty.ts'
import { benchProject } from './project.ts'
import { spread, tidy } from './stats.ts'

/** No answer within this time counts as unpainted: a bug of the bench or of kx, never a latency. */
const SILENT_MS = 2000
/** The next key waits for this much quiet, so that no late frame is taken for its answer. */
const QUIET_MS = 25

interface Press {
  readonly latencyMs: number
  readonly bytes: number
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function quiet(app: PtyApp): Promise<void> {
  while (performance.now() - app.lastOutputAtMs < QUIET_MS) await pause(5)
}

/** One key: from the write into the pty to the first byte that comes back. */
export async function press(app: PtyApp, key: string): Promise<Press | null> {
  await quiet(app)
  app.resetCounters()
  let stop = () => {}
  const sentAtMs = performance.now()
  const latencyMs = await new Promise<number | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), SILENT_MS)
    const end = app.onOutput((_chunk, atMs) => {
      clearTimeout(timer)
      resolve(atMs - sentAtMs)
    })
    stop = () => {
      clearTimeout(timer)
      end()
    }
    app.press(key)
  })
  stop()
  if (latencyMs === null) return null
  await quiet(app)
  return { latencyMs, bytes: app.bytes }
}

/** Movement in a list, switches of screen, typing into the palette: each sequence ends where it began. */
const sequences: Readonly<Record<string, readonly string[]>> = {
  move: [...'jjjjjjjjjj', ...'kkkkkkkkkk'],
  screens: [...'2345671', ...'2345671'],
  palette: ['ctrl+p', ...'launch', ...Array<string>(6).fill('backspace'), ...'report', 'esc'],
}

/** Key to paint at one size; `live` says what is measured beside it when a run is watched. */
export async function keysAt(app: PtyApp, rounds: Readonly<Record<string, number>>) {
  const byKind: Record<string, Press[]> = {}
  let unpainted = 0
  // One round of each is dropped: the compiler has to warm up.
  for (const [kind, keys] of Object.entries(sequences)) {
    const presses: Press[] = []
    for (let round = -1; round < (rounds[kind] ?? 0); round += 1) {
      for (const key of keys) {
        // A lone Esc waits for the rest of a sequence by design; it closes the palette but is not counted.
        const one = await press(app, key)
        if (round < 0 || key === 'esc') continue
        if (one === null) unpainted += 1
        else presses.push(one)
      }
    }
    byKind[kind] = presses
  }
  const all = Object.values(byKind).flat()
  return {
    allMs: spread(all.map((p) => p.latencyMs)),
    unpainted,
    byKind: Object.fromEntries(
      Object.entries(byKind).map(([kind, presses]) => [
        kind,
        { ms: spread(presses.map((p) => p.latencyMs)), bytes: spread(presses.map((p) => p.bytes)) },
      ]),
    ),
  }
}

export async function keys(columns: number, rows: number, isQuick: boolean) {
  const project = benchProject(true)
  const app = startBuilt({
    project: project.folder,
    state: project.state,
    columns,
    rows,
    args: ['--screen', 'plan', '--theme', 'dark'],
  })
  try {
    await settledScreen(app, 1000, 60_000)
    const rounds = isQuick ? { move: 2, screens: 2, palette: 2 } : { move: 10, screens: 12, palette: 8 }
    const before = app.use()
    const result = await keysAt(app, rounds)
    const after = app.use()
    const count = Object.values(sequences).reduce((sum, s, i) => sum + s.length * (Object.values(rounds)[i] ?? 0), 0)
    // CPU a key hardly depends on what else the machine does: it tells a slow machine from a slow kx.
    return { ...result, cpuMsPerKey: tidy(((after.cpuSeconds - before.cpuSeconds) * 1000) / count) }
  } finally {
    await app.dispose()
    project.remove()
  }
}
