import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/commands/open.ts'
import { acknowledge } from '../../../src/commands/records.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { createRun, runFolder } from '../../../src/run/folder.ts'
import { openRun } from '../../../src/run/handle.ts'

let folder = ''
let runId = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kx-seen-'))
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
  vi.stubEnv('HOME', folder)
  const run = await createRun({
    projectFolder: folder,
    project: 'demo',
    planName: 'demo',
    planText: 'name: demo\n',
    by: 'ada',
    clock: systemClock,
  })
  runId = run.id
  for (const [findingId, rule] of [
    ['a1', 'unit-slow'],
    ['a2', 'unit-slow'],
    ['b1', 'nan'],
  ])
    await run.append('finding.opened', {
      findingId,
      rule,
      severity: 'warn',
      class: 'hardware',
      text: `${findingId} is wrong`,
      evidence: '',
      remedy: 'Look.',
      recipe: '',
    })
  await run.close()
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const env = () => ({ projectFolder: folder, runId, who: 'ada' }) as CommandEnvironment
async function seen(): Promise<string[]> {
  const run = await openRun(runFolder(folder, runId), { clock: systemClock })
  const ids = run.state().findings.flatMap((f) => (f.acknowledgedBy === 'ada' ? [f.findingId] : []))
  await run.close()
  return ids
}

describe('acknowledging', () => {
  it('takes one finding by its id', async () => {
    expect((await acknowledge(env(), { finding: 'a2' })).summary).toBe('seen: a2 is wrong')
    expect(await seen()).toEqual(['a2'])
  })

  it('takes all findings of a rule, as the row on the screen stands for all of them', async () => {
    const { summary, exitCode } = await acknowledge(env(), { finding: 'unit-slow' })
    expect([summary, exitCode]).toEqual(['seen: 2 findings of unit-slow', 0])
    expect(await seen()).toEqual(['a1', 'a2'])
  })

  it('takes the next unseen one when none is named, and refuses one that is not open', async () => {
    await acknowledge(env(), {})
    await acknowledge(env(), {})
    expect(await seen()).toEqual(['a1', 'a2'])
    const refused = await acknowledge(env(), { finding: 'gone' })
    expect(refused.exitCode).toBe(1)
    expect(refused.summary).toContain('name one or its rule')
  })
})
