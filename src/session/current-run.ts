import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasFoldIndex } from '../run/fold-index.ts'
import { listRunIds, runFolder } from '../run/folder.ts'
import { createSummaryReader, readRunState, type SummaryReader } from '../run/reader.ts'

/**
 * The run that acts go to when none is named: the newest of the project that is not archived. A run that cannot be read is
 * taken too, so that the act says what is wrong with it instead of quietly going to another.
 */
export function currentRunId(projectFolder: string, nowMs: number): string | null {
  const reader = createSummaryReader()
  for (const runId of [...listRunIds(projectFolder)].reverse()) {
    const folder = runFolder(projectFolder, runId)
    if (!isArchived(folder, nowMs, reader)) return runId
  }
  return null
}

function isArchived(folder: string, nowMs: number, reader: SummaryReader): boolean {
  if (!hasFoldIndex(folder)) return mayBeArchived(folder) && reader.read(folder, nowMs).isArchived
  try {
    // With an index the state is had about as soon as the bytes, and whoever opens the run next goes on from it.
    return readRunState(folder)?.isArchived === true
  } catch {
    return false
  }
}

/** In a record the kind stands like this; inside of a text the quotes would be escaped. */
const archivedKind = Buffer.from('"kind":"run.archived"')

/** False only where no record says so: then the journal, which may be long, is not read twice. */
function mayBeArchived(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'journal.jsonl')).includes(archivedKind)
  } catch {
    return true
  }
}

/** The one run whose id begins like this; null when there is none or more than one. */
export function findRunId(projectFolder: string, beginning: string): string | null {
  const found = listRunIds(projectFolder).filter((id) => id === beginning || id.startsWith(beginning))
  const exact = found.find((id) => id === beginning)
  return exact ?? (found.length === 1 ? (found[0] ?? null) : null)
}
