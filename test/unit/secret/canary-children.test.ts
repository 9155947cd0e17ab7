import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeDurable } from '../../../src/artifact/small-files.ts'
import { createRegistry } from '../../../src/commands/registry.ts'
import { openPrompt, plainLine } from '../../../src/commands/repl-eval.ts'
import { withheldFromChildren } from '../../../src/host/child-environment.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import { createOpensshHost } from '../../../src/host/openssh/host.ts'
import { rsyncHere } from '../../../src/host/rsync/versions.ts'
import { resolveTarget } from '../../../src/host/ssh/config-resolve.ts'
import { withheldVariables } from '../../../src/host/unit-environment.ts'
import { startRecipeProcess } from '../../../src/recipe/process.ts'
import { knownSecrets } from '../../../src/secret/known.ts'
import { copyText } from '../../../src/terminal/clipboard.ts'
import { canaryVariables, forms, leaks, values } from '../../harness/canaries.ts'
import { childrenOf } from '../../harness/proc.ts'
import { waitUntil } from '../../harness/wait.ts'

const root = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'kx-children-'))
const seen = join(folder, 'seen')
/** Only the plan says that it is one, and neither its name nor its form does. */
const ofThePlan = { WORDS_OF_THE_DAY: 'nine brown foxes' }

/** Programs that write down what they were given, and are then the real ones. */
function recordOnPath(names: readonly string[]): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  mkdirSync(seen)
  const places = (process.env.PATH ?? '').split(delimiter)
  for (const name of names) {
    const real = places.map((place) => join(place, name)).find(existsSync)
    const after = real === undefined ? 'exit 0' : `exec ${real} "$@"`
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\nat=${seen}/${name}-$$\n/bin/cat /proc/$$/environ >$at.environ\n/bin/cat /proc/$$/cmdline >$at.cmdline\n${after}\n`,
    )
    chmodSync(join(bin, name), 0o755)
  }
  return [bin, ...places].join(delimiter)
}

const told = () => readdirSync(seen).map((name) => [name, readFileSync(join(seen, name))] as const)
const programs = () => new Set(told().map(([name]) => name.split('-')[0]))
const leaksIn = (bytes: Buffer) => [...leaks(bytes.toString('utf8')), ...leaks(bytes.toString('latin1'))]

beforeAll(async () => {
  vi.stubEnv('PATH', recordOnPath(['sh', 'bash', 'git', 'ssh', 'rsync', 'tmux', 'sync', 'uv']))
  vi.stubEnv('HOME', folder)
  vi.stubEnv('SSH_AUTH_SOCK', '/nonexistent/agent')
  for (const [name, value] of Object.entries({ ...canaryVariables, ...ofThePlan })) vi.stubEnv(name, value)
  // Every form of every canary, under names that tell nothing.
  for (const [at, { text }] of forms.entries()) vi.stubEnv(`NOTE_${at}`, `see <${text}> there`)
  await knownSecrets(Object.keys(ofThePlan))
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

describe('what kx starts on this machine', () => {
  it('is started in few places, and each of them says which environment it hands over', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .concat(
        readdirSync(join(root, 'screens'), { recursive: true, encoding: 'utf8' }).map((name) => `../screens/${name}`),
      )
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(root, 'src', name))
    const starts: string[] = []
    for (const file of files) {
      const text = readFileSync(file, 'utf8')
      if (!/from 'node:(?:child_process|worker_threads)'/.test(text)) continue
      const calls = [
        ...text.matchAll(/(?:\b(?:spawn|spawnSync|exec|execFile|execSync|execFileSync|fork)|new Worker)\(/g),
      ]
        .filter(({ index }) => !/[.\w]$|function $/.test(text.slice(0, index)))
        .map(({ index }) => text.slice(index, index + 260))
      for (const call of calls) starts.push(`${relative(root, file)} ${/\benv[:,]/.test(call) ? 'env' : 'inherits'}`)
    }
    expect([...new Set(starts)].sort()).toEqual([
      // The person's own editor and pager.
      'screens/workbench/programs.ts inherits',
      'src/artifact/small-files.ts env',
      'src/artifact/structure/sqlite.ts env',
      'src/host/kept-shell.ts env',
      'src/host/local-exec.ts env',
      'src/host/local-spawn.ts env',
      'src/host/openssh/guardian.ts env',
      'src/host/openssh/session.ts env',
      'src/host/rsync/run.ts env',
      'src/host/rsync/versions.ts env',
      'src/notebook/search.ts env',
      // The test that a new recipe is given, which its author runs.
      'src/recipe/new.ts inherits',
      'src/recipe/process.ts env',
      'src/repl/engine.ts env',
      'src/repl/worker.ts env',
      'src/terminal/clipboard.ts env',
    ])
  })

  it('gets no canary, neither in its environment nor among its arguments', async () => {
    const host = createLocalHost()
    await host.exec(['git', '--version'])
    await host.exec(['uv', '--version'])
    await host.script('bash -c true', [])
    await host.script('true', [], { isRepeated: true })
    await (await host.spawn(['bash', '-c', 'true'], { onStdout: () => {}, onStderr: () => {} })).ending
    await host.close()
    await rsyncHere()
    await copyText('text', { env: { ...process.env, TMUX: '/nonexistent,1,0' }, send: () => {}, folder })
    const names = Array.from({ length: 6 }, (_, at) => join(folder, `small-${at}`))
    for (const name of names) writeFileSync(name, '')
    await makeDurable(folder, names)
    await resolveTarget('kx-nowhere', { env: process.env }).catch(() => {})
    const far = createOpensshHost({ name: 'far', target: '127.0.0.1', port: 9, connectSeconds: 5 })
    await far.exec(['true']).catch(() => {})
    await far.close()
    await waitUntil(() => programs().size === 8, { what: `eight programs, and not ${[...programs()].join(' ')}` })
    for (const [name, bytes] of told()) {
      expect(leaksIn(bytes), name).toEqual([])
      expect(bytes.toString(), name).not.toContain('brown foxes')
    }
    // What is no secret is there, and the handle that ssh needs.
    const ofSsh =
      told()
        .find(([name]) => /^ssh-\d+\.environ$/.test(name))?.[1]
        .toString() ?? ''
    expect(ofSsh).toContain('SSH_AUTH_SOCK=/nonexistent/agent')
    expect(ofSsh).toContain(`HOME=${folder}`)
  })

  it('gets none where it runs code of others: the child of a recipe, the prompt', async () => {
    const before = new Set(childrenOf(process.pid))
    const recipe = startRecipeProcess({ onPrinted: () => {} })
    const file = join(folder, 'plain.mjs')
    writeFileSync(file, 'await $`true`\n')
    await recipe.load(file)
    const prompt = await openPrompt({
      registry: createRegistry([]),
      environment: (signal) => ({
        projectFolder: folder,
        via: 'prompt',
        who: 'ada',
        runId: null,
        settings: {},
        signal,
        ask: { confirm: async () => false, typed: async () => null, text: async () => null },
        progress: () => {},
        openRun: () => {},
      }),
      runId: () => null,
      isAscii: false,
      isRemembered: false,
      onLines: () => {},
    })
    try {
      const { json } = await prompt.enter('({ ...process.env })', { wantsJson: true })
      expect(json).toMatchObject({ HOME: folder })
      expect(leaks(JSON.stringify(Object.values(json as object)))).toEqual([])
      // A value that somebody types into a template stays out of every argument list too.
      const typed = await prompt.enter(`await local$\`echo ${values[0]}\``, { wantsJson: false })
      expect(typed.lines.map(plainLine).join('\n')).toContain('Nothing was begun on local')
      for (const [name, bytes] of told()) expect(leaksIn(bytes), name).toEqual([])
      expect(leaks(Object.values(json as object).join('\n'))).toEqual([])
      const children = childrenOf(process.pid).filter((pid) => !before.has(pid))
      expect(children.length).toBeGreaterThan(0)
      for (const pid of children)
        for (const what of ['environ', 'cmdline']) expect(leaksIn(readFileSync(`/proc/${pid}/${what}`))).toEqual([])
    } finally {
      await prompt.close()
      await recipe.close()
    }
  })

  it('gets none among its arguments where a recipe or the prompt would put one there: that is refused, in words', async () => {
    const before = told().length
    const file = join(folder, 'shows.mjs')
    const secretsFile = join(folder, 'values.json')
    writeFileSync(secretsFile, JSON.stringify(values))
    writeFileSync(
      file,
      `import { readFileSync } from 'node:fs'
import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
const values = JSON.parse(readFileSync('${secretsFile}', 'utf8'))
const ways = ({ $, local$, host }, value) => [
  () => $\`echo \${value}\`,
  () => local$\`echo \${Buffer.from(value).toString('base64')}\`,
  () => $({ env: { INNOCENT: value } })\`true\`,
  () => $({ cwd: '/tmp/' + value })\`true\`,
  () => $({ prefix: 'x=' + encodeURIComponent(value) + ';' })\`true\`,
  () => host.script('true', [value]),
  () => host.script('true', [], { env: { INNOCENT: value } }),
  () => host.stat('/tmp/' + value),
]
export const recipe = defineRecipe({
  id: 'shows', title: 'shows', runbook: { when: 'a', touches: 'b', back: 'c' }, parameters: z.object({}),
  cells: [{ name: 'all', title: 'all', risk: 'read', timeoutSeconds: 60, run: async (context) => {
    for (const [at, value] of values.entries())
      for (const [n, way] of ways(context, value).entries())
        if (n === at % 8 || at === 0)
          await way().then(() => context.say('open ' + at + ' ' + n), (error) => context.say('refused ' + at + ' ' + n + ' ' + error.message))
    const { stdout } = await context.$({ input: values[0] })\`cat\`
    context.say(stdout === values[0] ? 'by input' : 'not by input')
    context.say((await context.$\`echo innocent\`).stdout.trim())
  } }],
})
`,
    )
    const said: string[] = []
    const recipe = startRecipeProcess({ onPrinted: () => {} })
    const host = createLocalHost()
    try {
      await recipe.load(file)
      const at = { name: 'local', kind: 'local', profile: 'local', folder: null, tiers: [], mirrors: {} } as const
      await recipe.ask('run', { cell: 'all', host: at, run: null, parameters: {}, targets: [], results: {} }, 60, {
        host,
        here: host,
        signal: new AbortController().signal,
        mark: 'cell',
        out: () => {},
        say: (line) => said.push(line),
        record: async () => {},
        kx: async () => ({ exitCode: 0, summary: '', data: null }),
        question: async () => '',
      })
    } finally {
      await recipe.close()
      await host.close()
    }
    rmSync(secretsFile)
    expect(said.slice(-2)).toEqual(['by input', 'innocent'])
    expect(said.slice(0, -2)).toHaveLength(27)
    for (const line of said.slice(0, -2)) {
      expect(line).toMatch(/^refused .*(?:CANARY_\d+_TOKEN).*Hand it over on standard input/s)
      expect(leaks(line)).toEqual([])
    }
    // Programs were begun for what is innocent, and none of them was shown a canary.
    expect(told().length).toBeGreaterThan(before)
    for (const [name, bytes] of told()) expect(leaksIn(bytes), name).toEqual([])
  })

  it('is said where it concerns a unit', async () => {
    const kept = withheldFromChildren()
    expect(kept).toEqual(expect.arrayContaining([...Object.keys(canaryVariables), ...Object.keys(ofThePlan)]))
    expect(kept.filter((name) => name.startsWith('NOTE_'))).toHaveLength(forms.length)
    const host = createLocalHost()
    const [named] = Object.keys(canaryVariables)
    const withheld = await withheldVariables(host, { named: [named ?? ''] })
    await host.close()
    expect(withheld).toContain('CANARY_1_TOKEN')
    expect(withheld).not.toContain(named)
    expect(values).toHaveLength(20)
  })
})
