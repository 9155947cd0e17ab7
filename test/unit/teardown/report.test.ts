import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readManifest } from '../../../src/artifact/manifest.ts'
import { openRun } from '../../../src/run/handle.ts'
import { createRegistry } from '../../../src/secret/registry.ts'
import { renderReport } from '../../../src/teardown/report-markdown.ts'
import { metricReport, verdictOf } from '../../../src/teardown/report-metrics.ts'
import { buildReport, type Report } from '../../../src/teardown/report-model.ts'
import { parseSeries, type UnitResult } from '../../../src/teardown/results.ts'
import { verify, writeReport } from '../../../src/teardown/service.ts'
import { redactValue } from '../../../src/text/redact.ts'
import { runEndOf } from '../../../src/walk/run-end.ts'
import { planWith, type Stage, stage } from './support.ts'

const result = (unit: string, values: Record<string, number>, extra: Partial<UnitResult> = {}): UnitResult => ({
  unit,
  result: 'there',
  values,
  nonFinite: [],
  nanCount: null,
  series: null,
  ...extra,
})
const finished = {
  liveness: 'finished',
  end: runEndOf({ code: 0, reason: 'completed' }),
  endedAtMs: 1,
  elapsedSeconds: 1,
  units: null,
  unitSeconds: [],
  isSuspect: false,
}
const accuracy = { name: 'acc', direction: 'higher' as const, chance: 0.5, target: 0.9, primary: true }

describe('metrics', () => {
  it('takes mean, sample deviation, best and worst by direction', () => {
    const results = [0.8, 0.9, 1].map((acc, i) => result(`u${i}`, { acc, loss: 1 - acc }))
    const up = metricReport(accuracy, [...results, result('u3', {}, { result: 'missing' })])
    expect(up).toMatchObject({ n: 3, of: 4, best: { unit: 'u2', value: 1 }, worst: { unit: 'u0', value: 0.8 } })
    expect(up.mean).toBeCloseTo(0.9)
    expect(up.deviation).toBeCloseTo(0.1)
    const down = metricReport({ name: 'loss', direction: 'lower', primary: false }, results)
    expect(down.best?.unit).toBe('u2')
    expect(metricReport(accuracy, []).mean).toBeNull()
    expect(metricReport(accuracy, results.slice(0, 1)).deviation).toBeNull()
    expect(metricReport(accuracy, [result('u', { acc: 0.5 })]).unitsBelowChance).toBe(1)
  })
  it('gives a verdict only beyond twice the standard error, with all units', () => {
    const of = (values: readonly number[], missing = 0, outcome = finished) => {
      const gone = Array.from({ length: missing }, (_, i) => result(`m${i}`, {}, { result: 'missing' }))
      const units = [...values.map((acc, i) => result(`u${i}`, { acc })), ...gone]
      return verdictOf(outcome, [metricReport(accuracy, units)], false).word
    }
    expect(of([0.95, 0.96, 0.97])).toBe('confirmed')
    expect(of([0.7, 0.71, 0.72])).toBe('refuted')
    expect(of([0.8, 0.9, 1.05])).toBe('inconclusive')
    expect(of([0.95, 0.96, 0.97], 1)).toBe('inconclusive')
    expect(of([0.7, 0.71, 0.72], 1)).toBe('inconclusive')
    expect(of([0.95, 0.96], 0, { ...finished, end: runEndOf({ code: 10, reason: 'abort-nan' }) })).toBe('inconclusive')
    expect(of([])).toBe('inconclusive')
  })
})

describe('metrics.jsonl', () => {
  const read = (text: string) => parseSeries(Buffer.from(text))
  it('counts what it leaves out and never invents a point', () => {
    const series = read(
      '{"step":1,"loss":2}\n{"step":2,"loss":NaN}\n{"step":3,"loss":"Infinity"}\nrubbish\n\n{"loss":1}\n[1]\n{"step":4,"loss":1}\n{"step":5,"lo',
    )
    expect(series).toMatchObject({ lines: 8, badLines: 4, nonFinite: 2, lastStep: 4 })
    expect(series.points.loss).toEqual([
      [1, 2],
      [4, 1],
    ])
  })
  it('lets the later of two equal steps hold', () => {
    expect(read('{"step":1,"a":1}\n{"step":2,"a":2}\n{"step":1,"a":3}\n').points.a).toEqual([
      [2, 2],
      [1, 3],
    ])
  })
  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { lines, badLines } = parseSeries(bytes)
        return badLines <= lines
      }),
      { numRuns: 500 },
    )
  })
})

describe('report of a run', () => {
  let on: Stage
  beforeEach(async () => {
    on = await stage()
  })
  afterEach(() => on.close())
  const written = () => readFileSync(join(on.run.folder, 'report.md'), 'utf8')

  it('holds verdict, identity, plan against actual, metrics, artifacts and how to do it again', async () => {
    await verify(on.ctx())
    const done = await writeReport(on.ctx())
    expect(done.exitCode).toBe(0)
    const text = written()
    expect(text).toContain('**confirmed**')
    expect(text).toContain('accuracy (primary)')
    expect(text).toContain('0.91 ± 0.01')
    expect(text).toContain('Verified 6 of 6 found')
    expect(text).toMatch(/time \| not estimated \| 1 h/)
    expect(text).toContain('kx walk kx.yaml --auto')
    const json = JSON.parse(readFileSync(join(on.run.folder, 'report.json'), 'utf8')) as Report
    expect(json).toEqual(JSON.parse(JSON.stringify(done.data)))
    expect(json.nextActions.map((a) => a.text).join()).toContain('kx teardown remove')
  })
  it('names every gap', async () => {
    on.put('units/u1/result.json', '{"accuracy": "NaN", "nan_count": 4}')
    on.put('units/u2/metrics.jsonl', '{"step":1,"loss":NaN}\n{"step":2,\n{"step":3,"loss":1}\n')
    rmSync(join(on.box, 'units/u3'), { recursive: true })
    await verify(on.ctx())
    await writeReport(on.ctx())
    const text = written()
    expect(text).toContain('**inconclusive**')
    for (const words of [
      'No result.json: u3',
      'NaN or infinite: u1 (accuracy)',
      'counted NaN steps: u1 (4)',
      'left out: u2 (1)',
      'metrics.jsonl: u2 (1)',
      'never written: units/u3/result.json',
      'No environment fingerprint',
    ])
      expect(text).toContain(words)
  })
  it('holds no secret, whatever a fingerprint or an override brought along', async () => {
    on.put(
      'units/u1/env_fingerprint.json',
      JSON.stringify({ python: '3.12', note: 'xK29-hunter-2-hunter', api_key: 'abc' }),
    )
    const secrets = createRegistry()
    secrets.add('KEY', 'xK29-hunter-2-hunter', 'test')
    const plan = planWith({ artifacts: [{ glob: 'units/*/env_fingerprint.json', minimumCount: 1, kind: 'json' }] })
    const ctx = on.ctx({ loaded: { ...on.ctx().loaded, plan } })
    await verify(ctx)
    const run = await openRun(on.run.folder, {
      clock: { nowMs: () => on.now.ms },
      scrub: (payload) => redactValue(payload, secrets).value,
    })
    const written = await writeReport({ ...ctx, run })
    await run.close()
    for (const name of ['report.md', 'report.json']) {
      const text = readFileSync(join(on.run.folder, name), 'utf8')
      expect(text).toContain('3.12')
      expect(text).not.toMatch(/hunter|"abc"|\| abc/)
    }
    expect(JSON.stringify(written.data)).not.toContain('hunter')
  })

  it('is written also when nothing was pulled', async () => {
    expect((await writeReport(on.ctx())).exitCode).toBe(0)
    expect(written()).toContain('No artifacts were pulled and verified')
  })
  it('lets no foreign byte act on a terminal or in Markdown', async () => {
    await verify(on.ctx())
    const state = on.run.state()
    const evil = '\u001b[31m|<script>`x`\u202e\n# heading'
    const report = buildReport({
      nowMs: 1,
      state: {
        ...state,
        findings: [
          {
            findingId: 'f',
            rule: evil,
            severity: 'error',
            class: 'bug',
            text: evil,
            evidence: evil,
            remedy: evil,
            recipe: evil,
            openedAtMs: 1,
            closedAtMs: null,
            acknowledgedBy: null,
          },
        ],
      },
      plan: planWith({ goal: evil }),
      units: [evil],
      planPath: 'kx.yaml',
      results: [result(evil, { accuracy: 1 })],
      manifest: null,
      fingerprint: { [evil]: evil },
    })
    const text = renderReport(report)
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(text).not.toMatch(/^# heading/m)
    expect(text).not.toMatch(/(?<!\\)<script/)
  })
})

describe('figures and remedies in a report', () => {
  const finding = (i: number, change: object = {}) => ({
    findingId: `f${i}`,
    rule: 'unit-slow',
    severity: 'warn' as const,
    class: 'observation' as const,
    text: `u${i} takes long`,
    evidence: '',
    remedy: 'Look whether it advances.',
    recipe: 'why-silent',
    openedAtMs: 1,
    closedAtMs: null,
    acknowledgedBy: null,
    ...change,
  })
  const made = (
    on: Stage,
    findings: readonly object[],
    plan = planWith({ resources: { compute: 'cpu', workers: 2, memoryBytes: 2 ** 31 } }),
  ) =>
    buildReport({
      nowMs: on.now.ms,
      state: { ...on.run.state(), findings } as never,
      plan,
      units: ['u1', 'u2', 'u3'],
      planPath: 'kx.yaml',
      results: [],
      manifest: null,
      fingerprint: null,
    })
  let on: Stage
  beforeEach(async () => {
    on = await stage()
  })
  afterEach(() => on.close())

  it('says one remedy once, with how many findings ask for it', () => {
    const many = [1, 2, 3].map((i) => finding(i))
    const closed = finding(4, { closedAtMs: 2 })
    const other = finding(5, { rule: 'crash-mark', remedy: 'Stop and read.' })
    const same = finding(6, { rule: 'heartbeat' })
    const texts = made(on, [...many, closed, other, same]).nextActions.map((action) => action.text)
    expect(texts.filter((text) => text.includes('Look whether it advances.'))).toEqual([
      'unit-slow, heartbeat (4 findings): Look whether it advances.',
    ])
    expect(texts.filter((text) => text.includes('Stop and read.'))).toEqual(['crash-mark: Stop and read.'])
  })

  it('says of a run that was aborted and not pulled what the box says, and not that results are missing', async () => {
    const exit = { code: 13, reason: 'abort-idle', endedAtMs: 2, done: 2, failed: 0, aborted: 1 }
    await on.prove({ kind: 'Outcome', phase: 'patrol', payload: { state: 'finished', exit } })
    const text = renderReport(
      buildReport({
        nowMs: on.now.ms,
        state: {
          ...on.run.state(),
          findings: [finding(1, { rule: 'unit-fast', remedy: 'Look before believing it.' })],
        },
        plan: planWith({}),
        units: ['u1', 'u2', 'u3'],
        planPath: 'kx.yaml',
        results: ['u1', 'u2', 'u3'].map((unit) => result(unit, {}, { result: 'missing' })),
        manifest: null,
        fingerprint: null,
      }),
    )
    expect(text).toContain('| units | 3 | 2 done on the box, not pulled yet | 2 done, 0 failed, 1 aborted |')
    expect(text).not.toContain('No result.json')
    expect(text).toContain('no result was pulled from the box yet')
    expect(text).toContain('the run was aborted: nothing was written for too long (abort-idle)')
    expect(text).toContain('- Relaunch 1 unit (kx launch): finished ones are skipped. Cost: ')
    expect(text).not.toContain('More seeds')
    expect(text).toContain('- unit-fast: Look before believing it. Cost: depends on what is found.')
  })

  it('shows bytes and seconds as people write them, and never null', async () => {
    await on.prove({
      kind: 'SmokeProof',
      phase: 'smoke',
      payload: { peakRssBytes: 52_428_800, unitSeconds: [4.6123, null] },
    })
    await on.prove({ kind: 'PricedPlan', phase: 'cost', payload: { hoursP50: 0.00128, hoursP90: 0.31, usdP50: null } })
    await verify(on.ctx())
    const { manifest } = (await readManifest(on.artifacts)) ?? {}
    const report = { ...made(on, []), artifacts: { ...manifest?.totals, levels: {}, manifestSha256: null } } as Report
    const text = renderReport(report)
    expect(text).toContain('p50 4.61 s, p90 18 min 36 s')
    expect(text).toContain('2 GiB at most')
    expect(text).toContain('50 MiB')
    expect(text).toMatch(/6 expected, \d+ B\./)
    expect(text).not.toMatch(/\bnull\b|undefined|NaN|\d bytes|\d\.\d{4,}/)
  })
})
