import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { s3Reads } from '../../../src/artifact/object/s3.ts'
import type { StoreOptions } from '../../../src/artifact/object/types.ts'
import { compareCommand } from '../../../src/commands/compare.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { Columns } from '../../../src/reader/columns.ts'
import { type FarFolder, farFolder } from '../../../src/reader/far/folder.ts'
import { objectFiles } from '../../../src/reader/far/object-files.ts'
import { scan } from '../../../src/reader/scan.ts'
import { type FakeS3, fakeKeys, startFakeS3 } from '../../harness/fake-s3.ts'
import { historyRecord, wandbLog } from '../../harness/wandb-log.ts'

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `{"step":${from + i},"loss":${1 / (from + i + 1)}}\n`).join('')

let store: FakeS3
let nowMs = 0
let folder = ''
const before = { ...process.env }
const open: { close(): Promise<void> | void }[] = []
beforeEach(async () => {
  nowMs = 0
  store = await startFakeS3()
  folder = mkdtempSync(join(tmpdir(), 'kx-object-test-'))
  // The usual ways, and none of the person who runs the test.
  process.env.AWS_ACCESS_KEY_ID = fakeKeys.id
  process.env.AWS_SECRET_ACCESS_KEY = fakeKeys.secret
  process.env.AWS_CONFIG_FILE = join(folder, 'none')
  process.env.AWS_SHARED_CREDENTIALS_FILE = join(folder, 'none')
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
  delete process.env.AWS_PROFILE
  delete process.env.AWS_REGION
})
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
  await store.stop()
  rmSync(folder, { recursive: true, force: true })
  for (const name of Object.keys(process.env))
    if (name.startsWith('AWS_') && !(name in before)) delete process.env[name]
  Object.assign(process.env, before)
})

const reads = (more: Partial<StoreOptions> = {}) => {
  const { bucket, endpoint, region } = store
  const made = s3Reads(
    { bucket, endpoint, region, isPathStyle: true, profile: null, ...more },
    { pageSize: 1000, pauseMs: 1 },
  )
  open.push(made)
  return made
}
const place = async (prefix: string, more: Partial<StoreOptions> = {}): Promise<FarFolder> => {
  const found = await farFolder(objectFiles(reads(more), `s3://${store.bucket}`, prefix), () => nowMs)
  if (found === null) throw new Error('no such place')
  open.push(found)
  return found
}
const later = () => {
  nowMs += 1e7
}
const stepsOf = (columns: Columns) => [...(columns.column('loss')?.steps ?? [])]
const upTo = (end: number) => Array.from({ length: end }, (_, i) => i)

describe('runs in an object store', () => {
  it('are found over all pages of the list, whatever their names', async () => {
    const names = ['a', 'b c', 'd+e', 'ü', 'f&<g>', "it's", 'h%20']
    for (const name of names) store.put(`team/${name}/metrics.jsonl`, lines(0, 3))
    store.put('team/', '')
    store.put('team/../out/metrics.jsonl', lines(0, 3))
    store.put('teamster/x/metrics.jsonl', lines(0, 3))
    const found = await place('team')
    const { runs } = await scan(found)
    expect(runs.map(({ path }) => path).sort()).toEqual(names.map((name) => `${name}/metrics.jsonl`).sort())
    expect(store.asked).toEqual(['LIST team/', 'LIST team/', 'LIST team/'])
    expect(found.notes).toEqual(['s3://runs/team: 1 objects have names that are no paths; they were left out'])
    for (const run of runs) {
      const columns = new Columns()
      await run.open().advance(columns)
      expect(stepsOf(columns)).toEqual([0, 1, 2])
    }
    const single = await place('team/b c/metrics.jsonl')
    expect([single.only, (await scan(single)).runs.length]).toEqual(['metrics.jsonl', 1])
    await expect(place('team/nothing')).rejects.toThrow('no such place')
  })

  it('of a run that grew only what is new is read, and one that was replaced is read anew', async () => {
    store.put('r/metrics.jsonl', lines(0, 5000))
    const history = (to: number) => wandbLog(upTo(to).map((step) => historyRecord(step, { loss: String(step) })))
    store.put('w/run-a.wandb', history(3000))
    const { runs } = await scan(await place(''))
    const [jsonl, wandb] = runs.map((run) => ({ reader: run.open(), columns: new Columns() }))
    if (jsonl === undefined || wandb === undefined) throw new Error('two runs')
    const advance = async () => {
      later()
      await jsonl.reader.advance(jsonl.columns)
      await wandb.reader.advance(wandb.columns)
    }
    await advance()
    const first = store.sentBytes
    store.put('r/metrics.jsonl', lines(0, 5010))
    store.put('w/run-a.wandb', history(3010))
    await advance()
    expect([stepsOf(jsonl.columns), stepsOf(wandb.columns)]).toEqual([upTo(5010), upTo(3010)])
    // What is new, and of what was read the beginning and the last bytes: enough to know that it only grew.
    expect(store.sentBytes - first).toBeLessThan(2 * 5000 + 3000)
    const quiet = store.sentBytes
    await advance()
    expect(store.sentBytes).toBe(quiet)
    // Longer than before, and another one all the same.
    store.put('r/metrics.jsonl', lines(100, 5200))
    await advance()
    expect(stepsOf(jsonl.columns)).toEqual(upTo(5200).slice(100))
    store.put('r/metrics.jsonl', lines(7, 20))
    await advance()
    expect(stepsOf(jsonl.columns)).toEqual(upTo(20).slice(7))
  })

  it('go on when an object is replaced between two reads of it', async () => {
    store.put('metrics.jsonl', lines(0, 100))
    const found = await place('')
    const [run] = (await scan(found)).runs
    const columns = new Columns()
    store.put('metrics.jsonl', lines(50, 60))
    await run?.open().advance(columns)
    expect(stepsOf(columns)).toEqual(upTo(60).slice(50))
    // No part of another content was taken: each read names the content that it means.
    expect(store.asked.filter((each) => each.startsWith('GET')).length).toBeGreaterThan(1)
  })

  it('are read through a store that is busy, and bodies that end early', async () => {
    store.put('metrics.jsonl', lines(0, 100))
    store.next('slow-down', 1)
    const [run] = (await scan(await place(''))).runs
    store.next('cut', 2)
    store.next('slow-down', 1)
    const columns = new Columns()
    await run?.open().advance(columns)
    expect(stepsOf(columns)).toEqual(upTo(100))
  })

  it('say what is the matter, and what to do', async () => {
    store.put('metrics.jsonl', lines(0, 1))
    await expect(place('', { bucket: 'nowhere' })).rejects.toThrow(
      /there is no bucket nowhere at http.*Look at its name/,
    )
    store.next('denied', 1)
    await expect(place('')).rejects.toThrow(/may not do that\. Reading takes s3:ListBucket on runs and s3:GetObject/)
    store.next('slow-down', 9)
    await expect(place('')).rejects.toThrow(/fewer requests\. Try again later/)
    await expect(place('', { region: 'us-other-1' })).rejects.toThrow(/does not accept the credentials that were found/)
    process.env.AWS_SECRET_ACCESS_KEY = 'not the one'
    await expect(place('')).rejects.toThrow(/SignatureDoesNotMatch.*Name a profile/)
    delete process.env.AWS_ACCESS_KEY_ID
    delete process.env.AWS_SECRET_ACCESS_KEY
    await expect(place('')).rejects.toThrow(/no credentials for it were found here\. Name a profile/)
    await expect(place('', { endpoint: null, region: null })).rejects.toThrow(/in which region.*s3\.region/)
    await store.stop()
    process.env.AWS_ACCESS_KEY_ID = fakeKeys.id
    process.env.AWS_SECRET_ACCESS_KEY = fakeKeys.secret
    await expect(place('')).rejects.toThrow(/cannot be reached \(ECONNREFUSED\)/)
  })

  it('tell a clock that is wrong from a refusal', async () => {
    store.put('metrics.jsonl', lines(0, 1))
    store.next('skewed', 9)
    await expect(place('')).rejects.toThrow(/clock of this machine.*Set the clock/)
  })

  it('give a database as a copy that goes afterwards', async () => {
    const path = join(folder, 'made.db')
    const database = new DatabaseSync(path)
    database.exec(`CREATE TABLE metrics (id INTEGER, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
      INSERT INTO metrics VALUES (1, '2026-01-01T00:00:00', 'one', 0, '{"loss": 2}'), (2, '2026-01-01T00:00:01', 'one', 1, '{"loss": 1}');`)
    store.put('t/project.db', readFileSync(path))
    const found = await place('t')
    const [run] = (await scan(found)).runs
    const reader = run?.open()
    const columns = new Columns()
    await reader?.advance(columns)
    expect([run?.format, stepsOf(columns)]).toEqual(['trackio', [0, 1]])
    database.exec(`INSERT INTO metrics VALUES (3, '2026-01-01T00:00:02', 'one', 2, '{"loss": 0.5}')`)
    store.put('t/project.db', readFileSync(path))
    later()
    await reader?.advance(columns)
    expect(stepsOf(columns)).toEqual([0, 1, 2])
    await found.close()
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`kx-far-${process.pid}-`))).toEqual([])
    database.close()
  })

  it('are named on the command line, with the store of the settings', async () => {
    for (const name of ['a', 'b']) store.put(`sweep/${name}/metrics.jsonl`, lines(0, 5))
    const settings = { 's3.endpoint': store.endpoint, 's3.pathStyle': true, 's3.region': store.region }
    const env = {
      projectFolder: folder,
      signal: new AbortController().signal,
      settings,
    } as unknown as CommandEnvironment
    const lists = { ignore: [], lower: [], higher: [], failOn: [] }
    const compare = (word: string) =>
      compareCommand(env, { ...lists, runs: [word], aggregator: 'last', md: false, csv: false })
    const { exitCode, data } = await compare('s3://runs/sweep/')
    expect([exitCode, data]).toMatchObject([0, { runs: [{ path: 'a/metrics.jsonl' }, { path: 'b/metrics.jsonl' }] }])
    const refused = await compare('s3://nowhere/sweep')
    expect([refused.exitCode, refused.summary]).toEqual([4, expect.stringMatching(/no bucket nowhere/)])
    expect(JSON.stringify([data, refused])).not.toContain(fakeKeys.secret)
  })
})
