import type { ProcessIdentity } from '../host/types.ts'
import type { CellWriter } from './act.ts'

/** What is over sooner needs no one to find it again; a runbook of a thousand quick commands leaves no thousand records. */
const lastingMs = 1_000

/**
 * Puts the process group that a cell runs in on record. A journal that refuses it must not end what runs: it refuses
 * the end of the cell as well, and says so there.
 */
export function keepProcess(cell: CellWriter, host: string, { pid, startTicks, bootId }: ProcessIdentity): void {
  void cell.process?.({ host, pgid: pid, startTicks, bootId }).catch(() => undefined)
}

/** The same for one of many, once it has run for a second. */
export function keepLasting(cell: CellWriter, host: string, process: ProcessIdentity, ending: Promise<unknown>): void {
  const timer = setTimeout(() => keepProcess(cell, host, process), lastingMs)
  const isOver = () => clearTimeout(timer)
  ending.then(isOver, isOver)
}
