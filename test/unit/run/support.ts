import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CreateRunRequest, createRun } from '../../../src/run/folder.ts'
import type { OpenRunOptions } from '../../../src/run/handle.ts'
import { undoLater } from '../../harness/undo.ts'

/** A folder of its own, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kx-test-'))
  undoLater(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A clock that moves by one second a look. */
export function steppingClock(startMs = Date.UTC(2026, 10, 22, 3, 4)) {
  let nowMs = startMs
  return {
    nowMs: () => {
      nowMs += 1000
      return nowMs
    },
  }
}

export async function newRun(projectFolder = temporaryFolder(), more: Partial<CreateRunRequest> = {}) {
  const clock = steppingClock()
  const run = await createRun({
    projectFolder,
    project: 'sample',
    planName: 'cpcv',
    planText: 'version: 1\n',
    by: 'ada',
    clock,
    ...more,
  })
  const options: OpenRunOptions = { clock }
  return { run, clock, options, projectFolder }
}

export const linesOf = (folder: string) => readFileSync(join(folder, 'journal.jsonl'), 'utf8').trimEnd().split('\n')
