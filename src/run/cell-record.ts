import type { ColumnRows } from './columns.ts'
import type { CellEnded, CellProcess, CellRecord, CellStarted } from './types.ts'

/**
 * A cell whose two records are made from the columns of an index when somebody asks for them: of many thousand cells a
 * list shows forty. What it says never changes, and each record is one object, however often it is asked for.
 */
export class IndexedCell implements CellRecord {
  readonly #started: ColumnRows
  readonly #ended: ColumnRows
  readonly #row: number
  /** Row of its end; -1: it has none. */
  readonly #endRow: number
  readonly startedAtMs: number
  #startedRecord: CellStarted | null = null
  #endedRecord: CellEnded | null = null

  constructor(started: ColumnRows, row: number, startedAtMs: number, ended: ColumnRows, endRow: number) {
    this.#started = started
    this.#ended = ended
    this.#row = row
    this.#endRow = endRow
    this.startedAtMs = startedAtMs
  }

  get started(): CellStarted {
    this.#startedRecord ??= this.#started.record(this.#row) as unknown as CellStarted
    return this.#startedRecord
  }

  get ended(): CellEnded | null {
    if (this.#endRow < 0) return null
    this.#endedRecord ??= this.#ended.record(this.#endRow) as unknown as CellEnded
    return this.#endedRecord
  }

  get cellId(): string {
    return this.#startedRecord?.cellId ?? (this.#started.value(this.#row, 'cellId') as string)
  }

  get endState(): CellEnded['state'] | null {
    if (this.#endRow < 0) return null
    return this.#endedRecord?.state ?? (this.#ended.value(this.#endRow, 'state') as CellEnded['state'])
  }

  toJSON(): CellRecord {
    return { started: this.started, startedAtMs: this.startedAtMs, ended: this.ended }
  }
}

/** Id of a cell, for who goes through all of them and needs no more. */
export const cellIdOf = (cell: CellRecord): string => (cell instanceof IndexedCell ? cell.cellId : cell.started.cellId)

/** How a cell ended, likewise; null: it has not. */
export const endStateOf = (cell: CellRecord): CellEnded['state'] | null =>
  cell instanceof IndexedCell ? cell.endState : (cell.ended?.state ?? null)

/** The same cell with more known of it. A cell is not spread: one from an index has its parts behind getters. */
export function cellWith(
  { started, startedAtMs, ended, process }: CellRecord,
  more: { readonly ended?: CellEnded; readonly process?: CellProcess },
): CellRecord {
  return { started, startedAtMs, ended, ...(process === undefined ? {} : { process }), ...more }
}
