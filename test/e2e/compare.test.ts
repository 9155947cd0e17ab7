import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { node } from '../harness/apps.ts'
import { builtEntry, builtEnv } from '../harness/built.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { accuracy, type TrackedRun, writeTracked } from '../harness/tracked-runs.ts'
import { ACT_MS } from './support.ts'

const flat = (rows: readonly string[]) => rows.join(' ').replaceAll(/\s+/g, ' ')
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

/** A project that holds these runs, with state and settings of its own. */
function place(runs: readonly TrackedRun[]) {
  const root = mkdtempSync(join(tmpdir(), 'kx-e2e-compare-'))
  undo.push(() => rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  const project = join(root, 'project')
  mkdirSync(join(project, '.kx', 'runs'), { recursive: true })
  writeTracked(join(project, '.kx', 'runs'), runs)
  return { project, env: builtEnv(join(root, 'user'), { NODE_COMPILE_CACHE: join(tmpdir(), 'kx-e2e-compile') }) }
}

/** The workbench in a terminal, on the compare screen. */
async function play({ project, env }: ReturnType<typeof place>, columns: number, rows: number) {
  const app = await Tmux.start({
    command: [node, builtEntry(), '--project', project, '--screen', 'plan'],
    cwd: project,
    env,
    columns,
    rows,
  })
  undo.push(() => app.kill())
  const see = async (pattern: RegExp) =>
    flat(await app.waitFor((each) => pattern.test(flat(each)), { timeoutMs: ACT_MS, what: String(pattern) }))
  /** Keys that lead from what was seen to what is to be seen next. */
  const press = async (keys: readonly string[], pattern: RegExp) => {
    await app.keys(...keys)
    return see(pattern)
  }
  await see(/0 home/)
  await app.keys('g', 'd')
  return { app, see, press }
}

const seeds = Array.from({ length: 10 }, (_, at) => at)

describe.skipIf((await needsTmux()).skip)('runs side by side, in a terminal', () => {
  it('that differ in one learning rate: says which, and why one run each cannot tell', async () => {
    const { app, see, press } = await play(
      place([
        { name: 'slow', config: { lr: 0.001, depth: 4 }, curves: { 'val/acc': accuracy(0.7, 1) } },
        { name: 'fast', config: { lr: 0.01, depth: 4 }, curves: { 'val/acc': accuracy(0.8, 1) } },
      ]),
      80,
      24,
    )
    await see(/One change\? cannot tell: lr; no record of code, environment, data/)
    const first = await see(/Changed: 1 .*config lr .*Metrics: 1 .*val\/acc/)
    expect(first).toMatch(/Key .*base: fast .*slow .*config lr 0\.01 0\.001 .*val\/acc .*best .*cannot tell/)
    expect(first).not.toContain('depth')
    await press(['n'], /▸ config lr/)
    await press(['n'], /▸ val\/acc/)
    const why = await press(['Tab'], /one run each: cannot separate from seed noise/)
    expect(why).toMatch(/slow: cannot tell/)
    // With room for it the table, the curves and the reasons stand side by side.
    await app.resize(120, 40)
    const wide = await see(/over step [\s\S]*higher is better \(~ guessed/)
    expect(wide).toMatch(/One change\? cannot tell: lr; no record of code, environment, data/)
    await press(['BTab', 'd'], /config depth 4 4/)
  })

  it('in every view, each with its keys, in braille and in letters', async () => {
    const at = place([
      { name: 'slow', config: { lr: 0.001, depth: 4 }, curves: { loss: [3, 2, 1], 'val/acc': accuracy(0.7, 1) } },
      {
        name: 'fast',
        config: { lr: 0.1, depth: 4 },
        curves: { loss: [3, 1, Number.NaN], 'val/acc': accuracy(0.8, 1) },
      },
      { name: 'wide', config: { lr: 10, depth: 8 }, curves: { loss: [3, 2, 2], 'val/acc': accuracy(0.75, 1) } },
    ])
    const { see, press } = await play(at, 80, 24)
    await see(/3 runs, .*Metrics: 2/)
    expect(await press(['v'], /loss .*A fast 1 @1|loss .*A fast NaN @2/)).toMatch(/NaN\/inf .*A/)
    await press(['Left', 'Left'], /A fast 1 @1 /)
    await press(['t'], /loss, running mean 0\.9, raw behind/)
    await press(['u'], /over step, log/)
    await press(['v'], /neither fast nor slow has units, splits or folds on record/)
    await press(['v'], /settings .*~ lr = \[-0\.1-\]\{\+0\.001\+\}/)
    await press(['v'], /loss .*val\/acc .*A fast +B slow +C wide/)
    await press(['v'], /against depth .*Spearman's rho/)
    await press(['Right'], /against lr .*lr, log/)
    await press(['v'], /fast \(baseline\) +n 1, mean/)
    await press(['v'], /Settings and .*rank 1 of 3/)
    await press(['Right'], /rank 2 of 3/)
    await press(['V', 'V', 'V'], /loss .*val\/acc .*A fast +B slow +C wide/)
    // The same in figures, for whoever sees no picture.
    const words = ['--ascii', 'view', 'compare', '--view', 'scatter', '--metric', 'val/acc']
    const { stdout } = await promisify(execFile)(node, [builtEntry(), '--project', at.project, ...words], at)
    expect(stdout).toMatch(/val\/acc against depth[\s\S]*wide: depth 8, val\/acc 0\.7/)
  })

  it('with ten seeds each and nothing between them: claims nothing', async () => {
    const runs = ['a', 'b'].flatMap((arm) =>
      seeds.map(
        (seed): TrackedRun => ({
          name: `${arm}${seed}`,
          config: { arm, seed },
          curves: { 'val/acc': accuracy(0.7, seed + (arm === 'a' ? 0 : 100)) },
        }),
      ),
    )
    const { app, see, press } = await play(place(runs), 120, 40)
    const table = await see(/20 runs in 2 groups, last .*Metrics: 1/)
    // Twenty runs are two columns, with the verdict in the row.
    expect(table).toMatch(
      /Key .*base: a0 \+9 se\S* +b0 \+9 seeds .*val\/acc .* ± 0\.\d+ .* ± 0\.\d+ no clear difference/,
    )
    await press(['n'], /▸ config arm/)
    await press(['n'], /▸ seed seed/)
    const why = await press(['n'], /b0 \+9 seeds: no clear difference/)
    expect(why).toMatch(/10 against 10, paired/)
    expect(why).toMatch(/could show[│┃ ]*0\.0\d+/)
    /** That more is better is said of the metric; that a run is, is said nowhere. */
    const claims = (text: string) => text.replaceAll('is better', '').match(/\b(better|worse)\b/)
    expect(claims(why)).toBeNull()
    await app.resize(80, 24)
    await see(/\? help/)
    await press(['E'], /# 20 runs compared/)
    // Page by page, each seen before the next key: where it stands is in the frame (`1-17 of 73`).
    const standing = (page: string) => /(\d+-(\d+) of (\d+)) ┓/.exec(page)
    const pages = [await see(/\d+-\d+ of \d+ ┓/)]
    for (;;) {
      const [, here = '', last = '', all = ''] = standing(pages.at(-1) as string) ?? []
      if (last === all) break
      await app.keys('NPage')
      const moved = await app.waitFor((each) => (standing(flat(each))?.[1] ?? here) !== here, { timeoutMs: ACT_MS })
      pages.push(flat(moved))
    }
    expect(pages.length).toBeGreaterThan(2)
    expect(pages.join(' ')).toContain('no clear difference')
    expect(pages.map(claims)).toEqual(pages.map(() => null))
  })

  it('of a sweep of 120: narrowed to the best three, and written down', async () => {
    const runs = Array.from({ length: 120 }, (_, at): TrackedRun => {
      const lr = 0.001 * (at + 1)
      const points = accuracy(0.5 + (0.4 * ((at * 37) % 120)) / 120, at, 12)
      const name = `sweep-${String(at).padStart(3, '0')}`
      return { name, config: { lr, depth: 4 }, curves: { 'val/acc': points, loss: points.map((value) => 1 - value) } }
    })
    const best = runs
      .map(({ name, curves }) => ({ name, value: curves['val/acc']?.at(-1) ?? 0 }))
      .sort((a, b) => b.value - a.value)
      .slice(0, 3)
      .map(({ name }) => name)
    const at = place(runs)
    const { app, see, press } = await play(at, 80, 24)
    await see(/120 runs, .*Metrics: 2/)
    await app.keys('/')
    await app.type('acc')
    const filtered = await see(/filter acc .*▸ val\/acc/)
    expect(filtered).not.toContain('loss')
    await app.keys('Enter')
    await see(/▸ val\/acc .*\? help/)
    // The best three by the metric under the cursor, and how to come to the others again.
    await press(['B'], /count .*3/)
    await app.keys('Enter', 'Enter')
    const narrow = await see(/3 of 120 runs \(B: all\)/)
    expect(narrow).toContain(`base: ${best[0]}`)
    expect(narrow).toContain(`▸ ${best[1]}`)
    await press(['o'], new RegExp(`base: ${best[0]} +▸ ${best[2]}`))
    await press(['e'], /format/)
    await app.keys('Right')
    await see(/format\S* \[md\]/)
    await app.keys('Enter', 'Enter')
    await see(/written to \S*comparison\.md/)
    const written = readFileSync(join(at.project, 'comparison.md'), 'utf8')
    expect(written).toContain(`| metric | direction | ${best[0]} (baseline) | ${best[1]} | ${best[2]} |`)
    expect(written).toContain('the best 3 of 120 runs: the best of many are so in part by luck')
    // Other runs, by what is asked of them.
    await press(['p'], /Pick runs/)
    await app.keys('/')
    await app.type('lr > 0.1185')
    await see(/2 of 120/)
    await app.keys('Enter')
    await see(/Space mark/)
    await press(['Enter'], /2 of 120 runs \(p: others\)/)
    await press([':'], /:/)
    await app.type('compare.runs --metrics ^val/ --top 3 --by val/acc')
    const shown = await press(['Enter'], /# 3 runs compared/)
    expect(shown).toContain(`${best[0]} (baseline) | ${best[1]} |`)
    // The same from the command line, into a file.
    const words = ['compare', '--metrics', '^val/', '--top', '3', '--by', 'val/acc', '--md']
    const { stdout } = await promisify(execFile)(node, [builtEntry(), '--project', at.project, ...words], at)
    expect(stdout).toContain(`| metric | direction | ${best[0]} (baseline) | ${best[1]} | ${best[2]} |`)
    expect(stdout).not.toContain('loss')
    expect(stdout).toMatch(/\| config \| lr \|/)
    expect(stdout).toContain('the best 3 of 120 runs: the best of many are so in part by luck')
  })
})
