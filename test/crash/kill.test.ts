import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { listRunIds, runFolder } from '../../src/run/folder.ts'
import { localPoints as names } from './points.ts'
import { localShare, round } from './round.ts'
import {
  checkProject,
  checkSettled,
  isFull,
  notesOf,
  readJournal,
  seeded,
  startWorker,
  temporaryFolder,
} from './support.ts'
import { handOver, killed, resumed } from './tally.ts'

/** Points that are passed only where something torn lies about. */
const needsTornTail = ['journal.before-truncate', 'journal.after-truncate']

function tear(project: string): void {
  const id = listRunIds(project)[0] ?? ''
  appendFileSync(join(runFolder(project, id), 'journal.jsonl'), '{"v":1,"sequence":99,"fence":77,"previous":"00')
}

afterAll(() => handOver('kill'))

describe('SIGKILL at every named point of local state (P3, K1)', () => {
  it('knows the points', () => {
    expect(names.length).toBeGreaterThanOrEqual(30)
  })

  const share = round === null ? { names, nth: 2 } : localShare(round, names)

  it.each(share.names)('%s', async (name) => {
    const project = temporaryFolder()
    const stateFolder = join(temporaryFolder(), 'kx')
    const said: string[] = []
    if (needsTornTail.includes(name)) {
      const first = startWorker(['walk', project, stateFolder, '1'])
      expect((await first.ended).code).toBe(0)
      tear(project)
    }
    const isOnceOnly = name.startsWith('create.') || needsTornTail.includes(name)
    // The first pass of a point hits an empty project, the later ones a run in the middle of its life.
    for (const nth of isOnceOnly ? [1] : isFull ? [1, 2, 3, 5, 8] : [share.nth]) {
      const worker = startWorker(['walk', project, stateFolder, '9'], { KX_FAILPOINT: `${name}:${nth}` })
      const { signal, stderr } = await worker.ended
      expect({ name, nth, signal, stderr }).toEqual({ name, nth, signal: 'SIGKILL', stderr: '' })
      killed(name)
      if (worker.firstLineSeconds !== null) resumed(worker.firstLineSeconds)
      said.push(...worker.lines.filter((line) => !line.startsWith('opened')))
      checkProject(project, stateFolder, said)
    }
    const last = startWorker(['walk', project, stateFolder, '2'])
    expect(await last.ended).toMatchObject({ code: 0, stderr: '' })
    said.push(...last.lines.filter((line) => !line.startsWith('opened')))
    checkProject(project, stateFolder, said)
    checkSettled(project, stateFolder)
  })
})

describe('SIGKILL at random moments (P3)', () => {
  const kills = isFull ? 1000 : round === null ? 8 : 20

  it(`opens again after each of ${kills} kills, believes nothing half-written, launches nothing twice`, async () => {
    const seed = Number(process.env.KX_SEED ?? 20_261_122)
    const random = seeded(seed)
    // A project each 50 kills, so that checking everything after every kill stays quick.
    for (let done = 0; done < kills; done += 50) await killOften(Math.min(50, kills - done), random, seed)
  })
})

async function killOften(kills: number, random: () => number, seed: number): Promise<void> {
  const project = temporaryFolder()
  const stateFolder = join(temporaryFolder(), 'kx')
  const said: string[] = []
  let torn = 0
  for (let kill = 0; kill < kills; kill += 1) {
    const worker = startWorker(['walk', project, stateFolder, '100000'])
    const after = Math.floor(random() * 25)
    await worker.waitFor((_, i) => i >= after)
    // Inside the step that follows, not only at its border.
    const until = performance.now() + random() * 4
    while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
    worker.child.kill('SIGKILL')
    const { signal, stderr } = await worker.ended
    expect({ kill, seed, signal, stderr }).toEqual({ kill, seed, signal: 'SIGKILL', stderr: '' })
    killed(null)
    if (worker.firstLineSeconds !== null) resumed(worker.firstLineSeconds)
    said.push(...worker.lines.filter((line) => /^(wrote|launched) /.test(line)))
    checkProject(project, stateFolder, said)
    // Kernels rarely tear one small write: now and then the test does it itself.
    if (listRunIds(project).length === 1 && random() < 0.3) {
      tear(project)
      torn += 1
    }
  }
  const last = startWorker(['walk', project, stateFolder, '1'])
  expect(await last.ended).toMatchObject({ code: 0, stderr: '' })
  checkSettled(project, stateFolder)
  const { records } = readJournal(runFolder(project, listRunIds(project)[0] ?? ''))
  expect(torn).toBeGreaterThan(0)
  expect(notesOf(records).filter((note) => note.startsWith('Dropped ')).length).toBeGreaterThanOrEqual(torn)
}
