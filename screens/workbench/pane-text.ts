import type { Glyphs } from '../../src/ui/glyphs.ts'
import { type PaneModel, textOf } from './model.ts'
import { paneLines } from './plain.ts'

/** Columns of what is copied or paged: no terminal cuts it. */
const textColumns = 200

/** A pane with everything in it, as lines. */
export function wholeText(pane: PaneModel, glyphs: Glyphs): string {
  return `${paneLines(pane, textColumns, glyphs).join('\n')}\n`
}

/** The row that the cursor is on, or the line at the top of a text. */
export function rowText(
  pane: PaneModel,
  at: { readonly row: string | null; readonly top: number },
  glyphs: Glyphs,
): string {
  switch (pane.kind) {
    case 'table':
      return pane.rows.find((r) => r.id === at.row)?.cells.join('\t') ?? ''
    case 'checklist': {
      const item = pane.items.find((i) => i.id === at.row)
      return item === undefined ? '' : [`${item.id} ${item.title}: ${item.evidence}`, ...(item.detail ?? [])].join('\n')
    }
    case 'text':
      return pane.lines.map(textOf)[at.top] ?? ''
    default:
      return paneLines(pane, textColumns, glyphs).at(-1) ?? ''
  }
}
