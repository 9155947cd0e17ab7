import { render } from 'ink-testing-library'
import { describe, expect, it, vi } from 'vitest'
import {
  type Column,
  makeTheme,
  StaticTable,
  Table,
  ThemeProvider,
  tableLines,
  textWidth,
} from '../../../src/ui/index.ts'
import { placeColumns } from '../../../src/ui/table-model.ts'

interface Unit {
  readonly id: string
  readonly seconds: number
}
const unicode = makeTheme({ name: 'mono', colorDepth: 1, isUnicode: true })
const ascii = makeTheme({ name: 'mono', colorDepth: 1, isUnicode: false })
const many: Unit[] = Array.from({ length: 5000 }, (_, i) => ({ id: `unit-${i}`, seconds: i }))
const columns: Column<Unit>[] = [
  { id: 'id', title: 'Unit', value: (u) => u.id },
  { id: 'seconds', title: 'Seconds', value: (u) => String(u.seconds), width: 9, align: 'right' },
]

describe('virtual table', () => {
  it('formats and mounts only the rows on screen', () => {
    const value = vi.fn((u: Unit) => u.id)
    const { lastFrame } = render(
      <ThemeProvider theme={unicode}>
        <Table
          columns={[{ id: 'id', title: 'Unit', value }]}
          rows={many}
          rowKey={(u) => u.id}
          width={40}
          height={11}
          cursor={2500}
        />
      </ThemeProvider>,
    )
    expect(value.mock.calls.length).toBeLessThanOrEqual(20)
    const lines = (lastFrame() ?? '').split('\n')
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toMatch(/▸ unit-2500/)
  })

  it('marks the sorted column and the row of the cursor, in ASCII too', () => {
    const { lastFrame } = render(
      <ThemeProvider theme={ascii}>
        <Table
          columns={columns}
          rows={many.slice(0, 3)}
          rowKey={(u) => u.id}
          width={40}
          height={5}
          cursor={1}
          sort={{ columnId: 'seconds', direction: 'down' }}
        />
      </ThemeProvider>,
    )
    const frame = lastFrame() ?? ''
    expect(frame).toContain('Seconds v')
    expect(frame).toContain('> unit-1')
    expect(frame).not.toMatch(/[^\x20-\x7e\n\x1b]/)
  })

  it('says that there is nothing', () => {
    const { lastFrame } = render(
      <Table columns={columns} rows={[]} rowKey={(u) => u.id} width={30} height={4} empty="no units yet" />,
    )
    expect(lastFrame()).toContain('no units yet')
  })

  it('drops columns in their order when there is no room', () => {
    const wide: Column<Unit>[] = [
      { id: 'a', title: 'A', value: (u) => u.id, width: 10 },
      { id: 'b', title: 'B', value: (u) => u.id, width: 10, dropOrder: 1 },
      { id: 'c', title: 'C', value: (u) => u.id, width: 10, dropOrder: 2 },
    ]
    const ids = (width: number) => placeColumns(wide, width).map((p) => p.column.id)
    expect(ids(40)).toEqual(['a', 'b', 'c'])
    expect(ids(30)).toEqual(['a', 'b'])
    expect(ids(12)).toEqual(['a'])
    expect(ids(5)).toEqual(['a'])
  })

  it('prints all rows as lines for a pipe', () => {
    const lines = tableLines({ columns, rows: many.slice(0, 2) }, 80)
    expect(lines).toEqual(['Unit    Seconds', '──────  ───────', 'unit-0        0', 'unit-1        1'])
    expect(tableLines({ columns, rows: [], empty: 'no units' }, 80)).toEqual(['no units'])
  })
})

describe('static table', () => {
  const rows = [
    { id: '日本語', seconds: 1 },
    { id: 'b', seconds: 22 },
  ]

  it('draws a box by ink-table with columns that line up for wide characters', async () => {
    const { lastFrame } = render(
      <ThemeProvider theme={unicode}>
        <StaticTable columns={columns} rows={rows} width={60} />
      </ThemeProvider>,
    )
    await vi.waitFor(() => expect(lastFrame()).toContain('┌'))
    const lines = (lastFrame() ?? '').split('\n')
    expect(new Set(lines.map(textWidth)).size).toBe(1)
    expect(lines).toHaveLength(7)
    expect(lines[3]).toMatch(/│ 日本語 │ +1 │/)
  })

  it('stays in ASCII and inside its width', async () => {
    const { lastFrame } = render(
      <ThemeProvider theme={ascii}>
        <StaticTable columns={columns} rows={[{ id: 'x'.repeat(200), seconds: 3 }]} width={40} />
      </ThemeProvider>,
    )
    await vi.waitFor(() => expect(lastFrame()).toContain('+---'))
    const frame = lastFrame() ?? ''
    expect(frame).not.toMatch(/[^\x20-\x7e\n\x1b]/)
    for (const line of frame.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(40)
  })
})
