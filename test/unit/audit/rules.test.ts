import { describe, expect, it } from 'vitest'
import { interpreterOf } from '../../../src/audit/interpreter.ts'
import {
  judgeCapability,
  judgeGpuDriver,
  judgeGpuHealth,
  judgeInterpreter,
  parseInterpreter,
} from '../../../src/audit/rules/gpu.ts'
import { judgeClock, judgeCpu, judgeMemory, judgeShm } from '../../../src/audit/rules/machine.ts'
import { findSecrets, judgeGit, readRequirements } from '../../../src/audit/rules/project.ts'
import {
  judgeBytes,
  judgeCheckpointBudget,
  judgeCheckpointTier,
  judgeInodes,
  judgeSharedSecrets,
} from '../../../src/audit/rules/storage.ts'
import { parseGpus } from '../../../src/host/probe/nvidia.ts'
import { known, unknown } from '../../../src/host/probe/value.ts'
import { planSchema } from '../../../src/spec/schema.ts'
import { line } from '../../faults/probes/nvidia-fixtures.ts'
import { localProfile, smallPlan } from './support.ts'

const disk = (usedPercent: number) =>
  known({ filesystem: 'x', mount: '/', totalBytes: 100, usedBytes: usedPercent, availableBytes: 100 - usedPercent })
const inodes = (used: number) => known({ filesystem: 'x', mount: '/', total: 100, used, free: 100 - used })
const tier = localProfile.storage.tiers[0]
if (tier === undefined) throw new Error('no tier')
const space = (
  bytes: ReturnType<typeof disk> | ReturnType<typeof unknown>,
  nodes: ReturnType<typeof inodes> | ReturnType<typeof unknown>,
) => ({
  tier,
  path: '/d',
  bytes,
  inodes: nodes,
})

describe('fill of tiers', () => {
  it.each([
    [89, 'pass', undefined],
    [90, 'fail', 'warn'],
    [94, 'fail', 'warn'],
    [95, 'fail', 'error'],
    [100, 'fail', 'error'],
  ] as const)('%i %%', (percent, result, severity) => {
    const bytes = judgeBytes([space(disk(percent), inodes(1))])
    const nodes = judgeInodes([space(disk(1), inodes(percent))])
    expect([bytes.result, bytes.severity]).toEqual([result, severity])
    expect([nodes.result, nodes.severity]).toEqual([result, severity])
  })

  it('the hardest tier decides; unknown is never a pass', () => {
    expect(judgeBytes([space(disk(10), inodes(1)), space(disk(99), inodes(1))]).severity).toBe('error')
    expect(judgeBytes([space(disk(10), inodes(1)), space(unknown('hung'), inodes(1))]).result).toBe('unknown')
    expect(judgeBytes([]).result).toBe('unknown')
    expect(judgeInodes([space(disk(10), unknown('reports no inodes'))])).toMatchObject({
      result: 'unknown',
      severity: 'warn',
    })
  })

  it('weighs checkpoints in bytes and inodes', () => {
    const need = {
      checkpointBytes: 10,
      checkpointCount: 5,
      scratchBytes: 5,
      artifactBytes: 1,
      inputBytes: 1,
      declaredBytes: null,
      isMeasured: false,
      files: 9,
    }
    expect(judgeCheckpointBudget(need, disk(43), inodes(0)).result).toBe('pass')
    expect(judgeCheckpointBudget(need, disk(44), inodes(0)).result).toBe('fail')
    expect(judgeCheckpointBudget({ ...need, declaredBytes: 80 }, disk(43), inodes(0)).result).toBe('fail')
    expect(judgeCheckpointBudget(need, disk(0), inodes(92)).result).toBe('fail')
    expect(judgeCheckpointBudget(need, unknown('x'), inodes(0)).result).toBe('unknown')
  })

  it('asks what the data tier survives', () => {
    expect(judgeCheckpointTier(localProfile, tier, '/d').result).toBe('pass')
    const rental = {
      ...localProfile,
      meterStopIrreversible: 'true' as const,
      billing: { ...localProfile.billing, currency: 'USD' as const, usdPerHour: 1 },
    }
    expect(judgeCheckpointTier(rental, tier, '/d').result).toBe('fail')
    expect(judgeCheckpointTier(localProfile, tier, null).result).toBe('unknown')
  })

  it('knows key-like names', () => {
    for (const name of ['id_ed25519', 'a.pem', '.env', '.env.local', 'credentials.json', 'service-account-1.json'])
      expect([name, judgeSharedSecrets([name], '/d').result]).toEqual([name, 'fail'])
    expect(judgeSharedSecrets(['id_ed25519.pub', 'data.csv', 'environment.yml'], '/d').result).toBe('pass')
  })
})

describe('machine', () => {
  const none = unknown('no')
  const group = {
    version: known(2 as const),
    memoryLimitBytes: known(100),
    memoryUsedBytes: none,
    memoryWorkingBytes: none,
    oomKills: known(0),
    cpuCores: known('none' as const),
  }
  const memory = { totalBytes: known(1000), availableBytes: known(500) }

  it('holds memory against the limit of the container, not of the machine', () => {
    const need = (bytes: number | null) => ({ bytes, from: 'plan' })
    expect(judgeMemory(group, memory, known(0), 'group', need(100)).result).toBe('pass')
    expect(judgeMemory(group, memory, known(0), 'group', need(101)).result).toBe('fail')
    expect(
      judgeMemory({ ...group, memoryLimitBytes: known('none') }, memory, known(0), 'group', need(101)).result,
    ).toBe('pass')
    expect(
      judgeMemory({ ...group, memoryLimitBytes: none }, { ...memory, availableBytes: none }, none, 'group', need(1))
        .result,
    ).toBe('unknown')
  })

  it('weighs cores, shared memory and clock', () => {
    expect(judgeCpu(known(8), known(2), known(2), 2, 1).result).toBe('pass')
    expect(judgeCpu(known(8), known(2), known(2), 2, 2).result).toBe('fail')
    expect(judgeCpu(none, none, none, 1, null).result).toBe('unknown')
    const shm = known({
      filesystem: 'shm',
      mount: '/dev/shm',
      totalBytes: 64 * 1024 * 1024,
      usedBytes: 0,
      availableBytes: 64 * 1024 * 1024,
    })
    expect(judgeShm(shm, null, 'cpu').result).toBe('pass')
    expect(judgeShm(shm, null, 'gpu').result).toBe('fail')
    const now = Date.UTC(2026, 5, 1)
    expect(judgeClock(known(now / 1000), now, now + 10, null).result).toBe('pass')
    expect(judgeClock(known(now / 1000 + 60), now, now + 10, null).result).toBe('fail')
    expect(judgeClock(known(now / 1000), now, now + 10, now + 3_600_000).result).toBe('fail')
    expect(judgeClock(none, now, now, null).result).toBe('unknown')
  })
})

describe('cards', () => {
  const health = (changes: Record<string, string>, xids: readonly number[] = []) => {
    const verdict = judgeGpuHealth(parseGpus(line(changes)), known(xids))
    return [verdict.result, verdict.severity ?? 'error']
  }
  it('follows the preflight', () => {
    expect(health({})[0]).toBe('pass')
    expect(health({}, [79])).toEqual(['fail', 'error'])
    expect(health({}, [13])).toEqual(['fail', 'warn'])
    expect(health({ 'clocks_throttle_reasons.active': '0x0000000000000080' })).toEqual(['fail', 'error'])
    expect(health({ 'temperature.gpu': '84' })).toEqual(['fail', 'warn'])
    expect(health({ 'temperature.gpu': '84', 'clocks.sm': '900' })).toEqual(['fail', 'error'])
    expect(health({ 'ecc.errors.uncorrected.volatile.total': '2' })).toEqual(['fail', 'warn'])
    expect(judgeGpuHealth(parseGpus(line()), unknown('not allowed'))).toMatchObject({
      result: 'unknown',
      severity: 'warn',
    })
    expect(judgeGpuHealth(unknown('hung'), 'none').result).toBe('unknown')
  })

  it('holds driver, capability and interpreter against each other', () => {
    const gpus = parseGpus(line({ driver_version: '470.10' }))
    expect(judgeGpuDriver(gpus, '12.4', null).result).toBe('fail')
    expect(judgeGpuDriver(gpus, '11.8', null).result).toBe('pass')
    expect(judgeGpuDriver(gpus, '11.8', '11.2').result).toBe('fail')
    const said = (more: object) =>
      parseInterpreter(
        `noise\nkx-interpreter ${JSON.stringify({ executable: '/p', python: '3.12', torch: '2.7', cuda: '12.8', available: true, devices: [['A100', 1, '8.0']], architectures: ['sm_80', 'sm_90'], ...more })}\n`,
      )
    const facts = said({})
    if (facts === null) throw new Error('must be read')
    expect(judgeInterpreter(known(facts), 1).result).toBe('pass')
    expect(judgeInterpreter(known(facts), 2).result).toBe('fail')
    expect(judgeInterpreter(known({ ...facts, isAvailable: false, cuda: null }), 1).summary).toMatch(/CPU-only/)
    expect(judgeCapability(known(facts)).result).toBe('pass')
    expect(judgeCapability(known({ ...facts, architectures: ['sm_90'] })).result).toBe('fail')
    expect(judgeCapability(known({ ...facts, architectures: ['compute_70'] })).result).toBe('pass')
    for (const text of ['', 'kx-interpreter {', 'kx-interpreter []', 'kx-interpreter {"available": 1}'])
      expect(parseInterpreter(text)).toBeNull()
  })

  it('asks the interpreter of the launch line', () => {
    const of = (more: object) => interpreterOf(planSchema.parse({ ...smallPlan, ...more }))
    expect(of({})).toBeNull()
    expect(of({ command: ['/opt/venv/bin/python3.12', 'train.py'] })).toBe('/opt/venv/bin/python3.12')
    expect(
      of({ command: ['run.sh'], environment: { kind: 'image', reference: 'x', interpreter: '/usr/bin/python3' } }),
    ).toBe('/usr/bin/python3')
  })
})

describe('project', () => {
  it('reads pins', () => {
    const facts = readRequirements(
      'numpy==1.26.4\n# note\ntorch==2.7.0+cu128 ; python_version > "3.9" \\\n  --hash=sha256:abc\nuvicorn[standard]==0.30.1\n--index-url https://x/\nscipy>=1\nrequests\n-e .\nx @ git+https://y\n',
    )
    expect(facts).toEqual({ pins: 3, loose: ['scipy>=1', 'requests', '-e .', 'x @ git+https://y'] })
  })

  it('finds secrets by kind and place, never by value', () => {
    const hits = findSecrets(
      'a.py',
      `x\n-----BEGIN OPENSSH PRIVATE KEY-----\ntoken = "hf_${'a'.repeat(34)}"\npostgres://u:longpassword@db/x\n`,
    )
    expect(hits.map((hit) => [hit.line, hit.what])).toEqual([
      [2, 'private key'],
      [3, 'Hugging Face token'],
      [4, 'password in an address'],
    ])
    expect(findSecrets('a.py', 'import os\nkey = os.environ["WANDB_API_KEY"]\nurl = "https://x/${USER}"\n')).toEqual([])
  })

  it('judges git', () => {
    const facts = { isRepository: true, commit: 'a'.repeat(40), dirty: [], isPushed: true, hasRemote: true }
    expect(judgeGit(facts).result).toBe('pass')
    expect(judgeGit({ ...facts, isPushed: false }).result).toBe('fail')
    expect(judgeGit({ ...facts, isPushed: null }).result).toBe('unknown')
    expect(judgeGit({ ...facts, dirty: [' M a'] }).result).toBe('fail')
    expect(judgeGit({ ...facts, isRepository: false }).result).toBe('not-applicable')
  })
})
