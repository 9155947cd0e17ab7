import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { writeManifest } from '../../../src/artifact/manifest.ts'
import { openForWriting, runOptions, systemClock } from '../../../src/commands/open.ts'
import { archiveRun } from '../../../src/commands/runs.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { createRun } from '../../../src/run/folder.ts'
import { openIndex } from '../../../src/run/index-file.ts'

let root: string
let project: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kx-open-'))
  project = join(root, 'project')
  mkdirSync(project)
  vi.stubEnv('HOME', root)
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

/** What a kx leaves that was killed after its records and before it told anybody. */
async function killedRun(): Promise<string> {
  const run = await createRun({
    projectFolder: project,
    project: 'p',
    planName: 'tiny',
    planText: '',
    by: 'ada',
    clock: systemClock,
  })
  await run.append('meter.opened', { meterId: 'm1', what: 'box', host: 'local', usdPerHour: 1, leaseUntilMs: null })
  await run.close()
  return run.folder
}

describe('a run that a killed kx had open', () => {
  it('is brought into the index of all runs with its meters, as soon as anything is written', async () => {
    await killedRun()
    const index = openIndex(join(root, 'state/kx'))
    expect(index.read().runs).toEqual([])
    const run = await openForWriting({ projectFolder: project }, null)
    await run.append('note', { text: 'here again' })
    await run.append('note', { text: 'and again' })
    await run.close()
    expect(index.read()).toMatchObject({ runs: [{ runId: run.id }], meters: [{ meterId: 'm1', closedAtMs: null }] })
  })

  it('is rid of temporary files as soon as it is open; those of the living stay', async () => {
    const folder = await killedRun()
    const dead = ['.report.md.4194305.0123abcd.tmp', 'artifacts/.manifest.json.4194305.0123abcd.tmp']
    const living = `.report.md.${process.pid}.0123abcd.tmp`
    for (const name of [...dead, living]) writeFileSync(join(folder, name), 'half')
    await (await openForWriting({ projectFolder: project }, null)).close()
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.tmp'))
    expect(left).toEqual([living])
  })
})

describe('archiving from the home screen', () => {
  it('takes off a run of another project too', async () => {
    const run = await createRun({
      projectFolder: project,
      project: 'p',
      planName: 'tiny',
      planText: '',
      by: 'ada',
      clock: systemClock,
    })
    await run.close()
    // Written to once, so that the index of all runs knows it.
    const opened = await openForWriting({ projectFolder: project }, run.id)
    await opened.append('note', { text: 'here' })
    await opened.close()
    const other = join(root, 'other')
    mkdirSync(other)
    const env = { projectFolder: other, runId: null, who: 'ada' } as unknown as CommandEnvironment
    expect(await archiveRun(env, { run: run.id })).toMatchObject({ exitCode: 0, data: { runId: run.id } })
    expect(await archiveRun(env, { run: 'nosuch' })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('no run begins'),
    })
  })
})

describe('what is written', () => {
  it('masks the secrets that the plan names, whatever they are called', async () => {
    vi.stubEnv('LABKEY', 'xK29-hunter-2-hunter')
    const { scrub } = await runOptions(['LABKEY'])
    expect(scrub?.({ said: 'it is xK29-hunter-2-hunter' })).toEqual({ said: 'it is ***' })
  })
})

describe('temporary names in the artifacts folder', () => {
  it('are such that the sweep knows them', async () => {
    const folder = join(root, 'artifacts')
    mkdirSync(folder)
    // The name is taken, so the rename fails; what was tried stands in the message.
    mkdirSync(join(folder, 'manifest.json', 'full'), { recursive: true })
    await expect(writeManifest(folder, {} as never)).rejects.toThrow(
      new RegExp(`\\.manifest\\.json\\.${process.pid}\\.[0-9a-f]{8}\\.tmp'`),
    )
  })
})
