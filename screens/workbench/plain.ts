import { toAscii } from '../../src/text/ascii.ts'
import { checklistLines } from '../../src/ui/checklist-model.ts'
import type { Glyphs } from '../../src/ui/glyphs.ts'
import { meterLines } from '../../src/ui/meter-model.ts'
import { tableLines } from '../../src/ui/table-model.ts'
import { wrap } from '../../src/ui/text-fit.ts'
import { titleSpans } from './chrome.ts'
import type { ScreenInput } from './input.ts'
import type { PaneModel, ScreenModel } from './model.ts'
import { textOf } from './model.ts'

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
      return tableLines({ columns: pane.columns, rows: pane.rows, empty: pane.empty }, width, glyphs)
    case 'text':
      return pane.lines.flatMap((line) => wrap(textOf(line), width, '  '))
    case 'log':
      return pane.lines.length === 0 ? [pane.empty] : [...pane.lines]
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
    lines.push(
      '',
      `${pane.title}${pane.note === undefined ? '' : ` (${pane.note})`}`,
      ...paneLines(pane, width, glyphs),
    )
  }
  return lines.map((line) => (glyphs.isUnicode ? line : toAscii(line)).trimEnd())
}
