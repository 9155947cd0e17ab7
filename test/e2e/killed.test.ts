import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { CellStarted, IntentClosed, IntentOpened } from '../../src/run/types.ts'
import type { Proof } from '../../src/walk/proof.ts'
import { settledScreen, startBuilt } from '../harness/built.ts'
import type { PtyApp } from '../harness/pty.ts'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  approve,
  boxFolderOf,
  boxFolders,
  clearPlaces,
  isFull,
  journalBytes,
  killBox,
  kx,
  kxJson,
  makePlace,
  mustPass,
  type Place,
  passGates,
  payloads,
  readJournal,
  runFolderOf,
  runIds,
  seeded,
  unitNames,
} from './support.ts'

const kills = isFull ? 60 : 6
const timeout = isFull ? 1_800_000 : 400_000
const seed = Number(process.env.KX_SEED ?? 20_261_122)
const apps: PtyApp[] = []

afterEach(async () => {
  for (const app of apps.splice(0)) await app.dispose()
  clearPlaces()
})

// ── what must hold after any kill ───────────────────────────────────────────────────────────────────────────────────

interface UnitExit {
  readonly text: string
  readonly modifiedMs: number
}

/** Exit records of the units that are done: from now on none of them may change. */
function doneUnits(place: Place): Map<string, UnitExit> {
  const found = new Map<string, UnitExit>()
  for (const box of boxFolders(place))
    for (const unit of unitNames(box)) {
      const file = join(box, 'units', unit, 'exit')
      if (!existsSync(file)) continue
      const text = readFileSync(file, 'utf8')
      if (/^state=done$/m.test(text)) found.set(unit, { text, modifiedMs: statSync(file).mtimeMs })
    }
  return found
}

/** Events of all attempts of the runner, by the runner's own record. */
function boxEvents(place: Place): { event: string; unit?: string; attempt?: number }[] {
  return boxFolders(place).flatMap((box) => {
    const file = join(box, 'events.jsonl')
    if (!existsSync(file)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  })
}

/** The chain is whole, nothing was launched twice, no proof was lost that was there before. */
function checkRun(place: Place, before: readonly string[]): string[] {
  const records = readJournal(runFolderOf(place))
  const launches = payloads<IntentOpened>(records, 'intent.opened').filter((intent) => intent.act === 'launch')
  const tokens = launches.map((intent) => intent.token)
  expect(new Set(tokens).size).toBe(tokens.length)
  const receipts = payloads<Proof>(records, 'proof.made').filter((proof) => proof.kind === 'Receipt')
  expect(receipts.length).toBeLessThanOrEqual(1)
  const kinds = payloads<Proof>(records, 'proof.made').map((proof) => proof.kind)
  expect(kinds).toEqual(expect.arrayContaining([...before]))
  // No cell is open but the last one, which may be the one that was killed.
  const ended = new Set(payloads<{ cellId: string }>(records, 'cell.ended').map((cell) => cell.cellId))
  const open = payloads<CellStarted>(records, 'cell.started').filter((cell) => !ended.has(cell.cellId))
  expect(open.length).toBeLessThanOrEqual(1)
  expect(boxEvents(place).filter((event) => event.event === 'run.started').length).toBeLessThanOrEqual(1)
  return kinds
}

/** Every unit ran exactly once, and all of it is there. */
function checkUnits(place: Place): void {
  const box = boxFolderOf(place)
  expect(unitNames(box)).toHaveLength(place.units)
  for (const unit of unitNames(box)) {
    const folder = join(box, 'units', unit)
    expect(readFileSync(join(folder, 'attempts'), 'utf8').trim()).toBe('1')
    expect(readdirSync(folder).filter((name) => /^exit\.\d+$/.test(name))).toEqual([])
    expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'))).toMatchObject({ unit })
  }
}

// ── without a terminal ──────────────────────────────────────────────────────────────────────────────────────────────

/** `kx walk`, killed when its run has grown by some records and some milliseconds more; true when it ended before. */
async function killedWalk(place: Place, growth: number, moreMs: number): Promise<boolean> {
  const before = journalBytes(place)
  let child: ChildProcess | null = null
  let isOver = false
  const running = kx(place, ['walk'], {
    onStart: (started) => {
      child = started
    },
  })
  void running.then(() => {
    isOver = true
  })
  await waitUntil(() => isOver || journalBytes(place) >= before + growth, {
    timeoutMs: 2 * ACT_MS,
    what: `the walk to write ${growth} bytes`,
  })
  // The moment itself is what is drawn by lot.
  if (!isOver) await new Promise((resolve) => setTimeout(resolve, moreMs))
  ;(child as ChildProcess | null)?.kill('SIGKILL')
  const { code, signal } = await running
  if (signal === null && code === 3) {
    // It stands before the gate of a person.
    const records = readJournal(runFolderOf(place))
    const kinds = payloads<Proof>(records, 'proof.made').map((proof) => proof.kind)
    if (!kinds.includes('Approval')) await approve(place)
  }
  return signal === null
}

describe('a walk without a terminal, killed with SIGKILL again and again', { timeout }, () => {
  it(`goes on after each of ${kills} kills: nothing runs twice, nothing is lost`, async () => {
    const random = seeded(seed)
    let place = makePlace({ groups: 4, epochs: 80 })
    let done = 0
    let kinds: string[] = []
    let finished = new Map<string, UnitExit>()
    while (done < kills) {
      const hasEnded = await killedWalk(place, 200 + Math.floor(random() * 9000), Math.floor(random() * 400))
      if (!hasEnded) done += 1
      if (runIds(place).length === 0) continue
      kinds = checkRun(place, kinds)
      const now = doneUnits(place)
      for (const [unit, exit] of finished) expect({ unit, exit: now.get(unit) }).toEqual({ unit, exit })
      finished = now
      if (!existsSync(join(runFolderOf(place), 'report.md')) || done >= kills) continue
      // The walk is through: the rest of the kills hits a new one.
      checkUnits(place)
      place = makePlace({ groups: 4, epochs: 80 })
      kinds = []
      finished = new Map()
    }
    // And once to the end, undisturbed.
    for (let rounds = 0; rounds < 3; rounds += 1) {
      const { exitCode, data, summary } = await kxJson(place, ['walk'])
      expect({ exitCode, summary }).toEqual({ exitCode: 3, summary })
      if (data.stoppedAt === 'teardown.remove') break
      expect(data.stoppedAt).toBe('cost.approve')
      await approve(place)
    }
    expect(runIds(place)).toHaveLength(1)
    checkRun(place, kinds)
    checkUnits(place)
    for (const [unit, exit] of finished) expect(doneUnits(place).get(unit)).toEqual(exit)
    expect(existsSync(join(runFolderOf(place), 'report.md'))).toBe(true)
  })

  it('the box itself killed: a relaunch runs only what has no exit record', async () => {
    const place = makePlace({ groups: 4, epochs: 200 })
    await passGates(place)
    await mustPass(place, ['launch'])
    await waitUntil(() => doneUnits(place).size >= 2, { timeoutMs: ACT_MS, what: 'two units to be done' })
    const box = boxFolderOf(place)
    killBox(box)
    const before = doneUnits(place)
    expect(existsSync(join(box, 'exit.json'))).toBe(false)
    const again = await kxJson(place, ['launch'])
    expect({ code: again.exitCode, summary: again.summary }).toEqual({ code: 0, summary: again.summary })
    await waitUntil(() => existsSync(join(box, 'exit.json')), {
      timeoutMs: 2 * ACT_MS,
      what: 'the second attempt to end',
    })
    const after = doneUnits(place)
    expect(after.size).toBe(place.units)
    for (const [unit, exit] of before) expect({ unit, exit: after.get(unit) }).toEqual({ unit, exit })
    expect((await kxJson(place, ['patrol'])).data).toMatchObject({ state: 'finished', unitsDone: place.units })
    readJournal(runFolderOf(place))
  })
})

// ── the workbench ───────────────────────────────────────────────────────────────────────────────────────────────────

function open(place: Place, args: readonly string[] = []): PtyApp {
  const app = startBuilt({ project: place.project, state: place.state, columns: 100, rows: 32, env: place.env, args })
  apps.push(app)
  return app
}

/** The screen without what may change by itself: ages, and the message line. */
function still(app: PtyApp): string[] {
  return app
    .screen()
    .map((row, at) =>
      at === 30 && !/^[:/]/.test(row) ? '' : row.replace(/just now|\d+ (s|min|h) ago/g, 'AGO').trimEnd(),
    )
    .map((row) => row.replace(/ {2,}/g, '  ').replace(/━+/g, '━'))
}

const wanders: readonly (readonly string[])[] = [
  ['1'],
  ['2'],
  ['3'],
  ['4'],
  ['5'],
  ['6'],
  ['7'],
  ['0'],
  ['g', 'x'],
  ['g', ','],
  ['j', 'j', 'j'],
  ['j'],
  ['k'],
  ['pagedown'],
  ['end'],
  ['tab'],
  ['shift+tab'],
  ['z'],
  ['enter'],
]
/** What is half done when the kill comes. */
const halves: readonly (readonly string[])[] = [
  [':', 'a', 'u', 'd', 'i', 't', ' ', '-', '-', 'o'],
  ['/', 'd', 'i', 's', 'k'],
  ['/', '!', 'p', 'a', 's', 's', 'enter'],
  ['ctrl+p', 's', 'm', 'o'],
  ['?', 'c', 'o', 'p', 'down'],
  [],
]

describe('the workbench, killed with SIGKILL', { timeout }, () => {
  it(`comes back ${kills} times on the same run, screen, row, scroll, filter and half-typed line`, async () => {
    const random = seeded(seed + 1)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const place = makePlace({ groups: 4 })
    await mustPass(place, ['plan'], ['audit'])
    for (let n = 0; n < kills; n += 1) {
      const app = open(place)
      await settledScreen(app, 300)
      // Whatever was left open is closed first, as a person would.
      app.press('ctrl+c', 'ctrl+c')
      const keys = [...Array.from({ length: 6 }, () => pick(wanders)).flat(), ...(halves[n % halves.length] ?? [])]
      for (const key of keys) app.press(key)
      await settledScreen(app, 400)
      const before = still(app)
      app.signal('SIGKILL')
      await app.exited
      const again = open(place)
      await again.waitForText('cpcv', ACT_MS)
      let after: string[] = []
      await waitUntil(
        async () => {
          await again.emulator.settled()
          after = still(again)
          return JSON.stringify(after) === JSON.stringify(before)
        },
        {
          timeoutMs: 15_000,
          what: `the same screen after ${keys.join(' ')} and a kill`,
          describe: () => `before:\n${before.join('\n')}\nafter:\n${after.join('\n')}`,
        },
      )
      again.press('ctrl+c', 'ctrl+c', 'q')
      await again.exited
      expect(again.exit).toEqual({ exitCode: 0, signal: 0 })
    }
    expect(runIds(place)).toHaveLength(1)
  })

  it('comes back on the screen that it was told to open, also when no key was pressed', async () => {
    const place = makePlace({ groups: 4 })
    const app = open(place, ['--screen', 'smoke'])
    await app.waitFor((rows) => rows[1]?.includes('3 Smoke]'), { timeoutMs: ACT_MS, what: 'the smoke screen' })
    await settledScreen(app, 300)
    app.signal('SIGKILL')
    await app.exited
    const again = open(place)
    await again.waitFor((rows) => rows[1]?.includes('3 Smoke]'), { timeoutMs: ACT_MS, what: 'the same after the kill' })
    again.press('q')
    await again.exited
  })

  it('in the middle of an act: the act is on record as unknown, can be done again, and launches once', async () => {
    const random = seeded(seed + 2)
    const place = makePlace({ groups: 4, epochs: 80 })
    await mustPass(place, ['plan'], ['audit'])
    /** Opens the workbench on a screen, begins its act, and kills it when the run has grown by a little. */
    const killIn = async (screen: string, mark: string, growth: number, moreMs: number) => {
      const app = open(place)
      await settledScreen(app, 300)
      app.press(screen)
      await app.waitFor((rows) => rows[1]?.includes(mark), { timeoutMs: ACT_MS, what: mark })
      const before = journalBytes(place)
      app.press('r')
      await waitUntil(() => journalBytes(place) >= before + growth, { timeoutMs: ACT_MS, what: `${mark} to begin` })
      await new Promise((resolve) => setTimeout(resolve, moreMs))
      app.signal('SIGKILL')
      await app.exited
      // The same screen again, and nothing claims to run that does not.
      const again = open(place)
      await again.waitFor((rows) => rows[1]?.includes(mark), { timeoutMs: ACT_MS, what: `${mark} after the kill` })
      await settledScreen(again, 300)
      expect(again.text()).not.toContain('Ctrl-C cancels')
      if (screen === '3')
        await again.waitFor((rows) => /interrupted.* its end was not seen/.test(rows.join('\n')), {
          timeoutMs: ACT_MS,
          what: 'what the kill left',
        })
      again.press('q')
      await again.exited
    }
    await killIn('3', '3 Smoke]', 300, Math.floor(random() * 1500))
    await mustPass(place, ['smoke'], ['cost'])
    const cells = payloads<{ state: string; cause: string | null }>(readJournal(runFolderOf(place)), 'cell.ended')
    expect(cells.map((cell) => cell.state)).toContain('unknown')
    await approve(place)
    await killIn('5', '5 Launch]', 1200, Math.floor(random() * 1200))
    // Whatever the kill left of the launch: one more word makes it whole, and a third one is refused.
    let records = readJournal(runFolderOf(place))
    const hasReceipt = () => payloads<Proof>(records, 'proof.made').some((proof) => proof.kind === 'Receipt')
    if (!hasReceipt()) expect(await kxJson(place, ['launch'])).toMatchObject({ exitCode: 0 })
    records = readJournal(runFolderOf(place))
    expect(hasReceipt()).toBe(true)
    await waitUntil(() => existsSync(join(boxFolderOf(place), 'exit.json')), { timeoutMs: ACT_MS, what: 'the end' })
    expect(boxEvents(place).filter((event) => event.event === 'run.started')).toHaveLength(1)
    checkUnits(place)
    const intents = payloads<IntentOpened>(records, 'intent.opened')
    const closed = new Set(payloads<IntentClosed>(records, 'intent.closed').map((intent) => intent.intentId))
    expect(intents.filter((intent) => !closed.has(intent.intentId))).toEqual([])
    expect((await kxJson(place, ['patrol'])).data).toMatchObject({ state: 'finished' })
    expect((await kxJson(place, ['launch'])).exitCode).not.toBe(0)
  })
})
