import { endStateOf } from '../run/cell-record.ts'
import type { WritableRun } from '../run/handle.ts'
import type { CellEnded, CellRecord } from '../run/types.ts'

/** What a look afterwards found out about a cell whose end nobody wrote. */
export interface CellProbe {
  readonly state: CellEnded['state']
  readonly text: string
}

/**
 * Ends the cells that a killed kx left open, as far as can be told: done or failed when `probe` can see it, else
 * `unknown`, which is never retried by itself (handbook notebook 4.1, 4.5). Does nothing while another kx has the run
 * open: the cell may be its. Returns the cells that were ended.
 */
export async function endLostCells(
  run: WritableRun,
  probe: (cell: CellRecord) => Promise<CellProbe | null> = async () => null,
): Promise<readonly CellRecord[]> {
  if (!run.wasAlone || run.suspect() !== null) return []
  const lost = run.state().cells.filter((cell) => endStateOf(cell) === null)
  for (const cell of lost) {
    const found = await probe(cell)
    await run.append('cell.ended', lostEnd(cell, found))
  }
  return lost
}

/** The end of a cell that nobody saw, as it is written by who comes after. */
export function lostEnd(
  cell: CellRecord,
  found: CellProbe | null,
  more: Pick<CellEnded, 'cause' | 'signal'> = { cause: 'channel-lost', signal: null },
): CellEnded {
  return {
    cellId: cell.started.cellId,
    state: found?.state ?? 'unknown',
    durationMs: 0,
    exitCode: null,
    ...more,
    process: cell.process === undefined ? null : { pgid: cell.process.pgid, startTicks: cell.process.startTicks },
    stdoutBytes: 0,
    stderrBytes: 0,
    truncated: true,
    outputFile: `cells/${cell.started.cellId}/output.log`,
    redactions: 0,
    probe: found?.text ?? null,
    approvedBy: null,
    proofId: null,
    summary: found?.text ?? 'kx went away before the end was seen',
  }
}
