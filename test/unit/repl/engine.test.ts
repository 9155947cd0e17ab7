import { afterAll, describe, expect, it } from 'vitest'
import { safeLines } from '../../../src/repl/safe-lines.ts'
import { createRegistry } from '../../../src/secret/registry.ts'
import { redactText } from '../../../src/text/redact.ts'
import { waitUntil } from '../../harness/wait.ts'
import { openBench, plainLines } from './harness.ts'

const bench = openBench(
  {
    commands: [
      { id: 'patrol.tick', positional: [] },
      { id: 'meter.write-off', positional: ['run'] },
    ],
  },
  (name, args) => {
    if (name === 'command') return { exitCode: 0, summary: `did ${JSON.stringify(args)}`, lines: [], data: args }
    throw new Error(`no ${name} here`)
  },
)
afterAll(() => bench.engine.close())
const { engine, enter } = bench

describe('the worker of the prompt', () => {
  it('tells what code prints with the entry that printed it, also later', async () => {
    await enter('console.log("one", { a: 1 }); setTimeout(() => console.error("two"), 10); process.stdout.write("raw")')
    await enter('1')
    await waitUntil(() => bench.printed.length >= 3)
    expect(bench.printed.slice(0, 3).toSorted()).toEqual(['1: one { a: 1 }\n', '1: raw', '1: two\n'])
  })

  it('reports an error that nobody waited for to the entry that caused it', async () => {
    const first = await enter('setTimeout(() => { throw new Error("in a timer") }, 20); 0')
    const second = await enter('Promise.reject(new Error("left alone")); 0')
    const third = await enter('setTimeout(() => Promise.reject(7), 10); 0')
    await enter('1')
    await waitUntil(() => bench.late.length >= 3)
    const byCell = new Map(bench.late.map((each) => [each.cell, each.text.split('\n')[0]]))
    expect(byCell.get(first.cell)).toBe('Error: in a timer')
    expect(byCell.get(second.cell)).toBe('Error: left alone')
    expect(byCell.get(third.cell)).toBe('thrown: 7')
    expect(bench.lost).toEqual([])
  })

  it('brings the result of a promise that was left pending', async () => {
    const before = bench.late.length
    const result = await enter('await new Promise((resolve) => setTimeout(() => resolve("at last"), 150))', {
      awaitMs: 20,
    })
    expect(result.outcome).toBe('pending')
    await waitUntil(() => bench.late.length > before)
    expect(bench.late.at(-1)).toEqual({ cell: result.cell, isError: false, text: "'at last'" })
    expect(plainLines((await enter(`_${result.cell}`)).lines)).toEqual(["'at last'"])
  })

  it('ends a loop that never pauses at once when it is interrupted, with its variables kept', async () => {
    await enter('let kept = 41')
    const looping = enter('kept += 1; for (;;) {}', { timeoutMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await engine.interrupt()
    expect((await looping).outcome).toBe('interrupted')
    expect(plainLines((await enter('kept')).lines)).toEqual(['42'])
    expect(bench.lost).toEqual([])
  })

  it('is interrupted as often as somebody likes in code that does not pause', async () => {
    const loops = [
      'for (;;) {}',
      'for (;;) { try { JSON.parse("{") } catch {} }',
      'for (;;) { [3, 1, 2].map((n) => n * 2).sort() }',
      '/(a+)+$/.test("a".repeat(60) + "b")',
      '(function deep() { try { deep() } finally { deep() } })()',
      'for (;;) JSON.stringify({ times, list: [1, 2, 3] })',
    ]
    const count = process.env.KX_FAULTS_FULL === '1' ? 200 : loops.length
    await enter('let times = 0')
    for (let turn = 0; turn < count; turn += 1) {
      const looping = enter(`times += 1; ${loops[turn % loops.length]}`, { timeoutMs: 60_000 })
      await new Promise((resolve) => setTimeout(resolve, (turn * 7) % 40))
      await engine.interrupt()
      expect((await looping).outcome).toBe('interrupted')
    }
    // The earliest may have been ended before it began.
    const { json } = await enter('times')
    expect(json).toBeGreaterThan(count * 0.8)
    expect(bench.lost).toEqual([])
  }, 300_000)

  it('outlives a collection of what was given up', async () => {
    const given = [
      'await new Promise(() => {})',
      'new Promise(() => {})',
      'await Promise.race([new Promise(() => {})])',
    ]
    for (const source of given) {
      const waiting = enter(source, { awaitMs: 60_000 })
      await new Promise((resolve) => setTimeout(resolve, 30))
      await engine.interrupt()
      expect((await waiting).outcome).toBe('interrupted')
    }
    await enter('(await import("node:v8")).setFlagsFromString("--expose-gc")')
    const collected = await enter(
      'const collect = (await import("node:vm")).runInNewContext("gc"); for (const _turn of [1, 2, 3]) collect()',
    )
    expect([collected.outcome, plainLines(collected.lines)]).toEqual(['nothing', []])
    await enter('await new Promise((resolve) => setTimeout(resolve, 50)); collect()')
    expect(bench.lost).toEqual([])
  })

  it('ends one at its limit, with its variables kept', async () => {
    expect((await enter('for (;;) {}', { timeoutMs: 200 })).outcome).toBe('timeout')
    expect(plainLines((await enter('kept')).lines)).toEqual(['42'])
    expect(bench.lost).toEqual([])
  })

  it('gives up the wait for a promise when it is interrupted', async () => {
    const waiting = enter('await new Promise(() => {})', { awaitMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await engine.interrupt()
    expect((await waiting).outcome).toBe('interrupted')
    expect(plainLines((await enter('kept')).lines)).toEqual(['42'])
  })

  it('previews what has no effect, and nothing else', async () => {
    await enter('let count = 5; const effect = () => { count += 1; return count }')
    const preview = async (source: string) =>
      (await engine.preview(source, 40))?.map((each) => each.text).join('') ?? null
    expect(await preview('count * 2')).toBe('10')
    expect(await preview('[1, 2].map((x) => x + count)')).toBe('[6, 7]')
    expect(await preview('effect()')).toBeNull()
    expect(await preview('count = 9')).toBeNull()
    expect(await preview('let hidden = 1')).toBeNull()
    expect(await preview('undeclared')).toBeNull()
    expect(await preview('while (true) {}')).toBeNull()
    expect(plainLines((await enter('count')).lines)).toEqual(['5'])
  })

  it('completes names in scope and members of live objects, running nothing', async () => {
    await enter('const board = { alpha: { inner: 1 }, alarm: 2, get trap() { throw new Error("run") } }')
    const complete = async (source: string) => {
      const { from, names } = await engine.complete(source, source.length)
      return names.map((name) => source.slice(0, from) + name)
    }
    expect(await complete('boa')).toEqual(['board'])
    expect(await complete('1 + board.al')).toEqual(['1 + board.alpha', '1 + board.alarm'])
    expect(await complete('board.alpha.')).toContain('board.alpha.inner')
    expect(await complete('board.tr')).toEqual(['board.trap'])
    expect(await complete('board.trap.')).toEqual([])
    expect(await complete('effect().')).toEqual([])
    expect(await complete('"board.al')).toEqual([])
    expect(await complete('kx.pat')).toEqual(['kx.patrol'])
    expect(await complete('kx.meter.')).toContain('kx.meter.writeOff')
    expect(await complete('[1, 2].fla')).toEqual(['[1, 2].flat', '[1, 2].flatMap'])
    expect(await complete('return [1].fla')).toContain('return [1].flat')
    expect(await complete('board["alpha"].in')).toEqual(['board["alpha"].inner'])
    expect(await complete('"a".padS')).toEqual(['"a".padStart'])
    expect(await complete('(1 + 2).toF')).toEqual(['(1 + 2).toFixed'])
    expect(await complete('awa')).toEqual(['await'])
  })

  it('has the commands as functions, whose arguments are checked where the gate is', async () => {
    expect(plainLines((await enter('kx.patrol.tick()')).lines)).toEqual(['did ["patrol.tick",{}]'])
    expect(plainLines((await enter('kx.meter.writeOff("r1")')).lines)).toEqual(['did ["meter.write-off",{"run":"r1"}]'])
    expect(plainLines((await enter('compare("r1", { runId: "r2" })')).lines)).toEqual([
      'did ["compare.runs",{"runs":["r1","r2"]}]',
    ])
    expect(plainLines((await enter('compare(1)')).lines)[0]).toContain('compare(a, b) wants ids or paths of runs')
    expect(plainLines((await enter('kx.patrol.tick("x")')).lines)[0]).toContain('patrol.tick takes no values in order')
  })

  it('says that variables are lost when the worker is ended, and goes on', async () => {
    const looping = enter('await null; for (;;) {}', { timeoutMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    await engine.interrupt()
    const result = await looping
    expect(result.outcome).toBe('lost')
    expect(plainLines(result.lines)[0]).toContain('variables are lost')
    expect((await enter('typeof kept')).lines[0]?.[0]?.text).toBe("'undefined'")
    expect(bench.lost).toEqual(['it did not let itself be interrupted'])
  })
})

describe('what goes to a screen', () => {
  const secrets = createRegistry()
  secrets.add('TOKEN', 'kxcanary-9f8e7d6c5b4a3210', 'test')
  const safe = (...spans: string[]) =>
    plainLines(safeLines([spans.map((text) => ({ text, tone: 'plain' as const }))], secrets)).join('\n')

  it('masks a secret in one span, over two, in an encoding, and where it was cut', () => {
    const value = 'kxcanary-9f8e7d6c5b4a3210'
    expect(redactText(value, secrets).text).not.toContain('9f8e')
    expect(safe(`a ${value} b`)).toBe('a *** b')
    expect(safe(value.slice(0, 9), value.slice(9))).not.toContain('canary')
    expect(safe(Buffer.from(value).toString('base64'))).not.toContain('a3hjYW5h')
    for (let length = 5; length < value.length; length += 1)
      expect(safe(`'x ${value.slice(0, length)}'… 99 more characters`)).not.toContain('kxcan')
    expect(safe('plain text… 5 more')).toBe('plain text… 5 more')
  })

  it('takes control characters away', () => {
    expect(safe('a\u001b[31mb\u0007')).not.toMatch(/[\u0000-\u001f]/)
  })
})
