import { afterEach, describe, expect, it } from 'vitest'
import { gridScreen } from '../../harness/apps/grid-frame.ts'
import { appEnv, fixtureApp } from '../../harness/apps.ts'
import { processUse } from '../../harness/proc.ts'
import { type PtyApp, startPty } from '../../harness/pty.ts'
import { needsTmux, Tmux } from '../../harness/tmux.ts'
import { isFull, seed, seeded } from './random.ts'

const { skip } = await needsTmux()
let app: PtyApp | null = null
let tmux: Tmux | null = null

afterEach(async () => {
  await app?.dispose()
  await tmux?.kill()
  app = null
  tmux = null
})

/** Sizes that hurt: one cell, tiny, one row, one column, widths equal to a row of the grid. */
const corners = [
  [1, 1],
  [20, 5],
  [2, 40],
  [120, 1],
  [80, 24],
  [80, 24],
  [79, 24],
  [81, 24],
  [80, 23],
] as const

function sizes(count: number, random: (below: number) => number): (readonly [number, number])[] {
  return Array.from({ length: count }, (_, index) => corners[index] ?? ([1 + random(200), 1 + random(60)] as const))
}

const same = (screen: readonly string[], columns: number, rows: number, count: number) =>
  screen.map((row) => row.trimEnd()).join('\n') === gridScreen(columns, rows, count).join('\n')

function grid(): PtyApp {
  app = startPty({ ...fixtureApp('grid'), env: appEnv(), columns: 80, rows: 24 })
  return app
}

describe(`resizes, seed ${seed}`, { timeout: isFull ? 900_000 : 120_000 }, () => {
  it('leaves no wrong settled frame in an emulator, with one clear a burst', async () => {
    const random = seeded(seed)
    const pty = grid()
    await pty.waitForText('grid 80x24')
    let count = 0
    let clears = 0
    pty.onOutput((chunk) => {
      clears += chunk.split('\u001b[2J').length - 1
    })
    const all = sizes(isFull ? 200 : 60, random)
    for (const [index, [columns, rows]] of all.entries()) {
      pty.resize(columns, rows)
      if (index % 3 === 0) {
        pty.press('n')
        count += 1
      }
      await pty.waitFor((screen) => same(screen, columns, rows, count), { what: `grid ${columns}x${rows} of ${count}` })
    }
    // A chunk border may cut a clear in two and hide it; it can never add one.
    expect(clears).toBeLessThanOrEqual(all.length)
  })

  it('is right after storms of resizes', async () => {
    const random = seeded(seed + 1)
    const pty = grid()
    await pty.waitForText('grid 80x24')
    pty.press('t')
    for (let storm = 0; storm < (isFull ? 40 : 6); storm += 1) {
      let [columns, rows] = [0, 0]
      for (let step = 0; step < 15; step += 1) {
        columns = 10 + random(150)
        rows = 2 + random(50)
        pty.resize(columns, rows)
        await new Promise((resolve) => setTimeout(resolve, random(20)))
      }
      await pty.waitFor((screen) => screen[0]?.startsWith(`grid ${columns}x${rows}`), { what: `${columns}x${rows}` })
    }
    // The app counts on while it is resized; when it stands still, every row must be of one and the same count.
    pty.press('t')
    await pty.waitFor((screen) => {
      const count = Number(screen[0]?.split(' ').at(-1))
      return same(screen, pty.emulator.columns, pty.emulator.rows, count)
    })
  })

  it('draws a thousand columns and four hundred rows', async () => {
    const pty = grid()
    await pty.waitForText('grid 80x24')
    pty.resize(1000, 400)
    await pty.waitFor((screen) => same(screen, 1000, 400, 0), { timeoutMs: 30_000, what: 'the huge grid' })
    pty.resize(80, 24)
    await pty.waitFor((screen) => same(screen, 80, 24, 0), { timeoutMs: 30_000 })
  })

  it('survives a storm of window signals on less than a core, and ends right', async () => {
    const pty = grid()
    await pty.waitForText('grid 80x24')
    const before = processUse(pty.pid).cpuSeconds
    const startedAtMs = performance.now()
    const signals = isFull ? 10_000 : 1500
    for (let signal = 0; signal < signals; signal += 1) {
      pty.signal('SIGWINCH')
      if (signal % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    pty.press('n')
    await pty.waitFor((screen) => same(screen, 80, 24, 1))
    const seconds = (performance.now() - startedAtMs) / 1000
    expect(processUse(pty.pid).cpuSeconds - before).toBeLessThan(seconds)
  })

  it.skipIf(skip)('leaves no wrong settled frame in tmux', async () => {
    const random = seeded(seed + 2)
    const { command, args } = fixtureApp('grid')
    tmux = await Tmux.start({ command: [command, ...args], env: { ...appEnv(), TERM: 'screen-256color' } })
    await tmux.waitForText('grid 80x24')
    let count = 0
    for (const [index, [columns, rows]] of sizes(isFull ? 200 : 20, random).entries()) {
      await tmux.resize(columns, rows)
      if (index % 3 === 0) {
        await tmux.type('n')
        count += 1
      }
      await tmux.waitFor((screen) => same(screen, columns, rows, count), {
        what: `grid ${columns}x${rows} of ${count}`,
      })
    }
  })

  it.skipIf(skip)('is right in tmux after storms', async () => {
    const random = seeded(seed + 3)
    const { command, args } = fixtureApp('grid')
    tmux = await Tmux.start({ command: [command, ...args], env: { ...appEnv(), TERM: 'screen-256color' } })
    await tmux.waitForText('grid 80x24')
    for (let storm = 0; storm < (isFull ? 10 : 2); storm += 1) {
      for (let step = 0; step < 15; step += 1) await tmux.resize(20 + random(150), 3 + random(50))
      const { columns, rows } = tmux.size
      await tmux.waitFor((screen) => same(screen, columns, rows, 0), { what: `grid ${columns}x${rows}` })
    }
  })
})
