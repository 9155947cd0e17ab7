import { listRunIds, runFolder } from '../run/folder.ts'
import { createSummaryReader } from '../run/reader.ts'

/**
 * The run that acts go to when none is named: the newest of the project that is not archived. A run that cannot be read is
 * taken too, so that the act says what is wrong with it instead of quietly going to another.
 */
export function currentRunId(projectFolder: string, nowMs: number): string | null {
  const reader = createSummaryReader()
  for (const runId of [...listRunIds(projectFolder)].reverse()) {
    if (!reader.read(runFolder(projectFolder, runId), nowMs).isArchived) return runId
  }
  return null
}

/** The one run whose id begins like this; null when there is none or more than one. */
export function findRunId(projectFolder: string, beginning: string): string | null {
  const found = listRunIds(projectFolder).filter((id) => id === beginning || id.startsWith(beginning))
  const exact = found.find((id) => id === beginning)
  return exact ?? (found.length === 1 ? (found[0] ?? null) : null)
}
