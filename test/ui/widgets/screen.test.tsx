import { EventEmitter } from 'node:events'
import { render } from 'ink'
import type { ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import * as ui from '../../../src/ui/index.ts'

const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')
const names = [
  'plain ascii',
  '日本語のタイトル',
  '👩‍👩‍👧 family',
  'e\u0301tude',
  'tab\there',
  'wide\u3000\u3000\u3000\u3000\u3000blank',
  'x'.repeat(400),
  '',
  '   ',
]
const items: ui.ChecklistItem[] = Array.from({ length: 40 }, (_, i) => ({
  id: `item.${i}`,
  title: names[i % names.length] ?? '',
  mark: (['pass', 'fail', 'unknown', 'na', 'stale', 'running', 'blocked', 'todo'] as const)[i % 8] ?? 'todo',
  severity: (['info', 'warn', 'error'] as const)[i % 3] ?? 'info',
  evidence: names[(i + 3) % names.length] ?? '',
}))
const dialog = ui.openDialog({ title: 'Remove', kind: 'typed', expected: 'cpcv-1', lines: ['日本語 dies'] })

function Everything(props: { readonly columns: number; readonly rows: number; readonly cursor: number }) {
  const { columns, rows, cursor } = props
  return (
    <ui.Screen columns={columns} rows={rows}>
      <ui.Columns width={columns} height={rows} parts={[{}, {}]}>
        <ui.Pane width={ui.split(columns, [{}, {}])[0] ?? 0} height={rows} title="Checks" isFocused>
          {(n) => <ui.Checklist items={items} cursor={cursor} width={n.columns} height={n.rows} />}
        </ui.Pane>
        <ui.Rows width={ui.split(columns, [{}, {}])[1] ?? 0} height={rows} parts={[{ size: 9 }, {}]}>
          <ui.Pane width={ui.split(columns, [{}, {}])[1] ?? 0} height={9} title="Units">
            {(n) => (
              <ui.Table
                columns={[
                  { id: 't', title: 'Title', value: (i: ui.ChecklistItem) => i.title },
                  { id: 'n', title: 'N', value: (i) => String(i.title.length), width: 6, align: 'right' },
                  {
                    id: 'm',
                    title: 'Mark',
                    value: (i) => ui.markText(i.mark),
                    width: 11,
                    token: (i) => ui.markToken(i.mark),
                  },
                ]}
                rows={items}
                rowKey={(i) => i.id}
                cursor={cursor}
                width={n.columns}
                height={n.rows}
              />
            )}
          </ui.Pane>
          <ui.Pane width={ui.split(columns, [{}, {}])[1] ?? 0} height={rows - 9} title="Ask">
            {(n) => (
              <>
                <ui.Dialog state={dialog} width={n.columns} height={n.rows - 2} />
                <ui.Meter label="disk" fraction={null} width={n.columns} />
                <ui.Sparkline label="loss" values={[1, null, 3]} text="3.0" width={n.columns} />
              </>
            )}
          </ui.Pane>
        </ui.Rows>
      </ui.Columns>
    </ui.Screen>
  )
}

/** A terminal of any size; the testing library knows only 100 columns. */
class Terminal extends EventEmitter {
  readonly columns: number
  readonly rows: number
  frame = ''
  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }
  write = (text: string) => {
    if (text !== '') this.frame = text
    return true
  }
}

function draw(tree: ReactNode, columns: number, rows: number): string[] {
  const theme = ui.makeTheme({ name: 'mono', colorDepth: 1, isUnicode: true })
  const terminal = new Terminal(columns, rows)
  const stdout = terminal as unknown as NodeJS.WriteStream
  const { unmount } = render(<ui.ThemeProvider theme={theme}>{tree}</ui.ThemeProvider>, {
    stdout,
    debug: true,
    patchConsole: false,
    exitOnCtrlC: false,
  })
  const lines = plain(terminal.frame).split('\n')
  unmount()
  return lines
}

describe('a screen of everything', () => {
  for (const [columns, rows] of [
    [60, 24],
    [80, 24],
    [121, 41],
    [200, 60],
  ] as const) {
    it(`has its borders in place at ${columns}x${rows}, whatever the texts are`, () => {
      for (let cursor = 0; cursor < items.length; cursor += 3) {
        const lines = draw(<Everything columns={columns} rows={rows} cursor={cursor} />, columns, rows)
        expect(lines).toHaveLength(rows)
        for (const line of lines) {
          expect(ui.textWidth(line)).toBe(columns)
          expect(line).toMatch(/^[┏┃┗].*[┐│┘]$/)
        }
      }
    })
  }
})
