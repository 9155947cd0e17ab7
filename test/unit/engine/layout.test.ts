import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chanceMetric, encodeWord, flatFiles, queueEntry, unitDigest } from '../../../src/engine/box/layout.ts'
import { EngineError } from '../../../src/engine/errors.ts'
import type { SubmitRequest } from '../../../src/engine/types.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import { expandUnits } from '../../../src/spec/units.ts'

function request(plan: Readonly<Record<string, unknown>> = {}, more: Partial<SubmitRequest> = {}): SubmitRequest {
  const parsed: Plan = planSchema.parse({
    version: 1,
    name: 'p',
    goal: 'g',
    metrics: [{ name: 'acc', direction: 'higher', chance: 0.5, primary: true }],
    command: ['python', 'train.py', '--unit', '{unit}'],
    units: { list: ['a', 'b'] },
    environment: { kind: 'system', interpreter: 'python' },
    resources: { compute: 'cpu', workers: 8 },
    checkpoints: { bytes: 1, count: 1 },
    artifacts: [{ glob: 'units/*/result.json', kind: 'json' }],
    budget: { usd: 0, hours: 1 },
    ...plan,
  })
  return {
    runId: 'r',
    token: 'kx-r-launch-1',
    folder: '/data/r',
    plan: parsed,
    units: expandUnits(parsed),
    workers: 8,
    threadsPerWorker: null,
    gpus: [],
    detach: ['setsid'],
    leaseUntilMs: null,
    projectFolder: '/p',
    code: [],
    ...more,
  }
}
const settings = (r: SubmitRequest) =>
  Object.fromEntries(
    (flatFiles(r).get('plan.env') ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/=(.*)/s)),
  )

describe('flat files for the runner', () => {
  it('gives every word back through printf %b, in one line', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { minLength: 1, maxLength: 40 }), (given) => {
        const words = given.map((w) => w.replaceAll('\0', '').toWellFormed())
        const encoded = words.map(encodeWord)
        for (const line of encoded) expect(line).not.toContain('\n')
        const script = 'while IFS= read -r line; do word=$(printf "%bx" "$line"); printf "%s\\0" "${word%x}"; done'
        const ran = spawnSync('sh', ['-c', script], { input: encoded.map((line) => `${line}\n`).join('') })
        expect(ran.stdout.toString().split('\0').slice(0, -1)).toEqual(words)
      }),
      { numRuns: 20 },
    )
    expect(() => encodeWord('a\0b')).toThrow(EngineError)
  })

  it('writes one record a unit, with the words of its own', () => {
    const list = flatFiles(request({ command: ['run', 'a b', 'x\ny', '{unit}'] })).get('units.list')
    expect(list).toBe('= 000000-a\n.0\n.0\n.run\n.a b\n.x\\ny\n.a\n= 000001-b\n.1\n.1\n.run\n.a b\n.x\\ny\n.b\n')
    expect(queueEntry({ id: 'split-00-01', index: 12 })).toBe('000012-split-00-01')
  })

  it('never asks for more workers than units, and for one when units depend on each other', () => {
    expect(settings(request()).workers).toBe('2')
    expect(settings(request({ units: { list: ['a', 'b', 'c'], sequential: true } }))).toMatchObject({
      workers: '1',
      sequential: '1',
    })
  })

  it('sets the abort rules of the plan and leaves the others empty', () => {
    expect(
      settings(request({ abort: { nan: true, belowChanceAfterUnits: 2, wallHours: 0.5, idleMinutes: 10 } })),
    ).toMatchObject({
      abort_nan: '1',
      chance_after: '2',
      chance_metric: 'acc',
      chance_value: '0.5',
      chance_direction: 'higher',
      wall_seconds: '1800',
      idle_seconds: '600',
    })
    expect(settings(request({ abort: { nan: false } }))).toMatchObject({
      abort_nan: '0',
      chance_after: '',
      wall_seconds: '',
      idle_seconds: '',
    })
    expect(settings(request({ logPattern: '{name}={value}' })).need_result).toBe('0')
    expect(chanceMetric({ metrics: [{ name: 'x', direction: 'lower', primary: true }] })).toBeNull()
  })

  it('refuses what a line cannot hold and what cannot be a program', () => {
    const broken = [
      request({ command: ['A=b', 'x'] }),
      request({ command: ['-x'] }),
      request({ after: [{ name: 's', command: ['X=1'] }] }),
      request({ artifacts: [{ glob: 'a\nb', kind: 'json' }] }),
      request({}, { token: 'a\nb' }),
      request({ environmentVariables: { A: 'x\0y' } }),
    ]
    for (const each of broken) expect(() => flatFiles(each)).toThrow(EngineError)
  })

  it('makes a gate pattern looser, never stricter', () => {
    const lines = flatFiles(
      request({
        artifacts: [
          { glob: 'units/*/result.json', minimumCount: 2, minimumBytes: 3, kind: 'json' },
          { glob: 'out/**/x.{json,csv}', kind: 'other' },
        ],
      }),
    ).get('artifacts.list')
    expect(lines).toBe('2 3 plain units/*/result.json\n1 1 loose out/*x.*\n')
  })

  it('has a digest that follows what a unit is, and not what it may cost', () => {
    const base = unitDigest(request().plan)
    expect(unitDigest(request({ budget: { usd: 9, hours: 9 }, goal: 'other' }).plan)).toBe(base)
    expect(unitDigest(request({ command: ['python', 'other.py'] }).plan)).not.toBe(base)
    expect(unitDigest(request({ environmentVariables: { A: '1' } }).plan)).not.toBe(base)
  })
})
