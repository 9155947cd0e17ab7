import { describe, expect, it } from 'vitest'
import { foldRecords } from '../../src/run/fold.ts'
import { openRun } from '../../src/run/handle.ts'
import { emptyRun, oneLaunch, onePatrolOwner, sleeperIsRefused } from './scenarios.ts'
import { isFull, notesOf, readJournal, startWorker, temporaryFolder } from './support.ts'

const clock = { nowMs: () => Date.now() }
const fresh = () => emptyRun(temporaryFolder())

/** Every line whole, every writer's notes there once and in its order, the chain intact. */
function checkNotes(folder: string, expected: ReadonlyMap<string, number>): void {
  const { records, cursor, leftBytes } = readJournal(folder)
  expect(leftBytes).toBe(0)
  expect(cursor.chainBreak).toBeNull()
  expect(records.map((r) => r.sequence)).toEqual(records.map((_, i) => i + 1))
  expect(foldRecords(null, records)?.warnings).toEqual([])
  const seen = new Map<string, number>()
  for (const note of notesOf(records)) {
    const [name = '', i] = note.split(':')
    if (!expected.has(name)) continue
    expect(Number(i)).toBe(seen.get(name) ?? 0)
    seen.set(name, Number(i) + 1)
  }
  for (const [name, atLeast] of expected) expect(seen.get(name) ?? 0).toBeGreaterThanOrEqual(atLeast)
}

describe('several kx processes on one run (P12, K4)', () => {
  const each = isFull ? 10_000 : 150

  it(`8 writers with ${each} appends each: none lost, none interleaved, chain intact`, async () => {
    const folder = await fresh()
    const writers = Array.from({ length: 8 }, (_, i) => startWorker(['append', folder, `w${i}`, String(each)]))
    for (const writer of writers) expect(await writer.waitFor((line) => line === 'ready')).toBe('ready')
    for (const writer of writers) writer.tell('go')
    for (const writer of writers) expect(await writer.ended).toMatchObject({ code: 0, stderr: '' })
    checkNotes(folder, new Map(writers.map((_, i) => [`w${i}`, each])))
    expect(readJournal(folder).records).toHaveLength(8 * each + 1)
  })

  it('the lock of a killed writer is free at once; what it had acknowledged is there', async () => {
    const folder = await fresh()
    const writers = Array.from({ length: 4 }, (_, i) => startWorker(['append', folder, `w${i}`, '100000']))
    for (const writer of writers) expect(await writer.waitFor((line) => line === 'ready')).toBe('ready')
    for (const writer of writers) writer.tell('go')
    for (const writer of writers) {
      await writer.waitFor((line) => line.startsWith('acknowledged'))
      writer.child.kill('SIGKILL')
      await writer.ended
    }
    const acknowledged = new Map(
      writers.map((writer, i) => [
        `w${i}`,
        Number(writer.lines.findLast((l) => l.startsWith('acknowledged'))?.split(' ')[1] ?? -1) + 1,
      ]),
    )
    const run = await openRun(folder, { clock })
    expect(run.wasAlone).toBe(true)
    await run.append('note', { text: 'survivor' })
    await run.close()
    checkNotes(folder, acknowledged)
  })

  it('a sleeper that resumes after being replaced is refused, and may join again on purpose', async () =>
    sleeperIsRefused(await fresh()))

  it('of several processes with the same token exactly one may launch', async () => oneLaunch(await fresh(), 5))

  it('has one patrol owner; its death frees the post at once, its sleep after the time to live', async () =>
    onePatrolOwner(await fresh()))
})
