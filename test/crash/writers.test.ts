import { describe, expect, it } from 'vitest'
import { foldRecords } from '../../src/run/fold.ts'
import { createRun } from '../../src/run/folder.ts'
import { openRun } from '../../src/run/handle.ts'
import { isFull, notesOf, readJournal, startWorker, temporaryFolder, type Worker } from './support.ts'

const clock = { nowMs: () => Date.now() }

async function emptyRun(): Promise<string> {
  const run = await createRun({
    projectFolder: temporaryFolder(),
    project: 's',
    planName: 'p',
    planText: '',
    by: 'ada',
    clock,
  })
  const { folder } = run
  await run.close()
  return folder
}

const answer = async (worker: Worker, line: string): Promise<string | null> => {
  const before = worker.lines.length
  worker.tell(line)
  return worker.waitFor((_, i) => i >= before)
}

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
    const folder = await emptyRun()
    const writers = Array.from({ length: 8 }, (_, i) => startWorker(['append', folder, `w${i}`, String(each)]))
    for (const writer of writers) expect(await writer.waitFor((line) => line === 'ready')).toBe('ready')
    for (const writer of writers) writer.tell('go')
    for (const writer of writers) expect(await writer.ended).toMatchObject({ code: 0, stderr: '' })
    checkNotes(folder, new Map(writers.map((_, i) => [`w${i}`, each])))
    expect(readJournal(folder).records).toHaveLength(8 * each + 1)
  })

  it('the lock of a killed writer is free at once; what it had acknowledged is there', async () => {
    const folder = await emptyRun()
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

  it('a sleeper that resumes after being replaced is refused, and may join again on purpose', async () => {
    const folder = await emptyRun()
    const sleeper = startWorker(['obey', folder])
    await sleeper.waitFor((line) => line.startsWith('ready'))
    expect(await answer(sleeper, 'append awake')).toMatch(/^ok/)
    sleeper.child.kill('SIGSTOP')
    const successor = await openRun(folder, { clock, fence: 'take' })
    await successor.append('note', { text: 'successor' })
    sleeper.child.kill('SIGCONT')
    expect(await answer(sleeper, 'append too late')).toBe('refused fenced')
    expect(notesOf(readJournal(folder).records)).toEqual(['awake', 'successor'])
    expect(await answer(sleeper, 'rejoin')).toBe('ok')
    expect(await answer(sleeper, 'append back')).toMatch(/^ok/)
    await successor.close()
    expect(notesOf(readJournal(folder).records)).toEqual(['awake', 'successor', 'back'])
  })

  it('of several processes with the same token exactly one may launch', async () => {
    const folder = await emptyRun()
    const rivals = Array.from({ length: 4 }, () => startWorker(['obey', folder]))
    for (const rival of rivals) await rival.waitFor((line) => line.startsWith('ready'))
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const answers = await Promise.all(rivals.map((rival) => answer(rival, `intent kx-r-launch-${attempt}`)))
      expect(answers.toSorted()).toEqual(['ok', 'refused refused', 'refused refused', 'refused refused'])
    }
  })

  it('has one patrol owner; its death frees the post at once, its sleep after the time to live', async () => {
    const folder = await emptyRun()
    const [first, second] = [startWorker(['obey', folder]), startWorker(['obey', folder])]
    for (const worker of [first, second]) await worker.waitFor((line) => line.startsWith('ready'))
    expect(await answer(first, 'claim 600')).toBe('{"isOurs":true,"fencedOff":null}')
    expect(JSON.parse((await answer(second, 'claim 600')) ?? '')).toMatchObject({ isOurs: false, pid: first.child.pid })
    first.child.kill('SIGSTOP')
    expect(JSON.parse((await answer(second, 'claim 600')) ?? '')).toMatchObject({ isOurs: false })
    expect(await answer(second, 'claim 0')).toBe(`{"isOurs":true,"fencedOff":${first.child.pid}}`)
    first.child.kill('SIGCONT')
    expect(await answer(first, 'append asleep')).toBe('refused fenced')
    second.child.kill('SIGKILL')
    await second.ended
    expect(await answer(first, 'rejoin')).toBe('ok')
    expect(await answer(first, 'claim 600')).toBe('{"isOurs":true,"fencedOff":null}')
  })
})
