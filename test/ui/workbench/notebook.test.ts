import { describe, expect, it, vi } from 'vitest'
import type { CellHits } from '../../../src/commands/notebook-search.ts'
import type { CellRecord, RunState } from '../../../src/run/types.ts'
import { makeStage } from './stage.ts'

const cell = (n: number, more: Partial<CellRecord['started']> = {}, state: 'done' | 'failed' = 'done'): CellRecord =>
  ({
    startedAtMs: Date.UTC(2026, 10, 22, 0, n),
    started: {
      cellId: `cell-${n}`,
      name: 'audit.run',
      title: `Act ${n}`,
      phase: 'audit',
      args: {},
      who: 'ada',
      via: 'key',
      host: null,
      source: `audit.run {"n":${n}}`,
      ...more,
    },
    ended: { cellId: `cell-${n}`, state, durationMs: 1000, summary: `end ${n}`, proofId: null, redactions: 0 },
  }) as CellRecord

const cells = Array.from({ length: 30 }, (_, i) =>
  cell(
    i + 1,
    i === 4 ? { name: 'fleet.abort', args: { host: 'gpu-1', reason: 'too slow' } } : {},
    i === 9 ? 'failed' : 'done',
  ),
)
const run = {
  runId: 'r1',
  cells,
  bookmarks: ['cell-3'],
  proofs: [],
  latest: {},
  findings: [],
  meters: [],
  intents: [],
  warnings: [],
  createdAtMs: 0,
} as unknown as RunState

const stage = (more: Parameters<typeof makeStage>[0] = {}) =>
  makeStage({ run, ui: { screen: 'notebook' }, size: { columns: 100, rows: 30 }, ...more })
const cursor = (at: ReturnType<typeof makeStage>) => at.controller.ui.panes['notebook/cells']?.rowId ?? null

describe('the notebook', () => {
  it('lists the newest first and opens a cell in place, with what was asked for and printed', async () => {
    const openOutputs = new Map([['cell-30', { lines: ['printed here'], before: 7 }]])
    const at = stage({ shelves: { openOutputs } })
    expect(at.text().indexOf('Act 30')).toBeLessThan(at.text().indexOf('Act 29'))
    await at.press('j', 'k', 'enter')
    expect(at.controller.ui.panes['notebook/cells']?.open).toEqual(['cell-30'])
    const { model } = at.controller.get()
    const table = model.panes[0]
    const detail = table?.kind === 'table' ? table.rows[0]?.detail : []
    expect(detail).toEqual(expect.arrayContaining(['audit.run {"n":30}', '… 7 lines before', 'printed here']))
  })

  it('filters by words that mean something, and goes to the next error', async () => {
    const at = stage()
    await at.press('e')
    expect(cursor(at)).toBe('cell-10')
    await at.press('e')
    expect(cursor(at)).toBe('cell-10')
    await at.press('/', '"marked"', 'enter')
    await at.press('G')
    expect(cursor(at)).toBe('cell-3')
    // What the filter hides is shown again when something of it is gone to.
    await at.press('e')
    expect(at.controller.get().message?.text).toContain('no cell that is shown went wrong')
  })

  it('shows the arguments of then before an act is run again', async () => {
    const ran: unknown[] = []
    const at = stage({
      runs: {
        'fleet.abort': async (_env, args) => {
          ran.push(args)
          return { summary: 'stopped', exitCode: 0, data: null }
        },
      },
      run: {
        ...run,
        latest: { Receipt: { id: 'x' } },
        fleet: { hosts: ['gpu-1', 'gpu-2'], assignments: [], observations: {}, truths: {} },
      } as unknown as RunState,
    })
    for (let i = 0; i < 25; i += 1) await at.press('j')
    expect(cursor(at)).toBe('cell-5')
    await at.press('r')
    const { overlay } = at.controller.get()
    expect(overlay?.kind).toBe('form')
    expect(JSON.stringify(overlay)).toContain('too slow')
    expect(ran).toEqual([])
    await at.press('enter', 'enter')
    expect(ran).toEqual([{ host: 'gpu-1', reason: 'too slow' }])
  })

  it('draws what a search finds while it goes on, and Enter goes to the cell', async () => {
    const hits: CellHits = {
      kind: 'cell-hits',
      text: 'x',
      hits: [{ number: 7, cellId: 'cell-7', line: 3, text: 'x marks it' }],
    }
    let end = () => {}
    const at = stage({
      runs: {
        'cell.search': async (env) => {
          env.progress({ text: '', result: hits })
          await new Promise<void>((resolve) => {
            end = resolve
          })
          return { summary: '1 place', exitCode: 0, data: hits }
        },
      },
    })
    at.controller.runCommand(
      (await import('../../../src/commands/list/all.ts')).allCommands().get('go.notebook') as never,
      {},
      'key',
    )
    await at.press(':', '"cell.search x"', 'enter')
    expect(at.controller.get().model.panes.map(({ id }) => id)).toEqual(['cells', 'hits', 'output'])
    await at.press('tab', 'enter')
    expect(cursor(at)).toBe('cell-7')
    end()
    // The first ones cancel what still ends and clear what is said of it.
    await vi.waitFor(async () => {
      await at.press('esc')
      expect(at.controller.get().model.panes).toHaveLength(2)
    })
    expect(at.controller.get().model.panes.map(({ id }) => id)).toEqual(['cells', 'output'])
  })
})
