import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chromeFor, placePanes } from '../../../screens/workbench/layout.ts'
import type { ScreenModel } from '../../../screens/workbench/model.ts'
import { readUiState } from '../../../screens/workbench/remembered.ts'
import { freshUi, indexIn, paneOf, reduceUi, topFor } from '../../../screens/workbench/ui-state.ts'

const pane = (id: string) => ({ kind: 'text' as const, id, title: id, lines: [] })
const model: ScreenModel = {
  id: 'plan',
  title: 'Plan',
  summary: '',
  panes: ['a', 'b', 'c', 'd'].map(pane),
  columns: [
    {
      weight: 2,
      panes: [
        { id: 'a', weight: 3 },
        { id: 'b', weight: 1 },
      ],
    },
    { weight: 1, panes: [{ id: 'c', weight: 1 }] },
  ],
}

describe('panes', () => {
  it('never overlap and never leave the screen, at any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 120 }),
        fc.constantFrom('a', 'b', 'c', 'd'),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (columns, rows, focus, isZoomed, isLive, hasBottom) => {
          const area = chromeFor(columns, rows, isLive).panes
          const bottom = { id: 'd', weight: 1, columnsWeight: 3 }
          const placed = placePanes(hasBottom ? { ...model, bottom } : model, focus, isZoomed, area)
          expect(placed.map((p) => p.id)).toContain(focus)
          const cells = new Set<string>()
          for (const p of placed) {
            expect(p.x + p.width).toBeLessThanOrEqual(columns)
            expect(p.y + p.height).toBeLessThanOrEqual(area.y + area.height)
            for (const [x, y] of [
              [p.x, p.y],
              [p.x + p.width - 1, p.y + p.height - 1],
            ] as const) {
              if (p.width < 1 || p.height < 1) continue
              expect(cells.has(`${x},${y}`) && p.width > 1 && p.height > 1).toBe(false)
              cells.add(`${x},${y}`)
            }
          }
        },
      ),
    )
  })
  it('stand below the columns over the whole width where the model says so', () => {
    const area = chromeFor(120, 40, false).panes
    const placed = placePanes({ ...model, bottom: { id: 'd', weight: 1, columnsWeight: 4 } }, 'a', false, area)
    expect(placed.at(-1)).toEqual({ id: 'd', x: 0, y: 31, width: 120, height: 7 })
    expect(Math.max(...placed.slice(0, -1).map((p) => p.y + p.height))).toBe(31)
  })
  it('stand alone at 80x24 and when zoomed', () => {
    const area = chromeFor(80, 24, false).panes
    expect(area.height).toBe(19)
    expect(placePanes(model, 'b', false, area)).toEqual([{ id: 'b', ...area }])
    expect(placePanes(model, 'c', true, { ...area, width: 200 })).toHaveLength(1)
  })
})

describe('state', () => {
  it('keeps the cursor visible and the window inside the rows', () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.nat(500),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 500 }),
        (index, top, height, count) => {
          const at = Math.min(index, count - 1)
          const next = topFor(at, top, height, count)
          expect(at).toBeGreaterThanOrEqual(next)
          expect(at).toBeLessThan(next + height)
          expect(next).toBeLessThanOrEqual(Math.max(0, count - height))
        },
      ),
    )
  })
  it('finds its row again among other rows', () => {
    const moved = reduceUi(freshUi, { type: 'move', pane: 'x', to: 2, rowIds: ['a', 'b', 'c'], height: 10 })
    expect(indexIn(paneOf(moved, 'x'), ['new', 'a', 'b', 'c'])).toBe(3)
    expect(indexIn(paneOf(moved, 'x'), ['a'])).toBe(0)
  })
  it('survives a round trip through the session file, and anything else that stands there', () => {
    const state = reduceUi(reduceUi(freshUi, { type: 'go', screen: 'smoke' }), {
      type: 'filter',
      pane: 'items',
      filter: '!pass',
    })
    expect(readUiState(JSON.parse(JSON.stringify(state)))).toEqual(state)
    fc.assert(fc.property(fc.anything(), (value) => void readUiState(value)))
    expect(readUiState({ screen: 'nowhere' })).toBeNull()
    expect(
      readUiState({ screen: 'plan', panes: { 'plan/x': 7 }, back: [1, 'audit'], prompt: { kind: 'evil' } }),
    ).toMatchObject({ screen: 'plan', back: ['audit'], prompt: null })
  })
})
