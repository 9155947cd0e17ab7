import { describe, expect, it } from 'vitest'
import { planItems } from '../../../src/plan/rules/specs.ts'
import { planRules } from '../../../src/plan/rules.ts'
import type { PlanFacts } from '../../../src/plan/types.ts'
import type { Plan } from '../../../src/spec/schema.ts'
import { isBlocking, type Result } from '../../../src/walk/item.ts'
import { basePlan, localProfile, nowMs, ruleInput } from './rule-input.ts'

type Change = { plan?: Partial<Record<keyof Plan, unknown>>; facts?: Partial<PlanFacts> }
const itemOf = (id: string, change: Change = {}) => {
  const found = planRules(ruleInput(change)).find((i) => i.id === id)
  if (found === undefined) throw new Error(`no item ${id}`)
  return found
}
const hash = 'a'.repeat(64)
const data = basePlan().data[0]
const fact = ruleInput().facts.data[0]
const sample = ruleInput().facts.samples[0]
const uv = { kind: 'uv', requirements: 'requirements.txt' }
const image = { kind: 'image', reference: 'torch:latest' }
const rented = { ...localProfile(), platform: 'rented', kind: 'ssh-rental' as const }
const clock = { id: 'off', what: 'stopped', afterHours: 360, consequence: 'released', verified: '2026-06' }
const texts = (entries: Record<string, string>) => ({ texts: new Map(Object.entries(entries)) })

describe('the items of the plan gate', () => {
  it('are all there, each once, with a reason wherever nothing was found out', () => {
    const items = planRules(ruleInput())
    expect(items.map((i) => i.id).sort()).toEqual(Object.keys(planItems).sort())
    for (const item of items) {
      expect(item.gate).toBe('plan')
      expect(item.evidence.summary).not.toBe('')
      if (item.result === 'unknown' || item.result === 'not-applicable') expect(item.reason).toBeTruthy()
      expect(item.fix).toBeTruthy()
    }
  })

  it('let a good plan on this machine pass', () => {
    expect(planRules(ruleInput()).filter(isBlocking)).toEqual([])
  })

  const cases: [string, Result, Change][] = [
    ['plan.goal', 'fail', { plan: { goal: 'Train the model' } }],
    ['plan.goal', 'fail', { plan: { goal: 'Raise accuracy' } }],
    ['plan.performance-target', 'fail', { plan: { metrics: [{ name: 'a', direction: 'higher', primary: true }] } }],
    [
      'plan.performance-target',
      'fail',
      { plan: { metrics: [{ name: 'a', direction: 'lower', chance: 0.5, target: 0.6, primary: true }] } },
    ],
    [
      'plan.performance-target',
      'fail',
      {
        plan: {
          metrics: [
            { name: 'a', direction: 'lower' },
            { name: 'b', direction: 'lower' },
          ],
        },
      },
    ],
    ['plan.service-level', 'not-applicable', {}],
    ['plan.service-level', 'pass', { plan: { deadline: new Date(nowMs + 86_400_000).toISOString() } }],
    ['plan.service-level', 'fail', { plan: { deadline: new Date(nowMs + 1_800_000).toISOString() } }],
    ['plan.service-level', 'fail', { plan: { deadline: new Date(nowMs - 1000).toISOString() } }],
    ['plan.budget', 'fail', { facts: { profile: { ...rented, billing: { ...rented.billing, usdPerHour: 0.4 } } } }],
    ['plan.budget', 'fail', { facts: { profile: { ...rented, billing: { ...rented.billing, usdPerHour: null } } } }],
    ['plan.budget', 'fail', { plan: { resources: { compute: 'gpu' }, budget: { usd: 1, hours: 1, gpuHours: 0 } } }],
    ['plan.spec', 'pass', {}],
    ['plan.spec', 'fail', { plan: { abort: { nan: true } } }],
    ['plan.abort-criteria', 'pass', {}],
    ['plan.abort-criteria', 'fail', { plan: { abort: { nan: true } } }],
    ['plan.abort-criteria', 'fail', { plan: { abort: { nan: false, wallHours: 2 } } }],
    [
      'plan.abort-criteria',
      'fail',
      { plan: { abort: { belowChanceAfterUnits: 3, wallHours: 2 }, metrics: [{ name: 'a', direction: 'lower' }] } },
    ],
    ['plan.scale-ladder', 'pass', {}],
    ['plan.scale-ladder', 'unknown', { facts: { earlierRuns: [] } }],
    ['plan.scale-ladder', 'not-applicable', { plan: { units: { list: ['one'] }, command: ['x'] } }],
    ['plan.unit-split', 'fail', { plan: { units: { list: ['one'] }, command: ['x'] } }],
    ['plan.unit-dependence', 'fail', { plan: { units: { seeds: [1, 2], sequential: true } } }],
    [
      'plan.unit-dependence',
      'pass',
      { plan: { units: { seeds: [1, 2], sequential: true }, resources: { compute: 'cpu', workers: 1 } } },
    ],
    ['plan.unit-dependence', 'fail', { plan: { command: ['node', 'units/split-00-01/result.json'] } }],
    ['plan.write-paths', 'fail', { plan: { command: ['node', '--out', '/data/result.json'] } }],
    ['plan.write-paths', 'fail', { plan: { command: ['node', '--output=/data/result.json'] } }],
    ['plan.write-paths', 'pass', { plan: { command: ['node', '--out', '/data/{unit}.json'] } }],
    ['plan.write-paths', 'pass', { plan: { command: ['node', '--out', 'result.json'] } }],
    ['plan.artifacts-declared', 'fail', { plan: { artifacts: [{ glob: 'a', minimumCount: 0, kind: 'json' }] } }],
    [
      'plan.artifacts-declared',
      'fail',
      { plan: { artifacts: [{ glob: 'units/*/r.json', minimumCount: 7, kind: 'json' }] } },
    ],
    ['plan.infra-target', 'fail', { plan: { profiles: ['elsewhere'] } }],
    ['plan.node-type', 'fail', { plan: { resources: { compute: 'cpu', gpus: 1 } } }],
    ['plan.node-type', 'fail', { plan: { resources: { compute: 'gpu', gpus: 0 } } }],
    ['plan.node-type', 'pass', { plan: { resources: { compute: 'gpu', gpus: 1 } } }],
    ['plan.quota', 'not-applicable', {}],
    ['plan.quota', 'unknown', { facts: { profile: rented } }],
    ['plan.scheduler-template', 'fail', { facts: { profile: { ...rented, kind: 'slurm' } } }],
    ['plan.checkpointing', 'fail', { plan: { checkpoints: { bytes: 0, count: 0 } } }],
    ['plan.profile-first', 'fail', { plan: { command: ['node', '--data=/home/a/.local/share/kx/boxes/x'] } }],
    ['plan.profile-first', 'pass', { plan: { command: ['node', '/tmp/x'] } }],
    ['plan.danger-clocks', 'not-applicable', {}],
    ['plan.danger-clocks', 'unknown', { facts: { profile: { ...rented, dangerClocks: [clock] } } }],
    ['plan.durable-size', 'not-applicable', {}],
    ['plan.durable-size', 'unknown', { facts: { profile: rented } }],
    ['plan.durable-size', 'pass', { plan: { resources: { compute: 'cpu', diskBytes: 10_000 } } }],
    ['plan.durable-size', 'fail', { plan: { resources: { compute: 'cpu', diskBytes: 2000 } } }],
    ['plan.lockfile', 'not-applicable', {}],
    ['plan.lockfile', 'fail', { facts: texts({ 'package.json': '{"dependencies":{"a":"^1"}}' }) }],
    ['plan.lockfile', 'fail', { plan: { environment: uv } }],
    ['plan.lockfile', 'pass', { plan: { environment: uv }, facts: texts({ 'requirements.txt': 'numpy==2.3.1\n' }) }],
    ['plan.lockfile', 'fail', { plan: { environment: uv }, facts: texts({ 'requirements.txt': 'numpy>=2\n' }) }],
    [
      'plan.lockfile',
      'fail',
      {
        plan: { environment: uv },
        facts: {
          ...texts({ 'requirements.txt': 'a==1\n' }),
          git: { commit: null, isDirty: false, tracked: new Set() },
        },
      },
    ],
    [
      'plan.lockfile',
      'pass',
      {
        plan: { environment: uv },
        facts: {
          ...texts({ 'requirements.txt': 'a==1\n' }),
          git: { commit: null, isDirty: false, tracked: new Set(['requirements.txt']) },
        },
      },
    ],
    ['plan.package-manager', 'fail', { plan: { environment: uv }, facts: texts({ 'environment.yml': '' }) }],
    ['plan.package-manager', 'pass', { plan: { environment: uv } }],
    ['plan.dev-dependencies', 'fail', { facts: texts({ 'pyproject.toml': '[project]\n' }) }],
    ['plan.dev-dependencies', 'pass', { facts: texts({ 'pyproject.toml': '[dependency-groups]\n' }) }],
    ['plan.container', 'fail', { plan: { environment: image } }],
    ['plan.container', 'pass', { plan: { environment: { kind: 'image', reference: `ghcr.io/a/b@sha256:${hash}` } } }],
    ['plan.container-hygiene', 'fail', { facts: texts({ Dockerfile: 'FROM a\nUSER root\n' }) }],
    [
      'plan.container-hygiene',
      'pass',
      { facts: texts({ Dockerfile: 'FROM a\nFROM b\nUSER me\nHEALTHCHECK NONE\n', '.dockerignore': '' }) },
    ],
    ['plan.image-store', 'fail', { plan: { environment: image } }],
    ['plan.image-store', 'pass', { plan: { environment: { kind: 'image', reference: 'ghcr.io/a/b:1' } } }],
    ['plan.seeds', 'fail', { plan: { command: ['x'] }, facts: { mentions: new Map() } }],
    ['plan.seeds', 'pass', { plan: { command: ['x'] } }],
    ['plan.determinism', 'not-applicable', {}],
    ['plan.determinism', 'fail', { facts: { mentions: new Map([['import torch', { path: 'a.py', line: 1 }]]) } }],
    ['plan.fingerprint', 'fail', { plan: { artifacts: [{ glob: 'a', kind: 'json' }] } }],
    ['plan.tracker', 'fail', { plan: { tracking: { kind: 'none' } } }],
    ['plan.tracker', 'fail', { plan: { tracking: { kind: 'wandb' } } }],
    [
      'plan.modular-code',
      'fail',
      { facts: { code: { ...ruleInput().facts.code, paths: ['a.py', 'b.py', 'c.py', 'd.py', 'e.py', 'f.py'] } } },
    ],
    ['plan.dataflow', 'fail', {}],
    ['plan.dataflow', 'pass', { plan: { after: [{ name: 'sum', command: ['node', 'train.mjs'] }] } }],
    ['plan.task-runner', 'fail', {}],
    ['plan.task-runner', 'pass', { facts: texts({ Makefile: '' }) }],
    [
      'plan.run-config',
      'fail',
      { facts: { configs: [{ path: 'c.json', isRead: false, value: null, reason: 'not there' }] } },
    ],
    [
      'plan.config-self-contained',
      'fail',
      { facts: { configs: [{ path: 'c.yaml', isRead: true, value: { a: { defaults: [] } }, reason: null }] } },
    ],
    ['plan.required-inputs', 'pass', {}],
    ['plan.required-inputs', 'fail', { plan: { command: ['node', 'other.mjs'] } }],
    [
      'plan.required-inputs',
      'fail',
      { facts: { code: { ...ruleInput().facts.code, refused: [{ path: 'l', reason: 'a symbolic link' }] } } },
    ],
    ['plan.required-inputs', 'fail', { plan: { configFiles: ['none.json'] } }],
    [
      'plan.required-inputs',
      'fail',
      { facts: { data: [{ ...fact, kind: 'missing', name: 'x', bytes: null, files: null, sha256: null }] } },
    ],
    ['plan.secrets-by-name', 'fail', { facts: { secrets: [{ path: 'a', line: 3, kind: 'a private key' }] } }],
    ['plan.data-size', 'pass', {}],
    ['plan.data-size', 'fail', { plan: { data: [{ ...data, rows: 5 }] } }],
    ['plan.data-size', 'unknown', { plan: { data: [{ path: 'data/set.csv' }] } }],
    ['plan.data-sources', 'fail', { plan: { data: [{ path: 'data/set.csv' }] } }],
    ['plan.data-version', 'fail', {}],
    ['plan.data-version', 'pass', { plan: { data: [{ ...data, sha256: hash }] } }],
    ['plan.data-provenance', 'fail', { plan: { data: [{ path: 'data/set.csv', source: 'x' }] } }],
    ['plan.data-access', 'unknown', { facts: { profile: rented } }],
    ['plan.access-control', 'not-applicable', {}],
    ['data.exists', 'pass', {}],
    [
      'data.exists',
      'fail',
      { facts: { data: [{ name: 'data/set.csv', kind: 'file', bytes: 0, files: 1, sha256: hash }] } },
    ],
    ['data.exists', 'not-applicable', { plan: { data: [] }, facts: { data: [] } }],
    ['data.download-size', 'fail', { plan: { data: [{ ...data, bytes: 21 }] } }],
    ['data.hash', 'not-applicable', {}],
    ['data.hash', 'pass', { plan: { data: [{ ...data, sha256: hash }] } }],
    ['data.hash', 'fail', { plan: { data: [{ ...data, sha256: 'b'.repeat(64) }] } }],
    ['data.container', 'fail', { facts: { samples: sample ? [{ ...sample, malformedRows: 1 }] : [] } }],
    ['data.finite', 'fail', { facts: { samples: sample ? [{ ...sample, nonFinite: 1 }] : [] } }],
    ['data.not-constant', 'fail', { facts: { samples: sample ? [{ ...sample, constantColumns: 2 }] : [] } }],
    ['data.range', 'fail', { facts: { samples: sample ? [{ ...sample, largestAbsolute: 2e10 }] : [] } }],
    ['data.sample-honest', 'unknown', { facts: { samples: sample ? [{ ...sample, readBytes: 10 }] : [] } }],
  ]
  it.each(cases)('%s can be %s', (id, result, change) => {
    expect(itemOf(id, change)).toMatchObject({ id, result })
  })

  it('asks for checkpoints with more weight when a run is long', () => {
    const none = { checkpoints: { bytes: 0, count: 0 } }
    expect(itemOf('plan.checkpointing', { plan: none }).severity).toBe('warn')
    expect(itemOf('plan.checkpointing', { plan: { ...none, budget: { usd: 0, hours: 5 } } }).severity).toBe('error')
  })

  it('block where the profile is not one that was asked for', () => {
    const change = { plan: { profiles: ['elsewhere'] } }
    expect(
      planRules(ruleInput(change))
        .filter(isBlocking)
        .map((i) => i.id),
    ).toEqual(['plan.infra-target'])
  })
})

describe('config checks', () => {
  const value = {
    a: { lr: 0.5, dim: 8, same: 8, other: 9, split: 'train', off: null, path: 'here', cache: false, workers: 4 },
  }
  const configs = [{ path: 'c.json', isRead: true, value, reason: null }]
  const check = (spec: Record<string, unknown>) =>
    itemOf(`config.${spec.id}`, {
      plan: { configFiles: ['c.json'], configChecks: [spec] },
      facts: { configs, existing: new Set(['here']) },
    })
  const range = { form: 'range', minimum: 0.1, maximum: 1, recommended: [0.2, 0.4] }

  it.each([
    [{ form: 'set', id: 'x', key: 'a.lr' }, 'pass', 'error'],
    [{ form: 'set', id: 'x', key: 'c.json#a.lr' }, 'pass', 'error'],
    [{ form: 'set', id: 'x', key: 'd.json#a.lr' }, 'fail', 'error'],
    [{ form: 'set', id: 'x', key: 'a.off' }, 'fail', 'error'],
    [{ form: 'set', id: 'x', key: 'a.constructor' }, 'fail', 'error'],
    [{ form: 'set', id: 'eval-enabled', key: 'a.none' }, 'fail', 'warn'],
    [{ form: 'equal', id: 'x', key: 'a.dim', other: 'a.same' }, 'pass', 'error'],
    [{ form: 'equal', id: 'x', key: 'a.dim', other: 'a.other' }, 'fail', 'error'],
    [{ form: 'equal', id: 'x', key: 'a.dim', other: 'a.none' }, 'fail', 'error'],
    [{ form: 'one-of', id: 'x', key: 'a.split', values: ['train', 'val'] }, 'pass', 'error'],
    [{ form: 'one-of', id: 'x', key: 'a.split', values: ['val'] }, 'fail', 'error'],
    [{ ...range, id: 'x', key: 'a.dim' }, 'fail', 'error'],
    [{ ...range, id: 'x', key: 'a.lr' }, 'fail', 'warn'],
    [{ ...range, id: 'x', key: 'a.lr', recommended: [0.4, 0.6] }, 'pass', 'error'],
    [{ ...range, id: 'x', key: 'a.off' }, 'fail', 'error'],
    [{ ...range, id: 'x', key: 'a.off', optional: true }, 'not-applicable', 'error'],
    [{ ...range, id: 'x', key: 'a.split' }, 'fail', 'error'],
    [{ form: 'exists', id: 'x', key: 'a.path' }, 'pass', 'error'],
    [{ form: 'exists', id: 'x', key: 'a.split' }, 'fail', 'error'],
    [
      {
        form: 'conflict',
        id: 'x',
        because: 'slow',
        when: [
          { key: 'a.cache', is: false },
          { key: 'a.workers', is: 4 },
        ],
      },
      'fail',
      'warn',
    ],
    [
      {
        form: 'conflict',
        id: 'x',
        because: 'slow',
        when: [
          { key: 'a.cache', is: true },
          { key: 'a.workers', is: 4 },
        ],
      },
      'pass',
      'warn',
    ],
  ])('%o is %s at %s', (spec, result, severity) => {
    expect(check(spec)).toMatchObject({ result, severity })
  })

  it('say value, allowed and recommended range', () => {
    expect(check({ ...range, id: 'x', key: 'a.lr' }).evidence.summary).toBe(
      'a.lr = 0.5; allowed 0.1 … 1, recommended 0.2 … 0.4',
    )
  })
  it('are unknown when the file does not read', () => {
    const bad = [{ path: 'c.json', isRead: false, value: null, reason: 'not JSON' }]
    const got = itemOf('config.x', {
      plan: { configFiles: ['c.json'], configChecks: [{ form: 'set', id: 'x', key: 'a' }] },
      facts: { configs: bad },
    })
    expect(got).toMatchObject({ result: 'unknown', reason: expect.stringContaining('not JSON') })
  })
})
