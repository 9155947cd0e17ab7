import type { CheckedItem } from '../../src/walk/item.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

/** Newest result of every item of the open run, by id: shown beside a person's tick. */
function resultsById(input: ScreenInput): ReadonlyMap<string, CheckedItem> {
  return new Map(Object.values(input.run?.latest ?? {}).flatMap((proof) => proof.items.map((i) => [i.id, i] as const)))
}

export function checklistsModel(input: ScreenInput): ScreenModel {
  const lists = input.shelves.checklists
  const results = resultsById(input)
  const seen = (checks: readonly string[]) => {
    const found = checks.flatMap((id) => results.get(id) ?? [])
    if (found.length === 0) return ''
    const bad = found.find((i) => i.result === 'fail') ?? found.find((i) => i.result === 'unknown')
    return bad === undefined ? `kx: ${found.length} of ${checks.length} pass` : `kx: ${bad.result} ${bad.id}`
  }
  const panes = (lists ?? []).map((list) => ({
    kind: 'table' as const,
    id: list.file,
    title: list.title,
    note: `${list.tasks.filter((t) => t.isTicked).length} of ${list.tasks.length}`,
    columns: [
      column(0, '', { width: 3 }),
      column(1, 'task', { flex: 3, min: 20 }),
      column(2, 'checked by kx', { flex: 1, min: 16, dropOrder: 1 }),
    ],
    rows: list.tasks.map(
      (t, i): Row => ({
        id: `${i + 1}`,
        cells: [t.isTicked ? '[x]' : '[ ]', `${'  '.repeat(t.depth)}${t.text}`, seen(t.checks)],
        token: t.isTicked ? 'text.muted' : 'text.normal',
      }),
    ),
    empty: list.problem ?? 'no task items in this file',
  }))
  const summary: StyledLine =
    lists === null
      ? 'reading the lists …'
      : [{ text: `${lists.length} lists; Space ticks, only that box in the file changes`, token: 'text.muted' }]
  return {
    id: 'checklists',
    title: 'Checklists',
    summary,
    panes:
      panes.length > 0
        ? panes
        : [{ kind: 'text', id: 'none', title: 'Checklists', lines: [lists === null ? 'reading …' : 'no list found'] }],
  }
}
