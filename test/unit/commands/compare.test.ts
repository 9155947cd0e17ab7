import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { analyzeCommand } from '../../../src/commands/analyze.ts'
import { type CompareArguments, compareCommand } from '../../../src/commands/compare.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { CompareModel } from '../../../src/compare/model.ts'
import { accuracy, writeTracked } from '../../harness/tracked-runs.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-compare-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const usual: CompareArguments = {
  runs: [],
  aggregator: 'last',
  ignore: [],
  heed: [],
  group: 'auto',
  lower: [],
  higher: [],
  md: false,
  csv: false,
  failOn: [],
}
const compare = async (args: Partial<CompareArguments> = {}) => {
  const env = { projectFolder: folder, signal: new AbortController().signal } as CommandEnvironment
  const result = await compareCommand(env, { ...usual, runs: [folder], ...args })
  return { ...result, model: result.data as CompareModel, text: (result.lines ?? []).join('\n') }
}
const seeds = Array.from({ length: 10 }, (_, at) => at)

describe('kx compare', () => {
  it('tells two runs that differ in one learning rate', async () => {
    writeTracked(folder, [
      { name: 'slow', config: { lr: 0.001, depth: 4, run_name: 'slow' }, curves: { 'val/acc': accuracy(0.7, 1) } },
      { name: 'fast', config: { lr: 0.01, depth: 4, run_name: 'fast' }, curves: { 'val/acc': accuracy(0.8, 1) } },
    ])
    const { model, text, exitCode } = await compare({ baseline: 'slow' })
    expect(exitCode).toBe(0)
    expect(model.config.changed.map(({ key, values }) => [key, values])).toEqual([['lr', [0.01, 0.001]]])
    expect(model.config.ignored.map(({ key }) => key)).toEqual(['run_name'])
    // Nobody wrote down code, environment and data: a change there would not be seen.
    expect(model.oneChange).toMatchObject({ word: 'cannot tell', unknown: ['code', 'environment', 'data'] })
    expect(model.judgements.map(({ verdict }) => verdict)).toEqual(['cannot tell'])
    expect(text).toContain('one run each: cannot separate from seed noise')
    expect(text).toContain('ignored as noise: run\\_name')
  })

  it('claims nothing where ten seeds and ten seeds differ by chance alone', async () => {
    writeTracked(
      folder,
      ['a', 'b'].flatMap((arm) =>
        seeds.map((seed) => ({
          name: `${arm}${seed}`,
          config: { arm, seed },
          curves: { 'val/acc': accuracy(0.7, seed + (arm === 'a' ? 0 : 100)) },
        })),
      ),
    )
    const { model, text } = await compare()
    expect(model.groups.map(({ members }) => members.length)).toEqual([10, 10])
    expect(model.judgements.map(({ verdict, comparison }) => [verdict, comparison.n])).toEqual([
      ['no clear difference', [10, 10]],
    ])
    expect(text).toMatch(/\*\*no clear difference\*\* \(could show 0\.0\d+ or more\)/)
    expect((await compare({ failOn: ['worse:val/acc', 'better'] })).exitCode).toBe(0)
  })

  it('says worse, and fails for a script that asks, where it is', async () => {
    writeTracked(
      folder,
      (['a', 'b'] as const).flatMap((arm) =>
        seeds.map((seed) => ({
          name: `${arm}${seed}`,
          config: { arm, seed },
          curves: { 'val/acc': accuracy(arm === 'a' ? 0.75 : 0.7, seed), lr: [1, 1] },
        })),
      ),
    )
    const { exitCode, text, model } = await compare({ failOn: ['worse:val/acc'] })
    expect(exitCode).toBe(1)
    expect(text).toContain('failed: worse: val/acc')
    expect(model.judgements.filter(({ metric }) => metric === 'lr').map(({ verdict }) => verdict)).toEqual([
      'cannot tell',
    ])
    expect((await compare({ failOn: ['worse:other'] })).text).toContain('no run has a metric other')
  })

  it('of a run with itself is empty', async () => {
    writeTracked(folder, [{ name: 'one', config: { lr: 0.1, seed: 1 }, curves: { loss: [3, 2, 1] } }])
    const { model } = await compare({ runs: [folder, folder] })
    expect(model.runs.length).toBe(2)
    expect(model.config.changed).toEqual([])
    expect(model.metrics.flatMap(({ cells }) => cells.map((cell) => cell?.change?.delta ?? 0))).toEqual([0, 0])
    expect(model.bands.flatMap(({ changes }) => changes)).toEqual([])
  })

  it('narrows many runs to the best, and says that the best of many is luck in part', async () => {
    const at = (level: number) => [0, level]
    writeTracked(folder, [
      ...[0.3, 0.9, 0.5, 0.7].map((level, i) => ({
        name: `r${i}`,
        config: { lr: level },
        curves: { 'val/acc': at(level), loss: at(level) },
      })),
      { name: 'none', config: { lr: 1 }, curves: { loss: at(9) } },
    ])
    const names = async (args: Partial<CompareArguments>) => (await compare(args)).model.runs.map(({ name }) => name)
    expect(await names({ top: 2, by: 'val/acc' })).toEqual(['r1', 'r3'])
    expect(await names({ top: 2, by: 'loss' })).toEqual(['r0', 'r2'])
    expect(await names({ top: 2, by: 'val/acc', baseline: 'r0' })).toEqual(['r0', 'r1', 'r3'])
    expect(await names({ top: 2, metrics: 'acc' })).toEqual(['r1', 'r3'])
    const { text, model } = await compare({ top: 9, by: 'val/acc' })
    expect(model.runs.length).toBe(4)
    expect(text).toContain('note: the best 4 of 5 runs: the best of many are so in part by luck')
    expect(text).toContain('note: 1 run without a value could not be among them')
  })

  it('compares the runs that answer a query, and the baseline that was named', async () => {
    writeTracked(
      folder,
      [0.1, 0.2, 0.3].map((lr, i) => ({ name: `r${i}`, config: { lr }, curves: { 'val/acc': [lr, 1 - lr] } })),
    )
    const names = async (args: Partial<CompareArguments>) => (await compare(args)).model.runs.map(({ name }) => name)
    expect(await names({ where: 'lr >= 0.2' })).toEqual(['r1', 'r2'])
    expect(await names({ where: 'best(val/acc) > 0.75 and not name~^r1$' })).toEqual(['r0'])
    expect(await names({ where: 'lr >= 0.2', baseline: 'r0', sort: '-lr' })).toEqual(['r0', 'r1', 'r2'])
    const { text } = await compare({ where: 'lr >= 0.2' })
    expect(text).toContain('note: 2 of 3 runs answer lr >= 0.2')
    expect((await compare({ where: 'lr >=' })).summary).toBe(
      '--where: character 6 of the query: a value is missing after >=',
    )
    expect((await compare({ where: 'lr > 9' })).summary).toBe('none of 3 runs answers lr > 9')
    const sorted = await compare({ sort: '-lr' })
    expect(sorted.text).toContain('| band | key | r0 (baseline) | r2 | r1 |')
  })

  it('writes the format that the name of a file ends with, and replaces none', async () => {
    writeTracked(folder, [{ name: 'one', config: { lr: 1 }, curves: { loss: [1] } }])
    const out = (name: string) => compare({ out: join(folder, 'out', name) })
    expect((await out('c.csv')).summary).toContain(`written to ${join(folder, 'out', 'c.csv')}`)
    expect((await out('c.csv')).summary).toContain(`written to ${join(folder, 'out', 'c-2.csv')}`)
    expect(readFileSync(join(folder, 'out', 'c-2.csv'), 'utf8')).toMatch(/^run,baseline,metric,.*\none,yes,loss,1,/)
    await out('c.json')
    expect(JSON.parse(readFileSync(join(folder, 'out', 'c.json'), 'utf8')).runs[0].name).toBe('one')
    await out('c.md')
    expect(readFileSync(join(folder, 'out', 'c.md'), 'utf8')).toContain('# 1 run compared')
    expect((await out('c.txt')).summary).toContain('ends with .md, .csv, .json or .html')
  })

  it('does not guess what the best is', async () => {
    writeTracked(folder, [{ name: 'a', config: {}, curves: { loss: [1], acc: [1], grad_norm: [1] } }])
    const summary = async (args: Partial<CompareArguments>) => (await compare(args)).summary
    expect(await summary({ top: 1 })).toBe('say by which metric (--by): acc, loss')
    expect(await summary({ top: 1, by: 'grad_norm' })).toContain('nobody says which way of grad_norm is better')
    expect(await summary({ top: 1, by: 'nothing' })).toBe('no run has a metric nothing')
    expect(await summary({ top: 1, metrics: 'grad' })).toContain('no metric has a known direction')
    expect(await summary({ by: 'loss' })).toBe('--by goes with --top')
  })

  it('writes a table that no spreadsheet runs', async () => {
    writeTracked(folder, [{ name: '=cmd()', config: {}, curves: { 'a,"b': [1] } }])
    const { lines } = await compare({ csv: true })
    expect(lines?.[1]).toBe(`'=cmd(),yes,"a,""b",1,0,1,,,,,unknown,no,0,run,'=cmd(),,,,,,`)
  })

  it('says what it was given wrongly', async () => {
    expect(await compare({ runs: [join(folder, 'nowhere')] })).toMatchObject({ exitCode: 2 })
    expect((await compare({ runs: [folder] })).summary).toContain('no run at')
    writeTracked(folder, [{ name: 'one', config: {}, curves: { loss: [1] } }])
    expect((await compare({ metrics: '(' })).summary).toContain('no regular expression')
    expect((await compare({ baseline: 'two' })).summary).toBe('no run is called two; there are one')
  })

  it('writes one page of HTML, for its owner alone', async () => {
    writeTracked(folder, [
      { name: 'slow', config: { lr: 0.001 }, curves: { 'val/acc': accuracy(0.7, 1) } },
      { name: 'fast', config: { lr: 0.01 }, curves: { 'val/acc': accuracy(0.8, 1) } },
    ])
    const html = join(folder, 'out', 'page.html')
    const { summary, lines, exitCode } = await compare({ html })
    expect(exitCode).toBe(0)
    expect(summary).toContain(`written to ${html}`)
    expect(lines).toEqual([])
    const page = readFileSync(html, 'utf8')
    expect(page).toContain('<td>config</td><td>lr</td>')
    expect(page.match(/<svg /g)).toHaveLength(1)
    expect(statSync(html).mode & 0o777).toBe(0o600)
  })
})

describe('kx analyze', () => {
  const analyze = (args: { run: string; baseline?: string }) => {
    const env = { projectFolder: folder, signal: new AbortController().signal } as CommandEnvironment
    return analyzeCommand(env, { lower: [], higher: [], md: true, ...args })
  }

  it('reports on one run, and on what changed against another', async () => {
    writeTracked(folder, [
      { name: 'slow', config: { lr: 0.001 }, curves: { 'val/acc': accuracy(0.7, 1) } },
      { name: 'fast', config: { lr: 0.01 }, curves: { 'val/acc': accuracy(0.8, 1) } },
    ])
    const [slow, fast] = ['slow', 'fast'].map((name) => join(folder, `offline-run-20260101_000000-${name}`))
    const result = await analyze({ run: fast as string, baseline: slow as string })
    expect(result.exitCode).toBe(0)
    const text = (result.lines ?? []).join('\n')
    expect(text).toContain('# Run fast')
    expect(text).toContain('## Against slow')
    expect(text).toContain('| config | lr | 0.001 | 0.01 |')
    expect(result.data).toMatchObject({ identity: { run: 'fast', commit: 'unknown' } })
  })

  it('wants one run, and says which there are', async () => {
    expect(await analyze({ run: join(folder, 'nowhere') })).toMatchObject({ exitCode: 2 })
    writeTracked(folder, [
      { name: 'a', config: {}, curves: { loss: [1] } },
      { name: 'b', config: {}, curves: { loss: [1] } },
    ])
    expect((await analyze({ run: folder })).summary).toMatch(/^2 runs at .*, of which one is wanted: .*-a, .*-b$/)
  })
})
