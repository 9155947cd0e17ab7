import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openRun } from '../../src/run/handle.ts'
import type { CellEnded, CellStarted } from '../../src/run/types.ts'
import { isRunning } from '../harness/proc.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { boxPlace } from './box-place.ts'
import {
  ACT_MS,
  answerYes,
  clearPlaces,
  kx,
  kxJson,
  type Place,
  payloads,
  readJournal,
  runFolderOf,
} from './support.ts'

const isFull = process.env.KX_FULL === '1' || process.env.KX_FAULTS_FULL === '1'
let box: Sshd
beforeAll(async () => {
  if (!needsSshd().skip) box = await startSshd({ hostKeyTypes: ['ecdsa'] })
})
afterEach(() => {
  clearPlaces()
  // One machine serves all: the next test finds it as this one did.
  for (const name of readdirSync(box.home)) if (!name.startsWith('.')) rmSync(join(box.home, name), { recursive: true })
})
afterAll(() => box?.stop())

function remotePlace(): { place: Place; log: () => string } {
  const { place } = boxPlace(box, { known: box.knownHostsFile })
  mkdirSync(join(place.project, 'recipes'))
  const log = () => {
    try {
      return readFileSync(join(box.home, 'log'), 'utf8')
    } catch {
      return ''
    }
  }
  return { place, log }
}

const write = (place: Place, name: string, text: string) => writeFileSync(join(place.project, 'recipes', name), text)

/** Cells that leave a line when they begin and one when they end, and are seen done by the second; `hold` keeps them between. */
const cells = (names: readonly string[]) => `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
const cell = (name) => ({
  name,
  title: 'Do ' + name,
  risk: 'change',
  timeoutSeconds: 60,
  plan: async () => ({ change: 'yes', lines: ['would do ' + name], foundBy: 'declared' }),
  run: async ({ $, record, results }) => {
    await record('before', Object.keys(results))
    await $\`cd "$HOME"; echo \${name} begins >>log; while [ -e hold.\${name} ]; do sleep 0.05; done; echo \${name} ends >>log\`
  },
  probe: async ({ $ }) => {
    const seen = await $({ quiet: true })\`cd "$HOME"; cat log 2>/dev/null || true\`
    return seen.stdout.includes(name + ' ends') ? 'done' : seen.stdout.includes(name + ' begins') ? 'unknown' : 'not-done'
  },
  undo: async ({ $ }) => {
    await $\`cd "$HOME"; echo \${name} undone >>log\`
  },
})
export const recipe = defineRecipe({
  id: 'steps',
  title: 'Steps',
  runbook: { when: 'Never.', touches: 'A log.', back: 'Undo.' },
  parameters: z.object({}),
  cells: [${names.map((name) => `cell('${name}')`).join(', ')}],
})
`
const wholeLog = (names: readonly string[]) => names.map((name) => `${name} begins\n${name} ends\n`).join('')

/** Cells of recipes on record, with how they ended. */
function recorded(place: Place): readonly (readonly [string, string | null])[] {
  const records = readJournal(runFolderOf(place))
  const ended = new Map(payloads<CellEnded>(records, 'cell.ended').map((each) => [each.cellId, each.state]))
  return payloads<CellStarted>(records, 'cell.started')
    .filter(({ name }) => name.startsWith('recipe.steps.'))
    .map(({ cellId, title }) => [title, ended.get(cellId) ?? null] as const)
}

describe.skipIf(needsSshd().skip)('recipes', () => {
  it('plans, asks, runs on a machine behind SSH, and is taken back, each a cell', async () => {
    const { place, log } = remotePlace()
    write(place, 'steps.mjs', cells(['one', 'two']))
    const dry = await kxJson(place, ['recipe', 'run', 'steps', '--dry-run'])
    expect(dry.data.plan.map((each: { change: string }) => each.change)).toEqual(['yes', 'yes'])
    expect(log()).toBe('')
    // Nobody is there to agree.
    const refused = await kx(place, ['recipe', 'run', 'steps'])
    expect([refused.code, log()]).toEqual([3, ''])
    await answerYes(place, ['recipe', 'run', 'steps'])
    expect(log()).toBe(wholeLog(['one', 'two']))
    expect(recorded(place)).toEqual([
      ['Do one', 'done'],
      ['Do two', 'done'],
    ])
    const undone = await kx(place, ['recipe', 'undo', '--yes'])
    expect([undone.code, log().split('\n').slice(-3, -1)]).toEqual([0, ['two undone', 'one undone']])
    expect(recorded(place).slice(2)).toEqual([
      ['Undo: Do two', 'done'],
      ['Undo: Do one', 'done'],
    ])
    expect(readdirSync(box.home)).toContain('log')
  })

  it('holds destroy behind a typed name, a run to its frozen plan, and a cell to its time', async () => {
    const { place } = remotePlace()
    write(
      place,
      'wipe.mjs',
      `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
const look = async ({ $ }) => {
  const found = await $({ quiet: true })\`cd "$HOME"; ls -d junk* 2>/dev/null || true\`
  const targets = found.stdout.split('\\n').filter(Boolean)
  return { change: targets.length > 0 ? 'yes' : 'no', lines: targets, foundBy: 'probe', targets }
}
export const recipe = defineRecipe({
  id: 'wipe', title: 'Wipe', runbook: { when: 'a', touches: 'b', back: 'c' },
  parameters: z.object({ keep: z.number().default(1).describe('how many'), sleep: z.number().default(0).describe('s') }),
  cells: [
    { name: 'move', title: 'Move', risk: 'change', timeoutSeconds: 2, plan: look,
      run: async ({ $, targets, parameters, say }) => {
        say('keep is ' + parameters.keep)
        if (parameters.sleep > 0) await $\`sh -c 'sleep 300 & echo $! >"$HOME/pid"; wait'\`
        for (const path of targets) await $\`cd "$HOME"; mv -- \${path} kept-\${path}\`
      } },
    { name: 'wipe', title: 'Wipe', risk: 'destroy', timeoutSeconds: 20, plan: async () => ({ change: 'yes', lines: ['all'], foundBy: 'declared' }),
      run: async ({ $ }) => { await $\`cd "$HOME"; rm -f kept-*\` } },
  ],
})
`,
    )
    writeFileSync(join(box.home, 'junk1'), '')
    const dry = await kxJson(place, ['recipe', 'run', 'wipe', '--dry-run', '--keep', '5'])
    writeFileSync(join(box.home, 'junk2'), '')
    const moved = await kx(place, ['recipe', 'run', 'wipe', '--yes', '--frozen', dry.data.dryRun])
    expect([moved.code, moved.stdout]).toEqual([1, expect.stringMatching(/not what was planned: 1 new \(junk2\)/)])
    expect(readdirSync(box.home)).toContain('junk1')
    const [wrong, odd] = await Promise.all([
      kx(place, ['recipe', 'run', 'wipe', '--yes', '--keep', 'many']),
      kx(place, ['recipe', 'run', 'wipe', '--yes', '--odd', '1']),
    ])
    expect([wrong.code, wrong.stdout]).toEqual([2, expect.stringContaining('keep')])
    expect(odd.stdout).toContain('no --odd')
    // Without a terminal nobody types the name; --yes does not stand for it.
    const held = await kx(place, ['recipe', 'run', 'wipe', '--yes', '--keep', '2'])
    expect([held.code, held.stdout]).toEqual([3, expect.stringMatching(/--yes does not stand for it/)])
    expect(readdirSync(box.home)).toEqual(expect.arrayContaining(['kept-junk1', 'kept-junk2']))
    const late = await kx(place, ['recipe', 'run', 'wipe', '--yes', '--sleep', '1'])
    expect([late.code, late.stdout]).toEqual([1, expect.stringMatching(/time of 2 s is over|Its time/)])
    const pid = Number(readFileSync(join(box.home, 'pid'), 'utf8'))
    await waitUntil(() => !isRunning(pid), { what: 'the grandchild to end' })
  })

  it('runs a plain zx script, and the blocks of a Markdown file', async () => {
    const { place, log } = remotePlace()
    write(
      place,
      'plain.mjs',
      "import { $, cd, echo, question, spinner } from 'zx'\ncd(process.env.NOWHERE ?? '/tmp')\nconst here = (await $`pwd`).stdout.trim()\nawait spinner('counting', () => $`echo ${here} ${\"it's\"} >>\"$HOME/log\"`)\necho`in ${here}`\nconsole.log(`answer <${await question('who?')}>`)\n",
    )
    write(
      place,
      'pages.md',
      '# Pages\n\n## First\n```sh\necho "sh $((1 + 1))" >>"$HOME/log"\n```\n\n## Second\n```js\nconst two = 1 + 1\nawait $`echo js ${two} >>"$HOME/log"`\n```\n',
    )
    const plain = await kx(place, ['recipe', 'run', 'plain', '--yes'])
    expect([plain.code, plain.stdout, log()]).toEqual([0, expect.stringContaining('1 of 1'), "/tmp it's\n"])
    const pages = await kx(place, ['recipe', 'run', 'pages', '--yes'])
    expect([pages.code, log()]).toEqual([0, "/tmp it's\nsh 2\njs 2\n"])
    const cells = readdirSync(join(runFolderOf(place), 'cells'))
    const outputs = cells.map((id) => {
      try {
        return readFileSync(join(runFolderOf(place), 'cells', id, 'output.log'), 'utf8')
      } catch {
        return ''
      }
    })
    expect(outputs.join('\n')).toMatch(/in \/tmp[\s\S]*answer <>/)
  })

  it('hands no secret of its environment to a recipe, and masks one that a host prints', async () => {
    const { place } = remotePlace()
    const canary = 'canary-7f3a9c1e5b2d8046-zq'
    write(
      place,
      'nosy.mjs',
      "import { $, local$ } from 'zx'\nconsole.log('child', JSON.stringify(process.env), process.argv)\nawait local$`env`\nawait $`env; a=canary-7f3a9c1e; echo \"$a\"5b2d8046-zq`\n",
    )
    // What would show the value among the arguments of a process is refused, and says how it is done.
    write(place, 'shows.mjs', "import { $ } from 'zx'\nawait $`echo ${['canary-7f3a9c1e', '5b2d8046-zq'].join('')}`\n")
    const refused = await kx(place, ['recipe', 'run', 'shows', '--yes'], { env: { MY_API_TOKEN: canary } })
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('Nothing was begun on box')])
    expect(`${refused.stdout}${refused.stderr}`).not.toContain(canary)
    const ran = await kx(place, ['recipe', 'run', 'nosy', '--yes'], { env: { MY_API_TOKEN: canary } })
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('1 of 1')])
    const folder = runFolderOf(place)
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
    const texts = files.map((each) => readFileSync(join(each.parentPath, each.name), 'latin1'))
    expect(texts.filter((text) => text.includes(canary))).toEqual([])
    const output = texts.filter((text) => text.includes('kx: child')).join('\n')
    expect(output).toContain('PATH=')
    expect(output).not.toContain('MY_API_TOKEN')
    const ended = payloads<CellEnded>(readJournal(folder), 'cell.ended')
    expect(ended.some(({ redactions }) => redactions > 0)).toBe(true)
  })

  it('offers the recipe that serves a finding, filled in from it', async () => {
    const { place } = remotePlace()
    write(
      place,
      'served.mjs',
      `import { defineRecipe } from 'kx/recipe'
import { z } from 'zod'
export const recipe = defineRecipe({
  id: 'served', title: 'Served', runbook: { when: 'a', touches: 'b', back: 'c' },
  parameters: z.object({ unit: z.string().describe('which') }),
  serves: [{ rule: 'odd-rule', fill: ({ unit }) => ({ unit }) }],
  cells: [{ name: 'say', title: 'Say it', risk: 'read', timeoutSeconds: 20,
    plan: async ({ parameters }) => ({ change: 'no', lines: ['about ' + parameters.unit], foundBy: 'declared' }),
    run: async () => {} }],
})
`,
    )
    await kx(place, ['plan'])
    const run = await openRun(runFolderOf(place), { clock: { nowMs: () => Date.now() } })
    const finding = { findingId: 'f1', severity: 'warn', class: 'bug', text: 'odd', evidence: '', remedy: 'Look.' }
    await run.append('finding.opened', { ...finding, rule: 'odd-rule', recipe: '', unit: 'split-7' })
    await run.append('finding.opened', { ...finding, findingId: 'f2', rule: 'other', recipe: '' })
    await run.close()
    const served = await kxJson(place, ['recipe', 'for', 'f1', '--dry-run'])
    expect(served.data.plan).toMatchObject([{ cell: 'say', host: 'box', lines: ['about split-7'] }])
    const none = await kx(place, ['recipe', 'for', 'other'])
    expect([none.code, none.stdout]).toEqual([1, expect.stringContaining('no recipe serves other')])
    // By what its cell keeps, the very same is done again.
    const again = await kxJson(place, ['cell', 'rerun', served.data.dryRun])
    expect([again.summary, again.data.plan]).toEqual([served.summary, served.data.plan])
  })

  it('names the recipe for what the audit finds, as a line to paste', async () => {
    const { place } = remotePlace()
    const file = join(place.project, 'kx.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('bytes: 67000,', 'bytes: 67000000000000,'))
    await kx(place, ['plan'])
    const { stdout } = await kx(place, ['audit'])
    const line = /audit\.checkpoint-budget on box: kx (recipe run free-disk --host box --folder \S+)/.exec(stdout)?.[1]
    expect(line).toContain(box.home)
    const dry = await kxJson(place, [...(line ?? '').split(' '), '--dry-run'])
    expect(dry.data.plan).toMatchObject([{ cell: 'prune', host: 'box', change: 'no' }])
  })

  const names = ['one', 'two', 'three']
  const hold = (name: string) => writeFileSync(join(box.home, `hold.${name}`), '')
  const letGo = (name: string) => rmSync(join(box.home, `hold.${name}`), { force: true })

  /** A run that is killed in the middle of one of its cells, which goes on over there. */
  async function cutInTheMiddle(place: Place, name: string, log: () => string) {
    hold(name)
    const cut = await kx(place, ['recipe', 'run', 'steps', '--yes', '--json'], {
      onStart: (child) => {
        const begins = waitUntil(() => log().includes(`${name} begins`), { what: 'the cell', timeoutMs: ACT_MS })
        void begins.finally(() => child.kill('SIGKILL')).catch(() => {})
      },
    })
    expect(cut.signal).toBe('SIGKILL')
  }

  it('killed in the middle and gone on with by two at once: exactly one does, and no cell is done twice', async () => {
    const { place, log } = remotePlace()
    write(place, 'steps.mjs', cells(names))
    await cutInTheMiddle(place, 'two', log)
    const on = [0, 1].map(() => kxJson(place, ['recipe', 'run', '--resume', 'last', '--yes']))
    // Neither can end by itself before the cell is let go: who ends first was refused.
    const refused = await Promise.race(on)
    expect([refused.exitCode, refused.summary]).toEqual([1, expect.stringMatching(/another kx is at this run/)])
    expect(refused.summary).toMatch(/process \d+ on .*nothing was done.*kx open .*#.*kx recipe resume /)
    letGo('two')
    const results = await Promise.all(on)
    expect(results.filter((each) => each !== refused)).toMatchObject([{ exitCode: 0 }])
    expect(results.find((each) => each !== refused)?.summary).toContain('3 of 3')
    expect(log()).toBe(wholeLog(names))
  })

  const points = ['recipe.cell-open', 'middle', 'recipe.cell-run', 'recipe.cell-ended']
  const every = names.flatMap((_name, at) => points.map((point) => [point, at + 1] as const))
  // What is not full has one cell, and the test above has another.
  it.each(isFull ? every : ([['recipe.cell-run', 2]] as const))(
    'killed at %s of cell %i and gone on with, does no cell twice and loses none',
    async (point, number) => {
      const { place, log } = remotePlace()
      write(place, 'steps.mjs', cells(names))
      for (let round = 0; round < (isFull ? 20 : 1); round += 1) {
        writeFileSync(join(box.home, 'log'), '')
        const name = names[number - 1] ?? ''
        if (point === 'middle') {
          await cutInTheMiddle(place, name, log)
          letGo(name)
        } else {
          const run = ['recipe', 'run', 'steps', '--yes', '--json']
          const cut = await kx(place, run, { env: { KX_FAILPOINT: `${point}:${number}` } })
          expect([cut.signal, cut.stdout]).toEqual(['SIGKILL', ''])
        }
        const on = await kxJson(place, ['recipe', 'run', '--resume', 'last', '--yes'])
        expect([on.exitCode, on.summary]).toEqual([0, expect.stringContaining('3 of 3')])
        expect(log()).toBe(wholeLog(names))
      }
    },
    isFull ? 1_200_000 : 120_000,
  )
})
