import { randomUUID } from 'node:crypto'
import { openCell } from '../../../src/notebook/cell-writer.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import { createSanitiser } from '../../../src/text/sanitise.ts'

export interface Act {
  readonly title: string
  readonly output: string
  readonly state?: 'done' | 'failed' | 'unknown'
  readonly summary?: string
  readonly args?: Readonly<Record<string, unknown>>
}

const nothing = { push: (text: string) => text, end: () => '', count: 0 }

/** Puts acts with their outputs on record. Returns the ids. */
export async function acted(run: WritableRun, acts: readonly Act[]): Promise<string[]> {
  const ids: string[] = []
  for (const { title, output, state = 'done', summary = 'ok', args = {} } of acts) {
    const cell = await openCell(
      run,
      { name: 'audit.run', title, args, risk: 'read', source: `audit.run ${JSON.stringify(args)}`, phase: 'audit' },
      {
        clock: { nowMs: () => 1, monotonicMs: () => 1 },
        newId: () => randomUUID(),
        who: 'ada',
        via: 'cli',
        host: null,
        createSanitiser: () => createSanitiser({ allowSgr: false, mark: '' }),
        createRedactor: () => nothing,
      },
    )
    cell.stdout(output)
    await cell.end({ state, summary, exitCode: state === 'done' ? 0 : 1 })
    ids.push(cell.cellId)
  }
  return ids
}
