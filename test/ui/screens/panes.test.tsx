import { describe, expect, it } from 'vitest'
import { pendingLine } from '../../../screens/workbench/footer.tsx'
import { placeGrid } from '../../../screens/workbench/grid.tsx'
import { scrollLog } from '../../../screens/workbench/logs.ts'
import { type PaneModel, textOf } from '../../../screens/workbench/model.ts'
import { screenLines } from '../../../screens/workbench/plain.ts'
import { freshPane, type PaneState } from '../../../screens/workbench/ui-state.ts'
import { screenIds } from '../../../src/commands/types.ts'
import { makeLogBuffer } from '../../../src/text/log-buffer.ts'
import { unicodeGlyphs } from '../../../src/ui/glyphs.ts'
import { textWidth } from '../../../src/ui/index.ts'
import { wrappedTable } from '../../../src/ui/wrapped-table.ts'
import { waitUntil } from '../../harness/wait.ts'
import { makeStage } from '../workbench/stage.ts'
import { draw, mount, themes } from './draw.tsx'
import { nowMs, sceneAt } from './fixture.ts'

type LogPane = Extract<PaneModel, { kind: 'log' }>

function logPane(lines: number, limit = 10_000): { pane: LogPane; append: (from: number, to: number) => void } {
  const buffer = makeLogBuffer({ lines: limit, characters: 1_000_000, lineCharacters: 100 })
  const append = (from: number, to: number) => {
    for (let i = from; i < to; i++) buffer.append(`line ${i}\n`)
  }
  append(0, lines)
  const pane: LogPane = {
    kind: 'log',
    id: 'log',
    title: 'Log',
    log: { buffer, version: 0, pending: '', skippedBytes: 0 },
    empty: 'nothing',
  }
  return { pane, append }
}

describe('an act that was cut off', () => {
  it('is named on the screen of its phase, with what to do', async () => {
    const scene = await sceneAt('planned')
    const [cell] = scene.run?.cells ?? []
    if (scene.run === null || cell === undefined) throw new Error('the scene has a run with a cell')
    const begun = { ...cell, started: { ...cell.started, name: 'smoke.run', phase: 'smoke' }, ended: null }
    const cut = {
      ...scene,
      run: { ...scene.run, cells: [...scene.run.cells, { ...begun, startedAtMs: nowMs - 120_000 }] },
    }
    const summary = (of: typeof scene) => draw({ scene: of, screen: 'smoke', columns: 120, rows: 30 }).join('\n')
    expect(summary(cut)).toContain('interrupted – begun 2 min ago, its end was not seen')
    expect(summary(cut)).toContain('r runs it again')
    expect(summary(scene)).not.toContain('interrupted')
  })
})

describe('the keys that are shown', () => {
  it('are whole on every screen and at every width', async () => {
    const scene = await sceneAt('running')
    for (const screen of screenIds)
      for (const columns of [60, 80, 100, 120]) {
        const hints = draw({ scene, screen, columns, rows: 24 }).at(-1) ?? ''
        expect(hints.trimEnd(), `${screen} at ${columns}`).toMatch(/\? help {2}q quit$/)
      }
  })

  it('of a chord that is open are whole too, and the rest is named', async () => {
    for (const columns of [80, 200]) {
      const stage = makeStage({ size: { columns, rows: 24 } })
      await stage.press('g')
      const { pending } = stage.controller.get()
      const line = textOf(pendingLine(pending ?? { typed: '', next: [] }, columns))
      expect(textWidth(line)).toBeLessThanOrEqual(columns)
      expect(line).toMatch(/x Checklists/)
      expect(line).toMatch(columns === 80 ? /\? lists all$/ : /Teardown/)
      await stage.press('?')
      expect(stage.controller.get().overlay?.kind).toBe('list')
    }
  })
})

describe('the two lines at the top', () => {
  const top = (scene: Awaited<ReturnType<typeof sceneAt>>) =>
    draw({ scene, screen: 'plan', columns: 100, rows: 24, theme: themes.ascii }).slice(0, 2)

  it('name how far a run is as the home screen does', async () => {
    expect(top(await sceneAt('planned'))[0]).toContain('planned, not launched')
  })

  it('mark no phase before the files were read', async () => {
    const scene = await sceneAt('smoked')
    const unknown = { state: 'unknown', why: 'The project is being read.' } as const
    const standings = { ...scene.standings, phases: { ...scene.standings.phases, plan: unknown, audit: unknown } }
    const reading = { ...scene, plan: { status: 'loading' }, standings } as const
    expect(top(reading)[1]).not.toContain('?')
    expect(top({ ...scene, standings })[1]).toContain('?')
  })
})

describe('counts', () => {
  it('are of the rows that a filter left', async () => {
    const scene = await sceneAt('running')
    const count = scene.shelves.home?.runs.filter((r) => !r.isArchived).length ?? 0
    const panes = { 'home/runs': { ...freshPane, filter: 'torn' } }
    const text = draw({ scene, screen: 'home', columns: 120, rows: 30, ui: { panes } }).join('\n')
    expect(text).toMatch(new RegExp(`Runs, filter torn .* \\d+ of ${count} `))
  })

  it('stand in no brackets where there are none', async () => {
    const { model, input } = mount({
      scene: await sceneAt('planned'),
      screen: 'patrol',
      columns: 100,
      rows: 30,
    }).snapshot
    expect(screenLines(model, input, 100, unicodeGlyphs).join('\n')).not.toContain('()')
  })
})

describe('the line under the rail', () => {
  const row = (scene: Awaited<ReturnType<typeof sceneAt>>, screen: 'plan' | 'smoke') =>
    draw({ scene, screen, columns: 100, rows: 30 })[2] ?? ''

  it('says a state once', async () => {
    const scene = await sceneAt('plan-changed')
    expect(row(scene, 'plan')).toMatch(/stale – the code has changed since/)
    expect(row(scene, 'plan')).not.toContain('Stale')
  })

  it('names file and line of a plan that cannot be read, before anything is checked', async () => {
    const scene = await sceneAt('bad-plan')
    expect(row(scene, 'plan')).toContain('kx.yaml:4:3 metrics[0].direction')
    const { run, standings } = await sceneAt('smoked')
    const smoke = {
      state: 'unknown',
      why: 'The project cannot be read, so it is unknown whether this still holds.',
    } as const
    const cut = { ...scene, run, standings: { ...standings, phases: { ...standings.phases, smoke } } }
    expect(row(cut, 'smoke')).toContain('unknown – kx.yaml:4:3 metrics[0].direction')
  })
})

describe('a log pane', () => {
  it('stops following when it is moved up, and follows again at the end', () => {
    const { pane } = logPane(100)
    const up = { ...freshPane, ...scrollLog(pane, freshPane, -1, 'by', 10) }
    expect(up).toMatchObject({ top: 89, isFollowing: false })
    expect(scrollLog(pane, up, 1, 'by', 10)).toMatchObject({ isFollowing: true })
    expect(scrollLog(pane, up, 0, 'to', 10)).toEqual({ top: 0, isFollowing: false })
    expect(scrollLog(pane, up, Number.MAX_SAFE_INTEGER, 'to', 10)).toMatchObject({ isFollowing: true })
  })

  it('keeps the line at its top while lines come in and old ones are dropped', () => {
    const { pane, append } = logPane(100, 100)
    const paused: PaneState = { ...freshPane, ...scrollLog(pane, freshPane, -20, 'by', 10) }
    append(100, 130)
    expect(scrollLog(pane, paused, 1, 'by', 10)).toEqual({ top: 71, isFollowing: false })
  })

  it('moves among the lines that pass its filter', () => {
    const { pane } = logPane(100)
    const filtered = { ...pane, filter: '/5$/' }
    expect(scrollLog(filtered, freshPane, -3, 'by', 4)).toEqual({ top: 35, isFollowing: false })
  })

  it('says how it is looked at, what was dropped, and shows the line that is not ended', async () => {
    const scene = await sceneAt('failed')
    const lines = draw({
      scene,
      screen: 'patrol',
      columns: 120,
      rows: 24,
      ui: { focus: { patrol: 'log' }, isZoomed: true },
    })
    expect(lines[3]).toContain('following, 7,651 lines, 143 KiB skipped')
    expect(lines.join('\n')).toContain('epoch 41/300 …')
    const paused = { ...freshPane, isFollowing: false, top: 6000, filter: '/ 11\\d\\d5/' }
    const ui = { focus: { patrol: 'log' }, isZoomed: true, panes: { 'patrol/log': paused } }
    const filtered = draw({ scene, screen: 'patrol', columns: 160, rows: 24, ui })
    expect(filtered[3]).toContain('filter / 11\\d\\d5/')
    expect(filtered[3]).toMatch(/paused, 100 of 7,651 lines matching .*, 143 KiB skipped, G follows/)
    expect(filtered[4]).toContain('epoch 11005/300')
    expect(filtered.join('\n')).not.toContain('epoch 41/300')
  })

  it('is the newest lines in the plain form, with their number', async () => {
    const { snapshot, unmount } = mount({ scene: await sceneAt('failed'), screen: 'patrol', columns: 80, rows: 24 })
    unmount()
    const lines = screenLines(snapshot.model, snapshot.input, 80, unicodeGlyphs)
    expect(lines).toContain('the newest 200 of 7652 lines:')
    expect(lines.filter((l) => l.startsWith('epoch ')).length).toBe(200)
  })
})

describe('small tables', () => {
  it('stand in a box where every cell fits whole', async () => {
    const drawn = mount({ scene: await sceneAt('approved'), screen: 'cost', columns: 200, rows: 60 })
    await waitUntil(() => drawn.lines().some((l) => l.includes('││ remove box folder │ nothing; it frees disk space')))
    const lines = drawn.lines()
    drawn.unmount()
    expect(lines.some((l) => l.includes('checkpoints, logs and everything that was not pulled │ no'))).toBe(true)
    expect(lines.some((l) => l.includes('├───'))).toBe(true)
  })

  it('are wrapped elsewhere, with no word left out', async () => {
    const scene = await sceneAt('approved')
    for (const columns of [80, 120]) {
      const ui = { focus: { cost: 'meters' } }
      const text = draw({ scene, screen: 'cost', columns, rows: 40, ui }).join(' ')
      for (const word of "run's folder under tier checkpoints everything pulled frees because undone".split(' '))
        expect(text).toContain(word)
    }
  })

  it('give long cells more of the width and cut no word that fits', () => {
    const cells = [
      ['a', 'short', 'x '.repeat(100).trim()],
      ['b', 'y '.repeat(20).trim(), 'z'],
    ]
    for (const width of [20, 40, 78, 300]) {
      const rows = wrappedTable(cells, width).flat()
      for (const row of rows) expect(textWidth(row)).toBeLessThanOrEqual(width)
      if (width >= 40) expect(rows.join(' ').match(/x/g)).toHaveLength(100)
    }
  })
})

describe('artifacts', () => {
  const pane = (lines: readonly string[]) => lines.filter((l) => /result\.json|metrics\.jsonl/.test(l)).join('\n')

  it('are listed by pattern with what was declared, found, verified and is missing, and their size', async () => {
    const scene = await sceneAt('verified')
    for (const [columns, rows] of [
      [80, 24],
      [120, 40],
    ] as const) {
      const lines = draw({ scene, screen: 'teardown', columns, rows, ui: { focus: { teardown: 'artifacts' } } })
      expect(pane(lines)).toMatch(/units\/\*\/result\.json .*45 +45 +45 +0/)
      if (columns === 80) expect(pane(lines)).toContain('835 KiB')
    }
  })

  it('are listed as the plan declares them before anything was looked for', async () => {
    const lines = draw({
      scene: await sceneAt('finished'),
      screen: 'teardown',
      columns: 80,
      rows: 24,
      ui: { focus: { teardown: 'artifacts' } },
    })
    expect(pane(lines)).toMatch(/units\/\*\/result\.json .*45 +\? +\? +\?/)
    expect(lines[3]).toContain('not looked for yet')
  })

  it('name what is missing in the plain form', async () => {
    const scene = await sceneAt('verified')
    const { run } = scene
    const proof = run?.latest.VerifiedManifest
    if (run === null || proof === undefined) throw new Error('no manifest')
    const glob = 'units/*/result.json'
    const payload = {
      ...(proof.payload as object),
      accepted: 92,
      missing: ['units/split-00-01/result.json'],
      patterns: [{ glob, kind: 'json', minimumBytes: 1, declared: 45, found: 44, verified: 44, missing: 1, bytes: 9 }],
    }
    const latest = { ...run.latest, VerifiedManifest: { ...proof, payload } }
    const broken = { ...scene, run: { ...run, latest } }
    const { snapshot, unmount } = mount({ scene: broken, screen: 'teardown', columns: 80, rows: 24 })
    unmount()
    const text = screenLines(snapshot.model, snapshot.input, 80, unicodeGlyphs).join('\n')
    expect(text).toContain('missing: units/split-00-01/result.json')
  })
})

describe('a checklist of a person', () => {
  it('shows the task under the cursor whole where its row is cut, and what kx saw of it', async () => {
    const scene = await sceneAt('smoked')
    const text = 'It is written down what the run is for, how much data is expected, and how its success is measured'
    const tasks = [text, 'Short'].map((t, i) => ({
      ...{ line: i + 1, depth: 0, isTicked: false, text: t, id: null },
      checks: i === 0 ? ['audit.nowhere'] : [],
    }))
    const checklists = [{ file: 'a.md', title: 'A', tasks, problem: null }]
    const shelves = { ...scene.shelves, checklists }
    const at = (columns: number, rows: number) =>
      draw({ scene: { ...scene, shelves }, screen: 'checklists', columns, rows }).join('\n')
    expect(
      at(80, 24)
        .replace(/[^\x20-\x7e]+/g, ' ')
        .replace(/\s+/g, ' '),
    ).toContain(text)
    expect(at(80, 24)).toContain('audit.nowhere: not checked in this run')
  })
})

describe('the lease of a meter', () => {
  it.each([
    [15 * 60_000, 'lease ends in 15 min'],
    [59 * 60_000, 'lease ends in 59 min'],
    [110 * 60_000, 'lease ends in 1 h'],
    [-1000, 'lease over'],
  ])('%i ms ahead reads %s', async (leftMs, expected) => {
    const scene = await sceneAt('running')
    const { home } = scene.shelves
    const [meter] = home?.meters ?? []
    if (home === null || meter === undefined) throw new Error('no meter')
    const meters = [{ ...meter, leaseUntilMs: nowMs + leftMs }]
    const shelves = { ...scene.shelves, home: { ...home, meters } }
    const text = draw({ scene: { ...scene, shelves }, screen: 'home', columns: 120, rows: 40 }).join('\n')
    expect(text).toContain(`${expected} `)
  })
})

describe('what kx saw beside the box of a person', () => {
  it.each([
    [['pass'], '1/1 pass'],
    [['pass', 'pass'], '2/2 pass'],
    [['pass', 'not-applicable'], '1/2 pass'],
    [['pass', null], '1/2 pass'],
    [['not-applicable'], 'n/a'],
    [['not-applicable', 'not-applicable'], 'n/a'],
    [['pass', 'unknown'], 'unknown'],
    [['pass', 'unknown', 'fail'], 'fail'],
  ] as const)('%j reads %s', async (results, expected) => {
    const scene = await sceneAt('smoked')
    const { run } = scene
    const proof = run?.latest.PlanDigest
    const [item] = proof?.items ?? []
    if (run === null || run === undefined || proof === undefined || item === undefined) throw new Error('no plan proof')
    const items = results.flatMap((result, i) => (result === null ? [] : [{ ...item, id: `x.${i}`, result }]))
    const tasks = [
      { line: 1, depth: 0, isTicked: false, text: 'Task', id: null, checks: results.map((_, i) => `x.${i}`) },
    ]
    const shelves = { ...scene.shelves, checklists: [{ file: 'a.md', title: 'A', tasks, problem: null }] }
    const latest = { ...run.latest, PlanDigest: { ...proof, items } }
    const text = draw({
      scene: { ...scene, run: { ...run, latest }, shelves },
      screen: 'checklists',
      columns: 80,
      rows: 24,
    })
    expect(text.join('\n')).toMatch(new RegExp(`\\[ \\] +Task +${expected} `))
  })
})

describe('settings', () => {
  it('say what is not set in words', async () => {
    const scene = await sceneAt('running')
    const config = [{ key: 'editor', value: 'null', origin: 'built-in' }]
    const shelves = { ...scene.shelves, config }
    const text = draw({ scene: { ...scene, shelves }, screen: 'config', columns: 80, rows: 24 }).join('\n')
    expect(text).toMatch(/editor +not set +built-in/)
    expect(text).not.toContain('null')
  })
})

describe('reports', () => {
  it('have their tables laid out and no marks of Markdown', async () => {
    const text = draw({ scene: await sceneAt('verified'), screen: 'report', columns: 80, rows: 24 }).join('\n')
    expect(text).toMatch(/metric {14}better {2}mean/)
    expect(text).not.toMatch(/\|---|\*\*|^# /m)
    expect(text).toContain('w writes it again')
  })
})

describe('the home screen', () => {
  it('says torn down, counts open findings, and hides what is archived', async () => {
    const scene = await sceneAt('running')
    const { home } = scene.shelves
    if (home === null) throw new Error('no home')
    const runs = home.runs.map((r, i) => (i === 6 ? { ...r, isArchived: true } : r))
    const lines = draw({
      scene: { ...scene, shelves: { ...scene.shelves, home: { ...home, runs } } },
      screen: 'home',
      columns: 120,
      rows: 40,
    })
    const text = lines.join('\n')
    expect(text).toMatch(/project-2 .*torn down/)
    expect(text).toMatch(/project-4 .*dead .* 3 !/)
    expect(text).not.toContain('project-6')
    const calm = { ...home, runs: runs.map((r) => ({ ...r, openFindings: 0 })) }
    const without = draw({
      scene: { ...scene, shelves: { ...scene.shelves, home: calm } },
      screen: 'home',
      columns: 120,
      rows: 40,
    })
    expect(without.join('\n')).not.toContain('findings')
  })

  it('says why the run under the cursor is unknown', async () => {
    const scene = await sceneAt('running')
    const id = scene.shelves.home?.runs.find((r) => r.state === 'unknown')?.runId ?? ''
    const at = (rowId: string) =>
      draw({ scene, screen: 'home', columns: 80, rows: 24, ui: { panes: { 'home/runs': { ...freshPane, rowId } } } })[2]
    expect(at(id)).toContain(`${id.slice(0, 13)} is unknown: Not looked at for 85 min.`)
    expect(at(scene.run?.runId ?? '')).not.toContain('Not looked at')
  })
})

describe('a grid', () => {
  it('has rows of whole tens where there is room, and never leaves its columns', () => {
    for (let columns = 4; columns < 220; columns += 3)
      for (const count of [1, 45, 5000]) {
        const { label, cellWidth, perRow, group } = placeGrid(count, 2, columns)
        const gaps = Number.isFinite(group) ? perRow / group - 1 : 0
        if (columns >= label + cellWidth) expect(label + perRow * cellWidth + gaps).toBeLessThanOrEqual(columns + 1)
        if (Number.isFinite(group)) expect(perRow % 10).toBe(0)
      }
  })
})
