import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scanForSecrets } from '../../../src/plan/rules/secret-scan.ts'
import { checkProfile } from '../../../src/profile/check.ts'
import { loadProfiles } from '../../../src/profile/load.ts'
import { meterStepLines, meterSteps } from '../../../src/profile/meter-steps.ts'
import { tierFor } from '../../../src/profile/tiers.ts'

const builtIn = resolve(import.meta.dirname, '../../../profiles')
const nowMs = Date.UTC(2026, 10, 22)
const { profiles, problems } = await loadProfiles({ builtIn, user: null })
const all = [...profiles]

/** Paths of values that say nothing. An override may be empty: the value then comes as a variable. */
function empty(value: unknown, path = ''): string[] {
  if (value === null) return []
  if (typeof value === 'string') return value.trim() === '' && !path.startsWith('.overrides.') ? [path] : []
  if (typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, inner]) => empty(inner, `${path}.${key}`))
}

describe('the profiles that ship', () => {
  it('are all there and parse', () => {
    expect(problems).toEqual([])
    expect(all.map(([id]) => id).sort()).toEqual([
      'autodl',
      'aws-ec2',
      'aws-ec2-spot',
      'colab',
      'featurize',
      'generic-ssh',
      'gpushare',
      'kaggle',
      'kubernetes',
      'lambda',
      'lanrui',
      'local',
      'matpool',
      'paperspace-core',
      'paperspace-notebook',
      'runpod',
      'slurm',
      'vast',
    ])
    expect(readdirSync(builtIn)).toHaveLength(all.length)
    expect(all[0]?.[0]).toBe('local')
  })

  it.each(all)('%s passes the check', (_, loaded) => {
    expect(checkProfile(loaded, { nowMs, secretsIn: scanForSecrets })).toEqual([])
  })

  it.each(all)('%s holds no empty field', (_, { profile }) => {
    expect(empty(profile)).toEqual([])
    expect(profile.launch.steps.length).toBeGreaterThan(0)
    expect(profile.network.notes.length).toBeGreaterThan(0)
    expect(profile.interruption.notes.length).toBeGreaterThan(0)
    expect(profile.conveniences.length).toBeGreaterThan(0)
    expect(Object.keys(profile.overrides).length).toBeGreaterThan(0)
    expect(tierFor(profile, 'data')).not.toBeNull()
    expect(tierFor(profile, 'durable')).not.toBeNull()
  })

  it.each(all)('%s tells symptom, cause and fix of each gotcha', (_, { profile }) => {
    expect(profile.gotchas.length).toBeGreaterThanOrEqual(4)
    for (const { symptom, cause, fix } of profile.gotchas) {
      expect(Math.min(symptom.length, cause.length, fix.length)).toBeGreaterThan(8)
      expect(new Set([symptom, cause, fix]).size).toBe(3)
    }
  })

  it.each(all)('%s tells how its meter ends, step by step', (_, { profile }) => {
    const steps = meterSteps(profile)
    expect(steps?.steps.length).toBeGreaterThan(0)
    expect(meterStepLines(steps as NonNullable<typeof steps>).join('\n')).toContain(profile.billing.absenceProof)
  })
})

describe('what the handbook says of single platforms', () => {
  const of = (id: string) => {
    const found = profiles.get(id)
    if (found === undefined) throw new Error(id)
    return found.profile
  }
  it.each([
    ['autodl', '关机', 'false', null],
    ['runpod', 'terminate', 'true', 5],
    ['vast', 'destroy', 'true', 0],
    ['lambda', 'terminate', 'true', null],
    ['paperspace-core', 'shut-down', 'false', null],
    ['matpool', '停止并释放', 'true', null],
    ['gpushare', '关机', 'mixed', null],
    ['featurize', '实例归还', 'true', null],
    ['lanrui', '停止', 'false', null],
    ['aws-ec2', 'stop', 'mixed', null],
    ['aws-ec2-spot', 'terminate', 'true', 120],
    ['slurm', 'scancel', 'false', 30],
    ['kubernetes', 'delete Job', 'false', 30],
    ['generic-ssh', 'manual', 'true', null],
  ] as const)('%s stops its meter by %s, irreversible %s, grace %s s', (id, verb, irreversible, grace) => {
    expect(of(id).meterStopVerb).toBe(verb)
    expect(of(id).meterStopIrreversible).toBe(irreversible)
    expect(of(id).spot.graceSeconds).toBe(grace)
  })
  it.each([
    [['autodl'], 'AD', 9],
    [['runpod'], 'RP', 15],
    [['vast'], 'VAST', 15],
    [['lambda'], 'LAM', 14],
    [['paperspace-core', 'paperspace-notebook'], 'PS', 12],
    [['matpool', 'gpushare', 'featurize', 'lanrui'], 'CN', 2],
    [['matpool'], 'MP', 3],
    [['gpushare'], 'GS', 5],
    [['featurize'], 'FZ', 3],
    [['lanrui'], 'LR', 3],
    [['generic-ssh'], 'GEN', 8],
    [['slurm'], 'SLURM', 5],
    [['kubernetes'], 'K8S', 6],
    [['colab', 'kaggle'], 'NB', 5],
    [['local'], 'LOC', 6],
  ] as const)('%j names every trouble that is known there: %s1 to %i', (ids, letters, count) => {
    const named = new Set(ids.flatMap((id) => of(id).gotchas.map((gotcha) => gotcha.id)))
    const known = Array.from({ length: count }, (_, i) => `${letters}${i + 1}`)
    expect(known.filter((id) => !named.has(id))).toEqual([])
  })
  it('knows what survives which verb', () => {
    const fate = (id: string, tier: string) => {
      const found = of(id).storage.tiers.find((each) => each.id === tier)
      return [found?.survives.stop, found?.survives.destroy]
    }
    expect(fate('autodl', 'autodl-tmp')).toEqual(['bills', 'lost'])
    expect(fate('autodl', 'autodl-fs')).toEqual(['survives', 'survives'])
    expect(fate('runpod', 'container')).toEqual(['lost', 'lost'])
    expect(fate('runpod', 'volume')).toEqual(['bills', 'lost'])
    expect(fate('vast', 'workspace')).toEqual(['bills', 'lost'])
    expect(fate('lambda', 'root')).toEqual(['not-applicable', 'lost'])
    expect(fate('paperspace-notebook', 'storage')).toEqual(['bills', 'survives'])
    expect(fate('paperspace-notebook', 'notebooks')).toEqual(['survives', 'lost'])
    expect(fate('paperspace-core', 'block')).toEqual(['bills', 'lost'])
    expect(fate('gpushare', 'root')).toEqual(['lost', 'lost'])
    expect(fate('gpushare', 'hy-tmp')).toEqual(['lost', 'lost'])
    expect(fate('featurize', 'work')).toEqual(['survives', 'survives'])
    expect(fate('lanrui', 'datadisk')).toEqual(['bills', 'lost'])
    expect(fate('aws-ec2', 'nvme')).toEqual(['lost', 'lost'])
    expect(fate('aws-ec2', 'ebs')).toEqual(['bills', 'unknown'])
    expect(fate('kubernetes', 'pod')).toEqual(['lost', 'lost'])
    expect(fate('slurm', 'tmpdir')).toEqual(['lost', 'lost'])
    expect(fate('colab', 'content')).toEqual(['lost', 'lost'])
  })
  it('says which SSH a platform gives', () => {
    const flavours = Object.fromEntries(all.map(([id, { profile }]) => [id, profile.network.ssh.join()]))
    expect(flavours).toMatchObject({
      ...{ autodl: 'direct', runpod: 'direct,basic', vast: 'direct,proxied', lambda: 'direct' },
      ...{ 'paperspace-core': 'direct', 'paperspace-notebook': 'none', colab: 'none', kaggle: 'none' },
      ...{ kubernetes: 'none', slurm: 'direct', local: 'none', 'generic-ssh': 'direct' },
    })
  })
  it('parks by itself only where the stance says so', () => {
    const automatic = all.filter(([, p]) => p.profile.park.isAutomatic).map(([id]) => id)
    expect(automatic.sort()).toEqual([
      'autodl',
      'aws-ec2',
      'gpushare',
      'kubernetes',
      'lanrui',
      'paperspace-core',
      'paperspace-notebook',
      'slurm',
    ])
  })
  it('counts the clocks of AutoDL, Gpushare and RunPod in hours', () => {
    const hours = (id: string, clock: string) => of(id).dangerClocks.find((c) => c.id === clock)?.afterHours
    expect(hours('autodl', 'release')).toBe(15 * 24)
    expect(hours('gpushare', 'release')).toBe(10 * 24)
    expect(hours('gpushare', 'tmp-wipe')).toBe(24)
    expect(hours('runpod', 'stopped')).toBe(30 * 24)
    expect(hours('colab', 'idle')).toBe(1.5)
  })
  it('lists the acts that end a bill as a whole, in their order', () => {
    expect(meterSteps(of('paperspace-core'), 'destroy')?.steps).toHaveLength(4)
    expect(meterSteps(of('lanrui'), '销毁数据盘')?.steps.map((s) => s.slice(0, 2))).toEqual(['停止', '销毁'])
    expect(meterSteps(of('lambda'), 'OS shutdown')).toMatchObject({ endsMeter: false, by: 'nobody' })
    expect(meterSteps(of('runpod'), 'remove box folder')?.endsMeter).toBe(false)
    expect(meterSteps(of('runpod'))).toMatchObject({
      verb: 'terminate',
      endsMeter: true,
      isReversible: false,
      by: 'person',
    })
    expect(meterSteps(of('generic-ssh'))?.endsMeter).toBe(false)
    expect(meterSteps(of('runpod'), 'switch off')).toBeNull()
  })
  it('says how a verb is done in lines', () => {
    const steps = meterSteps(of('vast'))
    expect(steps === null ? [] : meterStepLines(steps)).toEqual([
      'destroy (cannot be undone):',
      expect.stringMatching(/^ {2}1\. .*vastai destroy instance/),
      expect.stringMatching(/^ {2}2\. .*404/),
      expect.stringMatching(/^ {2}3\. delete separate volumes/),
      expect.stringMatching(/^ {2}careful: /),
      expect.stringMatching(/^ {2}dies: everything/),
      expect.stringMatching(/^ {2}still bills: separate volumes/),
      expect.stringMatching(/^ {2}seen by: 404/),
    ])
  })
  it('keeps the spot profile of EC2 in step with the one on demand', () => {
    const spot = of('aws-ec2-spot')
    expect(spot.billing.verbs.map((v) => v.verb)).toEqual(['terminate', 'remove box folder'])
    expect(spot.billing.rates).toEqual([])
    expect(spot.gotchas.map((g) => g.id)).toContain('EC1')
    expect(spot.storage.tiers.map((t) => t.survives.stop)).toEqual(Array(4).fill('not-applicable'))
  })
})
