import { describe, expect, it } from 'vitest'
import { recoveryNote } from '../../../src/launch/recovery.ts'
import { launchItems } from '../../../src/launch/rules.ts'
import type { LaunchFacts } from '../../../src/launch/types.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import { isBlocking } from '../../../src/walk/item.ts'

const plan: Plan = planSchema.parse({
  version: 1,
  name: 'p',
  goal: 'g\u001b[31m',
  metrics: [{ name: 'acc', direction: 'higher' }],
  command: ['python', 'train.py'],
  units: { list: ['a'] },
  environment: { kind: 'system', interpreter: 'python' },
  resources: { compute: 'cpu' },
  checkpoints: { bytes: 1, count: 1 },
  artifacts: [{ glob: 'units/*/result.json', kind: 'json' }],
  budget: { usd: 0, hours: 1 },
})
const facts: LaunchFacts = {
  nowMs: 1,
  host: { host: 'local', hostname: 'h', machineId: null, bootId: null, user: '0' },
  plan,
  platform: 'local',
  startScriptReruns: false,
  hasMeter: false,
  token: 'kx-r-launch-1',
  intentSequence: 7,
  runId: 'r',
  handle: {
    token: 'kx-r-launch-1',
    folder: '/data/r',
    runner: 'runner-abc.sh',
    detach: 'tmux',
    label: 'kx-r-launch-1',
    process: { pid: 1, startTicks: 2, bootId: 'b' },
  },
  resumed: false,
  codeFiles: 3,
  codeBytes: 100,
  git: null,
  runConfigSha256: 'a'.repeat(64),
  leaseUntilMs: null,
  firstSign: { kind: 'step', unit: 'a', afterSeconds: 1.5 },
  seconds: 3,
  isRunnerIdentical: true,
  isOwnSession: true,
  fingerprints: 0,
  foreignGpuProcesses: null,
  isAdopted: false,
}
const find = (over: Partial<LaunchFacts>, id: string) => launchItems({ ...facts, ...over }).find((i) => i.id === id)

describe('items of the launch gate', () => {
  it('gives every item once, with a reason where there is no yes or no', () => {
    const items = launchItems(facts)
    expect(new Set(items.map((i) => i.id)).size).toBe(items.length)
    for (const item of items) {
      expect(item.id).toMatch(/^launch\./)
      if (item.result === 'unknown' || item.result === 'not-applicable') expect(item.reason).toBeTruthy()
    }
    expect(items.filter(isBlocking)).toEqual([])
  })

  it('never blocks patrol and teardown of what was started, whatever was seen after the start', () => {
    const worst = launchItems({
      ...facts,
      firstSign: { kind: 'none', reason: 'the runner is gone', logTail: ['Traceback'] },
      isRunnerIdentical: false,
      isOwnSession: false,
      fingerprints: null,
      resumed: true,
    })
    expect(worst.filter(isBlocking)).toEqual([])
    const ids = worst.filter((i) => i.result === 'fail').map((i) => i.id)
    expect(ids).toEqual(expect.arrayContaining(['launch.alive-60s', 'launch.version-scripts', 'launch.detach']))
  })

  it('says what it does not do', () => {
    expect(find({ plan: { ...plan, tracking: { kind: 'wandb' } } }, 'launch.tracker')).toMatchObject({
      result: 'unknown',
    })
    const gpu = { ...plan, resources: { ...plan.resources, compute: 'gpu' as const } }
    expect(find({ plan: gpu }, 'launch.one-writer-per-gpu')).toMatchObject({ result: 'unknown' })
    expect(find({ plan: gpu, foreignGpuProcesses: 0 }, 'launch.one-writer-per-gpu')).toMatchObject({ result: 'pass' })
  })
})

describe('recovery note', () => {
  it('holds what a fresh start needs, quoted, and nothing that a terminal would obey', () => {
    const note = recoveryNote({
      runId: 'r',
      projectFolder: "/home/a b/it's",
      runFolder: '/home/p/.kx/runs/r',
      hostName: 'local',
      folder: '/data/with space/r',
      token: 'kx-r-launch-1',
      plan,
      workers: 2,
      unitCount: 45,
      atMs: 0,
      leaseUntilMs: 3_600_000,
    })
    expect(note).toContain("cd '/data/with space/r'")
    expect(note).toContain("'/data/with space/r/stop'")
    expect(note).toContain('kx-r-launch-1')
    expect(note).toContain('units/*/result.json')
    expect(note).not.toContain('\u001b')
  })
  it('counts a guard that was not read back as not armed', () => {
    const guard = {
      token: facts.token,
      isAlive: true,
      number: 1,
      leaseSeconds: 7200,
      spentSeconds: 60,
      run: 'running',
      alarm: null,
      why: null,
      acts: [],
    }
    const deadMan = (over: Partial<LaunchFacts>) => find({ leaseUntilMs: 9, ...over }, 'launch.dead-man')
    expect(deadMan({ leaseUntilMs: null, guard })?.result).toBe('not-applicable')
    expect(deadMan({ hasMeter: true, guard: null })).toMatchObject({ result: 'fail', severity: 'warn' })
    expect(deadMan({ hasMeter: false, guard: null })).toMatchObject({ result: 'unknown', severity: 'warn' })
    expect(deadMan({ hasMeter: true, guard: { ...guard, token: 'of-another-launch' } })?.result).toBe('fail')
    expect(deadMan({ hasMeter: true, guard: { ...guard, isAlive: false } })?.result).toBe('fail')
    expect(deadMan({ guard: { ...guard, isAlive: false, run: 'finished' } })?.result).toBe('pass')
    const armed = deadMan({ hasMeter: true, guard, guardAct: 'save, end the units, and stop' })
    expect(armed).toMatchObject({ result: 'pass', severity: 'error' })
    expect(armed?.evidence.summary).toMatch(
      /^armed and read back, 1 h 59 min left .*; then save, end the units, and stop$/,
    )
  })
})
