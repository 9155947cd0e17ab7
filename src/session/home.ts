import { runFolder } from '../run/folder.ts'
import { type IndexFile, openIndex } from '../run/index-file.ts'
import { createSummaryReader, type RunSummary, type SummaryReader } from '../run/reader.ts'

/** One run on the home screen. */
export interface HomeRun extends Omit<RunSummary, 'project' | 'planName'> {
  readonly project: string
  readonly projectFolder: string
  readonly planName: string
}

export interface HomeMeter {
  readonly meterId: string
  readonly what: string
  readonly host: string
  readonly runId: string
  readonly usdPerHour: number | null
  readonly openedAtMs: number
  readonly leaseUntilMs: number | null
  /** What was last seen or said of it; absent: nothing since it was opened. */
  readonly note?: string
}

export interface Home {
  readonly runs: readonly HomeRun[]
  readonly meters: readonly HomeMeter[]
  readonly warnings: readonly string[]
}

export interface HomeReader {
  /** Newest first; archived runs only when asked for. */
  read(nowMs: number, withArchived: boolean): Home
}

/** Reads the user's index and every run in it. A second read reads only what was added. */
export function createHomeReader(stateFolder: string): HomeReader {
  const index: IndexFile = openIndex(stateFolder)
  const reader: SummaryReader = createSummaryReader()
  return {
    read: (nowMs, withArchived) => {
      const { runs, meters, suspects } = index.read()
      const rows = runs.flatMap((run): HomeRun[] => {
        const summary = reader.read(runFolder(run.projectFolder, run.runId), nowMs)
        const isArchived = run.isArchived || summary.isArchived
        if (isArchived && !withArchived) return []
        return [
          {
            ...summary,
            project: summary.project ?? run.project,
            planName: summary.planName ?? run.planName,
            projectFolder: run.projectFolder,
            createdAtMs: summary.createdAtMs ?? run.createdAtMs,
            isArchived,
          },
        ]
      })
      rows.sort((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0))
      return { runs: rows, meters: meters.filter((m) => m.closedAtMs === null), warnings: suspects }
    },
  }
}
