import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allCommands } from '../../src/commands/list/all.ts'
import { node } from '../harness/apps.ts'
import { builtEntry, settledScreen, startBuilt } from '../harness/built.ts'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  approve,
  boxEnded,
  boxFolders,
  clearPlaces,
  kx,
  kxJson,
  makePlace,
  type Place,
  payloads,
  readJournal,
  replaced,
  runFolderOf,
  runIds,
} from './support.ts'

const screens = [
  'home',
  'plan',
  'audit',
  'smoke',
  'cost',
  'launch',
  'patrol',
  'teardown',
  'checklists',
  'profiles',
  'report',
  'notebook',
  'config',
]

/** Words of the CLI that a test here has called with `--json`. */
const called = new Set<string>()

async function json(place: Place, ...words: string[]) {
  const known = allCommands().specs.flatMap((spec) => (spec.cli === undefined ? [] : [spec.cli.join(' ')]))
  const name = known
    .filter((word) => `${words.join(' ')} `.startsWith(`${word} `))
    .sort((a, b) => b.length - a.length)[0]
  if (name !== undefined) called.add(name)
  return kxJson(place, words)
}

/** Two at a time: every start of kx costs most of a core. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}

afterAll(clearPlaces)

describe('a plan that holds a secret', () => {
  it('begins no run, and names the secret without its value', async () => {
    const value = 'made-up-value-1234567'
    const place = makePlace({ plan: [['CPCV_FAULT: ""', `CPCV_FAULT: ""\n  HUB: "${value}"`]] })
    for (const words of [['plan'], ['audit'], ['walk', 'kx.yaml', '--auto']]) {
      const answer = await kx(place, words, { env: { HUB_TOKEN: value } })
      expect(answer.code, answer.stdout).toBe(1)
      expect(answer.stdout + answer.stderr).toMatch(/kx\.yaml:\d+:\d+ .*HUB_TOKEN/)
      expect(answer.stdout + answer.stderr).not.toContain(value)
    }
    expect(runIds(place)).toEqual([])
    // Without the value in the environment it is an ordinary word.
    expect((await kx(place, ['plan'])).stdout).not.toContain('secret HUB_TOKEN')
  })
})

describe('kx without a terminal, from an empty project to the report', () => {
  let place: Place
  beforeAll(() => {
    place = makePlace({ groups: 4, epochs: 60 })
  })

  it('refuses (1) what needs a run, and says how to begin one', async () => {
    const all =
      'audit, smoke, cost, approve, launch, patrol, abort, acknowledge, teardown verify, teardown remove, report, archive, writeoff'
    await each(
      [...all.split(', ').map((words) => words.split(' ')), ['override', 'audit.clock', 'no run']],
      async (words) => {
        const { exitCode, summary, error } = await json(place, ...words)
        expect({ words, exitCode }).toEqual({ words, exitCode: 1 })
        expect(`${summary ?? ''}${error ?? ''}`).toMatch(/kx plan/)
      },
    )
    expect(runIds(place)).toEqual([])
  })

  it('reads without a run: runs, profiles, settings, checklists, schema', async () => {
    expect(await json(place, 'runs')).toMatchObject({ exitCode: 0, data: { runs: [], meters: [] } })
    expect((await json(place, 'profiles')).data.profiles[0]).toMatchObject({ id: 'local' })
    expect((await json(place, 'profile', 'show', 'local')).exitCode).toBe(0)
    expect((await json(place, 'profile', 'show', 'nowhere')).exitCode).toBe(1)
    // What ships grows stale by the calendar, so only what can never be is asked for here.
    const checked = await json(place, 'profile', 'check', 'local')
    expect(checked.data).toMatchObject({ checked: ['local'], problems: [] })
    expect(checked.data.findings.filter((f: { severity: string }) => f.severity === 'error')).toEqual([])
    expect((await json(place, 'profile', 'check', 'nowhere')).exitCode).toBe(2)
    const differs = await json(place, 'profile', 'diff', 'autodl', 'vast')
    expect(differs.data.differences).toContainEqual({ key: 'meterStopVerb', a: '关机', b: 'destroy' })
    expect((await json(place, 'profile', 'acknowledge', 'autodl')).exitCode).toBe(3)
    expect((await json(place, 'profile', 'acknowledge', 'local')).exitCode).toBe(0)
    expect((await json(place, 'config')).data.config.planFile).toBe('kx.yaml')
    expect((await json(place, 'schema')).data).toMatchObject({ type: 'object' })
    expect((await json(place, 'checklist', 'scale')).exitCode).toBe(0)
    expect((await json(place, 'checklist', 'nowhere.md')).exitCode).toBe(1)
    expect((await json(place, 'docs', 'keys')).exitCode).toBe(0)
    expect((await json(place, 'open', 'nothing')).exitCode).toBe(1)
  })

  it('knows hosts that nobody has met only by what the settings say', async () => {
    const nowhere = 'nowhere.invalid'
    expect(await json(place, 'host', 'list')).toMatchObject({ exitCode: 0, data: { hosts: [] } })
    expect((await json(place, 'host', 'show', nowhere)).data.way).toMatchObject([{ address: nowhere, keys: [] }])
    // No name of this kind is ever given to a machine (RFC 2606), so nothing can have been shown.
    expect(await json(place, 'host', 'trust', nowhere)).toMatchObject({ exitCode: 4, data: { trusted: [], shown: [] } })
    expect((await json(place, 'host', 'forget', nowhere)).exitCode).toBe(3)
  })

  it('ticks a task of a checklist and nothing else of the file', async () => {
    const list = join(place.project, 'mine.md')
    writeFileSync(list, '# Mine\n\n- [ ] first  \n- [ ] second\n')
    expect(await json(place, 'tick', 'mine.md', '2')).toMatchObject({ exitCode: 0, data: { isTicked: true } })
    expect(readFileSync(list, 'utf8')).toBe('# Mine\n\n- [ ] first  \n- [x] second\n')
    expect((await json(place, 'tick', 'mine.md', '3')).exitCode).toBe(1)
    expect((await json(place, 'tick', 'nowhere.md', '1')).exitCode).toBe(1)
    expect((await json(place, 'tick')).exitCode).toBe(2)
  })

  it('never overwrites a plan', async () => {
    const before = readFileSync(join(place.project, 'kx.yaml'), 'utf8')
    expect((await json(place, 'new', 'again')).exitCode).toBe(1)
    expect(readFileSync(join(place.project, 'kx.yaml'), 'utf8')).toBe(before)
  })

  it('walks up to the approval and stops there with 3', async () => {
    const answer = await json(place, 'walk')
    expect(answer).toMatchObject({ exitCode: 3, data: { stoppedAt: 'cost.approve' } })
    expect(answer.data.steps.map((s: { step: string; exitCode: number }) => [s.step, s.exitCode])).toEqual([
      ['plan.check', 0],
      ['audit.run', 0],
      ['smoke.run', 0],
      ['cost.price', 0],
      ['cost.approve', 3],
    ])
    expect(runIds(place)).toHaveLength(1)
  })

  it('each phase again by its own word; what nobody approved is not launched', async () => {
    for (const word of ['plan', 'audit', 'smoke', 'cost']) expect((await json(place, word)).exitCode).toBe(0)
    expect((await json(place, 'env')).data).toMatchObject({ isNothingToDo: true })
    expect((await json(place, 'lease', 'show')).summary).toContain('Nothing of this run was launched')
    expect((await json(place, 'lease', 'extend', '1')).exitCode).toBe(1)
    expect((await json(place, 'lease', 'arm')).exitCode).toBe(1)
    expect((await json(place, 'pull')).exitCode).toBe(1)
    expect((await json(place, 'verify')).exitCode).toBe(4)
    expect((await json(place, 'teardown', 'look')).exitCode).toBe(1)
    expect((await json(place, 'approve')).exitCode).toBe(3)
    const refused = await json(place, 'launch')
    expect(refused.exitCode).toBe(3)
    expect(refused.summary).toMatch(/approv/i)
    expect(boxFolders(place)).toEqual([])
    expect((await json(place, 'override', 'audit.clock', 'it passes anyway')).exitCode).toBe(1)
    expect(runIds(place)).toHaveLength(1)
  })

  it('launches once after the yes of a person, and shows it until it has ended', async () => {
    expect(await approve(place)).toMatch(/approved/)
    expect((await json(place, 'push')).data).toMatchObject({ code: 8, data: 1 })
    expect((await json(place, 'launch')).exitCode).toBe(0)
    const again = await json(place, 'launch')
    expect(again.exitCode).toBe(1)
    const seen = await json(place, 'patrol')
    expect(seen.data).toMatchObject({ state: expect.stringMatching(/^(running|finished)$/), unitsTotal: place.units })
    expect(await boxEnded(place)).toMatchObject({ code: 0 })
    expect(await json(place, 'patrol')).toMatchObject({ exitCode: 0, data: { state: 'finished', unitsDone: 6 } })
    // A slow machine is a finding of its own, so there may be one to acknowledge.
    expect((await json(place, 'acknowledge')).exitCode).toBeOneOf([0, 1])
    expect((await json(place, 'abort')).exitCode).toBe(0)
    const intents = payloads<{ act: string }>(readJournal(runFolderOf(place)), 'intent.opened')
    expect(intents.filter((i) => i.act === 'launch')).toHaveLength(1)
  })

  it('a walk goes on from there: verifies, reports, and leaves removing to a person (3)', async () => {
    const answer = await json(place, 'walk')
    expect(answer).toMatchObject({ exitCode: 3, data: { stoppedAt: 'teardown.remove' } })
    expect(existsSync(join(runFolderOf(place), 'report.md'))).toBe(true)
    expect((await json(place, 'teardown')).exitCode).toBe(0)
    expect((await json(place, 'teardown', 'verify')).exitCode).toBe(0)
    expect((await json(place, 'pull')).exitCode).toBe(0)
    expect((await json(place, 'verify')).exitCode).toBe(0)
    expect((await json(place, 'report')).exitCode).toBe(0)
    const run = runIds(place)[0] ?? ''
    // Nobody has typed the name; a name that is not whole is none.
    expect((await json(place, 'fleet', 'show')).data.hosts).toMatchObject([{ host: 'local' }])
    expect((await json(place, 'fleet', 'give-back', 'local')).summary).toContain('one host')
    expect(await json(place, 'teardown', 'remove')).toMatchObject({ exitCode: 3, data: { expected: run } })
    expect(await json(place, 'teardown', 'remove', '--name', run.slice(0, -1))).toMatchObject({ exitCode: 1 })
    expect(await json(place, 'teardown', 'remove', '--name', `${run} `)).toMatchObject({ exitCode: 1 })
    expect(await json(place, 'teardown', 'remove', '--name', 'yes')).toMatchObject({ exitCode: 1 })
    expect(boxFolders(place)).toHaveLength(1)
    expect((await json(place, 'open', run)).exitCode).toBe(0)
    expect((await json(place, 'archive')).exitCode).toBe(1)
  })

  it('lists, shows, tries, writes and checks recipes, and evaluates what is typed', async () => {
    const { recipes } = (await json(place, 'recipe', 'list')).data
    expect(recipes.map(({ id }: { id: string }) => id)).toContain('noisy-neighbour')
    expect((await json(place, 'recipe', 'show', 'noisy-neighbour')).data).toMatchObject({ id: 'noisy-neighbour' })
    const tried = await json(place, 'recipe', 'run', 'noisy-neighbour', '--dry-run')
    expect(tried).toMatchObject({ exitCode: 0, data: { plan: [{ host: 'local', change: 'no' }] } })
    expect((await json(place, 'recipe', 'run', 'noisy-neighbour')).exitCode).toBe(0)
    expect((await json(place, 'recipe', 'run', 'nothing-of-the-kind')).exitCode).toBe(1)
    expect((await json(place, 'recipe', 'for', 'nothing')).exitCode).toBe(1)
    // All of it was done: there is nothing left to go on with.
    expect((await json(place, 'recipe', 'resume')).data).toMatchObject({ cells: [{ outcome: 'done' }] })
    expect((await json(place, 'recipe', 'undo')).exitCode).toBe(0)
    expect((await json(place, 'recipe', 'new', 'mine')).exitCode).toBe(0)
    expect((await json(place, 'recipe', 'check', 'mine')).data).toMatchObject({ findings: [] })
    // A recipe of the project lies among its code: with it, it would be another run.
    rmSync(join(place.project, 'recipes'), { recursive: true })
    expect(await json(place, 'eval', '(await 20) + 22')).toMatchObject({ exitCode: 0, data: 42 })
    expect((await json(place, 'eval', 'run.runId')).data).toBe(runIds(place)[0])
    expect(await json(place, 'eval', 'nowhere')).toMatchObject({
      exitCode: 1,
      summary: 'ReferenceError: nowhere is not defined',
    })
    expect(await json(place, 'repl')).toMatchObject({ exitCode: 0, data: { entries: 0 } })
  })

  it('prints every screen, as text, as JSON, and in ASCII', async () => {
    await each(screens, async (screen) => {
      const text = await kx(place, ['view', screen])
      expect({ screen, code: text.code, stderr: text.stderr }).toEqual({ screen, code: 0, stderr: '' })
      expect(text.stdout.split('\n').length).toBeGreaterThan(2)
      expect(text.stdout).not.toMatch(/undefined|\[object|NaN %|NaN s/)
      const ascii = await kx(place, ['view', screen, '--ascii'])
      expect({ screen, odd: ascii.stdout.match(/[^\n\x20-\x7e]/g) }).toEqual({ screen, odd: null })
    })
    expect((await json(place, 'view', 'patrol')).exitCode).toBe(0)
  })

  it('ASCII holds for acts and their fixes too', async () => {
    const { stdout, code } = await kx(place, ['plan', '--ascii'])
    expect(code).toBe(0)
    expect(stdout.match(/[^\n\x20-\x7e]/g)).toBeNull()
  })

  it('a box folder removed by hand: its meter is written off in words, never called stopped', async () => {
    const run = runIds(place)[0] ?? ''
    const words = ['writeoff', run, '--reason', 'removed by hand']
    expect(await json(place, ...words, '--name', run)).toMatchObject({ exitCode: 1 })
    for (const folder of boxFolders(place)) rmSync(folder, { recursive: true })
    expect(await json(place, 'teardown', 'remove')).toMatchObject({ exitCode: 1 })
    expect(await json(place, 'writeoff', run)).toMatchObject({ exitCode: 3, data: { expected: run } })
    expect(await json(place, ...words)).toMatchObject({ exitCode: 3 })
    expect(await json(place, ...words, '--name', run.slice(0, 8))).toMatchObject({ exitCode: 1 })
    expect((await json(place, 'runs')).data.meters).toHaveLength(1)
    expect(await json(place, ...words, '--name', run)).toMatchObject({
      exitCode: 0,
      data: { writtenOff: { reason: 'removed by hand', unverified: [] } },
    })
    const runs = await kx(place, ['runs'])
    expect(runs.stdout).toMatch(/written off.*removed by hand/i)
    expect(runs.stdout).not.toMatch(/^meter/m)
    expect((await kx(place, ['view', 'home'])).stdout).toContain('written off')
    expect((await kx(place, ['view', 'teardown'])).stdout).toContain('nobody has seen it stop')
    expect((await json(place, 'launch')).summary).toContain('written off')
  })

  it('gives the notebook of it to a script: listed, shown, searched, noted, compared, run again, taken away, replayed, verified', async () => {
    const run = runIds(place)[0] ?? ''
    const listed = (await json(place, 'cell', 'list')).data.cells
    expect(listed.length).toBeGreaterThan(10)
    expect(listed[0]).toMatchObject({ number: 1, address: `${run}#1`, name: 'plan.check' })
    expect((await json(place, 'cell', 'list', 'failed phase:teardown')).data.cells[0]).toMatchObject({
      state: 'failed',
    })
    expect((await json(place, 'cell', 'show', `${run}#1`)).data.started).toMatchObject({ who: expect.any(String) })
    expect((await json(place, 'open', `${run}#1`)).data).toMatchObject({ number: 1 })
    expect(await json(place, 'cell', 'show', '9999')).toMatchObject({ exitCode: 1 })
    expect((await json(place, 'cell', 'search', 'removed by hand')).data.hits.length).toBeGreaterThan(0)
    expect((await json(place, 'cell', 'note', '1', '**Seen**')).exitCode).toBe(0)
    expect((await json(place, 'cell', 'bookmark', '1')).data).toMatchObject({ isMarked: true })
    expect((await json(place, 'cell', 'rerun', '1')).data).toBeDefined()
    const again = (await json(place, 'cell', 'list', 'phase:plan')).data.cells
    expect(again[0]).toMatchObject({ isMarked: true, notes: 1, stale: expect.stringMatching(/again|newer|changed/) })
    expect(await json(place, 'cell', 'cancel', '1')).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('has ended already'),
    })
    // Entries of scripts are no history of a person: there is nothing to save.
    expect(await json(place, 'save', 'note')).toMatchObject({ exitCode: 1, summary: expect.stringContaining(':save') })
    const compared = await json(place, 'compare', run, '--metrics', 'acc')
    expect(compared.data.metrics.map((row: { name: string }) => row.name)).toEqual(expect.arrayContaining(['test_acc']))
    // What kx's own run does not say is unknown there, not left out.
    const { data: report } = await json(place, 'analyze', run)
    expect(report.identity).toMatchObject({ run, 'written by': 'kx', image: 'unknown' })
    expect(report.reproduce).toMatch(/^node train\.mjs --split 0 .*kx walk/)
    expect((await json(place, 'cell', 'diff', `${again.at(-1).number}`, '1')).data.diff).toBeInstanceOf(Array)
    expect((await json(place, 'export')).data.text).toContain('> **Seen**')
    expect((await json(place, 'export', '--format', 'ipynb')).data).toMatchObject({ nbformat: 4, nbformat_minor: 5 })
    expect((await json(place, 'replay', '--speed', '0')).data.events).toBeGreaterThan(20)
    expect((await json(place, 'journal', 'verify')).data).toMatchObject({ broken: null, missingOutputs: [] })
  })

  it('has been called with --json by every word that it answers to', () => {
    const words = allCommands().specs.flatMap((spec) => (spec.cli === undefined ? [] : [spec.cli.join(' ')]))
    expect(words.filter((word) => !called.has(word))).toEqual([])
  })
})

describe('wrong words', () => {
  let place: Place
  beforeAll(() => {
    place = makePlace()
  })

  it.each([
    [['audit', '--onyl', 'x'], '--only'],
    [['audti'], 'audit'],
    [['paln', '--json'], 'plan'],
    [['plan', 'extra'], 'too many'],
    [['view', 'nosuch'], 'teardown'],
    [['view', '--width', 'wide'], 'width'],
    [['view', '--width', '10'], '40'],
    [['--project'], '--project'],
    [['new'], 'name'],
    [['new', 'a/b'], 'letters'],
  ])('%j is a usage error (2) that names %s', async (words, hint) => {
    const { code, stdout, stderr } = await kx(place, words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(hint)
    expect(stderr.startsWith('kx: ')).toBe(true)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  it('a bad plan is a finding (1) with file and line', async () => {
    const file = join(place.project, 'kx.yaml')
    const good = readFileSync(file, 'utf8')
    const line = good.split('\n').findIndex((l) => l.startsWith('  workers:')) + 1
    writeFileSync(file, replaced(good, [['  workers: 2', '  wokers: 2']]))
    const { code, stdout } = await kx(place, ['plan'])
    expect(code).toBe(1)
    expect(stdout).toContain(`kx.yaml:${line}`)
    expect(stdout).toContain('workers')
    expect((await kxJson(place, ['plan'])).data.problems[0]).toMatchObject({ line })
    expect(runIds(place)).toEqual([])
    expect((await kx(place, ['view', 'plan'])).stdout).toContain(`kx.yaml:${line}`)
    writeFileSync(file, good)
  })

  it('a bad settings file names file, line and key', async () => {
    writeFileSync(join(place.project, '.kxrc'), 'theme: dark\nrefreshSecond: 3\n')
    const { code, stdout } = await kx(place, ['config'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/\.kxrc:2.*refreshSeconds/s)
  })

  it('keys that hide one another, and keys of no command, are named with file and line', async () => {
    writeFileSync(join(place.project, '.kxrc'), 'keys:\n  plan.check: "j"\n  nosuch.cmd: y\n')
    const { code, stdout } = await kx(place, ['config'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/\.kxrc:2:1 keys\.plan\.check: "j" takes the place of move\.down/)
    expect(stdout).toMatch(/\.kxrc:3:1 keys\.nosuch\.cmd: there is no command/)
    rmSync(join(place.project, '.kxrc'))
  })

  it('a project that is not there is said in words', async () => {
    const { code, stderr, stdout } = await kx(place, ['--project', join(place.root, 'nowhere'), 'plan'])
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toMatch(/nowhere|kx\.yaml/)
    expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at /)
  })
})

describe('around it', () => {
  it('prints the plain home and how to go on where there is no terminal', async () => {
    const place = makePlace()
    const { code, stdout, stderr } = await kx(place, [])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('no run yet')
    expect(stdout).toContain('How to go on')
    expect(stdout).toMatch(/kx plan/)
    expect(stdout).not.toMatch(/\x1b/)
  })

  it('says nothing of its own variables on a terminal without colours', async () => {
    const place = makePlace()
    const app = startBuilt({ project: place.project, state: place.state, env: { ...place.env, NO_COLOR: '1' } })
    try {
      await app.waitForText('cpcv', ACT_MS)
      await settledScreen(app, 300)
      app.record()
      app.press('q')
      await app.exited
      expect(app.raw).not.toContain('Warning')
      await app.emulator.settled()
      expect(app.text()).not.toContain('Warning')
    } finally {
      await app.dispose()
    }
  })

  it('ends quietly when its reader leaves early', async () => {
    const place = makePlace()
    const child = spawn(node, [builtEntry(), '--project', place.project, 'schema'], {
      env: place.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    'ended by %s it says %i, what was done stays on record, and nothing is left running',
    async (signal, wanted) => {
      const place = makePlace({ epochs: 100_000 })
      expect((await kx(place, ['plan'])).code).toBe(0)
      let child: ChildProcess | null = null
      const running = kx(place, ['smoke'], {
        onStart: (started) => {
          child = started
        },
      })
      const isTraining = () =>
        readdirSync('/proc').some((pid) => {
          try {
            return (
              /^\d+$/.test(pid) &&
              readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('train.mjs') &&
              readFileSync(`/proc/${pid}/environ`, 'utf8').includes(place.root)
            )
          } catch {
            return false
          }
        })
      await waitUntil(isTraining, { timeoutMs: ACT_MS, what: 'the smoke to train' })
      ;(child as ChildProcess | null)?.kill(signal)
      const { code, stderr } = await running
      expect({ code, hasStack: /\n\s+at /.test(stderr) }).toEqual({ code: wanted, hasStack: false })
      await waitUntil(() => !isTraining(), { timeoutMs: ACT_MS, what: 'the unit of the smoke to end' })
      const records = readJournal(runFolderOf(place))
      expect(payloads<{ state: string }>(records, 'cell.ended').at(-1)).toMatchObject({ state: 'unknown' })
      expect(payloads<{ kind: string }>(records, 'proof.made').map((p) => p.kind)).toEqual(['PlanDigest'])
    },
  )
})
