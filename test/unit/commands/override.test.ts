import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/commands/open.ts'
import { override } from '../../../src/commands/records.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { createRun, runFolder } from '../../../src/run/folder.ts'
import { openRun, type WritableRun } from '../../../src/run/handle.ts'
import { item, proof } from '../walk/support.ts'

let folder = ''
let runId = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kx-override-'))
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
  vi.stubEnv('HOME', folder)
  const about = { projectFolder: folder, project: 'demo', planName: 'demo', planText: 'name: demo\n', by: 'ada' }
  const run = await createRun({ ...about, clock: systemClock })
  runId = run.id
  await run.append('proof.made', proof('PlanDigest', { id: 'p1', items: [item('a', 'fail')] }))
  await run.close()
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

async function withRun<T>(act: (run: WritableRun) => Promise<T> | T): Promise<T> {
  const run = await openRun(runFolder(folder, runId), { clock: systemClock })
  try {
    return await act(run)
  } finally {
    await run.close()
  }
}
const env = (ask?: () => Promise<string>) =>
  ({ projectFolder: folder, runId, who: 'ada', ask: { text: ask } }) as unknown as CommandEnvironment

describe('kx override', () => {
  it('names the proof that the person had before them, and becomes part of it', async () => {
    expect(await override(env(), { item: 'a', reason: 'known' })).toMatchObject({
      exitCode: 0,
      data: { itemId: 'a', proofId: 'p1' },
    })
    const items = await withRun((run) => run.state().latest.PlanDigest?.items)
    expect(items?.[0]?.override).toMatchObject({ reason: 'known', by: 'ada', proofId: 'p1' })
  })

  it('is refused when another look was taken while the reason was being typed', async () => {
    const newer = proof('PlanDigest', { id: 'p2', items: [item('a', 'unknown')] })
    const typed = async () => {
      await withRun((run) => run.append('proof.made', newer))
      return 'it was about the other one'
    }
    expect(await override(env(typed), { item: 'a' })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('a newer PlanDigest was made meanwhile'),
    })
    const proofs = await withRun((run) => run.state().proofs)
    expect(proofs.map((p) => p.items[0]?.override)).toEqual([undefined, undefined])
  })
})
