import type { Glyphs } from '../../src/ui/glyphs.ts'
import { visibleTop } from '../../src/ui/list-model.ts'
import { parseLogFilter } from '../../src/ui/log-filter.ts'
import { type MarkdownLine, markdownRows } from '../../src/ui/markdown.ts'
import { textWidth, wrap } from '../../src/ui/text-fit.ts'
import { wrappedTable } from '../../src/ui/wrapped-table.ts'
import { indexOf, logTopOf } from './logs.ts'
import type { PaneModel, Row, StyledLine } from './model.ts'
import { rowIdsOf, textOf } from './model.ts'
import { indexIn, type PaneState } from './ui-state.ts'

type MarkdownPane = Extract<PaneModel, { kind: 'markdown' }>
type StaticPane = Extract<PaneModel, { kind: 'static' }>

/** The pane as it is shown: filtered by what the person typed. Charts, grids and bars are never filtered. */
export function filtered(pane: PaneModel, filter: string): PaneModel {
  if (filter === '') return pane
  // These two look at their own lines, at the width and in the part that is shown.
  if (pane.kind === 'log' || pane.kind === 'markdown') return { ...pane, filter }
  const { test: matches } = parseLogFilter(filter)
  const empty = `nothing matches ${filter}`
  const ofRows = (rows: readonly Row[]) => rows.filter((r) => matches(r.cells.join(' ')))
  switch (pane.kind) {
    case 'checklist':
      return {
        ...pane,
        items: pane.items.filter((i) => matches(`${i.id} ${i.title} ${i.mark} ${i.severity} ${i.evidence}`)),
        empty,
      }
    case 'table':
      return {
        ...pane,
        rows: pane.rowsFor?.(filter) ?? ofRows(pane.rows),
        empty: pane.emptyFor?.(filter) ?? empty,
      }
    case 'static':
      return { ...pane, rows: ofRows(pane.rows), empty }
    case 'text':
      return { ...pane, lines: pane.lines.filter((l) => matches(textOf(l))) }
    case 'picture':
      return pane.filteredBy?.(filter) ?? pane
    default:
      return pane
  }
}

/** The pane laid out for its width, where it has a say in that. */
export function fitted(pane: PaneModel, width: number): PaneModel {
  return pane.kind === 'table' && pane.fit !== undefined ? { ...pane, ...pane.fit(width) } : pane
}

/** The key of a fact takes this many cells at most when its value has to be wrapped beside it. */
const mostKeyCells = 24

/**
 * Wraps styled lines to a width. A line of one span keeps its style; of several, the first is a key that keeps its style
 * and its place, with the value wrapped beside it.
 */
export function wrapLines(lines: readonly StyledLine[], width: number): StyledLine[] {
  return lines.flatMap((line): StyledLine[] => {
    const text = textOf(line)
    if (textWidth(text) <= width) return [line]
    if (typeof line === 'string') return wrap(line, width, '  ')
    const [first, ...rest] = line
    if (first === undefined) return []
    if (rest.length === 0) return wrap(text, width, '  ').map((row) => [{ ...first, text: row }])
    const keyWidth = Math.min(mostKeyCells, textWidth(first.text))
    if (keyWidth < textWidth(first.text) || keyWidth > width / 2) return wrap(text, width, '  ')
    const [value] = rest
    return wrap(textOf(rest), width - keyWidth).map((row, i) => [
      i === 0 ? first : { text: ' '.repeat(keyWidth) },
      rest.length === 1 ? { ...value, text: row } : { text: row },
    ])
  })
}

/** Rows of a Markdown pane, filtered. */
export function markdownOf(pane: MarkdownPane, width: number, glyphs?: Glyphs): readonly MarkdownLine[] {
  const rows = markdownRows(pane.source, width, glyphs)
  if (pane.filter === undefined) return rows
  const { test } = parseLogFilter(pane.filter)
  return rows.filter((row) => test(row.text))
}

/** A small table without its box, every cell whole: wrapped where it has to be. */
export function staticLines(pane: StaticPane, width: number): StyledLine[] {
  if (pane.rows.length === 0) return [[{ text: pane.empty, token: 'text.muted' }]]
  const cells = [pane.columns.map((c) => c.title), ...pane.rows.map((row) => pane.columns.map((c) => c.value(row)))]
  return wrappedTable(cells, width).flatMap((rows, i) =>
    rows.map(
      (text): StyledLine => [{ text, token: i === 0 ? 'text.strong' : (pane.rows[i - 1]?.token ?? 'text.normal') }],
    ),
  )
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
      return indexOf(pane)?.count() ?? 0
    case 'markdown':
      return markdownOf(pane, width).length
    case 'static':
      return staticLines(pane, width).length
    case 'meters':
      return pane.rows.length
    case 'chart':
    case 'picture':
      return 0
  }
}

/** First line of a scrolled text or log. A log that follows shows its end. */
export function scrolledTop(pane: PaneModel, state: PaneState, count: number, height: number): number {
  return pane.kind === 'log' ? logTopOf(pane, state, height) : visibleTop(state.top, state.top, height, count)
}

/** Narrower than this a row of running text is cut more often than not. */
const roomyTable = 100

/** Rows that are open: those that a person opened, and where the pane asks for it, the one under the cursor. */
export function openIdsOf(pane: PaneModel, state: PaneState, width: number): readonly string[] {
  if (pane.kind !== 'table' || pane.isCursorOpen !== true || width >= roomyTable) return state.open
  const at = pane.rows[cursorOf(state, rowIdsOf(pane))]
  return at === undefined || state.open.includes(at.id) ? state.open : [...state.open, at.id]
}

/** Cursor of a pane with rows; -1 where there are none. */
export function cursorOf(state: PaneState, rowIds: readonly string[]): number {
  return rowIds.length === 0 ? -1 : indexIn(state, rowIds)
}
