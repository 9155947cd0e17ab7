import { errorText, type MakePattern, matcherOf, parseQuery } from '../../src/compare/query.ts'
import type { CompareView, PoolRun } from '../../src/compare/types.ts'
import { formatAge, plural } from '../../src/text/format.ts'
import { sanitiseLine } from '../../src/text/sanitise.ts'
import { makePattern } from '../../src/ui/safe-pattern.ts'
import type { PaneModel, Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { optionOf, optionsOf } from './options.ts'

/** Whether the list that runs are picked from lies over the comparison. */
export const isPicking = (options: readonly string[]): boolean => optionOf(options, 'picking') === 'yes'

/** A pattern of a person, on every key: its search takes time in proportion to the text. */
const pattern: MakePattern = (source) => makePattern(source)

/** The runs that a query leaves, or why it is none. */
export function answering(
  pool: readonly PoolRun[],
  text: string,
): { readonly runs: readonly PoolRun[] } | { readonly problem: string } {
  const query = parseQuery(text, pattern)
  if (query !== null && 'at' in query) return { problem: errorText(query) }
  const matches = matcherOf(query, pattern)
  return { runs: pool.filter(({ subject }) => matches(subject)) }
}

/** Rows are made once a minute for a list: an age says no more. */
const made = new WeakMap<readonly PoolRun[], { readonly key: string; readonly rows: ReadonlyMap<string, Row> }>()
function rowsOf(pool: readonly PoolRun[], marks: readonly string[], nowMs: number): ReadonlyMap<string, Row> {
  const minute = Math.floor(nowMs / 60_000)
  const key = `${minute} ${JSON.stringify(marks)}`
  const known = made.get(pool)
  if (known?.key === key) return known.rows
  const marked = new Set(marks)
  const rows = new Map(
    pool.map(({ subject, name, atMs, brief }): [string, Row] => [
      subject.path,
      {
        id: subject.path,
        cells: [
          marked.has(subject.path) ? '[x]' : '[ ]',
          name,
          subject.format,
          subject.state,
          formatAge(minute * 60_000 - Math.min(atMs, minute * 60_000)),
          brief,
        ],
        token: marked.has(subject.path) ? 'text.strong' : 'text.normal',
      },
    ]),
  )
  made.set(pool, { key, rows })
  return rows
}

/** All runs that were found: `/` asks them, Space marks them, Enter compares. */
export function pickerModel(
  view: CompareView | null,
  options: readonly string[],
  nowMs: number,
  selected: string | null,
): ScreenModel {
  const pool = view?.pool ?? []
  const marks = optionsOf(options, 'mark')
  const rows = rowsOf(pool, marks, nowMs)
  const all = [...rows.values()]
  const ofRuns = (runs: readonly PoolRun[]) => runs.flatMap(({ subject }) => rows.get(subject.path) ?? [])
  const list: PaneModel = {
    id: 'pool',
    title: 'Pick runs',
    note: [
      `${plural(pool.length, 'run')}${marks.length > 0 ? `, ${marks.length} picked` : ''}, / asks: lr >= 1e-3 and not name~old`,
      `${plural(pool.length, 'run')}${marks.length > 0 ? `, ${marks.length} picked` : ''}`,
    ],
    kind: 'table',
    columns: [
      column(0, '', { width: 3 }),
      column(1, 'Run', { flex: 2, min: 14 }),
      column(2, 'Format', { width: 12, dropOrder: 2 }),
      column(3, 'State', { width: 8, dropOrder: 1 }),
      column(4, 'Age', { width: 9, dropOrder: 3 }),
      column(5, 'Settings that differ', { flex: 3, min: 14 }),
    ],
    rows: all,
    rowsFor: (filter) => {
      const found = answering(pool, filter)
      return 'problem' in found ? [] : ofRuns(found.runs)
    },
    rowsFrom: all,
    filterHints: 'lr>=0.1 compares, name~old matches, has:lr is there, not and or',
    emptyFor: (filter) => {
      const found = answering(pool, filter)
      return 'problem' in found ? found.problem : `no run answers ${filter}`
    },
    empty: view?.state === 'empty' ? 'no runs were found' : 'reading runs',
  }
  return {
    id: 'compare',
    title: 'Compare',
    summary:
      marks.length > 0
        ? `Enter compares the ${plural(marks.length, 'run')} that you picked; p goes back`
        : 'Space picks, / asks, Enter compares what is listed; p goes back',
    panes: [list, { id: 'run', title: 'Run', kind: 'text', lines: runLines(pool, selected) }],
    columns: [
      { weight: 2, panes: [{ id: 'pool', weight: 1 }] },
      { weight: 1, panes: [{ id: 'run', weight: 1 }] },
    ],
  }
}

const figure = (value: number) => String(Number(value.toPrecision(5)))

/** Everything that a query may ask of the run under the cursor, by the names to ask by. */
function runLines(pool: readonly PoolRun[], selected: string | null): readonly StyledLine[] {
  const run = pool.find(({ subject }) => subject.path === selected)
  if (run === undefined) return ['Move to a run: what can be asked of it stands here.']
  const { name, path, format, state, tags, facts, settings, metrics } = run.subject
  const line = (key: string, value: unknown): StyledLine => [
    { text: `${sanitiseLine(key, 100)} `, token: 'text.muted' },
    { text: sanitiseLine(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)), 300) },
  ]
  return [
    line('name', name),
    line('path', path),
    line('format', format),
    line('state', state),
    ...(tags.length > 0 ? [line('tag', tags.join(', '))] : []),
    ...Object.entries(facts).map(([key, value]) => line(key, value)),
    ...[...settings].map(([key, value]) => line(key, value)),
    ...[...metrics].map(([metric, { last, best }]) =>
      line(metric, `${last === undefined ? '-' : figure(last)}${best === undefined ? '' : `, best ${figure(best)}`}`),
    ),
  ]
}
