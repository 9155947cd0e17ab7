import { builtCommand, builtEntry, builtEnv, settledScreen, startBuilt } from '../harness/built.ts'
import type { PtyApp } from '../harness/pty.ts'
import { Tmux } from '../harness/tmux.ts'
import { benchProject } from './project.ts'
import { spread } from './stats.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const ERASE = '\u001b[2J'

/**
 * The program believes that it is three days later: ages then read "3 d ago" all the while. An age that moves on
 * between a frame and the repaint that it is compared with would count as a wrong frame, and is none.
 */
const later = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    'const D=Date,s=3*864e5;globalThis.Date=class extends D{constructor(...a){if(a.length)super(...a);else super(D.now()+s)}static now(){return D.now()+s}}',
  )}`,
}

/** Sizes to and fro, the awkward ones among them; the same every time, so that a wrong frame can be found again. */
function sizes(count: number): { columns: number; rows: number }[] {
  let seed = 20_240_607
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * below)
  }
  const special = [
    { columns: 1, rows: 1 },
    { columns: 20, rows: 5 },
    { columns: 400, rows: 100 },
    { columns: 80, rows: 24 },
    { columns: 2, rows: 60 },
  ]
  return Array.from(
    { length: count },
    (_, i) =>
      (i % 20 === 10 ? special[((i / 10) % special.length) | 0] : undefined) ?? {
        columns: 20 + random(200),
        rows: 5 + random(65),
      },
  )
}

/** Waits for a whole repaint that began after now, then for quiet; answers how long the repaint took to come. */
async function repainted(app: PtyApp, act: () => void): Promise<number> {
  let atMs: number | null = null
  const startedAtMs = performance.now()
  const end = app.onOutput((chunk, when) => {
    if (atMs === null && chunk.includes(ERASE)) atMs = when
  })
  act()
  while (atMs === null) {
    if (performance.now() - startedAtMs > 10_000) throw new Error(`no repaint within 10 s\n${app.text()}`)
    await wait(5)
  }
  end()
  while (performance.now() - app.lastOutputAtMs < 80) await wait(10)
  await app.emulator.settled()
  return atMs - startedAtMs
}

/** After each resize the settled screen is compared, cell by cell with styles, with a forced repaint of it. */
async function inEmulator(count: number) {
  const project = benchProject(true)
  const app = startBuilt({ project: project.folder, state: project.state, args: ['--screen', 'plan'], env: later })
  const latencies: number[] = []
  const wrong: string[] = []
  let clears = 0
  try {
    await settledScreen(app, 1000, 60_000)
    app.onOutput((chunk) => {
      clears += chunk.split(ERASE).length - 1
    })
    for (const { columns, rows } of sizes(count)) {
      if (columns === app.emulator.columns && rows === app.emulator.rows) continue
      latencies.push(await repainted(app, () => app.resize(columns, rows)))
      const shown = app.emulator.fingerprint()
      await repainted(app, () => app.press('ctrl+l'))
      if (shown !== app.emulator.fingerprint()) wrong.push(`${columns}x${rows}`)
    }
    return { resizes: latencies.length, wrong, repaintMs: spread(latencies), clearsPerStep: clears / latencies.length }
  } finally {
    await app.dispose()
    project.remove()
  }
}

/** The pane's content once nine looks in a row agree, nearly half a second: a busy machine is slow to repaint. */
async function steady(tmux: Tmux): Promise<string> {
  let last = ''
  for (let same = 0, looks = 0; looks < 200; looks += 1) {
    const now = await tmux.captureStyled()
    same = now === last && now.trim() !== '' ? same + 1 : 0
    if (same >= 8) return now
    last = now
    await wait(50)
  }
  throw new Error(`the pane does not come to rest\n${last}`)
}

async function inTmux(count: number) {
  const project = benchProject(true)
  const tmux = await Tmux.start({
    command: [builtCommand, builtEntry(), '--project', project.folder, '--screen', 'plan'],
    cwd: project.folder,
    env: builtEnv(project.state, { TERM: 'tmux-256color', ...later }),
    columns: 120,
    rows: 40,
  })
  const wrong: string[] = []
  let done = 0
  try {
    await tmux.waitForText('Teardown', 60_000)
    await steady(tmux)
    for (const { columns, rows } of sizes(count)) {
      await tmux.resize(columns, rows)
      const shown = await steady(tmux)
      await tmux.keys('C-l')
      const right = await steady(tmux)
      if (shown !== right) {
        const rows = shown.split('\n')
        const first = right.split('\n').findIndex((row, i) => row !== rows[i])
        wrong.push(
          `${columns}x${rows.length - 1} row ${first + 1}: ${JSON.stringify(rows[first])}, not ${JSON.stringify(right.split('\n')[first])}`,
        )
      }
      done += 1
    }
    return { resizes: done, wrong }
  } finally {
    await tmux.kill()
    project.remove()
  }
}

export async function resizes(count: number) {
  return { emulator: await inEmulator(count), tmux: await inTmux(count) }
}

/** Stopped, scribbled over, continued: how long until every cell is right again. */
export async function repaint(count: number) {
  const project = benchProject(true)
  const app = startBuilt({ project: project.folder, state: project.state, args: ['--screen', 'plan'] })
  const latencies: number[] = []
  let wrong = 0
  try {
    await settledScreen(app, 1000, 60_000)
    const right = app.emulator.fingerprint()
    for (let i = 0; i < count; i += 1) {
      app.signal('SIGSTOP')
      await app.junk(`\u001b[${3 + i};10H\u001b[41mBROADCAST: junk on the screen\u001b[m\r\n\n\n`)
      // Longer than the gap between automatic repaints, as a person's stop is.
      await wait(300)
      const startedAtMs = performance.now()
      app.signal('SIGCONT')
      let isRight = false
      while (!isRight && performance.now() - startedAtMs < 3000) {
        await wait(2)
        if (app.lastOutputAtMs < startedAtMs) continue
        await app.emulator.settled()
        isRight = app.emulator.fingerprint() === right
      }
      if (isRight) latencies.push(app.lastOutputAtMs - startedAtMs)
      else wrong += 1
    }
    return { tries: count, wrong, repaintMs: spread(latencies) }
  } finally {
    await app.dispose()
    project.remove()
  }
}
