import type { UnitState } from '../../../src/engine/types.ts'
import type { Observation, UnitRow } from '../../../src/patrol/types.ts'
import type { LoadedPlan } from '../../../src/run/act.ts'
import { livenessOf } from '../../../src/run/reader.ts'
import type { RunState } from '../../../src/run/types.ts'
import { createLogFollower, type ReadBytes, type ShownLog } from '../../../src/session/log-follower.ts'
import type { PlanView, Shelves } from '../../../src/session/view.ts'
import type { Standings } from '../../../src/session/workspace.ts'
import { parsePlan } from '../../../src/spec/parse.ts'
import { expandUnits } from '../../../src/spec/units.ts'
import type { CheckedItem, Gate, Result, Severity } from '../../../src/walk/item.ts'
import type { Digests, HostIdentity, Proof, ProofKind } from '../../../src/walk/proof.ts'
import { phaseStates } from '../../../src/walk/rail.ts'
import { staleness } from '../../../src/walk/staleness.ts'

/** A run at every stage of its walk, as screens see it: the same for ever, so that what is drawn can be compared. */
export const stages = [
  'loading',
  'no-plan',
  'bad-plan',
  'fresh',
  'planned',
  'plan-changed',
  'smoked',
  'approved',
  'launched',
  'running',
  'stale',
  'unknown',
  'failed',
  'gpu',
  'finished',
  'verified',
  'torn-down',
] as const
export type Stage = (typeof stages)[number]

export const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0)
const minute = 60_000
const startMs = nowMs - 30 * minute

const planText = `version: 1
name: cpcv-wdbc
goal: Show that a small network tells malignant from benign tumours on unseen groups of patients, test accuracy at least 0.93 on average.
metrics:
  - { name: test_acc, direction: higher, chance: 0.627, target: 0.93, primary: true }
  - { name: loss, direction: lower }
command: [node, train.mjs, --split, "{index}"]
units:
  cpcv: { groups: 10, choose: 2 }
environment: { kind: system, interpreter: node }
data:
  - { path: data/wdbc.csv, bytes: 120351, sha256: 5c42141e8fef2577ca1604424d8057dafcf17cb69805ec15f9ec1df81d431179 }
resources: { compute: cpu, workers: 2, threadsPerWorker: 1, memoryBytes: 400000000, diskBytes: 50000000 }
checkpoints: { bytes: 67000, count: 90 }
artifacts:
  - { glob: "units/*/result.json", minimumCount: 45, kind: json }
hosts: [local]
profiles: [local]
abort: { nan: true, belowChanceAfterUnits: 2, wallHours: 1, idleMinutes: 10 }
budget: { usd: 0, hours: 2 }
tracking: { kind: plain }
seed: 20
`

const digests: Digests = {
  plan: '2b1c7162e63932c8f5a5fc0f66d706d70f247f24352f50d7daac9c8d8e18c810',
  code: 'e9ed31ee354e0cd1a1e72b779a04b98be03842a366df7ae8f9dae74efc792979',
  config: '1b917bacc9a3d9bd35e2868caf2aa5213caf265335dd1a4333a1a3b115088457',
  data: '92f07cfd329a2168bde4eb2c6d36ac19d1eefaaa5a3e77bdcbe391f838ef3ac4',
}
const host: HostIdentity = {
  host: 'local',
  hostname: 'vm',
  machineId: '3d1219c7c4c5',
  bootId: '0f0f0f0f-1111-2222-3333-444444444444',
  user: '0',
}
const runId = '20261122-1130-cpcv-wdbc-1bf4'

function loadedPlan(): LoadedPlan {
  const parsed = parsePlan(planText, 'kx.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const { plan } = parsed
  return {
    plan,
    units: expandUnits(plan),
    file: '/home/ada/cpcv/kx.yaml',
    text: null,
    projectFolder: '/home/ada/cpcv',
    digests,
    code: [{ path: 'train.mjs', bytes: 9801, sha256: 'ab'.repeat(32), mode: 0o644 }],
  }
}
const loaded = loadedPlan()

const words: readonly (readonly [string, Result, Severity, string, string])[] = [
  ['answers', 'pass', 'error', 'The host answers', 'answers as vm'],
  ['identity', 'pass', 'error', 'It is known which machine answers', 'vm, machine 3d1219c7c4c5, boot 0f0f0f0f'],
  [
    'bytes',
    'pass',
    'error',
    'Free bytes on each tier',
    'boxes /home/ada/.local/share/kx/boxes: 79.1 GiB free of 100 GiB',
  ],
  ['room', 'unknown', 'info', 'What takes the room', 'du gave no figures'],
  ['tasks', 'fail', 'warn', 'Build, test and run are named tasks', 'no Makefile, justfile or package scripts here'],
  ['wide', 'pass', 'warn', 'Wide 日本語 names and é accents are shown whole', 'データ/学習.csv, 12 files'],
  ['gpu', 'not-applicable', 'error', 'The GPUs are free of processes of others', 'the plan asks for no GPU'],
  ['long', 'pass', 'info', `A title ${'that goes on '.repeat(8)}`.trim(), 'its evidence '.repeat(20).trim()],
]

function itemsOf(gate: Gate, phase: string, atMs: number, worst: Result = 'pass'): CheckedItem[] {
  const first: CheckedItem = {
    id: `${phase}.first`,
    title: `What ${phase} asks first`,
    gate,
    severity: 'error',
    how: 'auto',
    result: worst,
    ...(worst === 'pass' ? {} : { reason: 'it did not say why', fix: 'Look at the output and do it again.' }),
    evidence: { summary: 'seen', command: 'uname -a', exitCode: 0, atMs, detail: ['Linux vm 6.1'] },
  }
  return [
    first,
    ...words.map(
      ([id, result, severity, title, summary]): CheckedItem => ({
        id: `${phase}.${id}`,
        title,
        gate,
        severity,
        how: id === 'tasks' ? 'both' : 'auto',
        result,
        ...(result === 'pass' ? {} : { reason: summary }),
        evidence: { summary, atMs },
      }),
    ),
  ]
}

let made = 0
function proof(
  kind: ProofKind,
  phase: Proof['phase'],
  atMs: number,
  payload: unknown,
  more: Partial<Proof> = {},
  gate: Gate = phase as Gate,
): Proof {
  made += 1
  return {
    id: `${kind}-${made}`,
    kind,
    phase,
    atMs,
    host,
    boundTo: digests,
    needs: [],
    items: itemsOf(gate, phase, atMs),
    payload,
    ...more,
  }
}

const folder = `/home/ada/.local/share/kx/boxes/${runId}`
const handle = {
  token: `kx-${runId}-launch-1`,
  folder,
  runner: 'runner-02a3d8b3ba37.sh',
  detach: 'tmux' as const,
  label: `kx-${runId}`,
  process: { pid: 4242, startTicks: 123456, bootId: '0f0f0f0f-1111-2222-3333-444444444444' },
}
const priced = {
  platform: 'local',
  machineClass: 'cpu-x86_64-2c',
  unitCount: 45,
  workers: 2,
  hoursP50: 0.0193,
  hoursP90: 0.0289,
  isP90Assumed: false,
  lowerBoundHours: 0.0187,
  stepSamples: 294,
  unitSamples: 1,
  basis: '294 step samples (median 0.008 s, p90 0.013 s) x 300 steps; 45 units on 2 workers',
  usdPerHour: 0,
  usdP50: 0,
  usdP90: 0,
  priceSource: 'own machine, nobody bills by the hour',
  priceAtMs: startMs - 20 * 86_400_000,
  capUsd: 0,
  capHours: 2,
  leaseHours: 0.0433,
  meters: [{ what: 'This machine', usdPerHour: 0, note: 'own machine, nobody bills by the hour' }],
  verbs: [
    {
      verb: 'none',
      stops: 'nothing, because no meter runs',
      stillBills: 'nothing',
      dies: 'nothing',
      isReversible: true,
    },
    {
      verb: 'remove box folder',
      stops: 'nothing; it frees disk space',
      stillBills: 'nothing',
      dies: "the run's folder under the data tier, with checkpoints, logs and everything that was not pulled",
      isReversible: false,
    },
  ],
  park: 'none: nothing to park',
  disk: { needBytes: 6_077_128, checkpointBytes: 67_000, isMeasured: true },
}
const smoke = {
  unitSeconds: [3.01],
  stepSeconds: Array.from({ length: 294 }, (_, i) => 0.008 + (i % 7) / 1000),
  stepsPerUnit: 300,
  peakRssBytes: 67_096_576,
  checkpointBytes: 66_012,
  checkpointSeconds: null,
  units: ['split-00-01'],
  machineClass: 'cpu-x86_64-2c',
  droppedSteps: 3,
  resume: { killedAtStep: 25, resumedAtStep: 26 },
  unitSha256: 'cd'.repeat(32),
  folder: '/tmp/smoke',
}

function proofsUpTo(stage: Stage): Proof[] {
  const at = stages.indexOf(stage)
  const reached = (wanted: Stage) => at >= stages.indexOf(wanted)
  if (!reached('planned')) return []
  made = 0
  const plan = proof('PlanDigest', 'plan', startMs, {})
  const proofs = [stage === 'plan-changed' ? { ...plan, boundTo: { ...digests, code: 'ff'.repeat(32) } } : plan]
  const add = (...args: Parameters<typeof proof>) => {
    const next = proof(...args)
    proofs.push(next)
    return next
  }
  if (!reached('smoked')) return proofs
  const rests = (p: Proof) => ({ needs: [p.id] })
  add('AuditReport', 'audit', startMs + minute, {}, rests(plan), 'audit/box')
  const smoked = add('SmokeProof', 'smoke', startMs + 2 * minute, smoke, rests(plan))
  if (!reached('approved')) return proofs
  const cost = add('PricedPlan', 'cost', startMs + 3 * minute, priced, rests(smoked))
  const approval = add(
    'Approval',
    'cost',
    startMs + 4 * minute,
    {
      pricedPlanId: cost.id,
      by: 'ada',
      expiresAtMs: nowMs + 86_400_000,
      hoursP90: 0.0289,
      usdP90: 0,
      usdPerHour: 0,
      priceSource: priced.priceSource,
      capUsd: 0,
      capHours: 2,
      leaseHours: 0.0433,
    },
    { ...rests(cost), expiresAtMs: nowMs + 86_400_000, items: [] },
  )
  if (!reached('launched')) return proofs
  const receipt = add(
    'Receipt',
    'launch',
    startMs + 5 * minute,
    {
      runId,
      token: handle.token,
      attempt: 1,
      handle,
      folder,
      workers: 2,
      gpus: [],
      detach: 'tmux',
      startedAtMs: startMs + 5 * minute,
      leaseUntilMs: null,
      runConfigSha256: 'ef'.repeat(32),
      unitSha256: 'cd'.repeat(32),
      resumed: false,
      firstSign: { kind: 'step', unit: 'split-00-01', afterSeconds: 0.6 },
    },
    rests(approval),
  )
  if (!reached('finished')) return proofs
  const outcome = add('Outcome', 'patrol', startMs + 8 * minute, { state: 'finished' }, rests(receipt))
  if (!reached('verified')) return proofs
  const verified = add(
    'VerifiedManifest',
    'teardown',
    startMs + 10 * minute,
    {
      runId,
      folder,
      manifestSha256: 'c0edfa9a0542ddc2b74621812e5853dd79f56c14552ca7e271220ad6dab93fee',
      totals: { expected: 93, found: 93, copied: 0, whole: 93, verified: 93, bytes: 1_766_650 },
      accepted: 93,
      patterns: [
        ['units/*/result.json', 'json', 45],
        ['units/*/metrics.jsonl', 'jsonl', 45],
        ['metrics.json', 'json', 1],
        ['checkpoint.json', 'json', 1],
        ['env_fingerprint.json', 'json', 1],
      ].map(([glob, kind, n]) => ({
        ...{ glob, kind, minimumBytes: 1, declared: n, found: n, verified: n, missing: 0 },
        bytes: Number(n) * 18_996,
      })),
      missing: [],
      waived: [],
      box: { files: 210, bytes: 9_000_000 },
      consequences: ['210 files, 8.6 MiB in the box folder die.', 'What was pulled survives in .kx/runs.'],
    },
    rests(outcome),
    'teardown/verify',
  )
  if (!reached('torn-down')) return proofs
  add(
    'MeterStopped',
    'teardown',
    startMs + 12 * minute,
    {
      runId,
      folder,
      permitId: 'permit-1',
      manifestSha256: 'c0ed',
      verified: 93,
      of: 93,
      verb: 'remove box folder',
      seenGoneAtMs: [startMs + 12 * minute, startMs + 12 * minute + 2000],
      lastAnswer: 'no such folder',
      hours: 0.039,
      usd: 0,
    },
    rests(verified),
    'teardown/permit',
  )
  return proofs
}

const unitStates: Readonly<Partial<Record<Stage, (index: number) => UnitState>>> = {
  running: (i) => (i < 12 ? 'done' : i < 14 ? 'running' : 'queued'),
  failed: (i) => (i < 9 ? 'done' : i < 11 ? 'failed' : i === 11 ? 'aborted' : i === 12 ? 'unknown' : 'queued'),
}

function unitRow(stage: Stage, unit: string, index: number, seenAtMs: number): UnitRow {
  const isOver = stages.indexOf(stage) >= stages.indexOf('finished')
  const state = isOver ? 'done' : (unitStates[stage === 'failed' ? 'failed' : 'running']?.(index) ?? 'queued')
  const hasRun = state !== 'queued' && state !== 'unknown'
  return {
    unit,
    index,
    state,
    worker: hasRun ? (index % 2) + 1 : null,
    attempt: index === 3 ? 2 : 1,
    seconds: hasRun ? 3 + (index % 5) / 3 : null,
    exitCode: state === 'done' ? 0 : state === 'failed' ? 137 : state === 'aborted' ? 143 : null,
    step: state === 'running' ? 117 : null,
    steps: state === 'running' ? 300 : null,
    metric: state === 'done' ? 0.93 + (index % 9) / 150 : null,
    nanCount: state === 'failed' ? 3 : 0,
    etaSeconds: state === 'running' ? (index % 2 === 0 ? 2.57 : null) : null,
    logBytes: hasRun ? 600 + index : null,
    lastWriteMs: hasRun ? seenAtMs - 3000 : null,
  }
}

function gpus(): Observation['gpu'] {
  return {
    kind: 'known',
    atMs: nowMs - 2000,
    lost: ['GPU 7 is lost: unable to determine the device handle'],
    xids: [79],
    processes: [{ pid: 4300, name: 'python3', usedMiB: 40_000 }],
    gpus: Array.from({ length: 8 }, (_, index) => ({
      index,
      uuid: `GPU-${index}`,
      name: 'NVIDIA H100 80GB HBM3',
      utilisationPercent: index === 7 ? null : 80 + index,
      memoryBusPercent: null,
      memoryTotalMiB: 81_559,
      memoryUsedMiB: index === 7 ? null : 40_000 + index * 5500,
      temperatureCelsius: index === 7 ? null : 60 + index,
      powerWatts: index === 7 ? null : 500 + index,
      powerLimitWatts: 700,
      smClockMHz: index === 7 ? null : 1500,
      smClockMaxMHz: 1980,
      isSlowedByHardware: index === 3,
    })),
  }
}

function observation(stage: Stage): Observation | null {
  if (stages.indexOf(stage) < stages.indexOf('running')) return null
  const isOver = stages.indexOf(stage) >= stages.indexOf('finished')
  const ageMs = stage === 'stale' ? 42_000 : stage === 'unknown' ? 21 * minute : isOver ? 22 * minute : 2000
  const atMs = nowMs - ageMs
  const units = loaded.units.map((u) => unitRow(stage, u.id, u.index, atMs))
  const counts = { queued: 0, running: 0, done: 0, failed: 0, aborted: 0, unknown: 0 }
  for (const u of units) counts[u.state] += 1
  const state = isOver ? 'finished' : stage === 'failed' ? 'dead' : 'running'
  const disk = (tier: string, more: Partial<Observation['disks'][number]>) => ({
    tier,
    path: `/home/ada/${tier}`,
    survives: { reboot: 'survives', stop: 'survives', destroy: tier === 'boxes' ? 'lost' : 'survives' } as const,
    atMs,
    totalBytes: 107_374_182_400,
    usedBytes: 20_000_000_000,
    freeBytes: 84_987_000_000,
    usedFraction: 0.19,
    totalInodes: 16_000_000,
    usedInodes: 416_000,
    freeInodes: 15_584_000,
    growthBytesPerSecond: 20_000,
    growthInodesPerSecond: null,
    secondsToFull: 4_249_350,
    growthSamples: 20,
    reason: null,
    ...more,
  })
  return {
    v: 1,
    atMs,
    state,
    unitsDone: counts.done,
    unitsTotal: 45,
    host: 'local',
    sinceMs: startMs + 5 * minute,
    reasons: [
      isOver ? 'completed: 45 of 45 units' : state === 'dead' ? 'no process and no exit file' : 'the runner works',
    ],
    isSuspect: false,
    deadSinceMs: state === 'dead' ? atMs - minute : null,
    signals: {
      isProcessAlive: state === 'running',
      isSameBoot: true,
      isSameMachine: true,
      heartbeatAgeSeconds: 2,
      exit: null,
      newestWriteAgeSeconds: 3,
      stalledAfterSeconds: 60,
      unitsDone: counts.done,
      unitsTotal: 45,
      unitsRunning: counts.running,
      cpuFraction: 0.97,
      gpuPercent: null,
      provider: 'up',
      elapsedSeconds: 60,
      expectedSeconds: 100,
    },
    engineState: 'running',
    counts,
    units,
    metricName: 'test_acc',
    eta: state === 'running' ? { secondsP50: 109, secondsP90: 140, samples: 12 } : null,
    disks: [
      disk('boxes', stage === 'failed' ? { usedFraction: 0.97, freeBytes: 3_000_000_000, secondsToFull: 1800 } : {}),
      disk('home', {
        usedBytes: null,
        freeBytes: null,
        usedFraction: null,
        usedInodes: null,
        growthBytesPerSecond: null,
        secondsToFull: null,
        growthSamples: 0,
        reason: 'df did not answer in time',
      }),
    ],
    machine: {
      atMs,
      cores: 2,
      cpuFraction: stage === 'failed' ? null : 0.97,
      load1: 3.31,
      memoryTotalBytes: 25_236_000_000,
      memoryAvailableBytes: 23_900_000_000,
      memoryLimitBytes: stage === 'gpu' ? 8_000_000_000 : 'none',
      memoryWorkingBytes: 7_700_000_000,
      oomKills: stage === 'failed' ? 1 : 0,
      oomScope: 'group',
      skewSeconds: 0,
    },
    gpu: stage === 'gpu' ? gpus() : { kind: 'none', atMs },
    crashes: [],
    startedAtMs: startMs + 5 * minute,
    endedAtMs: null,
    troubles: stage === 'failed' ? ['the kernel log could not be read'] : [],
    probeSeconds: 0.1,
    openFindings: { error: 0, warn: 0, info: 0 },
    decision: state === 'running' ? 'running' : 'done',
    exitCode: 0,
  }
}

function findings(stage: Stage): RunState['findings'] {
  if (stages.indexOf(stage) < stages.indexOf('running')) return []
  const slow = Array.from({ length: stage === 'running' ? 2 : 21 }, (_, i) => ({
    findingId: `slow-${i}`,
    rule: 'unit-slow',
    severity: i === 20 ? ('error' as const) : ('warn' as const),
    class: 'hardware' as const,
    text: `${loaded.units[i]?.id} takes ${2 + (i % 3)} times as long as expected`,
    evidence: '6 s against 3 s',
    remedy: 'Look whether it advances; a noisy neighbour or a slower clock shows beside it.',
    recipe: 'slow-unit',
    unit: loaded.units[i]?.id ?? '',
    openedAtMs: nowMs - (i + 1) * minute,
    closedAtMs: i === 5 ? nowMs - minute : null,
    acknowledgedBy: i === 1 ? 'ada' : null,
  }))
  const nan = {
    findingId: 'nan-1',
    rule: 'nan',
    severity: 'error' as const,
    class: 'bug' as const,
    text: 'split-01-03 wrote NaN',
    evidence: 'step 40: loss NaN',
    remedy: 'Stop and read: lower the learning rate or look at the data.',
    recipe: '',
    unit: 'split-01-03',
    openedAtMs: nowMs - 90_000,
    closedAtMs: null,
    acknowledgedBy: null,
  }
  return stage === 'failed' ? [...slow, nan] : slow
}

function cellsOf(stage: Stage): RunState['cells'] {
  const titles = ['Check the plan', 'Audit the host', 'Run the smoke', 'Price the plan', 'Launch']
  return titles.slice(0, Math.max(1, stages.indexOf(stage) - 2)).map((title, i) => ({
    started: {
      cellId: `cell-${i}`,
      name: title,
      title,
      sourceSha256: 'aa'.repeat(32),
      args: {},
      risk: 'read',
      dryRun: false,
      who: 'ada',
      via: 'key',
      host,
    },
    startedAtMs: startMs + i * minute,
    ended:
      i === 4 && stage === 'unknown'
        ? null
        : {
            cellId: `cell-${i}`,
            state: i === 1 ? 'failed' : 'done',
            durationMs: 1234 + i * 40_000,
            exitCode: 0,
            signal: null,
            cause: null,
            process: null,
            stdoutBytes: 100,
            stderrBytes: 0,
            truncated: false,
            outputFile: 'output.log',
            redactions: 0,
            probe: null,
            approvedBy: null,
            proofId: null,
            summary: `${title}: 23 passed, 22 n/a`,
          },
  }))
}

function runAt(stage: Stage): RunState | null {
  if (stages.indexOf(stage) < stages.indexOf('fresh')) return null
  const proofs = proofsUpTo(stage)
  const o = observation(stage)
  return {
    runId,
    created: {
      runId,
      project: 'cpcv',
      planName: 'cpcv-wdbc',
      projectFolder: '/home/ada/cpcv',
      by: 'ada',
      planSha256: digests.plan ?? '',
    } as unknown as RunState['created'],
    createdAtMs: startMs,
    isArchived: false,
    sequence: 40,
    fence: 1,
    warnings: [],
    proofs,
    latest: Object.fromEntries(proofs.map((p) => [p.kind, p])),
    overrides:
      stage === 'approved'
        ? { 'plan.tasks': { itemId: 'plan.tasks', reason: 'one script is enough here', by: 'ada', atMs: startMs } }
        : {},
    cells: cellsOf(stage),
    intents:
      stage === 'approved'
        ? [
            {
              intentId: 'intent-1',
              act: 'launch',
              token: handle.token,
              host,
              payload: {},
              atMs: nowMs - 5 * minute,
              closed: null,
            } as unknown as RunState['intents'][number],
          ]
        : [],
    observation: o === null ? null : { atMs: o.atMs, payload: o },
    findings: findings(stage),
    meters:
      o === null || stage === 'torn-down'
        ? []
        : [
            {
              meterId: 'meter-1',
              what: 'This machine',
              host: 'local',
              usdPerHour: stage === 'unknown' ? null : 1.2,
              openedAtMs: startMs + 5 * minute,
              leaseUntilMs: nowMs - minute,
              closedAtMs: null,
              closedBecause: null,
            },
          ],
    leaseExtensions: [],
    guardActs: [],
    notes: [],
  }
}

function planAt(stage: Stage): PlanView {
  if (stage === 'loading') return { status: 'loading' }
  if (stage === 'no-plan') return { status: 'none', file: 'kx.yaml' }
  if (stage === 'bad-plan')
    return {
      status: 'bad',
      file: '/home/ada/cpcv/kx.yaml',
      problems: [
        'kx.yaml:4:3 metrics[0].direction: expected higher or lower, found "up"',
        'kx.yaml:9 unknown key unit, is it units?',
      ],
    }
  return { status: 'ok', loaded, readAtMs: startMs }
}

/** A log as the follower holds it, of `lines` lines and one that is not ended. */
async function logOf(lines: number, pending: string): Promise<ShownLog> {
  const text = `${Array.from({ length: lines }, (_, i) => `epoch ${i + 1}/300 loss ${(1 / (i + 1)).toFixed(4)} 学習`).join('\n')}\n${pending}`
  const bytes = Buffer.from(text)
  const read: ReadBytes = async (offset, length) => ({
    bytes: bytes.subarray(offset, offset + length),
    size: bytes.length,
  })
  return createLogFollower(null).look(read)
}

const reportText = `# Report of ${runId}

**confirmed** by the plan's own criteria. A person decides.

| metric | better | mean | n |
|---|---|---|---|
| test_acc (primary) | higher | 0.9715 ± 0.01312 | 45 of 45 |
| loss | lower | none, and this cell says at some length why there is nothing to be said about it | 0 of 45 |

- val_acc in split-00-02: ▁█████▇▇▇
`

async function shelvesAt(stage: Stage): Promise<Shelves> {
  const isEmpty = stage === 'loading'
  const isRun = stages.indexOf(stage) >= stages.indexOf('running')
  const states = ['running', 'finished', 'torn down', 'stalled', 'dead', 'unknown', 'planned']
  return {
    home: isEmpty
      ? null
      : {
          runs:
            stage === 'no-plan'
              ? []
              : states.map((state, i) => ({
                  runId: i === 0 ? runId : `2026112${i}-0915-other-plan-00${i}0`,
                  project: i === 5 ? 'プロジェクト' : `project-${i}`,
                  projectFolder: '/home/ada/cpcv',
                  name: 'cpcv-wdbc',
                  state,
                  progress: state === 'planned' ? '' : `${i * 5}/45`,
                  seenAtMs: state === 'planned' ? null : nowMs - i * 17 * minute,
                  usdPerHour: state === 'unknown' ? null : i === 0 ? 1.2 : 0,
                  openFindings: i === 4 ? 3 : 0,
                  isArchived: false,
                  reason: state === 'unknown' ? 'Not looked at for 85 min.' : null,
                })),
          meters:
            stage === 'no-plan'
              ? []
              : [
                  {
                    meterId: 'm1',
                    what: 'gpu_1x_h100',
                    host: 'box-1',
                    runId,
                    usdPerHour: 2.49,
                    openedAtMs: startMs,
                    leaseUntilMs: nowMs + 7_200_000,
                  },
                  {
                    meterId: 'm2',
                    what: 'volume',
                    host: 'box-1',
                    runId,
                    usdPerHour: null,
                    openedAtMs: startMs,
                    leaseUntilMs: null,
                  },
                ],
          warnings: stage === 'failed' ? ['index line 7 could not be read and was left out'] : [],
        },
    checklists: isEmpty
      ? null
      : [
          {
            file: 'scale.md',
            title: 'Going to large scale',
            problem: null,
            tasks: words.map(([id, , , title], i) => ({
              line: i,
              depth: i % 2,
              isTicked: i % 3 === 0,
              text: title,
              id,
              checks: [`plan.${id}`, 'plan.absent'],
            })),
          },
          { file: 'broken.md', title: 'Broken', problem: 'broken.md is larger than 1 MiB', tasks: [] },
        ],
    profiles: isEmpty
      ? null
      : [
          {
            id: 'local',
            title: 'This machine',
            lines: ['tiers: boxes, home', 'no meter'],
            note: 'shipped, facts of 2026-11',
          },
        ],
    config: isEmpty
      ? null
      : [
          { key: 'theme', value: 'auto', origin: 'built-in' },
          { key: 'refreshSeconds', value: '2', origin: '/home/ada/cpcv/.kxrc line 3' },
        ],
    report: stages.indexOf(stage) >= stages.indexOf('verified') ? reportText.split('\n') : null,
    unitLog: isRun
      ? {
          unit: stage === 'failed' ? 'split-01-02' : 'split-01-05',
          log: await logOf(stage === 'failed' ? 12_000 : 40, 'epoch 41/300 …'),
        }
      : null,
    series: [],
    seriesVersion: 1,
    cellOutput: isRun ? { cellId: 'cell-4', log: await logOf(5, '') } : null,
  }
}

export interface Scene {
  readonly stage: Stage
  readonly run: RunState | null
  readonly plan: PlanView
  readonly shelves: Shelves
  readonly standings: Standings
}

/** Everything that screens are drawn from at one stage. */
export async function sceneAt(stage: Stage): Promise<Scene> {
  const run = runAt(stage)
  const plan = planAt(stage)
  const now = plan.status === 'ok' ? plan.loaded.digests : null
  const state = run ?? { proofs: [], overrides: {} }
  const liveness = run === null ? null : livenessOf(run, nowMs).liveness
  return {
    stage,
    run,
    plan,
    shelves: await shelvesAt(stage),
    standings: {
      phases: phaseStates(state, now, nowMs, null, { host, liveness }),
      staleness: plan.status === 'loading' ? new Map() : staleness(state.proofs, now, nowMs, host),
    },
  }
}
