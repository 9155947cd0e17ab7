import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { analyzeCommand } from '../../../src/commands/analyze.ts'
import { compareCommand } from '../../../src/commands/compare.ts'
import { compareBasis } from '../../../src/commands/compare-basis.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { usualThresholds } from '../../../src/compare/findings/types.ts'
import type { CompareModel } from '../../../src/compare/model.ts'
import { noiseKeys } from '../../../src/compare/noise.ts'
import { accuracy, writeTracked } from '../../harness/tracked-runs.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-basis-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const env = () =>
  ({ projectFolder: folder, signal: new AbortController().signal, settings: {} }) as unknown as CommandEnvironment
const compare = async (more: object = {}) => {
  const lists = { ignore: [], lower: [], higher: [], failOn: [] }
  const args = { ...lists, runs: [folder], aggregator: 'last' as const, md: false, csv: false, ...more }
  const result = await compareCommand(env(), args)
  return { ...result, model: result.data as CompareModel, text: (result.lines ?? []).join('\n') }
}
const runs = (...configs: readonly Record<string, unknown>[]) =>
  writeTracked(
    folder,
    configs.map((config, at) => ({
      name: `r${at}`,
      config: { ...config, run_name: `r${at}` },
      curves: { 'val/acc': accuracy(0.7 + at / 20, at), odd: accuracy(0.5, at) },
    })),
  )

describe('settings of a comparison', () => {
  it('are the built-in ones where nothing was set, for each rule', async () => {
    const { thresholds, options } = await compareBasis(env())
    expect(thresholds).toEqual(usualThresholds)
    expect([options.noise, options.directions, options.said]).toEqual([noiseKeys, {}, []])
  })

  it('decide what is noise, which way is better, and by what runs are judged, and are named beside the verdict', async () => {
    runs({ lr: 1, scratch: 'a', pid: 3 }, { lr: 2, scratch: 'b', pid: 4 })
    const before = await compare()
    expect(before.model.config.changed.map(({ key }) => key)).toEqual(['lr', 'scratch'])
    expect(before.model.config.ignored.map(({ key }) => key)).toEqual(['pid', 'run_name'])
    expect(before.text).not.toContain('Set otherwise')
    writeFileSync(
      join(folder, '.kxrc'),
      'compare:\n  ignore: [scratch]\n  keep: [pid]\n  lower: [odd]\n  neutral: [val/acc]\n  primary: odd\n',
    )
    const after = await compare()
    expect(after.model.config.changed.map(({ key }) => key)).toEqual(['lr', 'pid'])
    expect(after.model.config.ignored.map(({ key }) => key)).toEqual(['run_name', 'scratch'])
    expect(after.model.metrics.map(({ name, direction }) => [name, direction.goal, direction.source])).toEqual([
      ['odd', 'lower', 'your settings'],
      ['val/acc', null, 'your settings'],
    ])
    expect(after.model.primary).toBe('odd')
    expect(after.text).toMatch(/Judged by odd\.\n\nSet otherwise than it is built in: compare\.ignore: .*\.kxrc:2/)
    // What was said with the command is stronger.
    expect((await compare({ higher: ['odd'] })).model.metrics[0]?.direction.goal).toBe('higher')
    // One metric was named beforehand: the best by it needs no further word.
    expect((await compare({ top: 1 })).exitCode).toBe(0)
  })

  it('are not forgotten for runs that were read before by others', async () => {
    writeTracked(folder, [
      { name: 'a', config: { lr: 1 }, curves: { loss: Array.from({ length: 60 }, (_, at) => (at === 40 ? 7 : 1)) } },
    ])
    const rules = async () => (await compare()).model.findings[0]?.map(({ rule }) => rule)
    expect(await rules()).not.toContain('extreme')
    expect(await rules()).not.toContain('extreme')
    writeFileSync(join(folder, '.kxrc'), 'findings:\n  extremeFactor: 5\n')
    expect(await rules()).toContain('extreme')
    const report = await analyzeCommand(env(), {
      run: join(folder, 'offline-run-20260101_000000-a'),
      lower: [],
      higher: [],
      md: false,
    })
    expect(report.lines?.join('\n')).toMatch(/Set otherwise than it is built in: findings\.extremeFactor: 5/)
    rmSync(join(folder, '.kxrc'))
    expect(await rules()).not.toContain('extreme')
  })

  it('say which metrics are told in percentage points', async () => {
    runs({ lr: 1 }, { lr: 2 })
    expect((await compare()).text).toMatch(/val\/acc .* points/)
    expect((await compare()).text).not.toMatch(/odd .* points/)
    writeFileSync(join(folder, '.kxrc'), 'compare: { bounded: [odd] }\n')
    const { text } = await compare()
    expect([/odd .* points/.test(text), /val\/acc .* points/.test(text)]).toEqual([true, false])
  })
})

describe('names that others gave', () => {
  it('move no cursor where a note repeats them', async () => {
    const evil = join(folder, 'a\u001b[31mred\nx')
    mkdirSync(evil)
    writeFileSync(join(evil, 'metrics.jsonl'), '{"step":0,"loss":1}\n')
    writeFileSync(join(evil, 'x.db'), 'SQLite format 3\0 and no more')
    const { text, summary } = await compare()
    expect(text).toMatch(/^note: .*x\.db could not be looked into: it is cut short/m)
    expect(text + summary).not.toContain('\u001b')
    const refused = await analyzeCommand(env(), { run: folder, lower: [], higher: [], md: false })
    expect(refused.summary + (refused.lines ?? []).join('')).not.toContain('\u001b')
  })
})
