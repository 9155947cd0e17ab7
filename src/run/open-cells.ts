import type { CellRecord, RunState } from './types.ts'

/** The first cell of an act that has not ended, other than one's own: another kx is at it, or was killed at it just now. */
export function otherAt(state: RunState, name: string, ownCellId: string): CellRecord | null {
  return (
    state.cells.find(({ started, ended }) => ended === null && started.name === name && started.cellId !== ownCellId) ??
    null
  )
}
