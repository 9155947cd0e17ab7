import type { UnitState } from '../../../../src/engine/types.ts'
import type { Observation, UnitRow } from '../../../../src/patrol/types.ts'
import { loaded } from './plan.ts'
import { minute, nowMs, type Stage, stages, startMs } from './stages.ts'

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

export function observation(stage: Stage): Observation | null {
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
