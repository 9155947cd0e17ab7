import { toAscii } from '../../src/text/ascii.ts'
import { checklistLines } from '../../src/ui/checklist-model.ts'
import type { Glyphs } from '../../src/ui/glyphs.ts'
import { meterLines } from '../../src/ui/meter-model.ts'
import { tableLines } from '../../src/ui/table-model.ts'
import { wrap } from '../../src/ui/text-fit.ts'
import { titleSpans } from './chrome.ts'
import type { ScreenInput } from './input.ts'
import { logText } from './logs.ts'
import type { PaneModel, ScreenModel } from './model.ts'
import { textOf } from './model.ts'
import { notesOf } from './pane-note.ts'
import { markdownOf, staticLines } from './pane-rows.ts'

/** One pane as lines: nothing is cut, nothing depends on colour or position. */
export function paneLines(pane: PaneModel, width: number, glyphs: Glyphs): string[] {
  switch (pane.kind) {
    case 'checklist':
      return checklistLines(
        {
          items: pane.items,
          openIds: pane.items.filter((i) => i.mark === 'fail' || i.mark === 'unknown').map((i) => i.id),
          empty: pane.empty,
        },
        width,
        glyphs,
      )
    case 'table':
      return [
        ...tableLines({ columns: pane.columns, rows: pane.rows, empty: pane.empty }, width, glyphs),
        ...(pane.isDetailText === true ? pane.rows : []).flatMap((row) =>
          ['', ...(row.detail ?? [])].flatMap((line) => wrap(line, width, '  ')),
        ),
      ]
    case 'text':
      return pane.lines.flatMap((line) => wrap(textOf(line), width, '  '))
    case 'picture':
      return pane.words().flatMap((line) => wrap(textOf(line), width, '  '))
    case 'log': {
      const lines = logText(pane)
      return lines.length === 0 ? [pane.empty] : lines
    }
    case 'static':
      return staticLines(pane, width).map(textOf)
    case 'markdown':
      return markdownOf(pane, width, glyphs).map((row) => row.text)
    case 'grid':
      return pane.cells.length === 0
        ? [pane.empty]
        : wrap(pane.cells.map((c) => `${c.id} ${c.text.trim()}`).join(', '), width, '  ')
    case 'meters':
      return pane.rows.length === 0
        ? [pane.empty]
        : pane.rows.flatMap((row) =>
            row.kind === 'meter'
              ? meterLines(row)
              : row.kind === 'spark'
                ? [`${row.label}: ${row.text}`]
                : [textOf(row.line)],
          )
    case 'chart':
      return pane.series.length === 0
        ? [pane.empty]
        : pane.series.map((s) => {
            const known = s.y.filter((v): v is number => v !== null && Number.isFinite(v))
            if (known.length === 0) return `${s.name}: no points yet`
            return `${s.name}: ${known.length} points, first ${known[0]}, last ${known.at(-1)}, least ${Math.min(...known)}, most ${Math.max(...known)}`
          })
  }
}

const plainLogLines = 200

/** The newest lines of a log, below a line that says how many there are. */
function newest(lines: readonly string[]): readonly string[] {
  return lines.length <= plainLogLines
    ? lines
    : [`the newest ${plainLogLines} of ${lines.length} lines:`, ...lines.slice(-plainLogLines)]
}

/** A whole screen as lines: for `--plain`, a pipe, or a screen reader. Notifications first, then the panes in order. */
export function screenLines(model: ScreenModel, input: ScreenInput, width: number, glyphs: Glyphs): string[] {
  const lines = [
    titleSpans(input, 0)
      .map((s) => s.text)
      .join('')
      .trimEnd(),
    `${model.title}: ${textOf(model.summary)}`,
  ]
  for (const pane of model.panes) {
    // The side pane repeats what the opened rows of the checklist say already.
    if (pane.id === 'detail') continue
    const [note] = notesOf(pane)
    lines.push(
      '',
      `${pane.title}${note === undefined || note === '' ? '' : ` (${note})`}`,
      ...(pane.kind === 'log' ? newest(paneLines(pane, width, glyphs)) : paneLines(pane, width, glyphs)),
    )
  }
  return lines.map((line) => (glyphs.isUnicode ? line : toAscii(line)).trimEnd())
}
