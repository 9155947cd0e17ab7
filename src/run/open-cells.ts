import { endStateOf } from './cell-record.ts'
import type { CellRecord, RunState } from './types.ts'

/** The first cell of an act that has not ended, other than one's own: another kx is at it, or was killed at it just now. */
export function otherAt(state: RunState, name: string, ownCellId: string): CellRecord | null {
  const isOther = (cell: CellRecord) =>
    endStateOf(cell) === null && cell.started.name === name && cell.started.cellId !== ownCellId
  return state.cells.find(isOther) ?? null
}
