import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { archiveRun, createRun, isRunId, listRunIds, newRunId, runFolder, runsFolder } from '../../../src/run/folder.ts'
import { openRun } from '../../../src/run/handle.ts'
import { closeIntent, openIntent, openIntents } from '../../../src/run/intent.ts'
import { tokenFor } from '../../../src/run/token.ts'
import type { RunState } from '../../../src/run/types.ts'
import { redactValue } from '../../../src/text/redact.ts'
import { linesOf, newRun, temporaryFolder } from './support.ts'

describe('run folder', () => {
  it('names runs by UTC minute, plan and four hex digits', () => {
    expect(newRunId('cpcv', Date.UTC(2026, 10, 22, 3, 4, 59), 'beef')).toBe('20261122-0304-cpcv-beef')
    const long = newRunId('n'.repeat(64), 0, '0000')
    expect(isRunId(long)).toBe(true)
    expect(long.length).toBeLessThanOrEqual(64)
    for (const bad of ['../x', '', '20261122-0304-..-beef/..', '20261122-0304-a-beefs'])
      expect(isRunId(bad)).toBe(false)
    expect(() => runFolder('/p', '../../etc')).toThrow(/not a run id/)
  })

  it('makes private folders and files, copies the plan, keeps out of git', async () => {
    const { run, projectFolder } = await newRun()
    expect(listRunIds(projectFolder)).toEqual([run.id])
    expect(readFileSync(join(run.folder, 'plan.yaml'), 'utf8')).toBe('version: 1\n')
    for (const name of ['cells', 'evidence', 'artifacts'])
      expect(statSync(join(run.folder, name)).mode & 0o777).toBe(0o700)
    expect(statSync(join(run.folder, 'plan.yaml')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(projectFolder, '.kx', '.gitignore'), 'utf8')).toBe('*\n')
    expect(run.state()).toMatchObject({ runId: run.id, created: { projectFolder, by: 'ada' }, warnings: [] })
    await run.close()
  })

  it('sweeps what a killed creation left, and lists nothing that is no run', async () => {
    const projectFolder = temporaryFolder()
    const left = join(runsFolder(projectFolder), '.new-999999999-20261122-0304-x-beef')
    mkdirSync(left, { recursive: true, mode: 0o700 })
    mkdirSync(join(runsFolder(projectFolder), 'notes'))
    const { run } = await newRun(projectFolder)
    expect(existsSync(left)).toBe(false)
    expect(listRunIds(projectFolder)).toEqual([run.id])
    expect(readdirSync(runsFolder(projectFolder)).sort()).toEqual([run.id, 'notes'].sort())
    await run.close()
    expect(listRunIds(temporaryFolder())).toEqual([])
  })

  it('refuses a plan name that would leave the folder', async () => {
    await expect(newRun(temporaryFolder(), { planName: '../../x' })).rejects.toThrow(/cannot be part of a run id/)
  })

  it('archives once, and not while a meter runs', async () => {
    const { run } = await newRun()
    await run.append('meter.opened', { meterId: 'm', what: 'box', host: 'a', usdPerHour: null, leaseUntilMs: null })
    await expect(archiveRun(run, 'ada')).rejects.toThrow(/box is still running/)
    await run.append('meter.closed', { meterId: 'm', because: 'seen gone' })
    await archiveRun(run, 'ada')
    expect(run.state().isArchived).toBe(true)
    await expect(archiveRun(run, 'ada')).rejects.toThrow(/already/)
    await run.close()
  })

  it('tells the index of every record, also of the first', async () => {
    const told: string[] = []
    const { run } = await newRun(temporaryFolder(), { onAppended: (record) => told.push(record.kind) })
    await run.append('note', { text: 'x' })
    expect(told).toEqual(['run.created', 'note'])
    await run.close()
  })
})

describe('run handle', () => {
  it('sees what another handle appended, before its own append and on refresh', async () => {
    const { run, options } = await newRun()
    const other = await openRun(run.folder, options)
    expect(other.fence).toBe(run.fence)
    expect(other.wasAlone).toBe(false)
    await other.append('note', { text: 'from the other' })
    expect(run.state().notes).toEqual([])
    await run.append('note', { text: 'mine' })
    expect(run.state().notes.map((n) => n.text)).toEqual(['from the other', 'mine'])
    expect((await other.refresh()).notes).toHaveLength(2)
    await other.close()
    await run.close()
  })

  it('gives a higher fence to whoever opens a run that nobody has open', async () => {
    const { run, options } = await newRun()
    await run.close()
    const second = await openRun(run.folder, options)
    expect(second.fence).toBe(run.fence + 1)
    expect(second.wasAlone).toBe(true)
    await second.close()
  })

  it('refuses the replaced one until it joins again', async () => {
    const { run, options } = await newRun()
    const taker = await openRun(run.folder, { ...options, fence: 'take' })
    await expect(run.append('note', { text: 'sleeper' })).rejects.toThrow(/taken this run over/)
    await taker.append('note', { text: 'successor' })
    expect(run.state().notes.map((n) => n.text)).toEqual([])
    await run.rejoin()
    expect(run.state().notes.map((n) => n.text)).toEqual(['successor'])
    await run.append('note', { text: 'back' })
    expect(linesOf(run.folder)).toHaveLength(3)
    await taker.close()
    await run.close()
  })

  it('has one owner at a time; a sleeping owner is fenced off', async () => {
    const { run, options } = await newRun()
    const other = await openRun(run.folder, options)
    expect(await run.claim('patrol', 60)).toEqual({ isOurs: true, fencedOff: null })
    expect(await run.claim('patrol', 60)).toEqual({ isOurs: true, fencedOff: null })
    expect(await other.claim('patrol', 60)).toMatchObject({ isOurs: false, pid: process.pid })
    expect(await other.claim('patrol', 0)).toEqual({ isOurs: true, fencedOff: process.pid })
    await expect(run.append('note', { text: 'sleeper' })).rejects.toThrow(/taken this run over/)
    await expect(run.claim('patrol', 60)).resolves.toMatchObject({ isOurs: false })
    await other.release('patrol')
    await run.rejoin()
    expect(await run.claim('patrol', 60)).toEqual({ isOurs: true, fencedOff: null })
    await other.close()
    await run.close()
  })

  it('keeps the order of calls and gives every record its own sequence', async () => {
    const { run } = await newRun()
    const records = await Promise.all(Array.from({ length: 50 }, (_, i) => run.append('note', { text: String(i) })))
    expect(records.map((r) => r.sequence)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2))
    expect(run.state().notes.map((n) => n.text)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
    await run.close()
  })

  it('goes on after a refused append', async () => {
    const { run } = await newRun()
    const results = await Promise.allSettled([
      run.append('note', { text: 'a' }, () => 'No.'),
      run.append('note', { text: 'b' }),
    ])
    expect(results.map((r) => r.status)).toEqual(['rejected', 'fulfilled'])
    await run.close()
  })

  it('tells its listeners once a turn, and not after close', async () => {
    const { run } = await newRun()
    const seen: RunState[] = []
    const off = run.subscribe((state) => seen.push(state))
    await run.append('note', { text: 'a' })
    expect(seen.at(-1)?.notes).toHaveLength(1)
    off()
    await run.append('note', { text: 'b' })
    expect(seen).toHaveLength(1)
    await run.close()
    await expect(run.append('note', { text: 'c' })).rejects.toThrow(/closed/)
    await expect(run.refresh()).rejects.toThrow(/closed/)
  })

  it('writes scrubbed payloads only', async () => {
    const scrub = (payload: unknown) => JSON.parse(JSON.stringify(payload).replaceAll('hunter22', '***'))
    const { run } = await newRun(temporaryFolder(), { scrub })
    await run.append('note', { text: 'token hunter22' })
    expect(linesOf(run.folder).join()).not.toMatch('hunter22')
    expect(run.state().notes[0]?.text).toBe('token ***')
    await run.close()
  })

  it('reports what the index could not be told, without losing the record', async () => {
    const { run, options } = await newRun()
    await run.close()
    const again = await openRun(run.folder, {
      ...options,
      onAppended: () => {
        throw new Error('disk full')
      },
    })
    await again.append('note', { text: 'a' })
    expect(again.state().warnings.join()).toMatch(/index of all runs was not told: disk full/)
    expect(again.state().notes).toHaveLength(1)
    await again.close()
  })

  it('names a folder that holds no run', async () => {
    await expect(openRun(temporaryFolder(), { clock: { nowMs: () => 0 } })).rejects.toThrow(/no readable journal/)
  })
})

describe('intent', () => {
  const intent = (intentId: string, token: string) =>
    ({ intentId, act: 'launch', token, host: 'local', payload: {} }) as const

  it('is opened once a token, by whichever handle', async () => {
    const { run, options } = await newRun()
    const other = await openRun(run.folder, options)
    const token = tokenFor(run.id, 'launch', 1)
    const results = await Promise.allSettled([
      openIntent(run, intent('a', token)),
      openIntent(other, intent('b', token)),
      openIntent(run, intent('c', token)),
    ])
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    await run.refresh()
    expect(run.state().intents).toHaveLength(1)
    expect(openIntents(run.state())).toHaveLength(1)
    await other.close()
    await run.close()
  })

  it('keeps its token through masking, and nothing else that a token field holds', async () => {
    const scrub = (payload: unknown) => redactValue(payload, null).value
    const { run } = await newRun(temporaryFolder(), { scrub })
    await openIntent(run, intent('a', tokenFor(run.id, 'launch', 1)))
    await openIntent(run, intent('b', tokenFor(run.id, 'launch', 2)))
    await expect(openIntent(run, intent('c', tokenFor(run.id, 'launch', 1)))).rejects.toThrow(/begun before/)
    const handle = { token: tokenFor(run.id, 'launch', 1), nested: [{ token: 'not-one-of-ours-1234' }] }
    await run.append('intent.closed', { intentId: 'a', outcome: 'done', payload: handle })
    expect(run.state().intents[0]?.closed?.payload).toEqual({ ...handle, nested: [{ token: '***' }] })
    await run.close()
  })

  it('may be repeated after a failure only when the caller says so, never after unknown', async () => {
    const { run } = await newRun()
    await openIntent(run, intent('a', 't'))
    await closeIntent(run, { intentId: 'a', outcome: 'failed', payload: {} })
    await expect(openIntent(run, intent('b', 't'))).rejects.toThrow(/ended as failed/)
    await openIntent(run, { ...intent('b', 't'), mayRepeatAfterFailure: true })
    await closeIntent(run, { intentId: 'b', outcome: 'unknown', payload: {} })
    await expect(openIntent(run, { ...intent('c', 't'), mayRepeatAfterFailure: true })).rejects.toThrow(/unknown/)
    await expect(closeIntent(run, { intentId: 'b', outcome: 'done', payload: {} })).rejects.toThrow(/closed before/)
    await expect(closeIntent(run, { intentId: 'z', outcome: 'done', payload: {} })).rejects.toThrow(/no intent z/)
    await run.close()
  })
})

describe('creating runs at once', () => {
  it('gives each its own id', async () => {
    const projectFolder = temporaryFolder()
    const clock = { nowMs: () => Date.UTC(2026, 10, 22, 3, 4) }
    const request = { projectFolder, project: 's', planName: 'p', planText: '', by: 'ada', clock }
    const runs = await Promise.all(Array.from({ length: 10 }, () => createRun(request)))
    expect(new Set(runs.map((r) => r.id)).size).toBe(10)
    expect(listRunIds(projectFolder)).toHaveLength(10)
    for (const run of runs) await run.close()
  })
})
