import type { Gate } from '../../../../src/walk/item.ts'
import type { Proof, ProofKind } from '../../../../src/walk/proof.ts'
import { itemsOf } from './items.ts'
import { digests, host, runId } from './plan.ts'
import { minute, nowMs, type Stage, stages, startMs } from './stages.ts'

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
export const handle = {
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

export function proofsUpTo(stage: Stage): Proof[] {
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
