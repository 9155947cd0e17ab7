import { describe, expect, it, vi } from 'vitest'
import type { PaneModel } from '../../../screens/workbench/model.ts'
import { fitted } from '../../../screens/workbench/pane-rows.ts'
import { arrange } from '../../../src/compare/arrange.ts'
import { arrangementOf, choiceOf } from '../../../src/compare/choice.ts'
import { digestOf } from '../../../src/compare/digest.ts'
import { poolOf } from '../../../src/compare/pool.ts'
import { scopeOf, shownOf, tableFor } from '../../../src/compare/table-view.ts'
import type { CompareView, SavedView } from '../../../src/compare/types.ts'
import { wantedBy } from '../../../src/compare/wanted.ts'
import { Columns } from '../../../src/reader/columns.ts'
import type { Workspace } from '../../../src/session/workspace.ts'
import { viewWith } from '../screens/compared.ts'
import { emptyShelves, makeStage } from './stage.ts'

const run = (name: string, settings: Readonly<Record<string, unknown>>, acc: number) => {
  const columns = new Columns()
  for (const [key, value] of Object.entries(settings)) columns.config([key], value)
  columns.point(columns.metric('acc'), 1, acc, 1)
  return { name, path: name, format: 'jsonl' as const, digest: digestOf(columns), reports: [], mtimeMs: 0 }
}
type Run = ReturnType<typeof run>

/** What the shelf would give the screen for these choices. */
function viewFor(all: readonly Run[], words: readonly string[], saved: readonly SavedView[]): CompareView {
  const choice = choiceOf(words)
  const pool = poolOf(all)
  const { isWanted } = wantedBy(choice)
  const found = arrange(
    all.filter((_, at) => isWanted(pool[at]?.subject)),
    arrangementOf(choice),
  )
  if ('why' in found) throw new Error(found.why)
  const { model } = found
  const table = tableFor(model, choice.grouping, choice.opened)
  const order = shownOf(model, table.all, choice)
  return viewWith([], {
    runs: model.runs,
    baseline: model.baseline,
    columns: table.columns,
    rows: table.rows,
    ...order,
    canGroup: model.groups.length < model.runs.length,
    pool,
    saved,
    scope: scopeOf(found, table.all, order.shown.length, choice, all.length),
  })
}

function stageWith(all: readonly Run[], saved: readonly SavedView[] = []) {
  const made = new Map<string, CompareView>()
  const workspace: Workspace = {
    ...({} as Workspace),
    project: 'demo',
    projectFolder: '/demo',
    run: () => null,
    plan: () => ({ status: 'none', file: 'kx.yaml' }),
    standings: () => ({ phases: {} as never, staleness: new Map() }),
    shelves: () => {
      const key = JSON.stringify(words())
      const compare = made.get(key) ?? viewFor(all, words(), saved)
      made.set(key, compare)
      return { ...emptyShelves, compare }
    },
    load: async () => {},
    refresh: async () => {},
    subscribe: () => () => {},
    close: () => {},
  }
  let words: () => readonly string[] = () => []
  const stage = makeStage({ workspace, ui: { screen: 'compare' }, size: { columns: 80, rows: 24 } })
  words = () => stage.controller.ui.panes['compare/#compare']?.open ?? []
  const pane = (id: string) => stage.controller.get().model.panes.find((each) => each.id === id) as PaneModel
  const table = (width = 78) => {
    const shown = fitted(pane('rows'), width)
    if (shown.kind !== 'table') throw new Error('the rows are a table')
    return shown
  }
  return {
    stage,
    words,
    press: stage.press,
    /** Titles of the columns beside the keys, at a width. */
    titles: (width?: number) =>
      table(width)
        .columns.slice(1)
        .map(({ title }) => title),
    note: () => (table().note as readonly string[])[0],
    /** A row as it stands in the table. */
    cells: (id: string) =>
      table().columns.map((column) => column.value(table().rows.find((row) => row.id === id) as never)),
    said: () => stage.controller.get().message?.text ?? '',
    /** Puts the cursor on a row. */
    async to(id: string) {
      await stage.press('g', 'g')
      for (let left = 60; left > 0 && stage.controller.ui.panes['compare/rows']?.rowId !== id; left--)
        await stage.press('j')
      expect(stage.controller.ui.panes['compare/rows']?.rowId).toBe(id)
    },
    why: () => {
      const shown = pane('detail')
      return shown.kind === 'text'
        ? shown.lines.map((line) => (typeof line === 'string' ? line : line.map((s) => s.text).join('')))
        : []
    },
  }
}

const sweep = [0.1, 0.4, 0.3, 0.2].map((lr, at) => run(`r${at}`, { lr, note: `the ${at} fox` }, 1 - lr))
const seeds = ['a', 'b'].flatMap((arm, at) =>
  Array.from({ length: 8 }, (_, seed) => run(`${arm}${seed}`, { arm, seed }, 0.5 + at / 4 + seed / 1000)),
)

describe('the table of the compare screen', () => {
  it('shows one column against the baseline at 80 columns, and turns to the others', async () => {
    const at = stageWith(sweep)
    expect(at.titles()).toEqual(['base: r0', '> r1'])
    expect(at.titles(160)).toEqual(['r0 (baseline)', '> r1', 'r2', 'r3'])
    expect(at.note()).toBe('4 runs, last, 2 more to the right: o, O')
    await at.press('o')
    expect(at.titles()).toEqual(['base: r0', '> r2'])
    await at.press('O', 'O')
    expect(at.titles()).toEqual(['base: r0', '> r3'])
    await at.press('b')
    expect(at.titles()).toEqual(['base: r3', '> r0'])
    await at.press('b')
    expect(at.titles()).toEqual(['base: r0', '> r3'])
  })

  it('sorts by the row under the cursor, the other way round, and not at all', async () => {
    const at = stageWith(sweep)
    await at.press('s')
    expect(at.said()).toContain('put the cursor on a metric or a setting')
    await at.to('metric acc')
    const order = () => at.titles(160).map((title) => title.replace(/^> | \(.*/g, ''))
    await at.press('s')
    expect(order()).toEqual(['r0', 'r3', 'r2', 'r1'])
    await at.press('s')
    expect(order()).toEqual(['r0', 'r1', 'r2', 'r3'])
    await at.to('config lr')
    await at.press('s')
    expect(order()).toEqual(['r0', 'r3', 'r2', 'r1'])
    await at.press('s', 's', 'S')
    expect(at.said()).toBe('columns by name')
  })

  it('pins a column, and shows columns by name', async () => {
    const at = stageWith(sweep)
    await at.press('o', 'f')
    expect(at.titles(160)).toEqual(['r0 (baseline)', 'r2', '> r1', 'r3'])
    expect(at.titles()).toEqual(['base: r0', '> r1'])
    await at.press('c', '"[03]$"', 'enter')
    expect(at.titles(160)).toEqual(['r0 (baseline)', 'r2', 'r3'])
    expect(at.note()).toContain('1 not named [03]$')
    await at.press('c')
    expect(at.said()).toBe('all columns again')
  })

  it('narrows to the best, says that it is luck in part, and shows all again', async () => {
    const at = stageWith(sweep)
    await at.to('metric acc')
    await at.press('B', 'enter', 'enter')
    expect(at.words()).toContain('top=3 acc')
    expect(at.said()).toContain('in part by luck')
    expect(at.titles(160)).toEqual(['r0 (baseline)', '> r3', 'r2'])
    expect(at.note()).toContain('3 of 4 runs (B: all)')
    await at.press('B')
    expect(at.note()).toContain('4 runs')
  })

  it('opens a group into its runs and closes it, and says the verdict first', async () => {
    const at = stageWith(seeds)
    expect(at.titles()).toEqual(['base: a0 +7 seeds', 'b0 +7 seeds'])
    expect(at.cells('metric acc')[2]).toMatch(/^0\.\d+ \+- 0\.\d+ better, best/)
    await at.to('metric acc')
    expect(at.why().slice(0, 2)).toEqual(['acc (more)', 'b0 +7 seeds: better'])
    await at.press('r')
    expect(at.titles(300).length).toBeGreaterThan(4)
    await at.press('r')
    expect(at.titles(300).length).toBe(2)
    await at.press('R')
    expect(at.note()).toBe('16 runs, last, 14 more to the right: o, O')
  })

  it('leaves a setting out and takes it back, and goes from difference to difference both ways', async () => {
    const at = stageWith(sweep)
    await at.to('config lr')
    await at.press('i')
    expect(at.words()).toContain('ignore=lr')
    expect(at.stage.text()).toMatch(/Ignored: 1 \(i: back\)/)
    await at.to('config lr')
    await at.press('i')
    expect(at.words()).not.toContain('ignore=lr')
    await at.press('g', 'g', 'n')
    expect(at.stage.controller.ui.panes['compare/rows']?.rowId).toBe('config lr')
    await at.press('N')
    expect(at.stage.controller.ui.panes['compare/rows']?.rowId).toBe('metric acc')
  })

  it('says what changed within a value by marks, not by colour', async () => {
    const at = stageWith(sweep)
    await at.to('config note')
    await at.press('w')
    expect(at.why().at(-1)).toBe('the [-0-]{+1+} fox')
    await at.press('w')
    expect(at.why().join()).not.toContain('{+')
  })
})

describe('the list of runs', () => {
  it('asks them by a query, points at what is wrong with it, and compares what is left', async () => {
    const at = stageWith(sweep)
    await at.press('p', '/', '"lr >= 0.2 and"')
    expect(at.stage.controller.ui.panes['compare/pool']?.filter).toBe('lr >= 0.2 and')
    const shown = at.stage.controller.get().model.panes[0]
    expect(shown?.kind === 'table' && shown.emptyFor?.('lr >= 0.2 and')).toBe(
      'character 14 of the query: something to ask for is missing at the end',
    )
    await at.press('" not r2"', 'enter', 'enter')
    expect(at.words()).toContain('where=lr >= 0.2 and not r2')
    expect(at.titles()).toEqual(['base: r1', 'r3'])
    expect(at.note()).toBe('2 of 4 runs (p: others), lr >= 0.2 and not r2, last')
  })

  it('takes those that were picked with the space bar', async () => {
    const at = stageWith(sweep)
    await at.press('space')
    expect(at.said()).toBe('p opens the list that runs are picked from')
    await at.press('p', 'j', 'space', 'j', 'j', 'space', 'enter')
    expect(at.titles()).toEqual(['base: r1', 'r3'])
    await at.press('p', 'ctrl+c')
    expect(at.titles()).toEqual(['base: r1', 'r3'])
  })
})

describe('saved views', () => {
  it('are listed and opened; one that is damaged is told and not opened', async () => {
    const whole = { name: 'low', words: ['where=lr < 0.25', 'sort=-name'], filter: '', problem: '' }
    const at = stageWith(sweep, [{ name: 'bad', words: [], filter: '', problem: 'it is damaged' }, whole])
    await at.press('C')
    expect(at.stage.text()).toMatch(/bad +not opened: it is damaged/)
    await at.press('enter')
    expect(at.said()).toBe('bad was not opened: it is damaged')
    await at.press('j', 'enter')
    expect(at.titles()).toEqual(['base: r0', 'r3'])
    await vi.waitFor(() => expect(at.said()).toBe('view low'))
  })
})
