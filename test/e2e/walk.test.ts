import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  boxFolderOf,
  boxFolders,
  clearPlaces,
  kx,
  makePlace,
  type Place,
  payloads,
  readJournal,
  runFolderOf,
  runIds,
  unitNames,
} from './support.ts'

const tmux = await needsTmux()
const open: Tmux[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.kill()
  clearPlaces()
})

/** A shell that says in the pane how kx left it: tmux itself loses the status of a pane now and then. */
const underShell = ['sh', '-c', '"$@"; printf "kx left with %s\\n" "$?"; exec sleep 600', 'sh']

async function start(place: Place, columns: number, rows: number, ...args: string[]): Promise<Tmux> {
  const app = await Tmux.start({
    command: [...underShell, node, builtEntry(), '--project', place.project, ...args],
    cwd: place.project,
    env: place.env,
    columns,
    rows,
  })
  open.push(app)
  return app
}

const width = (row: string) => [...row].length

/** What no screen may ever show, and what every screen must. */
function checkFrame(rows: readonly string[], columns: number): void {
  const text = rows.join('\n')
  expect(text).not.toMatch(/undefined|\[object|NaN %|NaN s|-1 of/)
  expect(text).not.toContain('could not be drawn')
  expect({ widest: Math.max(...rows.map(width)) <= columns, text }).toEqual({ widest: true, text })
  expect(rows[0]).toMatch(/^kx cpcv/)
  expect(rows.at(-1)).toMatch(/\? help {2}q quit$/)
}

/** A frame is seen whole once its last row stands: a multiplexer may be looked at in the middle of one. */
const isWhole = (rows: readonly string[]) => /\? help {2}q quit$/.test(rows.at(-1) ?? '')

/** Presses a key and waits for the screen that it leads to. */
async function go(app: Tmux, key: string, mark: string): Promise<string[]> {
  await app.keys(key)
  return app.waitFor((rows) => rows[1]?.includes(mark), { what: `the rail to hold ${mark}`, timeoutMs: ACT_MS })
}

/** What the message says: all rows below the panes but the hints, as one line. */
function messageOf(rows: readonly string[]): string {
  const end = rows.findLastIndex((row) => /^[┗└+#]/.test(row))
  return rows
    .slice(end + 1, -1)
    .map((row) => row.trim())
    .join(' ')
}

/** Presses the key of an act and waits until its last words stand in the message. */
async function act(app: Tmux, key: string, words: RegExp): Promise<string[]> {
  await app.keys(key)
  const rows = await app.waitFor((seen) => words.test(messageOf(seen)) && isWhole(seen), {
    what: `${key} to end with ${words}`,
    timeoutMs: 2 * ACT_MS,
  })
  checkFrame(rows, app.size.columns)
  return rows
}

/** Looks at the pane, and lets the look press keys, until it is content. */
async function step(app: Tmux, look: (rows: string[]) => Promise<boolean>, what: string): Promise<string[]> {
  let rows: string[] = []
  await waitUntil(
    async () => {
      rows = await app.capture()
      return look(rows)
    },
    { timeoutMs: ACT_MS, what, describe: () => rows.join('\n') },
  )
  return rows
}

/** Tab until the pane has the keys. */
async function tabTo(app: Tmux, pane: string): Promise<string[]> {
  const titles: string[] = []
  const rows = await step(
    app,
    async (seen) => {
      const title = seen[3] ?? ''
      if (title.includes(`◆ ${pane}`)) return true
      // One press for each new title, so that none is passed unseen.
      if (!titles.includes(title)) {
        titles.push(title)
        await app.keys('Tab')
      }
      return false
    },
    `the pane ${pane}`,
  )
  checkFrame(rows, app.size.columns)
  return rows
}

describe.skipIf(tmux.skip)('all seven screens by keys, at 80x24', () => {
  it('from an empty project to the report, and the box folder gone', async () => {
    const place = makePlace({ groups: 4 })
    const app = await start(place, 80, 24)
    const home = await app.waitForText('no run yet', ACT_MS)
    checkFrame(home, 80)

    await go(app, '1', '[○ 1 Plan]')
    const plan = await act(app, 'r', /6 units.*nothing blocks/)
    expect(plan[1]).toContain('[✓ 1 Plan]')
    expect(plan[0]).toContain('not launched')
    await tabTo(app, 'The plan')
    expect((await tabTo(app, 'Units')).join('\n')).toContain('split-00-01')

    await go(app, '2', '[○ 2 Audit]')
    const audit = await act(app, 'r', /^audit of local: \d+ pass, 0 fail/)
    expect(audit[1]).toContain('[✓ 2 Audit]')
    expect(audit.join('\n')).toContain('The host answers')
    // Enter opens the row under the cursor: its gate stands below it.
    await app.keys('Enter')
    checkFrame(await app.waitForText('gate audit', ACT_MS), 80)

    await go(app, '3', '[○ 3 Smoke]')
    const smoke = await act(app, 'r', /^smoke of split-00-01: 1 unit/)
    expect(smoke[1]).toContain('[✓ 3 Smoke]')
    expect((await tabTo(app, 'Measured')).join('\n')).toContain('Kill and resume')

    await go(app, '4', '[○ 4 Cost]')
    await act(app, 'r', /p50.*p90.*\$0/)
    await app.keys('a')
    const question = await app.waitForText('Approve this run', ACT_MS)
    expect(question.join('\n')).toMatch(/cap \$0\.00/)
    // Keys typed before the question could be read do not count: pressed again until one does.
    await step(
      app,
      async (rows) => {
        if (rows.some((row) => row.includes('▸ yes'))) return true
        await app.keys('y')
        return false
      },
      'yes to be chosen',
    )
    const approved = await act(app, 'Enter', /approved at most 2 h and \$0/)
    expect(approved[1]).toContain('[✓ 4 Cost]')

    await go(app, '5', '[○ 5 Launch]')
    const launched = await act(app, 'r', /^Launched: 6 units on 2 workers/)
    expect(launched[1]).toContain('[✓ 5 Launch]')
    const box = boxFolderOf(place)

    await go(app, '6', '6 Patrol]')
    await app.waitForText('split-00-01', ACT_MS)
    const ended = await app.waitFor((rows) => rows[1]?.includes('[✓ 6 Patrol]'), {
      what: 'the run to finish',
      timeoutMs: 2 * ACT_MS,
    })
    checkFrame(ended, 80)
    expect(ended.join('\n')).toMatch(/finished.*6 of 6 done/)
    expect(unitNames(box)).toHaveLength(6)
    for (const pane of ['Log of', 'Findings', 'Split grid', 'Machine', 'Metrics']) await tabTo(app, pane)

    await go(app, '7', '[○ 7 Teardown]')
    await act(app, 'r', /verified 15 of 15/)
    await act(app, 'w', /report\.md: confirmed/)
    await app.keys('D')
    const remove = await app.waitForText('to go on, or cancel', ACT_MS)
    expect(remove.join('\n')).toMatch(/Removes .*Dies: .*Survives: 15 pulled files/s)
    expect(remove.join('\n')).not.toContain('more lines')
    const name = runIds(place)[0] ?? ''
    // A wrong name removes nothing. The field fills only once the question can be read.
    await typeWhole(app, 'not it')
    await app.keys('Enter')
    await app.waitForText('not the same', ACT_MS)
    expect(existsSync(box)).toBe(true)
    await app.keys('C-u')
    await typeWhole(app, name)
    const gone = await act(app, 'Enter', /removed/)
    expect(gone[0]).toContain('torn down')
    expect(gone[1]).toContain('[✓ 7 Teardown]')
    expect(existsSync(box)).toBe(false)
    expect(boxFolders(place)).toEqual([])

    await app.keys('0')
    const after = await app.waitFor((rows) => rows.some((row) => /cpcv.*torn down.*6\/6/.test(row)), {
      what: 'the home screen to show the run as torn down',
      timeoutMs: ACT_MS,
    })
    checkFrame(after, 80)
    expect(after[2]).toContain('no meter runs')

    const folder = runFolderOf(place)
    const report = readFileSync(join(folder, 'report.md'), 'utf8')
    expect(report).toMatch(/test_acc is 0\.9\d/)
    expect(report).toContain(name)
    expect(existsSync(join(folder, 'artifacts', 'metrics.json'))).toBe(true)
    const records = readJournal(folder)
    expect(payloads<{ kind: string }>(records, 'proof.made').map((proof) => proof.kind)).toEqual(
      expect.arrayContaining([
        'PlanDigest',
        'AuditReport',
        'SmokeProof',
        'PricedPlan',
        'Approval',
        'Receipt',
        'Outcome',
        'VerifiedManifest',
        'Permit',
        'MeterStopped',
      ]),
    )
    expect(payloads<{ state: string }>(records, 'cell.ended').map((cell) => cell.state)).not.toContain('unknown')

    await app.keys('q')
    const left = await app.waitForText('kx left with', ACT_MS)
    // The screen of before comes back, with nothing of the workbench on it.
    expect(left.filter((row) => row !== '')).toEqual(['kx left with 0'])
  })
})

/** Types into a question until all of it stands there: what came before it could be read was not taken. */
async function typeWhole(app: Tmux, text: string): Promise<void> {
  await app.type(text)
  await step(
    app,
    async (rows) => {
      const line = rows.find((row) => row.includes('› ')) ?? ''
      if (line.includes(`› ${text}`)) return true
      await app.keys('C-u')
      await app.type(text)
      return false
    },
    `${text} in the field`,
  )
}

describe.skipIf(tmux.skip)('every screen at every size', () => {
  let place: Place
  beforeAll(async () => {
    if (tmux.skip) return
  })

  const keys: readonly (readonly [readonly string[], string])[] = [
    [['1'], '1 Plan]'],
    [['2'], '2 Audit]'],
    [['3'], '3 Smoke]'],
    [['4'], '4 Cost]'],
    [['5'], '5 Launch]'],
    [['6'], '6 Patrol]'],
    [['7'], '7 Teardown]'],
    [['g', 'x'], 'Checklists'],
    [['g', 'f'], 'local'],
    [['g', 'r'], 'report'],
    [['g', 'n'], 'Check the plan'],
    [['g', ','], 'theme'],
    [['0'], 'Runs'],
  ]

  it.each([
    [120, 40, []],
    [200, 60, []],
    [80, 24, ['--ascii']],
    [60, 20, ['--no-color']],
  ] as const)('%ix%i %j', async (columns, rows, args) => {
    place = makePlace({ groups: 4 })
    expect((await kx(place, ['walk'])).code).toBe(3)
    const app = await start(place, columns, rows, ...args)
    await app.waitForText('cpcv', ACT_MS)
    for (const [press, mark] of keys) {
      await app.keys(...press)
      const seen = await app.waitFor((screen) => screen.some((row) => row.includes(mark)) && isWhole(screen), {
        what: `${press.join(' ')} to show ${mark}`,
        timeoutMs: ACT_MS,
      })
      checkFrame(seen, columns)
      if (args.some((arg) => arg === '--ascii')) expect(seen.join('\n').match(/[^\n\x20-\x7e]/g)).toBeNull()
    }
    if (args.some((arg) => arg === '--no-color')) {
      // Attributes such as bold may stand; a colour may not.
      expect((await app.captureStyled()).match(/\x1b\[[\d;]*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[\d;]*m/g)).toBeNull()
    }
  })
})
