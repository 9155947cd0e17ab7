import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localProcessIdentity } from '../../../src/host/local-process.ts'
import type { Host } from '../../../src/host/types.ts'
import { openIndex } from '../../../src/run/index-file.ts'
import { summaryOf } from '../../../src/run/reader.ts'
import { renderReport } from '../../../src/teardown/report-markdown.ts'
import { buildReport } from '../../../src/teardown/report-model.ts'
import { remove, verify, writeOff, writeOffQuestion } from '../../../src/teardown/service.ts'
import { phaseStates } from '../../../src/walk/rail.ts'
import { waitUntil } from '../../harness/wait.ts'
import { otherMachine, planWith, type Stage, stage } from './support.ts'

let on: Stage
beforeEach(async () => {
  on = await stage()
  await on.run.append('meter.opened', { meterId: 'm1', what: 'box', host: 'local', usdPerHour: 0, leaseUntilMs: null })
})
afterEach(() => on.close())

const dropBox = () => rmSync(on.box, { recursive: true })
const given = () => ({ typedName: on.run.id, reason: 'removed by hand' })
const openMeters = () => on.run.state().meters.filter((meter) => meter.closedAtMs === null)

describe('writing off', () => {
  it('closes the meter with name, reason and what was never verified, and is no stop', async () => {
    dropBox()
    const result = await writeOff(on.ctx(), given())
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.summary).toContain('not seen to stop: removed by hand')
    expect(openMeters()).toEqual([])
    const [meter] = on.run.state().meters
    expect(meter?.writtenOff).toEqual({
      by: 'tester',
      reason: 'removed by hand',
      unverified: ['u1', 'u2', 'u3'].map((unit) => `everything of unit ${unit}`),
    })
    expect(on.run.state().latest.MeterStopped).toBeUndefined()
    expect(phaseStates(on.run.state(), null, on.now.ms, null).teardown).toMatchObject({ state: 'unknown' })
    expect(summaryOf(on.run.state(), on.run.folder, null, null, on.now.ms)).toMatchObject({
      stage: 'written off',
      openMeters: [],
      reason: 'Written off by tester: removed by hand',
    })
    expect(await writeOff(on.ctx(), given())).toMatchObject({ exitCode: 0 })
    expect(on.run.state().meters).toHaveLength(1)
  })

  it('asks with the names of what was never verified, and with none when all is safe', async () => {
    on.put('units/u2/result.json', '{"accuracy": 0.9')
    await verify(on.ctx())
    dropBox()
    const asked = await writeOffQuestion(on.ctx())
    expect(asked).toMatchObject({ expected: on.run.id })
    const text = 'detail' in asked ? asked.detail.join('\n') : ''
    expect(text).toContain('Never verified, and given up with it: units/u2/result.json.')
    writeFileSync(join(on.artifacts, 'units/u3/result.json'), '{}')
    const again = await writeOffQuestion(on.ctx())
    expect('detail' in again ? again.detail.join() : '').toContain('units/u2/result.json, units/u3/result.json')
  })

  it('says that everything is safe when it is', async () => {
    await verify(on.ctx())
    dropBox()
    expect((await writeOff(on.ctx(), given())).summary).toContain('every declared result was verified')
    expect(on.run.state().meters[0]?.writtenOff?.unverified).toEqual([])
  })

  it('counts a manifest from before the newest launch for nothing', async () => {
    await verify(on.ctx())
    await on.prove({ kind: 'Receipt', phase: 'launch', payload: { handle: { folder: on.box } } })
    dropBox()
    await writeOff(on.ctx(), given())
    expect(on.run.state().meters[0]?.writtenOff?.unverified).toHaveLength(3)
  })

  it('needs the typed name and a reason', async () => {
    dropBox()
    expect(await writeOff(on.ctx(), {})).toMatchObject({ exitCode: 3 })
    expect(await writeOff(on.ctx(), { typedName: on.run.id, reason: ' ' })).toMatchObject({ exitCode: 3 })
    expect(await writeOff(on.ctx(), { reason: 'removed by hand' })).toMatchObject({ exitCode: 3 })
    expect(await writeOff(on.ctx(), { ...given(), typedName: 'yes' })).toMatchObject({ exitCode: 1 })
    expect(openMeters()).toHaveLength(1)
  })

  it('is refused while the folder is there, and when nobody can tell', async () => {
    expect(await writeOff(on.ctx(), given())).toMatchObject({ exitCode: 1 })
    dropBox()
    const silent: Host = {
      ...on.host,
      script: async () => {
        throw new Error('the link is down')
      },
    }
    expect(await writeOff(on.ctx({ host: silent }), given())).toMatchObject({ exitCode: 4 })
    expect(openMeters()).toHaveLength(1)
  })

  it.each([
    ['its runner', async (pid: number) => ({ process: await localProcessIdentity(pid) })],
    ['a unit of it', async () => ({})],
  ])('is refused while %s lives on without the folder', async (who, more) => {
    const env = who === 'a unit of it' ? { ...process.env, KX_RUN_ID: on.run.id } : process.env
    const child = spawn('sleep', ['600'], { env })
    try {
      await waitUntil(() => child.pid !== undefined, { what: 'the process' })
      const handle = { folder: on.box, token: 't', ...(await more(child.pid ?? 0)) }
      await on.prove({ kind: 'Receipt', phase: 'launch', payload: { handle } })
      dropBox()
      const result = await writeOff(on.ctx(), given())
      expect(result).toMatchObject({ exitCode: 1 })
      expect(result.summary).toContain('alive')
      expect(openMeters()).toHaveLength(1)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('is refused without an open meter, and after a teardown that was seen', async () => {
    await on.run.append('meter.closed', { meterId: 'm1', because: 'seen gone twice' })
    dropBox()
    expect(await writeOff(on.ctx(), given())).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('No meter'),
    })
  })

  it('says in the question that another machine answers', async () => {
    const identity = await on.host.identity()
    await on.prove({
      kind: 'Receipt',
      phase: 'launch',
      host: identity,
      payload: { handle: { folder: on.box } },
    })
    dropBox()
    const other: Host = { ...on.host, identity: async () => ({ ...otherMachine(identity), machineId: 'f'.repeat(32) }) }
    const asked = await writeOffQuestion(on.ctx({ host: other }))
    expect('detail' in asked ? asked.detail.join() : '').toContain('Another machine')
  })

  it('stands in the index of all runs and in the report, and nothing more is asked for', async () => {
    const index = openIndex(join(on.base, 'user'))
    dropBox()
    await writeOff(on.ctx(), given())
    index.reconcile(on.run.state())
    expect(index.read().meters).toMatchObject([{ closedBecause: expect.stringContaining('written off by tester') }])
    const report = buildReport({
      nowMs: on.now.ms,
      state: on.run.state(),
      plan: planWith(),
      units: ['u1', 'u2', 'u3'],
      planPath: 'kx.yaml',
      results: [],
      manifest: null,
      fingerprint: null,
    })
    const text = renderReport(report)
    expect(text).toMatch(/\| meter \| written off by tester .*never seen to stop: removed by hand \|/)
    expect(text).toContain('Never verified, and written off: everything of unit u1')
    expect(report.nextActions.map((action) => action.text).join()).not.toMatch(/kx (launch|teardown)|meter/)
  })
})

describe('a box folder that was removed by hand', () => {
  it('leaves the manifest and the copies of an earlier verification as they are', async () => {
    await verify(on.ctx())
    const before = on.run.state().latest.VerifiedManifest?.id
    dropBox()
    const result = await verify(on.ctx())
    expect(result).toMatchObject({ exitCode: 1, summary: expect.stringContaining('kx writeoff') })
    expect(on.run.state().latest.VerifiedManifest?.id).toBe(before)
    expect((await remove(on.ctx(), { gapMs: 1 })).exitCode).toBe(1)
  })
})
