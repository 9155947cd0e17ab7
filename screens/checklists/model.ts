import type { ListedChecklist, ListedTask } from '../../src/session/view.ts'
import type { CheckedItem } from '../../src/walk/item.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, Row, ScreenModel, Span, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { heading } from '../workbench/phase-model.ts'

type Results = ReadonlyMap<string, CheckedItem>

/** Newest result of every item of the open run, by id: shown beside a person's tick. */
function resultsById(input: ScreenInput): Results {
  return new Map(Object.values(input.run?.latest ?? {}).flatMap((proof) => proof.items.map((i) => [i.id, i] as const)))
}

/**
 * What kx found of the items that a task names, in a word: the worst first. What does not apply says nothing about the
 * task, for it or against it.
 */
function seenText(checks: readonly string[], results: Results): string {
  const found = checks.flatMap((id) => results.get(id) ?? [])
  if (found.length === 0) return ''
  if (found.some((i) => i.result === 'fail')) return 'fail'
  if (found.some((i) => i.result === 'unknown')) return 'unknown'
  const passed = found.filter((i) => i.result === 'pass').length
  return passed === 0 ? 'n/a' : `${passed}/${checks.length} pass`
}

/** A person says done, kx saw otherwise. */
function isContradicted(task: ListedTask, seen: string): boolean {
  return task.isTicked && seen === 'fail'
}

/** What kx saw of each item that the task names. */
function evidenceLines(task: ListedTask, results: Results): readonly Span[] {
  return task.checks.map((id) => {
    const item = results.get(id)
    const token = item === undefined ? 'text.muted' : item.result === 'fail' ? 'state.fail' : 'text.normal'
    const text = item === undefined ? 'not checked in this run' : `${item.result}, ${item.evidence.summary}`
    return { text: `${id}: ${text}`, token }
  })
}

function taskRow(task: ListedTask, at: number, results: Results): Row {
  const seen = seenText(task.checks, results)
  return {
    id: `${at + 1}`,
    cells: [task.isTicked ? '[x]' : '[ ]', `${'  '.repeat(task.depth)}${task.text}`, seen],
    detail: [task.text, ...evidenceLines(task, results).map((e) => e.text)],
    token: isContradicted(task, seen) ? 'severity.warn' : task.isTicked ? 'text.muted' : 'text.normal',
  }
}

function listPane(list: ListedChecklist, results: Results): PaneModel {
  return {
    kind: 'table',
    id: list.file,
    title: list.title,
    note: `${list.tasks.filter((t) => t.isTicked).length} of ${list.tasks.length}`,
    columns: [
      column(0, '', { width: 3 }),
      column(1, 'task', { flex: 1, min: 20 }),
      column(2, 'kx saw', { width: 9, dropOrder: 1 }),
    ],
    isCursorOpen: true,
    rows: list.tasks.map((task, i) => taskRow(task, i, results)),
    empty: list.problem ?? 'no task items in this file',
  }
}

/** The task under the cursor of each list, whole, with the evidence for it. */
function taskLines(input: ScreenInput, list: ListedChecklist, results: Results): StyledLine[] {
  const task = list.tasks[Number(input.selected(list.file) ?? '1') - 1]
  if (task === undefined) return []
  const lines: StyledLine[] = [heading(list.title), `${task.isTicked ? '[x]' : '[ ]'} ${task.text}`]
  return [...lines, ...evidenceLines(task, results).map(({ text, token }) => [{ text: `  ${text}`, token }]), '']
}

export function checklistsModel(input: ScreenInput): ScreenModel {
  const lists = input.shelves.checklists
  const results = resultsById(input)
  const summary: StyledLine =
    lists === null
      ? 'reading the lists …'
      : [{ text: `${lists.length} lists; Space ticks, only that box in the file changes`, token: 'text.muted' }]
  const shell = { id: 'checklists', title: 'Checklists', summary } as const
  if (lists === null || lists.length === 0) {
    const text = lists === null ? 'reading …' : 'no list found'
    return { ...shell, panes: [{ kind: 'text', id: 'none', title: 'Checklists', lines: [text] }] }
  }
  const panes = lists.map((list) => listPane(list, results))
  const task: PaneModel = {
    kind: 'text',
    id: 'task',
    title: 'Task',
    lines: lists.flatMap((list) => taskLines(input, list, results)),
  }
  return {
    ...shell,
    panes: [...panes, task],
    columns: panes.slice(0, 2).map((p) => ({ weight: 1, panes: [{ id: p.id, weight: 1 }] })),
    bottom: { id: 'task', weight: 1, columnsWeight: 3 },
  }
}
