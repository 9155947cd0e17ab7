import { type Glyphs, type Mark, markText, unicodeGlyphs, type Weight } from './glyphs.ts'
import { oneLine, textWidth, toWidth, wrap } from './text-fit.ts'

/** One line of a checklist: what was asked, how it stands and on what that rests. */
export interface ChecklistItem {
  readonly id: string
  readonly title: string
  readonly mark: Mark
  readonly severity: Weight
  /** One line. */
  readonly evidence: string
  readonly isStale?: boolean
  /** A person went on in spite of it, with a written reason. */
  readonly isOverridden?: boolean
  /** Shown when the item is opened: command, more evidence, the fix. */
  readonly detail?: readonly string[]
  /** Items with the same group stand below one heading. */
  readonly group?: string
}

export interface ChecklistModel {
  readonly items: readonly ChecklistItem[]
  /** Ids of the opened items. */
  readonly openIds?: readonly string[]
  readonly empty?: string
}

/** A row of the screen: a group heading, an item, or one line of an opened item. */
export type ChecklistRow =
  | { readonly kind: 'group'; readonly key: string; readonly text: string }
  | { readonly kind: 'item'; readonly key: string; readonly index: number; readonly item: ChecklistItem }
  | { readonly kind: 'detail'; readonly key: string; readonly text: string }

/** Flags of an item in words: `stale`, `overridden`. */
export function flagText(item: ChecklistItem): string {
  const words = [item.isStale ? 'stale' : '', item.isOverridden ? 'overridden' : ''].filter((w) => w !== '')
  return words.length === 0 ? '' : `(${words.join(', ')})`
}

/** All rows of a checklist in `width` cells. */
export function checklistRows({ items, openIds = [] }: ChecklistModel, width: number): ChecklistRow[] {
  const rows: ChecklistRow[] = []
  const isOpen = new Set(openIds)
  let group: string | undefined
  items.forEach((item, index) => {
    if (item.group !== group) {
      group = item.group
      if (group !== undefined) rows.push({ kind: 'group', key: `group ${index} ${group}`, text: group })
    }
    rows.push({ kind: 'item', key: item.id, index, item })
    if (!isOpen.has(item.id)) return
    const lines = [`${item.id} - ${item.evidence}`, ...(item.detail ?? [])].flatMap((l) => wrap(l, width - 6, '  '))
    for (const [n, text] of lines.entries()) rows.push({ kind: 'detail', key: `${item.id} ${n}`, text })
  })
  return rows
}

/** Row on which the item with this index stands; 0 when there is none. */
export function rowOfItem(rows: readonly ChecklistRow[], index: number): number {
  return Math.max(
    0,
    rows.findIndex((row) => row.kind === 'item' && row.index === index),
  )
}

export interface ChecklistWidths {
  readonly mark: number
  readonly title: number
  /** 0: evidence has no column of its own and follows the title where there is room. */
  readonly evidence: number
}

/** Below this a column for the evidence would cut the titles, which say what is asked. */
const columnsForEvidence = 100
/** Less of an evidence than this says nothing. */
export const leastEvidence = 16

/** Width of the mark with its word, of the title and of the evidence, in a row of `width` cells. */
export function checklistWidths(width: number, glyphs: Glyphs): ChecklistWidths {
  const mark = textWidth(markText('unknown', glyphs))
  // Gutter 2, severity 2 and a blank after it, a blank after the mark, two before the evidence.
  const rest = Math.max(0, width - 2 - mark - 1 - 3)
  if (width < columnsForEvidence) return { mark, title: rest, evidence: 0 }
  const title = Math.min(64, Math.max(48, Math.floor(rest * 0.4)))
  return { mark, title, evidence: Math.max(0, rest - title - 2) }
}

/** How many items stand how: `12 pass, 1 fail, 2 unknown`. */
export function checklistSummary(items: readonly ChecklistItem[]): string {
  const order: readonly Mark[] = ['fail', 'blocked', 'unknown', 'stale', 'running', 'todo', 'pass', 'na']
  const parts = order.flatMap((mark) => {
    const count = items.filter((item) => item.mark === mark).length
    return count === 0 ? [] : [`${count} ${markText(mark).slice(2)}`]
  })
  return parts.length === 0 ? 'no items' : parts.join(', ')
}

/** The whole checklist as lines, nothing cut: for `--plain`. */
export function checklistLines(model: ChecklistModel, width: number, glyphs: Glyphs = unicodeGlyphs): string[] {
  if (model.items.length === 0) return [model.empty ?? 'no items']
  const { mark } = checklistWidths(80, glyphs)
  const lines: string[] = []
  for (const row of checklistRows(model, width)) {
    if (row.kind === 'group') lines.push(...(lines.length === 0 ? [] : ['']), oneLine(row.text))
    else if (row.kind === 'detail') lines.push(`      ${row.text}`)
    else {
      const { item } = row
      const flags = flagText(item)
      const state = `${toWidth(markText(item.mark, glyphs), mark)} ${toWidth(item.severity, 5)}`
      const text = `${item.id} ${item.title}${flags === '' ? '' : ` ${flags}`}: ${item.evidence}`
      lines.push(...wrap(`${state} ${oneLine(text)}`, width, '      '))
    }
  }
  return lines
}
