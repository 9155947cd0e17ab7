import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunArgs, runRecipeCommand, undoRecipeCommand } from '../../../src/commands/recipe-run.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { CellRow } from '../../../src/recipe/runner.ts'
import { runFolder } from '../../../src/run/folder.ts'
import { readRunState } from '../../../src/run/reader.ts'
import { currentRunId } from '../../../src/session/current-run.ts'
import { keepHostsOpen } from '../../../src/session/hosts.ts'
import { ownState } from '../../harness/own-state.ts'
import { needsSshd, type Sshd, startSshd } from '../../harness/sshd.ts'

const hosts = ['a', 'b', 'c', 'd']
const state = needsSshd().skip ? '' : ownState('recipe-runner')
let box: Sshd
let project: string
/** What a person was asked, with all that was shown. */
let asked: string[]
/** What that person says. */
let answers: { confirm: boolean[]; typed: string | null; text: string | null }
const folders = ['XDG_CONFIG_HOME', 'XDG_CACHE_HOME'] as const
const before = folders.map((name) => process.env[name])

/** Everything but the terminal is as it is for a person: journal, connections, the process of the recipe. */
const env = (): CommandEnvironment => ({
  projectFolder: project,
  via: 'cli',
  who: 'ada',
  runId: null,
  settings: { 'ssh.configFile': join(state, 'ssh_config') },
  signal: new AbortController().signal,
  ask: {
    confirm: async (question, detail) => {
      asked.push([question, ...detail].join('\n'))
      return answers.confirm.shift() ?? false
    },
    typed: async (question, expected, detail) => {
      asked.push([`${question} <${expected}>`, ...detail].join('\n'))
      return answers.typed
    },
    text: async (question) => {
      asked.push(question)
      return answers.text
    },
  },
  progress: () => {},
  openRun: () => {},
})

async function run(args: Partial<RunArgs>) {
  const none = { dryRun: false, yes: false, retryFailed: false, parameters: {} }
  const result = await runRecipeCommand(env(), { ...none, hosts: 'a', ...args })
  const data = result.data as {
    readonly recipeRun: string
    readonly cells?: readonly CellRow[]
    readonly plan?: readonly { readonly cell: string; readonly change: string; readonly lines: readonly string[] }[]
  } | null
  const rows = (data?.cells ?? []).map(({ host, cell, outcome }) => `${host} ${cell} ${outcome}`)
  return { ...result, data, rows, text: (cell: string) => data?.cells?.find((row) => row.cell === cell)?.text }
}

/** A recipe of the project: `cells` is the text of a list, `more` further properties. */
function recipe(id: string, cells: string, more = ''): void {
  writeFileSync(
    join(project, 'recipes', `${id}.mjs`),
    `import { existsSync } from 'node:fs'
import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
const quick = { risk: 'read', timeoutSeconds: 30 }
const change = { ...quick, risk: 'change', plan: async () => ({ change: 'yes', lines: ['would'], foundBy: 'declared' }) }
const note = ($, line) => $\`echo \${line} >>"$HOME/log"\`
const count = async ($, name) =>
  Number((await $\`echo x >>"$HOME/"\${name}; wc -l <"$HOME/"\${name}\`).stdout)
export const recipe = defineRecipe({
  id: '${id}', title: '${id}', runbook: { when: 'a', touches: 'b', back: 'c' },
  ${more.includes('parameters:') ? '' : 'parameters: z.object({}),'}
  ${more}
  cells: [${cells}],
})
`,
  )
}
const log = () => {
  const file = join(box.home, 'log')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
}

describe.skipIf(needsSshd().skip)('a recipe run', () => {
  beforeAll(async () => {
    // Each run begins a process: what one compiled is there for the next, as in the built program.
    enableCompileCache(join(tmpdir(), 'kx-e2e-compile'))
    box = await startSshd({ hostKeyTypes: ['ecdsa'] })
    const config = join(state, 'config', 'kx', 'profiles')
    mkdirSync(config, { recursive: true })
    writeFileSync(join(config, 'lab.yaml'), 'extends: generic-ssh\nplatform: lab\n')
    writeFileSync(
      join(state, 'ssh_config'),
      `Host ${hosts.join(' ')}\n  HostName ${box.address}\n  Port ${box.port}\n  User ${box.user}\n` +
        `  IdentityFile ${box.clientKey.path}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${box.knownHostsFile}\n` +
        '  GlobalKnownHostsFile /dev/null\n',
    )
    process.env.XDG_CONFIG_HOME = join(state, 'config')
    process.env.XDG_CACHE_HOME = join(state, 'cache')
  })
  afterAll(async () => {
    for (const [at, name] of folders.entries())
      if (before[at] === undefined) delete process.env[name]
      else process.env[name] = before[at]
    await box?.stop()
  })
  beforeEach(() => {
    asked = []
    answers = { confirm: [], typed: null, text: null }
    project = mkdtempSync(join(tmpdir(), 'kx-runner-'))
    mkdirSync(join(project, 'recipes'))
    // The connections of one test serve all of its runs.
    keepHostsOpen(60_000)
    const plan = {
      ...{ version: 1, name: 'small', goal: 'raise accuracy by 1 point', hosts, profiles: ['lab'] },
      metrics: [{ name: 'accuracy', direction: 'higher', primary: true }],
      ...{ command: ['true', '{unit}'], units: { list: ['a'] }, environment: { kind: 'system', interpreter: 'node' } },
      ...{ resources: { compute: 'cpu', workers: 1 }, checkpoints: { bytes: 1000, count: 2 } },
      artifacts: [{ glob: 'units/*/result.json', minimumCount: 1, kind: 'json' }],
      budget: { usd: 0, hours: 1 },
    }
    writeFileSync(join(project, 'kx.yaml'), JSON.stringify(plan))
  })
  afterEach(() => {
    rmSync(project, { recursive: true, force: true })
    for (const name of ['log', 'tries', 'looks', 'mended']) rmSync(join(box.home, name), { force: true })
  })

  it('is on so many hosts at once as it says, and on no more', async () => {
    // Each waits until another one has begun, so that two at least are under way.
    const cell = `{ ...quick, name: 'meet', title: 'Meet', run: async ({ $, host }) => {
      await note($, 'begin ' + host.name)
      await $\`until [ "$(wc -l <"$HOME/log")" -gt 1 ]; do sleep 0.05; done\`
      await note($, 'end ' + host.name)
    } }`
    recipe('fan', cell, 'fanOut: { cap: 2, stopAfterFailures: 1 },')
    const { rows, exitCode } = await run({ recipe: 'fan', hosts: 'all' })
    expect([exitCode, [...rows].sort()]).toEqual([0, hosts.map((host) => `${host} meet done`)])
    let open = 0
    const most = Math.max(...log().map((line) => (open += line.startsWith('begin') ? 1 : -1)))
    expect(most).toBe(2)
  })

  it('puts the process group of a command that lasts on record', async () => {
    const cell = (name: string, command: string) =>
      `{ ...quick, name: '${name}', title: '${name}', run: async ({ $ }) => { await $\`${command}\` } }`
    recipe('last', `${cell('long', 'echo $$ >>"$HOME/log"; sleep 1.4')}`)
    expect((await run({ recipe: 'last', hosts: 'a' })).exitCode).toBe(0)
    const cells = readRunState(runFolder(project, currentRunId(project, Date.now()) ?? ''))?.cells ?? []
    const named = (name: string) => cells.find(({ started }) => started.name === `recipe.last.${name}`)
    expect(named('long')?.process).toMatchObject({ host: 'a', pgid: Number(log()[0]) })
    expect(named('long')?.ended?.process?.pgid).toBe(Number(log()[0]))
  })

  it('begins no further host after a failure; only what failed is tried again, and then the rest', async () => {
    const cell = `{ ...quick, name: 'go', title: 'Go', run: async ({ $, host, fail }) => {
      await note($, host.name)
      if (host.name === 'b' && (await host.stat('${box.home}/mended')) === null) fail('b is broken', 'Mend it.')
    } }`
    recipe('stop', cell, 'fanOut: { cap: 1, stopAfterFailures: 1 },')
    const first = await run({ recipe: 'stop', hosts: 'all' })
    expect(first.exitCode).toBe(1)
    expect(first.rows).toEqual(['a go done', 'b go failed', 'c go not-begun', 'd go not-begun'])
    expect([log(), first.text('go')]).toEqual([['a', 'b'], 'done'])
    writeFileSync(join(box.home, 'mended'), '')
    const again = await run({ recipe: 'stop', retryFailed: true })
    expect([again.rows, log()]).toEqual([['b go done'], ['a', 'b', 'b']])
    const rest = await run({ resume: 'last' })
    expect(rest.rows).toEqual(hosts.map((host) => `${host} go done`))
    expect(log()).toEqual(['a', 'b', 'b', 'c', 'd'])
    expect((await run({ recipe: 'stop', retryFailed: true })).summary).toBe('no host has a cell that failed')
  })

  it('tries again, skips, waits, and leaves out what needs a cell that failed', async () => {
    recipe(
      'flow',
      `{ ...quick, name: 'flaky', title: 'Flaky', retry: { times: 2, delaySeconds: 0.05, isIdempotent: true },
         run: async ({ $, fail }) => { if ((await count($, 'tries')) < 3) fail('not yet') } },
       { ...quick, name: 'idle', title: 'Idle', when: () => 'the disk is empty', run: async ({ $ }) => { await note($, 'idle') } },
       { ...quick, name: 'wait', title: 'Wait', needs: [],
         waitUntil: { everySeconds: 0.1, isTrue: async ({ $ }) => (await count($({ quiet: true }), 'looks')) >= 3 },
         run: async ({ $ }) => { await note($, 'waited') } },
       { ...quick, name: 'late', title: 'Late', timeoutSeconds: 1, waitUntil: { everySeconds: 0.2, isTrue: async () => false },
         run: async ({ $ }) => { await note($, 'late') } },
       { ...quick, name: 'after', title: 'After', run: async ({ $ }) => { await note($, 'after') } },
       { ...quick, name: 'beside', title: 'Beside', needs: ['flaky', 'idle'], run: async ({ $ }) => { await note($, 'beside') } }`,
    )
    const { rows, text, exitCode } = await run({ recipe: 'flow' })
    expect(rows).toEqual([
      ...['a flaky done', 'a idle skipped', 'a wait done', 'a late failed', 'a after not-begun', 'a beside done'],
    ])
    expect([exitCode, log()]).toEqual([1, ['waited', 'beside']])
    expect([text('idle'), text('after')]).toEqual(['not needed: the disk is empty', 'not begun: it needs late'])
    expect(text('late')).toContain('did not come true in 1 s')
    const lines = (name: string) => readFileSync(join(box.home, name), 'utf8').length / 2
    expect([lines('tries'), lines('looks')]).toEqual([3, 3])
  })

  it('shows the price before it spends; --yes agrees to a price, and to none that is not named', async () => {
    recipe(
      'rent',
      `{ ...quick, risk: 'spend', name: 'rent', title: 'Rent', run: async ({ $ }) => { await note($, 'rented') },
         plan: async () => ({ change: 'yes', lines: ['one card'], foundBy: 'probe',
           price: { usdPerHour: 1.5, capUsd: 9, source: 'the list of the lab', atMs: Date.UTC(2026, 10, 22) } }) },
       { ...quick, risk: 'spend', name: 'odd', title: 'Odd', needs: [], run: async ({ $ }) => { await note($, 'odd') },
         plan: async () => ({ change: 'yes', lines: ['something'], foundBy: 'declared' }) }`,
    )
    const refused = await run({ recipe: 'rent' })
    expect([refused.rows, log()]).toEqual([['a rent refused', 'a odd refused'], []])
    expect(asked).toHaveLength(1)
    for (const word of ['up to 9.00 USD', '1.50 USD per hour, from the list of the lab, seen 2026-11-22', 'one card'])
      expect(asked[0]).toContain(word)
    expect(refused.text('rent')).toBe('nobody agreed to the price')
    const agreed = await run({ recipe: 'rent', yes: true })
    expect([agreed.rows, log()]).toEqual([['a rent done', 'a odd refused'], ['rented']])
    expect(agreed.text('odd')).toContain('names no price')
  })

  it('destroys when the name of the host was typed, and not for another name', async () => {
    recipe(
      'wipe',
      `{ ...quick, risk: 'destroy', name: 'wipe', title: 'Wipe', run: async ({ $ }) => { await note($, 'wiped') },
         plan: async () => ({ change: 'yes', lines: ['/junk'], foundBy: 'probe' }) }`,
    )
    answers.typed = 'b'
    const wrong = await run({ recipe: 'wipe', yes: true })
    expect([wrong.rows, log()]).toEqual([['a wipe refused'], []])
    expect(asked[0]).toMatch(/Wipe on a.* <a>\n[\s\S]*\/junk/)
    answers.typed = 'a'
    const right = await run({ recipe: 'wipe' })
    expect([right.rows, log(), right.exitCode]).toEqual([['a wipe done'], ['wiped'], 0])
    const id = currentRunId(project, Date.now()) as string
    const ended = readRunState(join(project, '.kx/runs', id))?.cells.findLast(
      ({ started }) => started.name === 'recipe.wipe.wipe',
    )?.ended
    expect(ended).toMatchObject({ state: 'done', approvedBy: 'ada' })
  })

  it('offers to take back what was done before a failure, the last first, and does so once', async () => {
    const cell = (name: string, then = '') => `{ ...change, name: '${name}', title: '${name}',
      run: async ({ $, record, fail }) => { await record('made', 1); await note($, '${name}'); ${then} },
      undo: async ({ $, results }) => { await note($, '${name} back ' + results.${name}.made) } }`
    recipe('steps', [cell('one'), cell('two'), cell('three', "fail('three broke')")].join(','))
    answers.confirm = [true, true]
    const { rows, exitCode, data } = await run({ recipe: 'steps' })
    expect(exitCode).toBe(1)
    expect(asked[1]).toBe('Take back what was done, the last first?\na: three\na: two\na: one')
    expect(log()).toEqual(['one', 'two', 'three', 'three back 1', 'two back 1', 'one back 1'])
    expect(rows.slice(2)).toEqual(['a three failed', 'a three done', 'a two done', 'a one done'])
    const undone = await undoRecipeCommand(env(), { run: data?.recipeRun ?? '', yes: true })
    expect(undone.summary).toContain('there is nothing to take back')
    expect(log()).toHaveLength(6)
  })

  it('is not gone on with when its file is another one', async () => {
    const cell = (words: string) =>
      `{ ...quick, name: 'go', title: 'Go', run: async ({ $, fail }) => { await note($, '${words}'); fail('broken') } }`
    recipe('moved', cell('old'))
    await run({ recipe: 'moved' })
    recipe('moved', cell('new'))
    const refused = await run({ resume: 'last' })
    expect([refused.exitCode, log()]).toEqual([1, ['old']])
    expect(refused.summary).toMatch(/moved\.mjs is not what it was when that run began: run it anew/)
    recipe('moved', cell('old'))
    expect((await run({ resume: 'last' })).rows).toEqual(['a go failed'])
  })

  it('takes parameters by flag, by environment, by asking, and says which one is wrong', async () => {
    recipe(
      'given',
      `{ ...quick, name: 'tell', title: 'Tell', run: async ({ $, parameters }) => { await note($, JSON.stringify(parameters)) } }`,
      `parameters: z.object({
        keep: z.number().int().default(3).describe('how many').meta({ environment: 'KX_TEST_KEEP' }),
        names: z.array(z.string()).default([]).describe('which'),
        kind: z.enum(['x', 'y']).describe('of what'),
      }),`,
    )
    const told = () => JSON.parse(log().at(-1) ?? '{}') as unknown
    await run({ recipe: 'given', parameters: { kind: 'x', names: "it's,b c" } })
    expect(told()).toEqual({ keep: 3, names: ["it's", 'b c'], kind: 'x' })
    process.env.KX_TEST_KEEP = '7'
    try {
      answers.text = 'y'
      await run({ recipe: 'given' })
      expect([told(), asked]).toEqual([{ keep: 7, names: [], kind: 'y' }, ['kind (x, y): of what']])
      await run({ recipe: 'given', parameters: { kind: 'x', keep: '5' } })
      expect(told()).toEqual({ keep: 5, names: [], kind: 'x' })
    } finally {
      delete process.env.KX_TEST_KEEP
    }
    answers.text = null
    expect(await run({ recipe: 'given' })).toMatchObject({ exitCode: 3, summary: 'given needs --kind: of what' })
    const wrong = await run({ recipe: 'given', parameters: { kind: 'z', keep: 'many' } })
    expect([wrong.exitCode, wrong.summary]).toEqual([2, expect.stringMatching(/keep: .*kind: /)])
    expect(log()).toHaveLength(3)
  })

  it('says of each cell in a dry run yes, no or unknown, and does nothing', async () => {
    const plan = (change: string) => `plan: async () => ({ change: '${change}', lines: ['l'], foundBy: 'probe' })`
    const does = `run: async ({ $ }) => { await note($, 'done') }`
    recipe(
      'dry',
      `{ ...quick, name: 'look', title: 'Look', ${does} },
       { ...change, name: 'yes', title: 'Yes', ${plan('yes')}, ${does} },
       { ...change, name: 'no', title: 'No', ${plan('no')}, ${does} },
       { ...change, name: 'off', title: 'Off', when: () => 'all is well', ${does} },
       { ...change, name: 'broken', title: 'Broken', plan: async () => { throw new Error('no such file') }, ${does} },
       { ...quick, risk: 'change', name: 'mute', title: 'Mute', ${does} }`,
    )
    const { data, summary, exitCode } = await run({ recipe: 'dry', dryRun: true })
    expect(data?.plan?.map(({ cell, change, lines }) => [cell, change, lines[0]])).toEqual([
      ['look', 'no', 'It only looks.'],
      ['yes', 'yes', 'l'],
      ['no', 'no', 'l'],
      ['off', 'no', 'not needed: all is well'],
      ['broken', 'unknown', 'the look failed: no such file'],
      ['mute', 'unknown', 'This cell cannot tell before it is run.'],
    ])
    expect([exitCode, summary]).toEqual([0, 'dry run: 1 would change, 3 would not, 2 unknown; nothing was done'])
    expect([log(), asked]).toEqual([[], []])
  })
})
