import type { RunState } from '../../../../src/run/types.ts'
import { observation } from './observation.ts'
import { digests, host, loaded, runId } from './plan.ts'
import { handle, proofsUpTo } from './proofs.ts'
import { minute, nowMs, type Stage, stages, startMs } from './stages.ts'

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

export function runAt(stage: Stage): RunState | null {
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
