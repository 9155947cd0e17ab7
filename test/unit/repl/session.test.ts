import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childEnvironment } from '../../../src/host/child-environment.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import { openHistory } from '../../../src/repl/history.ts'
import type { ReplHouse } from '../../../src/repl/house.ts'
import { ReplSession } from '../../../src/repl/session.ts'
import type { CellWriter } from '../../../src/run/act.ts'
import { addTypedSecret } from '../../../src/secret/known.ts'
import { createRegistry } from '../../../src/secret/registry.ts'
import { waitUntil } from '../../harness/wait.ts'
import { emptyFacts, plainLines } from './harness.ts'

const secret = 'kxcanary-0a1b2c3d4e5f'
const secrets = createRegistry()
secrets.add('TOKEN', secret, 'test')
const folder = mkdtempSync(join(tmpdir(), 'kx-repl-'))
const file = join(folder, 'state', 'repl-history.jsonl')

interface Recorded {
  source: string
  risk: string
  output: string
  ended: Parameters<CellWriter['end']>[0] | null
}
const recorded: Recorded[] = []
const asked: unknown[] = []
const house: ReplHouse = {
  projectFolder: folder,
  secrets,
  commands: [{ id: 'patrol.tick', positional: [] }],
  facts: async () => ({ ...emptyFacts, hosts: ['box-a', 'local'], run: { runId: '01RUN' } }),
  openHost: async (name) => {
    if (name !== 'local') throw new Error(`${name} is not there`)
    return createLocalHost()
  },
  command: async (id, args) => {
    asked.push([id, args])
    throw new Error('refused: a person said no')
  },
  line: async (text) => ({ summary: `line ${text}`, exitCode: 0, data: null }),
  completeLine: (text) => [`${text}x`],
  runs: async () => [{ runId: '01RUN' }],
  samples: async (name) => (name === null ? ['loss'] : [{ atMs: 1, mean: 2 }]),
  names: async (kind) => [`a-${kind}`],
  record: async ({ source, risk }) => {
    const cell: Recorded = { source, risk, output: '', ended: null }
    recorded.push(cell)
    const add = (chunk: Uint8Array | string) => {
      cell.output += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    }
    return {
      cellId: String(recorded.length),
      stdout: add,
      stderr: add,
      say: add,
      end: async (ended) => {
        cell.ended = ended
      },
    }
  },
}

const shown: string[] = []
let session: ReplSession

beforeAll(() => {
  addTypedSecret('TOKEN', secret)
  session = new ReplSession({
    house,
    history: openHistory(file),
    env: childEnvironment({ PATH: process.env.PATH, HF_TOKEN: 'hf_abc', DATABASE: `x ${secret} y`, SAFE: 'yes' }),
    isAscii: false,
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    onLines: (_cell, lines) => shown.push(...plainLines(lines)),
  })
})
afterAll(async () => {
  await session.close()
  rmSync(folder, { recursive: true, force: true })
})
const lines = async (text: string) => plainLines((await session.enter(text)).lines)

describe('the prompt in the main process', () => {
  it('keeps secrets out of the worker, the screen and the history', async () => {
    expect(await lines('[process.env.SAFE, process.env.HF_TOKEN, process.env.DATABASE]')).toEqual([
      "['yes', undefined, undefined]",
    ])
    expect(await lines(`"${secret}".toUpperCase().toLowerCase()`)).toEqual(["'***'"])
    await session.enter(`console.log("${secret}")`)
    await waitUntil(() => shown.length > 0)
    expect(shown.join('\n')).not.toContain(secret)
    expect(readFileSync(file, 'utf8')).not.toContain(secret)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('runs a shell line on a host, on record before it begins, and shows it as it comes', async () => {
    shown.length = 0
    const result = await session.enter('!! printf "one\\ntwo\\n"; exit 3')
    expect(shown).toEqual(['one', 'two'])
    expect(plainLines(result.lines)).toEqual(['exit 3 on local'])
    expect(recorded.at(-1)).toMatchObject({
      risk: 'change',
      output: 'one\ntwo\n',
      ended: { state: 'failed', exitCode: 3 },
    })
    expect(session.history?.search('exit:3')[0]?.text).toContain('printf')
  })

  it('takes an exclamation mark without a blank for the operator', async () => {
    expect(await lines('!0')).toEqual(['true'])
    expect(await lines('!!1')).toEqual(['true'])
  })

  it('ends a shell line when it is interrupted', async () => {
    const running = session.enter('!! echo begun; sleep 60')
    await waitUntil(() => shown.includes('begun'))
    await session.interrupt()
    expect((await running).outcome).toBe('interrupted')
    expect(session.isBusy).toBe(false)
  })

  it('is interrupted also in the moment in which it begins', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const running = session.enter('await new Promise(() => {})')
      await session.interrupt()
      expect((await running).outcome).toBe('interrupted')
    }
    expect(await lines('1 + 1')).toEqual(['2'])
  })

  it('has zx for hosts, whose processes are of this side', async () => {
    expect(await lines('const out = await local$`echo ${"a b"}; echo two`; out')).toEqual(['a b', 'two'])
    expect(await lines('out.stdout.length')).toEqual(['8'])
    expect((await lines('await local$`exit 4`')).join('\n')).toContain('exit 4')
    expect(await lines('(await on("local").exec(["echo", "x"])).ending')).toEqual(["{ kind: 'exited', code: 0 }"])
    expect((await lines('await on("nowhere").exec(["echo"])'))[0]).toBe('Error: nowhere is not there')
    expect(await lines('(await sh("echo hi", "local")).text')).toEqual(['hi', ''])
  })

  it('asks the main process for commands, which may say no', async () => {
    expect((await lines('kx.patrol.tick({ once: true })'))[0]).toBe('Error: refused: a person said no')
    expect(asked).toEqual([['patrol.tick', { once: true }]])
    expect(await lines(':runs all')).toEqual(['line runs all'])
  })

  it('shows the run, its hosts and its samples', async () => {
    expect(await lines('hosts')).toEqual(["['box-a', 'local']"])
    expect(await lines('run.runId')).toEqual(["'01RUN'"])
    expect(await lines('await samples()')).toEqual(["['loss']"])
    expect((await session.enter('await samples("loss")')).lines.length).toBe(9)
    expect((await lines('await runs()'))[2]).toBe('01RUN')
  })

  it('records what only looks after it was shown', async () => {
    await session.enter('40 + 2')
    await waitUntil(() => recorded.at(-1)?.ended !== null)
    expect(recorded.at(-1)).toMatchObject({ source: '40 + 2', risk: 'read', output: '42\n', ended: { state: 'done' } })
  })

  it('records what was printed before its cell was there', async () => {
    await session.enter('console.log("early"); 7')
    await waitUntil(() => recorded.at(-1)?.ended !== null)
    expect(recorded.at(-1)).toMatchObject({ risk: 'read', output: 'early\n7\n' })
  })

  it('masks a secret that is printed in two pieces, at any place, and one given to a shell line', async () => {
    shown.length = 0
    for (let at = 1; at < secret.length; at += 1)
      await session.enter(
        `process.stdout.write("<" + ${JSON.stringify(secret.slice(0, at))}); process.stdout.write(${JSON.stringify(secret.slice(at))} + ">\\n")`,
      )
    expect(shown).toEqual(Array(secret.length - 1).fill('<***>'))
    shown.length = 0
    await session.enter(`!! tr '\\0' ' ' </proc/$PPID/cmdline; tr '\\0' ' ' </proc/$$/cmdline; : ${secret}`)
    expect(shown.join('\n')).toContain('bash -s')
    expect(shown.join('\n')).not.toContain('***')
  })

  it('completes by where the cursor stands', async () => {
    const at = async (text: string) => (await session.complete(text, text.length)).names
    expect(await at('on("')).toEqual(['a-hosts'])
    expect(await at('samples("l')).toEqual(['a-columns'])
    expect(await at('kx.run.open("')).toEqual(['a-runs'])
    expect(await at('import("./s')).toEqual(['a-files'])
    expect(await at(':pat')).toEqual(['patx'])
    expect(await at('!! cat s')).toEqual(['a-files'])
    expect(await at('samp')).toContain('samples')
  })
})

describe('the history', () => {
  const entry = (text: string, more: object = {}) => ({
    atMs: 1,
    text,
    projectFolder: '/p',
    runId: '01A',
    host: 'box',
    ending: 'value',
    durationMs: 1,
    ...more,
  })

  it('is shared by whoever opens the file, keeps the newest of a text, and is searched by filters', () => {
    const path = join(folder, 'h.jsonl')
    const one = openHistory(path)
    one.add(entry('first'))
    one.add(entry('nvidia-smi', { ending: 'exit 1', host: 'other' }))
    one.add(entry('second', { runId: '01B' }))
    one.add(entry('first', { atMs: 9 }))
    const two = openHistory(path)
    expect(two.all().map(({ text }) => text)).toEqual(['nvidia-smi', 'second', 'first'])
    expect(two.search('').map(({ text }) => text)).toEqual(['first', 'second', 'nvidia-smi'])
    expect(two.search('exit:failed').map(({ text }) => text)).toEqual(['nvidia-smi'])
    expect(two.search('exit:ok host:box run:01A').map(({ text }) => text)).toEqual(['first'])
    expect(two.search('SMI')).toHaveLength(1)
    expect(two.ghost('sec')).toBe('ond')
    expect(two.ghost('')).toBe('')
  })

  it('stays within its bound while several kx write, and loses nothing that is new', async () => {
    const path = join(folder, 'bound.jsonl')
    const mostBytes = 20_000
    const source = (name: string) => `
      const { openHistory } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/repl/history.ts'))})
      const history = openHistory(${JSON.stringify(path)}, { mostBytes: ${mostBytes} })
      for (let at = 0; at < 300; at += 1)
        history.add({ ...${JSON.stringify(entry(''))}, text: '${name} ' + String(at) })`
    const ended = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const { spawn } = await import('node:child_process')
        const child = spawn(process.execPath, ['--input-type=module', '-e', source(name)], { stdio: 'inherit' })
        return new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
      }),
    )
    expect(ended).toEqual([0, 0, 0])
    // While one of them puts the file aside the others go on writing: as long as the machine lets it wait.
    for (const name of [path, `${path}.1`]) expect(statSync(name).size).toBeLessThan(2 * mostBytes)
    const lines = [`${path}.1`, path].flatMap((name) => readFileSync(name, 'utf8').trim().split('\n').filter(Boolean))
    const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text)
    expect(
      new Set(
        openHistory(path)
          .all()
          .map(({ text }) => text),
      ),
    ).toEqual(new Set(texts))
    // Of each writer the newest are there, without a hole.
    for (const name of ['a', 'b', 'c']) {
      const own = texts.filter((text) => text.startsWith(name)).map((text) => Number(text.slice(2)))
      expect(own).toEqual(own.map((_at, i) => 300 - own.length + i))
    }
    expect(texts.length).toBeGreaterThan(100)
    // A lock that somebody left is taken away in time, and nothing is lost meanwhile.
    writeFileSync(`${path}.lock`, '')
    utimesSync(`${path}.lock`, 1, 1)
    const history = openHistory(path, { mostBytes: 1 })
    for (const text of ['x', 'y', 'z']) history.add(entry(text))
    expect(history.search('')[0]?.text).toBe('z')
    expect(openHistory(path).all().at(-1)?.text).toBe('z')
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  it('passes over a half-written line and goes on behind it', async () => {
    const path = join(folder, 'torn.jsonl')
    openHistory(path).add(entry('whole'))
    const { appendFileSync } = await import('node:fs')
    appendFileSync(path, '{"v":1,"text":"tor')
    openHistory(path).add(entry('after'))
    expect(
      openHistory(path)
        .all()
        .map(({ text }) => text),
    ).toEqual(['whole', 'after'])
  })
})
