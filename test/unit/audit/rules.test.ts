import { describe, expect, it } from 'vitest'
import { interpreterOf } from '../../../src/audit/interpreter.ts'
import { judgeEnvironment, judgeMirrors } from '../../../src/audit/rules/environment.ts'
import { judgeGpuDriver, judgeGpuHealth } from '../../../src/audit/rules/gpu.ts'
import { judgeGpuFree } from '../../../src/audit/rules/gpu-free.ts'
import { judgeCapability, judgeInterpreter, parseInterpreter } from '../../../src/audit/rules/interpreter.ts'
import {
  judgeBoxName,
  judgeClock,
  judgeCpu,
  judgeLimits,
  judgeMemory,
  judgeSessions,
  judgeShm,
  mostAtOnce,
} from '../../../src/audit/rules/machine.ts'
import { findSecrets, judgeGit, readRequirements } from '../../../src/audit/rules/project.ts'
import {
  judgeBytes,
  judgeCheckpointBudget,
  judgeCheckpointTier,
  judgeInodes,
  judgeRegionLock,
  judgeSharedSecrets,
  tierAt,
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

  it('looks behind links for the tier that really holds the checkpoints', () => {
    const rented = {
      ...localProfile,
      meterStopVerb: 'stop',
      billing: {
        ...localProfile.billing,
        verbs: [
          {
            verb: 'stop',
            stops: 'compute',
            stillBills: 'disk',
            dies: 'scratch',
            isReversible: true,
            by: 'person' as const,
            onBox: 'never' as const,
            how: 'console',
            event: 'stop' as const,
            loses: ['scratch'],
            verified: '2026-06',
          },
        ],
      },
    }
    const at = (id: string, path: string, stop: 'survives' | 'lost') => ({
      tier: { ...tier, id, path, survives: { reboot: 'survives' as const, stop, destroy: 'lost' as const } },
      path,
    })
    const disk = at('disk', '/data', 'survives')
    const scratch = at('scratch', '/nvme', 'lost')
    const tiers = [at('system', '/', 'lost'), disk, scratch]
    const place = (path: string, mountPoint: string, mountType = 'ext4') => ({
      path,
      tier: tierAt(tiers, path, mountPoint),
      mountType,
    })
    const judge = (where: ReturnType<typeof place>) => judgeCheckpointTier(rented, disk.tier, '/data', where)
    expect(judge(place('/data', '/data'))).toMatchObject({
      result: 'pass',
      detail: expect.arrayContaining(['stop: kept']),
    })
    expect(judge(place('/nvme/x', '/nvme'))).toMatchObject({
      result: 'fail',
      summary: expect.stringContaining('/data, really /nvme/x on tier scratch'),
      detail: expect.arrayContaining(['stop: lost']),
    })
    expect(judge(place('/data', '/data', 'tmpfs')).result).toBe('fail')
    // Another disk below a tier is not that tier.
    expect(tierAt(tiers, '/mnt/x', '/mnt')).toBeNull()
    expect(judge(place('/mnt/x', '/mnt')).summary).toMatch(/no tier of the profile/)
    expect(tierAt(tiers, '/opt', '/')?.id).toBe('system')
  })

  it('takes a link into nothing and a read-only mount for no room', () => {
    const mount = (isReadOnly: boolean) => known({ point: '/d', type: 'ext4', source: 'x', isReadOnly, device: '1:1' })
    const real = (state: 'there' | 'dangling', path: string) => known({ state, path })
    const of = (more: object) => judgeBytes([{ ...space(disk(10), inodes(1)), ...more }])
    expect(of({ real: real('there', '/mnt/x'), mount: mount(false) })).toMatchObject({
      result: 'pass',
      summary: expect.stringContaining('/d, really /mnt/x, on /d (ext4)'),
    })
    expect(of({ real: real('dangling', '/mnt/x') }).result).toBe('fail')
    expect(of({ mount: mount(true) }).result).toBe('fail')
  })

  it('sees the region of shared storage by its mount', () => {
    const profile = { platform: 'p', sharedFileSystem: { path: '/shared', regionLocked: true } }
    const at = (point: string, type: string, state: 'there' | 'missing' = 'there') => ({
      path: '/shared',
      real: known({ state, path: '/shared' }),
      mount: known({ point, type, source: 'srv:/x', isReadOnly: false, device: '1:1' }),
    })
    const judge = (where: ReturnType<typeof at> | null) => judgeRegionLock(profile, where).result
    expect(judge(at('/shared', 'nfs4'))).toBe('pass')
    expect(judge(at('/shared', 'fuse.juicefs'))).toBe('pass')
    expect(judge(at('/shared', 'ext4'))).toBe('unknown')
    expect(judge(at('/', 'overlay'))).toBe('fail')
    expect(judge(at('/', 'overlay', 'missing'))).toBe('fail')
    expect(judge(null)).toBe('unknown')
    expect(judgeRegionLock({ ...profile, sharedFileSystem: { path: null, regionLocked: false } }, null).result).toBe(
      'not-applicable',
    )
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

describe('limits, name and sessions', () => {
  const limits = { openFiles: known(4096), processes: known(1000), lockedBytes: known('none' as const) }
  const noGroup = { limit: unknown('none'), current: unknown('none') }

  it('weighs processes and threads with their control group', () => {
    expect(judgeLimits(limits, noGroup, 2, 4).result).toBe('pass')
    expect(judgeLimits({ ...limits, openFiles: known(256) }, noGroup, 2, 4).result).toBe('fail')
    expect(judgeLimits({ ...limits, processes: known(70) }, noGroup, 2, 4).result).toBe('fail')
    expect(judgeLimits(limits, { limit: known(200), current: known(190) }, 2, 4).result).toBe('fail')
    expect(judgeLimits(limits, { limit: known(200), current: known(10) }, 2, 4).result).toBe('pass')
    expect(judgeLimits(limits, { limit: known('none'), current: known(10) }, 2, 4).result).toBe('pass')
    expect(judgeLimits({ ...limits, processes: unknown('cut') }, noGroup, 2, 4).result).toBe('unknown')
  })

  it('knows a rented machine by its name', () => {
    expect(judgeBoxName({ kind: 'ssh' }, 'cpcv', ['box']).result).toBe('not-applicable')
    expect(judgeBoxName({ kind: 'ssh-rental' }, 'cpcv', ['box', 'a1b2']).result).toBe('fail')
    expect(judgeBoxName({ kind: 'ssh-rental' }, 'cpcv', ['cpcv-train-20260901', 'a1b2']).result).toBe('pass')
    expect(judgeBoxName({ kind: 'ssh-rental' }, 'cpcv', ['other-train-20260901']).result).toBe('fail')
    expect(judgeBoxName({ kind: 'ssh-rental' }, 'cpcv', ['cpcv-train-20261391']).result).toBe('fail')
  })

  it('counts what ran at once', () => {
    const at = (...pairs: (readonly [number, number])[]) =>
      mostAtOnce(pairs.map(([began, ended]) => ({ began, ended })))
    expect(at([0, 1], [0.2, 1.2], [0.3, 1.3])).toBe(3)
    expect(at([0, 1], [1, 2], [2, 3])).toBe(1)
    expect(at()).toBe(0)
    expect(judgeSessions(known(2), 6).result).toBe('fail')
    expect(judgeSessions(known(6), 6).result).toBe('pass')
    expect(judgeSessions(unknown('x'), 6).result).toBe('unknown')
  })
})

describe('environment', () => {
  const plan = (more: object = {}) => planSchema.parse({ ...smallPlan, ...more })
  const mirrors = { environment: { HF_ENDPOINT: 'https://m', HF_HUB_DISABLE_XET: '1' }, order: ['m'], notes: [] }

  it('wants every mirror variable where the profile needs one', () => {
    const judge = (needed: 'yes' | 'no' | 'depends', more: object = {}) =>
      judgeMirrors({ ...localProfile, chinaMirrorNeeded: needed, mirrors }, plan(more)).result
    const set = { environmentVariables: { HF_ENDPOINT: 'https://m' } }
    expect(judge('no')).toBe('not-applicable')
    expect(judge('yes')).toBe('fail')
    expect(judge('yes', set)).toBe('fail')
    expect(judge('yes', { environmentVariables: { HF_ENDPOINT: 'x', HF_HUB_DISABLE_XET: '1' } })).toBe('pass')
    expect(judge('depends')).toBe('not-applicable')
    expect(judge('depends', { data: [{ uri: 'https://huggingface.co/x' }] })).toBe('unknown')
    expect(judge('depends', { ...set, data: [{ uri: 'https://huggingface.co/x' }] })).toBe('pass')
  })

  it('leaves the torch of an image alone', () => {
    const image = { ...localProfile, launch: { ...localProfile.launch, interpreter: '/root/miniconda3/bin/python' } }
    const judge = (profile: typeof image, more: object, facts: object) =>
      judgeEnvironment({ profile, plan: plan(more), interpreter: null, said: null, requirements: null, ...facts })
        .result
    const uv = { environment: { kind: 'uv', requirements: 'r.txt' } }
    expect(judge(image, uv, { requirements: 'numpy==1.26.4\n' })).toBe('pass')
    expect(judge(image, uv, { requirements: 'numpy==1.26.4\ntorch==2.7.0\n' })).toBe('fail')
    expect(judge(image, uv, { requirements: 'torchmetrics==1.4.0\n' })).toBe('pass')
    expect(judge(image, uv, {})).toBe('unknown')
    expect(judge(image, {}, { interpreter: '/usr/bin/python3', said: 'Python 3.12' })).toBe('fail')
    expect(judge(image, {}, { interpreter: '/root/miniconda3/bin/python', said: 'Python 3.12' })).toBe('pass')
    expect(judge(image, {}, {})).toBe('fail')
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
    const driver = (ofRun: string | null, profileMaximum: string | null = null, takes?: string, compiler?: string) => {
      const verdict = judgeGpuDriver(
        gpus,
        {
          ofRun,
          ofDriver: takes === undefined ? unknown('not said') : known(takes),
          ofToolkit: compiler === undefined ? 'none' : known(compiler),
        },
        profileMaximum,
      )
      return [verdict.result, verdict.severity ?? 'error']
    }
    expect(driver('12.4')[0]).toBe('fail')
    expect(driver('11.8')[0]).toBe('pass')
    expect(driver('11.8', '11.2')[0]).toBe('fail')
    expect(driver('11.8', null, '11.4')[0]).toBe('pass')
    expect(driver('14.0')[0]).toBe('unknown')
    expect(driver('14.0', null, '11.4')[0]).toBe('fail')
    expect(driver('11.8', null, '11.4', '11.2')[0]).toBe('pass')
    expect(driver('11.8', null, '11.4', '12.4')).toEqual(['fail', 'warn'])
    const said = (more: object) =>
      parseInterpreter(
        `noise\nkx-interpreter ${JSON.stringify({ executable: '/p', python: '3.12', torch: '2.7', cuda: '12.8', available: true, devices: [['A100', 1, '8.0', 1, null]], architectures: ['sm_80', 'sm_90'], ...more })}\n`,
      )
    const facts = said({})
    if (facts === null) throw new Error('must be read')
    expect(judgeInterpreter(known(facts), 1).result).toBe('pass')
    expect(judgeInterpreter(known(facts), 2).result).toBe('fail')
    const devices = (device: readonly unknown[]) => {
      const found = said({ devices: [device] })
      if (found === null) throw new Error('must be read')
      return judgeInterpreter(known(found), 1)
    }
    expect(devices(['A100', 1, '8.0', 1, 'CUDA error: out of memory'])).toMatchObject({
      result: 'fail',
      summary: expect.stringContaining('out of memory'),
    })
    // Seen is not yet used: without the answer of the memory nothing is known.
    expect(devices(['A100', 1, '8.0']).result).toBe('unknown')
    expect(judgeInterpreter(known({ ...facts, isAvailable: false, cuda: null }), 1).summary).toMatch(/CPU-only/)
    expect(judgeCapability(known(facts)).result).toBe('pass')
    expect(judgeCapability(known({ ...facts, architectures: ['sm_90'] })).result).toBe('fail')
    expect(judgeCapability(known({ ...facts, architectures: ['compute_70'] })).result).toBe('pass')
    for (const text of ['', 'kx-interpreter {', 'kx-interpreter []', 'kx-interpreter {"available": 1}'])
      expect(parseInterpreter(text)).toBeNull()
  })

  it('names who is on a card, and says what cannot be seen', () => {
    const gpus = (used: string) => parseGpus(line({ 'memory.used': used }))
    const listed = known([{ gpuUuid: 'GPU-1', pid: known(77), name: 'python', usedMiB: known(500) }])
    const pids = (isFirstNamespace: boolean | null, ...list: number[]) =>
      known({ pids: new Set(list), isFirstNamespace, isWhole: list.includes(1) })
    const held = (command: string) => ({
      hidden: 0,
      found: [
        {
          card: 0,
          stat: { pid: 9, command, state: 'S', parent: 1, group: 9, session: 9, cpuTicks: 0, startTicks: 5 },
        },
      ],
    })
    const nobody = known({ hidden: 0, found: [] })
    const judge = (used: string, processes: typeof listed | ReturnType<typeof known<readonly never[]>>, seen: object) =>
      judgeGpuFree(gpus(used), processes, { holders: 'none', processes: pids(true, 1), ...seen })
    expect(judge('3', known([]), {}).result).toBe('pass')
    expect(judge('3', listed, { processes: pids(true, 1, 77) }).summary).toMatch(/pid 77 python 500 MiB$/)
    expect(judge('3', listed, { processes: pids(true, 1) }).summary).toMatch(/zombie/)
    expect(judge('3', listed, { processes: pids(false, 1) }).summary).toMatch(/outside/)
    // With hidepid a process that is not in the list may well run.
    expect(judge('3', listed, { processes: pids(true, 8) }).summary).toMatch(/hidden from this user/)
    expect(judge('9000', known([]), { holders: nobody, processes: pids(true, 8) }).summary).toMatch(/hidden/)
    // Memory that the driver gives nobody's name for.
    expect(judge('9000', known([]), { holders: known(held('python')) }).summary).toMatch(/process 9 \(python/)
    expect(judge('9000', known([]), { holders: nobody }).summary).toMatch(/zombie holds it/)
    expect(judge('9000', known([]), { holders: nobody, processes: pids(false, 1) }).summary).toMatch(/outside/)
    expect(judge('9000', known([]), { holders: known({ hidden: 3, found: [] }) }).summary).toMatch(/3 processes hidden/)
    expect(judge('9000', known([]), {}).result).toBe('fail')
    expect(judge('3', known([]), { holders: known(held('python')) })).toMatchObject({
      result: 'fail',
      severity: 'warn',
    })
    expect(judge('3', known([]), { holders: known(held('nvidia-persiste')) }).result).toBe('pass')
    expect(judgeGpuFree(gpus('3'), unknown('hung'), { holders: 'none', processes: unknown('') }).result).toBe('unknown')
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
