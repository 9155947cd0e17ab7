import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { notePulled } from '../../../src/artifact/pulled-record.ts'
import type { ActContext } from '../../../src/run/act.ts'
import { verifyPulled, verifyTogether } from '../../../src/transfer/verify.ts'

describe('verify where the box cannot be asked', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kx-verify-'))
    mkdirSync(join(folder, 'artifacts'))
    file = join(folder, 'artifacts/notes.txt')
    writeFileSync(file, 'good')
    const sha256 = createHash('sha256').update('good').digest('hex')
    const record = { path: 'notes.txt', bytes: 4, sha256, pulledAtMs: 1, wasOpen: false }
    await notePulled(join(folder, 'artifacts'), 'run', [record])
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const said: string[] = []
  /** What verify uses of a run; the host answers nothing, as behind a link that is down. */
  const context = () =>
    ({
      run: {
        id: 'run',
        folder,
        refresh: async () => ({ latest: { Receipt: { payload: { handle: { folder: '/data/run' } } } } }),
      },
      host: {
        name: 'box',
        kind: 'ssh',
        stat: async () => {
          throw new Error('no answer before the deadline')
        },
      },
      loaded: { plan: { artifacts: [] } },
      signal: AbortSignal.timeout(60_000),
      cell: { say: (line: string) => said.push(line) },
      progress: () => {},
    }) as unknown as ActContext

  it('answers 4 and says why, though every file is as it was pulled', async () => {
    const answer = await verifyPulled(context(), {})
    expect(answer).toMatchObject({
      exitCode: 4,
      data: { box: 'unknown', files: [{ isAsPulled: true, onBox: 'unknown' }] },
    })
    expect(answer.summary).toContain('1 only against what was recorded here')
    expect(said.join('\n')).toContain('box did not say: no answer before the deadline')
  })

  it('answers 1 where a file changed here, whatever the box would say', async () => {
    writeFileSync(file, 'evil')
    expect(await verifyPulled(context(), {})).toMatchObject({ exitCode: 1 })
  })

  it('reads what the teardown put together against its manifest, and asks no host for it', async () => {
    expect(await verifyTogether(context(), {})).toBeNull()
    const sha256 = createHash('sha256').update('good').digest('hex')
    const of = (path: string) => ({
      ...{ path, kind: 'other', bytes: 4, sha256Remote: sha256, sha256Local: sha256, level: 'V3' },
      ...{ structure: null, mtimeMs: 1, inode: 1, problem: null },
    })
    const totals = { expected: 2, found: 2, copied: 2, whole: 0, verified: 2, bytes: 8 }
    const host = { host: 'local', hostname: 'here', machineId: null, bootId: null, user: 'ada' }
    const manifest = {
      ...{ schema: 'kx/manifest/v1', runId: 'run', host, folder: '~/run', createdAtMs: 2, newestOnBoxMs: null },
      ...{ declared: [], files: [of('notes.txt'), of('more.txt')], problems: [], missing: [], totals },
    }
    writeFileSync(join(folder, 'artifacts/manifest.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'artifacts/more.txt'), 'good')
    const well = await verifyTogether(context(), {})
    expect([well?.exitCode, well?.summary]).toEqual([
      0,
      expect.stringContaining('2 of 2 files as the teardown put them'),
    ])
    writeFileSync(file, 'evil')
    rmSync(join(folder, 'artifacts/more.txt'))
    const bad = await verifyTogether(context(), {})
    expect([bad?.exitCode, bad?.summary]).toEqual([1, expect.stringContaining('0 of 2 files')])
    expect(bad?.lines).toEqual([
      'more.txt: pulled, and gone here',
      'notes.txt: it is not what was pulled: it changed here',
    ])
    expect((await verifyTogether(context(), { only: 'nothing/*' }))?.summary).toContain(
      'nothing of what was put together',
    )
  })
})
