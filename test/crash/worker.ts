/**
 * A kx-like process for crash tests. Everything it has promised to somebody it prints as a line on standard output after
 * the fact, so the parent knows what must be there when it is killed.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openCell } from '../../src/notebook/cell-writer.ts'
import { endLostCells } from '../../src/notebook/recover.ts'
import { isRunError } from '../../src/run/errors.ts'
import { createRun, listRunIds, runFolder } from '../../src/run/folder.ts'
import { openRun, type WritableRun } from '../../src/run/handle.ts'
import { openIndex } from '../../src/run/index-file.ts'
import { closeIntent, openIntent, openIntents } from '../../src/run/intent.ts'
import { tokenFor } from '../../src/run/token.ts'
import { openMemory } from '../../src/session/memory.ts'

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
const say = (text: string) => writeSync(1, `${text}\n`)
const stage = () => {
  let held = ''
  return {
    push: (chunk: Uint8Array | string) => {
      held += chunk.toString()
      const end = held.lastIndexOf('\n') + 1
      const out = held.slice(0, end)
      held = held.slice(end)
      return out
    },
    end: () => held,
    count: 0,
  }
}

/** Lines from the parent, one at a time. */
function parentLines(): () => Promise<string> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  return async () => String((await lines.next()).value ?? '')
}

const effectsFile = (project: string) => join(project, 'effects.log')

/** What a launch does to the world: it cannot be taken back, and the world remembers its token. */
function launch(project: string, token: string): void {
  appendFileSync(effectsFile(project), `${token}\n`, { flush: true })
}

function isLaunched(project: string, token: string): boolean {
  return existsSync(effectsFile(project)) && readFileSync(effectsFile(project), 'utf8').split('\n').includes(token)
}

async function openOrCreate(project: string, stateFolder: string): Promise<WritableRun> {
  const index = openIndex(stateFolder)
  const onAppended = index.mirror
  const [id] = listRunIds(project)
  if (id === undefined)
    return createRun({
      projectFolder: project,
      project: 'sample',
      planName: 'cpcv',
      planText: 'version: 1\n',
      by: 'ada',
      clock,
      onAppended,
    })
  const run = await openRun(runFolder(project, id), { clock, onAppended })
  index.reconcile(run.state())
  await endLostCells(run)
  return run
}

/** Walks jobs for ever: each is launched once, by whichever process gets to it, whatever was killed before. */
async function walk(project: string, stateFolder: string, rounds: number): Promise<void> {
  const run = await openOrCreate(project, stateFolder)
  say(`opened ${run.fence}`)
  const memory = openMemory({
    stateFolder,
    projectFolder: project,
    fresh: { round: 0, draft: '' },
    parse: (stored) => stored as { round: number; draft: string },
  })
  memory.load()
  for (const intent of openIntents(run.state())) {
    const outcome = isLaunched(project, intent.token) ? 'done' : 'failed'
    await closeIntent(run, { intentId: intent.intentId, outcome, payload: {} })
  }
  for (let round = 0; round < rounds; round += 1) {
    const { intents } = run.state()
    const job = intents.filter((intent) => intent.closed?.outcome === 'done').length + 1
    const token = tokenFor(run.id, 'launch', intents.length + 1)
    const cell = await openCell(
      run,
      { name: 'launch.start', title: 'Launch', args: { job }, risk: 'change', source: 'x' },
      {
        clock,
        newId: () => randomUUID(),
        who: 'ada',
        via: 'cli',
        host: null,
        createSanitiser: stage,
        createRedactor: stage,
        limits: { headBytes: 100, tailBytes: 100 },
      },
    )
    cell.stdout(`${'output of a job\n'.repeat(40)}`)
    const intentId = randomUUID()
    const opened = await openIntent(run, { intentId, act: 'launch', token, host: 'local', payload: { job } })
    say(`wrote ${opened.sequence} ${opened.kind}`)
    launch(project, token)
    say(`launched ${token} ${job}`)
    await closeIntent(run, { intentId, outcome: 'done', payload: { job } })
    const meterId = `m${run.state().meters.length}`
    const meter = await run.append('meter.opened', {
      meterId,
      what: 'box',
      host: 'local',
      usdPerHour: null,
      leaseUntilMs: null,
    })
    say(`wrote ${meter.sequence} ${meter.kind}`)
    if (round % 2 === 0) await run.append('meter.closed', { meterId, because: 'seen gone' })
    memory.set({ round, draft: `half-typed ${job}` })
    memory.flush()
    say(`remembered ${job}`)
    await cell.end({ state: 'done', summary: `job ${job}` })
  }
  await run.close()
  say('finished')
}

/** Appends `count` notes as fast as it can, once it is told to. */
async function append(folder: string, name: string, count: number): Promise<void> {
  const next = parentLines()
  const run = await openRun(folder, { clock, lockTimeoutMs: 120_000 })
  say('ready')
  await next()
  for (let i = 0; i < count; i += 1) {
    await run.append('note', { text: `${name}:${i}` })
    if (i % 16 === 15) say(`acknowledged ${i}`)
  }
  say('finished')
  await run.close()
  process.exit(0)
}

/** Does what it is told, line by line: `append <text>`, `claim <seconds>`, `intent <token>`, `rejoin`. */
async function obey(folder: string): Promise<void> {
  const next = parentLines()
  const run = await openRun(folder, { clock })
  say(`ready ${run.fence}`)
  for (;;) {
    const [word, ...rest] = (await next()).split(' ')
    if (word === undefined || word === '') break
    try {
      if (word === 'append') say(`ok ${(await run.append('note', { text: rest.join(' ') })).sequence}`)
      else if (word === 'claim') say(JSON.stringify(await run.claim('patrol', Number(rest[0]))))
      else if (word === 'intent') {
        const intentId = randomUUID()
        await openIntent(run, { intentId, act: 'launch', token: rest[0] ?? '', host: 'local', payload: {} })
        say('ok')
      } else await run.rejoin().then(() => say('ok'))
    } catch (error) {
      say(isRunError(error) ? `refused ${error.code}` : `failed ${String(error)}`)
    }
  }
  process.exit(0)
}

const [mode, ...args] = process.argv.slice(2)
if (mode === 'walk') await walk(args[0] ?? '', args[1] ?? '', Number(args[2]))
else if (mode === 'append') await append(args[0] ?? '', args[1] ?? '', Number(args[2]))
else await obey(args[0] ?? '')
