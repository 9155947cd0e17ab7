import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openLines } from '../../../screens/workbench/open-table.tsx'
import { indexIn } from '../../../screens/workbench/ui-state.ts'

const table = (details: readonly (readonly string[])[]) => ({
  kind: 'table' as const,
  id: 'cells',
  title: 'Notebook',
  columns: [],
  rows: details.map((detail, i) => ({ id: `r${i}`, cells: [], detail })),
  empty: 'none',
})

describe('lines of a table with open rows', () => {
  it('are those that putting every row and its detail in a list gives (property)', () => {
    const shown = fc.array(fc.array(fc.constantFrom('a', 'b', 'a long line of many words'), { maxLength: 3 }), {
      maxLength: 12,
    })
    const opened = fc.uniqueArray(
      fc.nat(14).map((i) => `r${i}`),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(shown, opened, fc.nat(30), fc.nat(10), (details, openIds, from, count) => {
        const pane = table(details)
        const lines = openLines(pane, openIds, 100)
        const named = (each: ReturnType<typeof lines.slice>[number]) =>
          each.kind === 'row' ? each.row.id : `${each.key.split(' ')[0]}: ${each.text}`
        const expected = pane.rows.flatMap(({ id, detail }) => [
          id,
          ...(openIds.includes(id) ? detail.map((line) => `${id}: ${line}`) : []),
        ])
        expect(lines.count).toBe(expected.length)
        expect(lines.slice(from, from + count).map(named)).toEqual(expected.slice(from, from + count))
        expect(pane.rows.map((_, i) => lines.lineOf(i))).toEqual(pane.rows.map(({ id }) => expected.indexOf(id)))
      }),
    )
  })

  it('wraps a detail that is wider than the pane', () => {
    const lines = openLines(table([['one two three'], []]), ['r0'], 12)
    expect(lines.slice(0, lines.count).map((each) => (each.kind === 'row' ? each.row.id : each.text))).toEqual([
      'r0',
      'one two',
      '  three',
      'r1',
    ])
  })
})

describe('the cursor of a list', () => {
  it('stays with its row when rows come or go', () => {
    const at = { index: 1, rowId: 'b', top: 0, open: [], filter: '', isFollowing: true }
    expect(indexIn(at, ['a', 'b', 'c'])).toBe(1)
    expect(indexIn(at, ['x', 'y', 'a', 'b'])).toBe(3)
    expect(indexIn(at, ['b'])).toBe(0)
    expect(indexIn(at, ['x', 'y'])).toBe(1)
  })
})
