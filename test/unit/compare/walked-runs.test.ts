import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { analyzeCommand } from '../../../src/commands/analyze.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { compareCsv } from '../../../src/compare/csv.ts'
import { compareMarkdown } from '../../../src/compare/markdown.ts'
import { compareRuns, usualOptions } from '../../../src/compare/model.ts'
import { rowsOf } from '../../../src/compare/rows.ts'
import { loadRuns } from '../../../src/compare/run.ts'
import { tableColumns } from '../../../src/compare/table.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'
import { writeWalked } from '../../harness/walked-run.ts'

let runs = ''
beforeEach(() => {
  runs = mkdtempSync(join(tmpdir(), 'kx-walked-'))
})
afterEach(() => rmSync(runs, { recursive: true, force: true }))

const load = async () => {
  const failures: string[] = []
  const { runs: found } = await scan(localFolder(runs))
  const loaded = await loadRuns(found, (run, why) => failures.push(`${run.path} ${why}`))
  expect(failures).toEqual([])
  return loaded
}
const good = { a: { accuracy: 0.8 }, b: { accuracy: 0.9 } }

describe('what findings on a run of kx rest on', () => {
  it('is its estimate, its meters, its chance level and the samples of patrol', async () => {
    writeWalked(runs, {
      runId: 'bad',
      plannedHours: 10,
      hours: 4,
      usdPerHour: 5,
      plannedUsd: 10,
      results: { a: { accuracy: 0.4 }, b: { accuracy: 0.55 }, c: { accuracy: 0.5 } },
      utilisation: [10, 12, 14, 12],
    })
    const [run] = await load()
    const found = Object.fromEntries(run?.digest.findings.map(({ rule, what }) => [rule, what]) ?? [])
    expect(found).toMatchObject({
      'fast-finish': expect.stringContaining('40 % of the expected time (4 of 10 h)'),
      cost: expect.stringContaining('it cost $20.00, 2 times the estimate of $10.00'),
      'below-chance': expect.stringContaining('(mean of 3 units, 2 of them no better than that); guessing reaches 0.5'),
      'low-utilisation': expect.stringContaining('busy 12 % of the time'),
    })
    expect(run?.digest.facts).toMatchObject({
      usd: 20,
      primaryMetric: 'accuracy',
      walk: { approvedBy: 'ada', image: 'torch:2.4', peakMemoryBytes: 3e9, peakGpuMemoryBytes: 1014 * 1024 * 1024 },
    })
  })

  it('is nothing where nobody wrote it down: what is unknown is no finding, and no zero', async () => {
    writeWalked(runs, { runId: 'bare', hours: 4, usdPerHour: null, results: good })
    const [run] = await load()
    expect(run?.digest.findings.map(({ rule }) => rule)).toEqual([])
    expect(run?.digest.facts.usd).toBe(undefined)
    expect(compareMarkdown(compareRuns(await load()))).toContain('nobody wrote down what any of these runs cost')
  })

  it('is not the money of a meter that still runs', async () => {
    const folder = writeWalked(runs, { runId: 'open', hours: 4, usdPerHour: 2, results: good })
    const journal = join(folder, 'journal.jsonl')
    const lines = readFileSync(journal, 'utf8').split('\n')
    writeFileSync(journal, lines.filter((line) => !line.includes('meter.closed')).join('\n'))
    expect((await load())[0]?.digest.facts.usd).toBe(undefined)
  })

  it('goes on without samples that cannot be read', async () => {
    const folder = writeWalked(runs, { runId: 'torn', hours: 1, results: good, utilisation: [50] })
    writeFileSync(join(folder, 'samples.db'), 'no database at all, but of some length')
    rmSync(join(folder, 'samples.db-wal'), { force: true })
    const [run] = await load()
    expect(run?.digest.metrics.accuracy?.results).toEqual({ a: 0.8, b: 0.9 })
    expect(run?.reports.flatMap(({ notes }) => notes).join()).toMatch(/samples\.db could not be read/)
  })
})

describe('the cost of runs', () => {
  it('is told with what a unit of the metric cost that was gained over the baseline', async () => {
    writeWalked(runs, { runId: 'r0', hours: 1, usdPerHour: 4, results: { a: { accuracy: 0.7 } } })
    writeWalked(runs, { runId: 'r1', hours: 2, usdPerHour: 4, results: { a: { accuracy: 0.75 } } })
    writeWalked(runs, { runId: 'r2', hours: 2, usdPerHour: 4, results: { a: { accuracy: 0.6 } } })
    writeWalked(runs, { runId: 'r3', hours: 2, usdPerHour: null, results: { a: { accuracy: 0.9 } } })
    const model = compareRuns(await load(), usualOptions)
    expect([model.primary, model.costs.metric]).toEqual(['accuracy', 'accuracy'])
    expect(model.costs.runs.map(({ usd }) => usd)).toEqual([4, 8, 8, null])
    expect(model.costs.runs[1]?.usdPerUnit).toBeCloseTo(8 / 0.05, 9)
    const rows = rowsOf(model, tableColumns(model, 'no')).filter(({ id }) => id.startsWith('cost'))
    expect(rows.map(({ cells }) => cells)).toEqual([
      ['$4.00', '$8.00', '$8.00', 'unknown'],
      ['-', '$160.00', 'no gain', 'unknown'],
    ])
    expect(compareMarkdown(model)).toMatch(/\| r1 \| \$8\.00 \| 0\.05 \| \$160\.00 \|/)
    expect(compareCsv(model)).toMatch(/^r1,no,accuracy,.*,8,1[56]\d[.\d]*$/m)
    expect(compareCsv(model)).toMatch(/^r3,no,accuracy,.*,,$/m)
  })
})

describe('results that are no figures', () => {
  it('are counted and told, and a mean without them does not pass for one of all', async () => {
    writeWalked(runs, { runId: 'nan', hours: 1, results: { a: { accuracy: null, f1: null }, b: { accuracy: 0.9 } } })
    const model = compareRuns(await load(), usualOptions)
    const cells = Object.fromEntries(model.metrics.map(({ name, cells: [cell] }) => [name, cell]))
    expect(cells.accuracy).toMatchObject({ value: 0.9, n: 1, nonFinite: 1 })
    expect(cells.f1).toBe(null)
    expect(model.findings[0]?.map(({ rule, metric, unit }) => [rule, metric, unit])).toEqual([
      ['non-finite', 'accuracy', 'a'],
      ['non-finite', 'f1', 'a'],
    ])
    expect(compareMarkdown(model)).toMatch(/accuracy .* 0\.9, 1 not finite/)
  })
})

describe('the report on a run of kx', () => {
  it('says all that its plan, proofs and meters know, and what to do next at what cost', async () => {
    const results = Object.fromEntries(['a', 'b', 'c'].map((unit, at) => [unit, { accuracy: 0.75 + at / 16 }]))
    writeWalked(runs, {
      runId: 'r1',
      plannedHours: 2,
      hours: 3,
      usdPerHour: 4,
      plannedUsd: 8,
      results,
      utilisation: [80, 90],
      verified: [7, 9],
    })
    // Another setting: a run of the same settings would be a repetition of it.
    writeWalked(runs, { runId: 'r0', plan: { lr: 2 }, hours: 1, usdPerHour: 4, results: { a: { accuracy: 0.7 } } })
    const env = {
      projectFolder: runs,
      signal: new AbortController().signal,
      settings: {},
    } as unknown as CommandEnvironment
    const args = { run: join(runs, 'r1'), baseline: join(runs, 'r0'), lower: [], higher: [], md: false }
    const { lines, data, exitCode } = await analyzeCommand(env, args)
    const text = lines?.join('\n') ?? ''
    expect(exitCode).toBe(0)
    const headings = [...text.matchAll(/^##? (.*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual([
      'Run r1',
      'Identity',
      'Plan and actual',
      'Metrics',
      'Against r0',
      'More than noise? (against r0)',
      'Findings',
      'Curves',
      'Missing or not to be trusted',
      'Artifacts',
      'Next',
      'Reproduce',
    ])
    expect(data).toMatchObject({
      verdict: { word: 'doubtful' },
      confidence: expect.stringMatching(
        /^low: accuracy of 3 units spreads by 0\.0625 .*; against the baseline accuracy is:/,
      ),
      identity: {
        commit: 'abc123',
        'uncommitted changes': 'yes',
        image: 'torch:2.4',
        'approved by': 'ada',
        code: 'c0de',
      },
      spent: {
        'seconds, planned': '7200',
        seconds: '10800 (150 % of the plan)',
        'USD, planned': '8.00',
        USD: '12.00 (150 % of the plan)',
        'USD, cap': '50.00',
        units: '3 of 3 done',
        utilisation: '85 % (mean of the cards, by the samples of patrol)',
      },
      metrics: [{ name: 'accuracy', last: 0.8125, units: { n: 3, least: 0.75, most: 0.875 } }],
      artifacts: '7 of 9 verified',
      next: [
        { usd: 0, why: 'a look, no machine' },
        { usd: 48, why: '4 times what this run cost' },
      ],
    })
    expect(text).toMatch(
      /python train\.py a \(its first unit; all of it: kx walk --auto; at commit abc123, with changes/,
    )
    expect(text).toMatch(/\| accuracy \| higher is better \(plan\) \| 0\.8125 \(mean of 3, 0\.75 to 0\.875\)/)
    expect(text).toMatch(/peak memory \| 2\.\d+ GiB a unit in the smoke/)
  })
})
