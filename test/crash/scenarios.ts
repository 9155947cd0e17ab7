import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRun } from '../../src/run/folder.ts'
import { openRun } from '../../src/run/handle.ts'
import { notesOf, readJournal, startWorker, type Worker } from './worker-process.ts'

const clock = { nowMs: () => Date.now() }

/** A run without anything in it; its folder. */
export async function emptyRun(projectFolder: string): Promise<string> {
  const run = await createRun({ projectFolder, project: 's', planName: 'p', planText: '', by: 'ada', clock })
  const { folder } = run
  await run.close()
  return folder
}

export const answer = async (worker: Worker, line: string): Promise<string | null> => {
  const before = worker.lines.length
  worker.tell(line)
  return worker.waitFor((_, i) => i >= before)
}

const isReady = (worker: Worker) => worker.waitFor((line) => line.startsWith('ready'))

/** A process that slept while another took over: refused when it wakes, and back only on purpose. */
export async function sleeperIsRefused(folder: string, asleepMs = 0): Promise<void> {
  const sleeper = startWorker(['obey', folder])
  await isReady(sleeper)
  assert.match((await answer(sleeper, 'append awake')) ?? '', /^ok/)
  sleeper.child.kill('SIGSTOP')
  const successor = await openRun(folder, { clock, fence: 'take' })
  await successor.append('note', { text: 'successor' })
  await sleep(asleepMs)
  sleeper.child.kill('SIGCONT')
  assert.equal(await answer(sleeper, 'append too late'), 'refused fenced')
  assert.deepEqual(notesOf(readJournal(folder).records), ['awake', 'successor'])
  assert.equal(await answer(sleeper, 'rejoin'), 'ok')
  assert.match((await answer(sleeper, 'append back')) ?? '', /^ok/)
  await successor.close()
  assert.deepEqual(notesOf(readJournal(folder).records), ['awake', 'successor', 'back'])
  sleeper.child.kill('SIGKILL')
}

/** Two processes on one run: one patrols. Its death frees the post at once, its sleep after the time to live. */
export async function onePatrolOwner(folder: string): Promise<void> {
  const [first, second] = [startWorker(['obey', folder]), startWorker(['obey', folder])]
  for (const worker of [first, second]) await isReady(worker)
  const claim = async (worker: Worker, seconds: number): Promise<Record<string, unknown>> =>
    JSON.parse((await answer(worker, `claim ${seconds}`)) ?? '{}')
  assert.deepEqual(await claim(first, 600), { isOurs: true, fencedOff: null })
  const refused = await claim(second, 600)
  assert.deepEqual([refused.isOurs, refused.pid], [false, first.child.pid])
  first.child.kill('SIGSTOP')
  assert.equal((await claim(second, 600)).isOurs, false)
  assert.deepEqual(await claim(second, 0), { isOurs: true, fencedOff: first.child.pid })
  first.child.kill('SIGCONT')
  assert.equal(await answer(first, 'append asleep'), 'refused fenced')
  second.child.kill('SIGKILL')
  await second.ended
  assert.equal(await answer(first, 'rejoin'), 'ok')
  assert.deepEqual(await claim(first, 600), { isOurs: true, fencedOff: null })
  first.child.kill('SIGKILL')
}

/** Of several processes with the same token exactly one may launch. */
export async function oneLaunch(folder: string, attempts: number): Promise<void> {
  const rivals = Array.from({ length: 4 }, () => startWorker(['obey', folder]))
  for (const rival of rivals) await isReady(rival)
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const answers = await Promise.all(rivals.map((rival) => answer(rival, `intent kx-r-launch-${attempt}`)))
    assert.deepEqual(answers.toSorted(), ['ok', 'refused refused', 'refused refused', 'refused refused'])
  }
  for (const rival of rivals) rival.child.kill('SIGKILL')
}

/** A process that writes is ended in the middle of it: what it had acknowledged is there, and the next one goes on. */
export async function endedWhileWriting(
  folder: string,
  after: number,
  end: (worker: Worker) => Promise<void> | void,
): Promise<void> {
  const worker = startWorker(['append', folder, 'w', '1000000'])
  await isReady(worker)
  worker.tell('go')
  await worker.waitFor((line) => line === `acknowledged ${after * 16 + 15}`)
  await end(worker)
  const { code, signal } = await worker.ended
  assert(code !== 0 || signal !== null, 'it was ended')
  const acknowledged = Number(worker.lines.findLast((line) => line.startsWith('acknowledged'))?.split(' ')[1] ?? -1) + 1
  const next = await openRun(folder, { clock })
  await next.append('note', { text: 'next' })
  await next.close()
  const { records, leftBytes, cursor } = readJournal(folder)
  assert.deepEqual([leftBytes, cursor.chainBreak], [0, null])
  const written = notesOf(records).filter((note) => note.startsWith('w:'))
  assert.deepEqual(
    written,
    written.map((_, i) => `w:${i}`),
    'in order, once each',
  )
  assert(written.length >= acknowledged, `${written.length} there, ${acknowledged} acknowledged`)
}
