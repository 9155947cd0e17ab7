import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Columns } from '../../../src/reader/columns.ts'
import { mlflowSqliteReader } from '../../../src/reader/mlflow/sqlite.ts'
import { renewing } from '../../../src/reader/renewing.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'
import { trackioReader } from '../../../src/reader/trackio.ts'
import type { RunReader } from '../../../src/reader/types.ts'
import { addPoints, makeDatabase, startWriter, type Writer } from '../../harness/database-writer.ts'

let folder = ''
const writers: Writer[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-databases-'))
})
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.end()
  rmSync(folder, { recursive: true, force: true })
})

const writerOf = async (path: string, script: string) => {
  const writer = await startWriter(path, script)
  writers.push(writer)
  return writer
}
type Kind = 'mlflow' | 'trackio'
const readerOf = (kind: Kind, name = 'a.db'): RunReader =>
  renewing(kind === 'mlflow' ? 'mlflow-sqlite' : 'trackio', () =>
    kind === 'mlflow'
      ? mlflowSqliteReader(localFolder(folder), name, 'r1')
      : trackioReader(localFolder(folder), name, 'r1'),
  )
const pointsOf = (columns: Columns) => {
  const column = columns.column('loss')
  return column === null ? [] : [...column.steps].map((step, at) => [step, column.values[at]])
}
const upTo = (count: number) => Array.from({ length: count }, (_, step) => [step, step * 2])
/** Every byte takes minutes; each page's borders, and between them some bytes that are no multiple of anything. */
const cutsOf = (bytes: number) => {
  if (process.env.KX_FAULTS_FULL === '1') return Array.from({ length: bytes }, (_, at) => at)
  const found = new Set([0, 1, 15, 16, 99, 100, 101, bytes - 1])
  for (let at = 512; at < bytes; at += 512 * 7) for (const near of [-1, 0, 1]) found.add(at + near)
  for (let at = 7; at < bytes; at += 3001) found.add(at)
  return [...found].filter((at) => at >= 0 && at < bytes).sort((a, b) => a - b)
}
/** What was read never throws, holds nothing that was not written, and begins at the beginning without a gap. */
const readCut = async (kind: Kind, most: number) => {
  const columns = new Columns()
  const reader = readerOf(kind, 'cut.db')
  const reports = await reader.advance(columns)
  await reader.close()
  const points = pointsOf(columns)
  expect(points).toEqual(upTo(points.length))
  expect(points.length).toBeLessThanOrEqual(most)
  expect([...columns.names].every((name) => name === 'loss')).toBe(true)
  if (points.length < most) expect(reports.flatMap(({ notes }) => notes).join()).not.toBe('')
  await expect(scan(localFolder(folder)).then(({ runs }) => runs.length)).resolves.toBeLessThanOrEqual(2)
  return points.length
}

describe.each(['mlflow', 'trackio'] as const)('a database of %s that was cut', (kind) => {
  it('is never taken for whole, at any byte of it, and nothing is made up', { timeout: 1_200_000 }, async () => {
    makeDatabase(join(folder, 'whole'), kind, 150, 'delete')
    const whole = readFileSync(join(folder, 'whole'))
    expect(whole.length).toBeGreaterThan(10 * 512)
    for (const at of cutsOf(whole.length)) {
      writeFileSync(join(folder, 'cut.db'), whole.subarray(0, at))
      // Nobody is about to write the rest.
      utimesSync(join(folder, 'cut.db'), 1_700_000_000, 1_700_000_000)
      expect(await readCut(kind, 150), `cut at ${at}`).toBeLessThan(150)
    }
    writeFileSync(join(folder, 'cut.db'), whole)
    expect(await readCut(kind, 150)).toBe(150)
  })

  it('gives the transactions that the log beside it holds whole, and no other', { timeout: 1_200_000 }, async () => {
    const path = join(folder, 'whole')
    const writer = new DatabaseSync(path)
    writer.close()
    makeDatabase(path, kind, 20, 'wal')
    // While somebody has it open, the log stays beside it.
    const open = new DatabaseSync(path)
    open.exec('PRAGMA wal_autocheckpoint = 0')
    addPoints(open, kind, 20, 60)
    const log = readFileSync(`${path}-wal`)
    const begin = readFileSync(path)
    expect(log.length).toBeGreaterThan(20 * 512)
    let most = 20
    for (const at of [...cutsOf(log.length), log.length]) {
      writeFileSync(join(folder, 'cut.db'), begin)
      writeFileSync(join(folder, 'cut.db-wal'), log.subarray(0, at))
      rmSync(join(folder, 'cut.db-shm'), { force: true })
      const columns = new Columns()
      await readerOf(kind, 'cut.db').advance(columns)
      const points = pointsOf(columns)
      expect(points, `cut at ${at}`).toEqual(upTo(points.length))
      // More of the log is never less of the run.
      expect(points.length).toBeGreaterThanOrEqual(most)
      most = points.length
    }
    expect(most).toBe(60)
    open.close()
  })
})

describe.each(['delete', 'wal'] as const)('a database with a %s journal that another process writes', (journal) => {
  it('is read while it is written: each point once, and all of them at the end', async () => {
    makeDatabase(join(folder, 'a.db'), 'mlflow', 0, journal)
    const writer = await writerOf(
      join(folder, 'a.db'),
      `const add = database.prepare("INSERT INTO metrics VALUES ('loss', ?, 1000, ?, 0, 'r1')")
       say('begun')
       for (let step = 0; step < 400; step += 4) {
         database.exec('BEGIN')
         for (let at = step; at < step + 4; at++) add.run(at * 2, at)
         database.exec('COMMIT')
         await new Promise(setImmediate)
       }
       say('done')`,
    )
    await writer.said('begun')
    let isDone = false
    void writer.said('done').then(() => {
      isDone = true
    })
    const columns = new Columns()
    const reader = readerOf('mlflow')
    for (;;) {
      const wasDone = isDone
      // A writer that never rests is told, and looked at again.
      const told = await reader.advance(columns).catch((error: Error) => error)
      if (told instanceof Error) expect(told.message).toMatch(/is locked by whoever writes it/)
      const points = pointsOf(columns)
      expect(points).toEqual(upTo(points.length))
      // Whole transactions alone.
      expect(points.length % 4).toBe(0)
      if (wasDone && !(told instanceof Error)) break
      await new Promise(setImmediate)
    }
    expect(pointsOf(columns)).toEqual(upTo(400))
  })
})

describe('a database that is kept locked', () => {
  it('is told, not waited for without an end, and read when it is let go', async () => {
    makeDatabase(join(folder, 'a.db'), 'mlflow', 5, 'delete')
    const writer = await writerOf(
      join(folder, 'a.db'),
      `database.exec('BEGIN EXCLUSIVE'); say('locked'); await heard(); database.exec('COMMIT'); say('free'); await heard()`,
    )
    await writer.said('locked')
    const reader = readerOf('mlflow')
    const columns = new Columns()
    await expect(reader.advance(columns)).rejects.toThrow(/a\.db is locked by whoever writes it\. Look again/)
    const { runs, notes } = await scan(localFolder(folder))
    expect([runs.length, notes.join()]).toEqual([0, expect.stringMatching(/a\.db could not be looked into: .*locked/)])
    writer.tell('go')
    await writer.said('free')
    await reader.advance(columns)
    expect(pointsOf(columns)).toEqual(upTo(5))
  })

  it('that its writer left in the middle of a transaction is told, and not undone for it', async () => {
    makeDatabase(join(folder, 'a.db'), 'mlflow', 5, 'delete')
    const writer = await writerOf(
      join(folder, 'a.db'),
      `database.exec('PRAGMA cache_size = 2; PRAGMA cache_spill = 1; BEGIN')
       const add = database.prepare("INSERT INTO metrics VALUES ('loss', ?, 1000, ?, 0, 'r1')")
       for (let at = 0; at < 3000; at++) add.run(7, 100 + at)
       say('spilled'); await heard()`,
    )
    await writer.said('spilled')
    await writer.end()
    const before = readFileSync(join(folder, 'a.db-journal'))
    copyFileSync(join(folder, 'a.db'), join(folder, 'kept'))
    await expect(readerOf('mlflow').advance(new Columns())).rejects.toThrow(/middle of a transaction/)
    expect(readFileSync(join(folder, 'a.db-journal')).equals(before)).toBe(true)
    expect(readFileSync(join(folder, 'a.db')).equals(readFileSync(join(folder, 'kept')))).toBe(true)
  })
})
