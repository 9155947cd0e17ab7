import type { ScreenId } from '../../src/commands/types.ts'
import type { ShownLog } from '../../src/session/log-follower.ts'
import type { ChecklistItem } from '../../src/ui/checklist-model.ts'
import type { MeterModel } from '../../src/ui/meter-model.ts'
import type { Column } from '../../src/ui/table-model.ts'
import type { Token } from '../../src/ui/theme.ts'

/** A piece of a line with its meaning; a word or glyph always says it too. */
export interface Span {
  readonly text: string
  readonly token?: Token
}
export type StyledLine = string | readonly Span[]

export interface Row {
  readonly id: string
  readonly cells: readonly string[]
  readonly token?: Token
  /** Lines shown in the side pane or under the row when it is open. */
  readonly detail?: readonly string[]
  /**
   * What the row is made from, where its words are only made when they are drawn: rows of one id and an equal basis say
   * the same.
   */
  readonly basis?: readonly unknown[]
}

export interface GridCell {
  readonly id: string
  /** Short text that says the state without colour. */
  readonly text: string
  readonly token: Token
}

export interface Series {
  readonly name: string
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
}

/** A line of a meters pane: a bar with its value, or a line of words between bars. */
export type MeterRow =
  | ({ readonly kind: 'meter' } & MeterModel)
  | { readonly kind: 'line'; readonly line: StyledLine }
  | {
      readonly kind: 'spark'
      readonly label: string
      readonly values: readonly (number | null)[]
      readonly text: string
    }

interface PaneBase {
  readonly id: string
  readonly title: string
  /** Right end of the title: counts, ages. Several: from long to short, and the first that fits is shown. */
  readonly note?: string | readonly string[]
}

/** One pane, as data: the same is drawn by the workbench and printed by `--plain`. */
export type PaneModel = PaneBase &
  (
    | { readonly kind: 'checklist'; readonly items: readonly ChecklistItem[]; readonly empty: string }
    | {
        readonly kind: 'table'
        readonly columns: readonly Column<Row>[]
        readonly rows: readonly Row[]
        readonly empty: string
        /** Rows that a filter lets through, where it means more than words on the row. */
        readonly rowsFor?: (filter: string) => readonly Row[]
        /** How its filter is written, as key and what it does with commas between; absent: as everywhere. */
        readonly filterHints?: string
        /** What is said where a filter leaves nothing; absent: that nothing matches. */
        readonly emptyFor?: (filter: string) => string
        /** What that was made from: two panes with the same one filter alike. */
        readonly rowsFrom?: readonly Row[]
        /** Columns and notes for a pane of this width in cells; absent: those given, as they fit. */
        readonly fit?: (width: number) => {
          readonly columns: readonly Column<Row>[]
          readonly note: readonly string[]
        }
        /** The detail of every row belongs to the pane as text, not only what a person opened. */
        readonly isDetailText?: boolean
        /** Where the pane is too narrow for its rows, the one under the cursor is shown whole below itself. */
        readonly isCursorOpen?: boolean
      }
    | { readonly kind: 'text'; readonly lines: readonly StyledLine[] }
    | {
        readonly kind: 'log'
        /** Null: nothing was read yet, or there is no such log. */
        readonly log: ShownLog | null
        /** As typed, see `parseLogFilter`; set when the pane is shown. */
        readonly filter?: string
        readonly empty: string
      }
    | {
        /** A small table that rarely changes: boxed where there is room, lines that scroll elsewhere. */
        readonly kind: 'static'
        readonly columns: readonly Column<Row>[]
        readonly rows: readonly Row[]
        readonly empty: string
      }
    | { readonly kind: 'markdown'; readonly source: string; readonly filter?: string }
    | { readonly kind: 'grid'; readonly cells: readonly GridCell[]; readonly empty: string }
    | { readonly kind: 'meters'; readonly rows: readonly MeterRow[]; readonly empty: string }
    | {
        /** What is drawn for the room that there is. */
        readonly kind: 'picture'
        /** Rows of a picture of this size in cells, none wider. Pure, and only asked when the pane is drawn. */
        readonly draw: (width: number, height: number) => readonly StyledLine[]
        /** The same in words and figures: printed, copied, paged. */
        readonly words: () => readonly StyledLine[]
        /** What it is drawn from, title and note included: equal ones are not drawn again. */
        readonly basis: readonly unknown[]
        /** The same for what a person filters by; absent: nothing can be filtered. */
        readonly filteredBy?: (filter: string) => PaneModel
      }
    | {
        readonly kind: 'chart'
        readonly series: readonly Series[]
        readonly version: number
        readonly xStep: number
        readonly empty: string
      }
  )

export interface LayoutColumn {
  readonly weight: number
  readonly panes: readonly { readonly id: string; readonly weight: number }[]
}

/** A screen as data. The first pane is the main one; narrow terminals show it alone and reach the rest by Tab. */
export interface ScreenModel {
  readonly id: ScreenId
  readonly title: string
  /** One line under the rail: what is so, and what to do next. */
  readonly summary: StyledLine
  readonly panes: readonly PaneModel[]
  /** How panes share a wide terminal; without it they stand side by side. */
  readonly columns?: readonly LayoutColumn[]
  /** A pane below the columns, as wide as the terminal; its weight is against the columns together. */
  readonly bottom?: { readonly id: string; readonly weight: number; readonly columnsWeight: number }
}

/** Text of a line without its meaning. */
export function textOf(line: StyledLine): string {
  return typeof line === 'string' ? line : line.map((s) => s.text).join('')
}

/** Columns that were asked for before: a screen that is made again has the same ones. */
const columns = new Map<string, Column<Row>>()
const mostColumns = 500

/** A column of `Row`s by position. The same words give the same column. */
export function column(
  index: number,
  title: string,
  more: Omit<Partial<Column<Row>>, 'value' | 'token'> = {},
): Column<Row> {
  const key = JSON.stringify([index, title, more])
  const known = columns.get(key)
  if (known !== undefined) return known
  if (columns.size >= mostColumns) columns.clear()
  const made: Column<Row> = {
    id: `${index}`,
    title,
    value: (row) => row.cells[index] ?? '',
    token: (row) => row.token ?? 'text.normal',
    ...more,
  }
  columns.set(key, made)
  return made
}

/** Every key asks for them several times; of many thousand rows they are taken once. */
const ids = new WeakMap<readonly Row[], readonly string[]>()
function idsOf(rows: readonly Row[]): readonly string[] {
  let known = ids.get(rows)
  if (known === undefined) {
    known = rows.map((row) => row.id)
    ids.set(rows, known)
  }
  return known
}

/** Ids of the rows that a cursor can stand on. */
export function rowIdsOf(pane: PaneModel): readonly string[] {
  switch (pane.kind) {
    case 'checklist':
      return pane.items.map((i) => i.id)
    case 'table':
      return idsOf(pane.rows)
    case 'grid':
      return pane.cells.map((c) => c.id)
    default:
      return []
  }
}

/** Places of the rows that are open, from the first to the last; those that are not there any more are left out. */
export function openPlaces(pane: PaneModel, openIds: readonly string[]): readonly number[] {
  if (openIds.length === 0) return []
  const rowIds = rowIdsOf(pane)
  const places = openIds.map((id) => rowIds.indexOf(id)).filter((place) => place >= 0)
  return [...new Set(places)].sort((a, b) => a - b)
}

/** Whether Enter opens this row of a table: it has lines to show below itself. */
export function hasDetail(pane: PaneModel, rowId: string): boolean {
  if (pane.kind !== 'table') return false
  return (pane.rows[idsOf(pane.rows).indexOf(rowId)]?.detail?.length ?? 0) > 0
}
