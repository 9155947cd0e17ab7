import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openSamples } from '../../src/patrol/samples.ts'

/** A run of kx as it lies on disk after its end, written by hand: what its proofs say is what a test wants to see again. */
export interface WalkedRun {
  readonly runId: string
  readonly plan?: Readonly<Record<string, unknown>>
  /** Hours of the estimate and of the outcome. */
  readonly plannedHours?: number
  readonly hours: number
  readonly usdPerHour?: number | null
  readonly plannedUsd?: number
  /** Result of each unit by metric; `null` is written as NaN. */
  readonly results: Readonly<Record<string, Readonly<Record<string, number | null>>>>
  /** Percent, one sample a minute. */
  readonly utilisation?: readonly number[]
  readonly verified?: readonly [verified: number, of: number]
}

const startedAtMs = 1_750_000_000_000

/** Returns the folder of the run. */
export function writeWalked(runs: string, run: WalkedRun): string {
  const folder = join(runs, run.runId)
  mkdirSync(join(folder, 'artifacts/units'), { recursive: true })
  const metrics = [{ name: 'accuracy', direction: 'higher', primary: true, chance: 0.5 }]
  const plan = { name: 'walked', metrics, environment: { kind: 'image', reference: 'torch:2.4' }, ...run.plan }
  writeFileSync(join(folder, 'plan.yaml'), stringify(plan))
  const endedAtMs = startedAtMs + run.hours * 3_600_000
  let sequence = 0
  const record = (kind: string, atMs: number, payload: unknown) =>
    `${JSON.stringify({ v: 1, sequence: ++sequence, fence: 1, previous: '', atMs, kind, payload })}\n`
  const proof = (kind: string, atMs: number, payload: unknown) =>
    record('proof.made', atMs, { kind, boundTo: { code: 'c0de', data: 'da7a' }, items: [], payload })
  const { plannedHours, plannedUsd = null, usdPerHour = null, verified } = run
  const units = Object.keys(run.results)
  writeFileSync(
    join(folder, 'journal.jsonl'),
    [
      record('run.created', startedAtMs - 9e6, { runId: run.runId, planName: 'walked', project: 'p' }),
      proof('PlanDigest', startedAtMs - 8e6, {
        firstCommand: ['python', 'train.py', units[0]],
        git: { commit: 'abc123', isDirty: true },
      }),
      proof('SmokeProof', startedAtMs - 7e6, { peakRssBytes: 3e9, machineClass: 'cpu-2c' }),
      ...(plannedHours === undefined
        ? []
        : [proof('PricedPlan', startedAtMs - 6e6, { hoursP50: plannedHours, usdP50: plannedUsd, usdPerHour })]),
      proof('Approval', startedAtMs - 5e6, { by: 'ada', capUsd: 50 }),
      record('meter.opened', startedAtMs, { meterId: 'm', what: 'box', host: 'box', usdPerHour }),
      proof('Receipt', startedAtMs, { startedAtMs }),
      proof('Outcome', endedAtMs, {
        state: 'finished',
        endedAtMs,
        elapsedSeconds: run.hours * 3600,
        unitsTotal: units.length,
        counts: { done: units.length, failed: 0 },
      }),
      record('meter.closed', endedAtMs, { meterId: 'm' }),
      ...(verified === undefined
        ? []
        : [proof('VerifiedManifest', endedAtMs, { totals: { verified: verified[0], expected: verified[1] } })]),
    ].join(''),
  )
  for (const [unit, results] of Object.entries(run.results)) {
    mkdirSync(join(folder, 'artifacts/units', unit))
    const text = JSON.stringify(results).replaceAll('null', 'NaN')
    writeFileSync(join(folder, 'artifacts/units', unit, 'result.json'), text)
  }
  if (run.utilisation !== undefined) {
    const samples = openSamples(join(folder, 'samples.db'))
    // Before and after the run the card was idle: that says nothing of the run.
    for (const atMs of [startedAtMs - 60_000, endedAtMs + 60_000]) samples.add(atMs, { 'gpu.0.utilisation': 0 })
    for (const [at, percent] of run.utilisation.entries())
      samples.add(startedAtMs + at * 60_000, { 'gpu.0.utilisation': percent, 'gpu.0.memory': 1000 + percent })
    samples.close()
  }
  return folder
}
