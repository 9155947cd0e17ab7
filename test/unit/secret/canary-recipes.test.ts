import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { recipesModel } from '../../../screens/recipes/model.ts'
import { learnSecrets, maskNow, maskTexts } from '../../../src/cli/masking.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import { type RunArgs, runRecipeCommand } from '../../../src/commands/recipe-run.ts'
import { recipeShelf } from '../../../src/commands/recipes.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { ActResult, Progress } from '../../../src/run/act.ts'
import { runFolder } from '../../../src/run/folder.ts'
import { readRunState } from '../../../src/run/reader.ts'
import { currentRunId } from '../../../src/session/current-run.ts'
import { canaryVariables, forms, leaks, values } from '../../harness/canaries.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-canary-recipes-'))
/** Outside of the project: what nobody but the recipe reads. */
const given = join(folder, 'given')
const project = join(folder, 'project')
/** Everything that a person is shown while it runs: questions, plans, live lines. */
const seen: string[] = []

beforeAll(async () => {
  enableCompileCache(join(tmpdir(), 'kx-e2e-compile'))
  mkdirSync(given)
  mkdirSync(join(project, 'recipes'), { recursive: true })
  vi.stubEnv('HOME', folder)
  for (const name of ['STATE', 'CONFIG', 'CACHE']) vi.stubEnv(`XDG_${name}_HOME`, join(folder, name))
  for (const [name, value] of Object.entries(canaryVariables)) vi.stubEnv(name, value)
  const plan = {
    ...{ version: 1, name: 'small', goal: 'raise accuracy by 1 point', hosts: ['local'], profiles: ['local'] },
    metrics: [{ name: 'accuracy', direction: 'higher', primary: true }],
    ...{ command: ['true', '{unit}'], units: { list: ['a'] }, environment: { kind: 'system', interpreter: 'node' } },
    ...{ resources: { compute: 'cpu', workers: 1 }, checkpoints: { bytes: 1000, count: 2 } },
    artifacts: [{ glob: 'units/*/result.json', minimumCount: 1, kind: 'json' }],
    budget: { usd: 0, hours: 1 },
  }
  writeFileSync(join(project, 'kx.yaml'), JSON.stringify(plan))
  writeFileSync(join(given, 'forms.json'), JSON.stringify(forms.map(({ text }) => text)))
  writeFileSync(join(given, 'lines'), forms.map(({ text }) => `log: <${text}> done\n`).join(''))
  writeFileSync(join(given, 'value'), values[0] ?? '')
  writeFileSync(
    join(project, 'recipes', 'spill.mjs'),
    `import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
const forms = JSON.parse(readFileSync('${given}/forms.json', 'utf8'))
const all = forms.join(' ')
const quick = { risk: 'read', timeoutSeconds: 60, needs: [] }
const change = { ...quick, risk: 'change', plan: async ({ say }) => {
  say(all)
  return { change: 'yes', lines: forms, foundBy: 'declared', targets: forms }
} }
export const recipe = defineRecipe({
  id: 'spill', title: all, runbook: { when: all, touches: all, back: all },
  parameters: z.object({
    word: z.string().default('none').describe(all),
  }),
  cells: [
    { ...quick, name: 'prints', title: all, run: async ({ $, local$, host, say }) => {
      console.log(all)
      for (const form of forms) say(form)
      // Many small writes of a command, and pieces of its own that are cut at every border.
      await $\`dd if=${given}/lines bs=7 status=none; cat ${given}/lines >&2\`
      await local$\`dd if=${given}/lines bs=1 status=none\`
      for (const form of forms) {
        for (let at = 1; at < form.length; at += 1) {
          process.stdout.write('<' + form.slice(0, at))
          process.stdout.write(form.slice(at) + '>\\n')
        }
        await turn()
      }
      say((await host.script('cat ${given}/lines', [])).ending.kind)
      return { summary: all }
    } },
    { ...quick, name: 'not-needed', title: 'b', when: () => all, run: async () => undefined },
    { ...change, name: 'changes', title: 'c', probe: async ({ say }) => { say(all); return 'not-done' },
      run: async ({ record }) => { await record('kept', forms); return { summary: all } },
      undo: async ({ say, results }) => { for (const form of results.changes.kept.concat(forms)) say(form); return { summary: all } } },
    { ...quick, name: 'throws', title: 'd', run: async () => { throw new Error(all) } },
    { ...quick, name: 'fails', title: 'e', retry: { times: 1, delaySeconds: 0, isIdempotent: true }, run: async ({ fail }) => fail(all, all) },
    { ...quick, name: 'by-template', title: 'f', run: async ({ $ }) => { await $\`printf %s \${all} >&2; exit 3\` } },
    { ...quick, name: 'late', title: 'g', run: async () => { setTimeout(() => { throw new Error(all) }, 1); await new Promise((r) => setTimeout(r, 20)) } },
  ],
})
`,
  )
  writeFileSync(
    join(project, 'recipes', 'wants.mjs'),
    `import { readFileSync } from 'node:fs'
import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
export const recipe = defineRecipe({
  id: 'wants', title: 'wants', runbook: { when: 'a', touches: 'b', back: 'c' },
  parameters: z.object({
    key: z.string().default('none').describe('a key').meta({ environment: 'CANARY_3_TOKEN' }),
    word: z.string().default('none').describe('a word'),
    list: z.array(z.string()).default([]).describe('words'),
  }),
  cells: [{ name: 'looks', title: 'a', risk: 'read', timeoutSeconds: 60, run: async ({ parameters, say }) => say(parameters.word) }],
})
`,
  )
  await learnSecrets()
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const env = (more: Partial<CommandEnvironment> = {}): CommandEnvironment => ({
  projectFolder: project,
  runId: null,
  who: 'ada',
  via: 'cli',
  settings: {},
  signal: new AbortController().signal,
  ask: {
    confirm: async (question, detail) => {
      seen.push(question, ...detail)
      return true
    },
    typed: async () => null,
    text: async (question) => {
      seen.push(question)
      return null
    },
  },
  progress: (progress: Progress) => seen.push(JSON.stringify({ ...progress, result: null })),
  openRun: () => {},
  ...more,
})
const run = (args: Partial<RunArgs>) =>
  runRecipeCommand(env(), { recipe: 'spill', dryRun: false, yes: false, retryFailed: false, parameters: {}, ...args })

const filesBelow = (path: string): readonly string[] =>
  readdirSync(path).flatMap((name) => {
    const child = join(path, name)
    return child === given ? [] : statSync(child).isDirectory() ? filesBelow(child) : [child]
  })
/** As it is printed for a person, and for a script. */
const clean = ({ summary, lines = [], data }: ActResult, what: string) => {
  expect(leaks(summary), `${what}: summary`).toEqual([])
  expect(leaks(lines.join('\n')), `${what}: lines`).toEqual([])
  expect(leaks(JSON.stringify(maskTexts(data ?? null))), `${what}: data`).toEqual([])
}
const nothingLeft = (what: string) => {
  for (const file of filesBelow(folder)) expect(leaks(readFileSync(file, 'utf8')), `${what}: ${file}`).toEqual([])
  expect(leaks(seen.join('\n')), `${what}: shown`).toEqual([])
}

describe('twenty canaries in twelve encodings, in a recipe', () => {
  it('do not come through its cells: not live, not in plans, questions, outputs, journal, exports and undo', async () => {
    const tried = await run({ dryRun: true })
    expect(tried.summary).toContain('1 would change')
    clean(tried, 'dry run')
    const done = await run({})
    const { cells } = done.data as { readonly cells: readonly { readonly cell: string; readonly outcome: string }[] }
    expect(cells.map(({ cell, outcome }) => `${cell} ${outcome}`)).toEqual([
      'prints done',
      'not-needed skipped',
      'changes done',
      'throws failed',
      'fails failed',
      'by-template failed',
      'late done',
      // After a failure it is taken back, with a yes.
      'changes done',
    ])
    clean(done, 'run')
    // All of it came, every cut too.
    const cuts = forms.reduce((sum, { text }) => sum + text.length - 1, 0)
    const state = readRunState(runFolder(project, currentRunId(project, Date.now()) ?? ''))
    expect(state?.cells.map(({ started }) => started.name)).toEqual([
      ...['recipe.run', 'recipe.run', 'recipe.spill.prints', 'recipe.spill.not-needed', 'recipe.spill.changes'],
      ...['recipe.spill.throws', 'recipe.spill.fails', 'recipe.spill.by-template', 'recipe.spill.late'],
      'recipe.spill.changes',
    ])
    const written = filesBelow(folder).filter((file) => file.endsWith('output.log'))
    const text = written.map((file) => readFileSync(file, 'utf8')).join('')
    expect(text.match(/^<.*>$/gm)?.length).toBeGreaterThan(cuts * 0.9)
    expect(text.match(/^log: .* done$/gm)?.length).toBe(forms.length * 3)
    nothingLeft('run')
  })

  it('are in no answer about it afterwards', async () => {
    const registry = allCommands()
    const asked: readonly (readonly [string, Record<string, unknown>])[] = [
      ['cell.list', {}],
      ...['1', '2', '3', '5', '8', '10'].map((cell) => ['cell.show', { cell, lines: 0 }] as const),
      ['cell.search', { text: 'log' }],
      ['cell.search', { text: 'l.g', regex: true }],
      ['cell.diff', { cell: '2' }],
      ['notebook.export', { lines: 500 }],
      ['notebook.export', { format: 'ipynb', lines: 500 }],
      ['notebook.export', { format: 'jsonl', lines: 500 }],
      ['run.replay', { speed: 0, lines: 500 }],
      ['recipe.show', { recipe: 'spill' }],
      ['recipe.check', { recipe: 'spill' }],
    ]
    for (const [id, args] of asked) {
      const spec = registry.get(id)
      const printed: string[] = []
      const result = await spec?.run?.(env({ print: (line) => printed.push(line) }), spec.args.parse(args))
      if (result === undefined) throw new Error(`no ${id}`)
      // The command line masks whatever it prints; what is read from a recipe itself has passed nothing else.
      const lines = (result.lines ?? []).map((line) => (id.startsWith('recipe.') ? maskNow(line) : line))
      clean({ ...result, lines, summary: id.startsWith('recipe.') ? maskNow(result.summary) : result.summary }, id)
      expect(leaks(printed.join('\n')), id).toEqual([])
    }
    const recipes = await recipeShelf(project)
    expect(recipes.find(({ id }) => id === 'spill')?.title).toContain('***')
    expect(leaks(JSON.stringify(recipes))).toEqual([])
    const model = recipesModel({ shelves: { recipes }, selected: () => 'spill', live: null } as never)
    expect(leaks(JSON.stringify(model))).toEqual([])
    nothingLeft('answers')
  })

  it('are not handed to a recipe: not from the environment, not by a flag, and not said by the refusal', async () => {
    const refused = await run({ recipe: 'wants' })
    expect(refused).toMatchObject({ exitCode: 1, summary: expect.stringContaining('The value of CANARY_3_TOKEN') })
    for (const [at, text] of values.entries()) {
      const list = at % 2 === 0 ? { word: `-${text}` } : { list: ['a', text] }
      // Each way once, with values of several kinds.
      if (at % 7 !== 0) continue
      const result = await run({ recipe: 'wants', parameters: { key: 'a', ...list } })
      expect(result, text).toMatchObject({ exitCode: 1, summary: expect.stringContaining(`CANARY_${at}_TOKEN`) })
      clean(result, text)
    }
    expect(await run({ recipe: 'wants', parameters: { key: 'a', word: 'innocent' } })).toMatchObject({ exitCode: 0 })
    nothingLeft('parameters')
  })
})
