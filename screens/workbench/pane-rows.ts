import { visibleTop } from '../../src/ui/list-model.ts'
import { parseLogFilter } from '../../src/ui/log-filter.ts'
import { textWidth, wrap } from '../../src/ui/text-fit.ts'
import type { PaneModel, StyledLine } from './model.ts'
import { textOf } from './model.ts'
import { indexIn, type PaneState } from './ui-state.ts'

/** The pane as it is shown: filtered by what the person typed. Charts and grids are never filtered. */
export function filtered(pane: PaneModel, filter: string): PaneModel {
  if (filter === '') return pane
  const { test: matches } = parseLogFilter(filter)
  switch (pane.kind) {
    case 'checklist':
      return {
        ...pane,
        items: pane.items.filter((i) => matches(`${i.id} ${i.title} ${i.mark} ${i.severity} ${i.evidence}`)),
        empty: `nothing matches ${filter}`,
      }
    case 'table':
      return { ...pane, rows: pane.rows.filter((r) => matches(r.cells.join(' '))), empty: `nothing matches ${filter}` }
    case 'text':
      return { ...pane, lines: pane.lines.filter((l) => matches(textOf(l))) }
    case 'log':
      return { ...pane, lines: pane.lines.filter(matches), empty: `nothing matches ${filter}` }
    default:
      return pane
  }
}

/** Wraps styled lines to a width; a line of several spans is only wrapped when it does not fit, and then loses its styles. */
export function wrapLines(lines: readonly StyledLine[], width: number): StyledLine[] {
  return lines.flatMap((line): StyledLine[] => {
    const text = textOf(line)
    if (textWidth(text) <= width) return [line]
    const first = typeof line === 'string' ? undefined : line[0]
    const indent =
      first !== undefined && typeof line !== 'string' && line.length > 1
        ? ' '.repeat(Math.min(15, textWidth(first.text)))
        : '  '
    const rows = wrap(text, width, indent)
    if (typeof line === 'string') return rows
    if (line.length === 1) return rows.map((row) => [{ text: row, token: first?.token }] as StyledLine)
    // The key of a fact keeps its style on the first row.
    return rows.map(
      (row, i): StyledLine =>
        i === 0 && first !== undefined && row.startsWith(first.text)
          ? [first, { text: row.slice(first.text.length) }]
          : row,
    )
  })
}

/** Number of things that a cursor or a scroll position counts in this pane. */
export function rowCount(pane: PaneModel, width: number): number {
  switch (pane.kind) {
    case 'checklist':
      return pane.items.length
    case 'table':
      return pane.rows.length
    case 'grid':
      return pane.cells.length
    case 'text':
      return wrapLines(pane.lines, width).length
    case 'log':
      return pane.lines.length
    case 'meters':
      return pane.rows.length
    case 'chart':
      return 0
  }
}

/** First line of a scrolled text or log. A log that follows shows its end. */
export function scrolledTop(pane: PaneModel, state: PaneState, count: number, height: number): number {
  if (pane.kind === 'log' && state.isFollowing) return Math.max(0, count - height)
  return visibleTop(state.top, state.top, height, count)
}

/** Cursor of a pane with rows; -1 where there are none. */
export function cursorOf(pane: PaneModel, state: PaneState, rowIds: readonly string[]): number {
  return rowIds.length === 0 || pane.kind === 'text' || pane.kind === 'log' || pane.kind === 'chart'
    ? -1
    : indexIn(state, rowIds)
}
