import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createLocalHost } from '../../../src/host/local.ts'
import type { Host } from '../../../src/host/types.ts'
import { loadProfiles } from '../../../src/profile/load.ts'
import type { Profile } from '../../../src/profile/schema.ts'
import type { ActContext, LoadedPlan } from '../../../src/run/act.ts'
import { createRun } from '../../../src/run/folder.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import type { HostIdentity, Proof } from '../../../src/walk/proof.ts'

export const planSha256 = 'a'.repeat(64)

export interface Stage {
  readonly base: string
  readonly box: string
  readonly artifacts: string
  readonly run: WritableRun
  readonly host: Host
  readonly lines: string[]
  /** Time of the test's clock; written to by tests. */
  now: { ms: number }
  put(path: string, content: string | Uint8Array): void
  ctx(change?: Partial<ActContext>): ActContext
  prove(proof: Partial<Proof> & Pick<Proof, 'kind' | 'phase' | 'payload'>): Promise<Proof>
  close(): Promise<void>
}

export function planWith(change: Record<string, unknown> = {}): Plan {
  return planSchema.parse({
    version: 1,
    name: 'sample',
    goal: 'raise accuracy by one point',
    metrics: [
      { name: 'accuracy', direction: 'higher', chance: 0.5, target: 0.8, primary: true },
      { name: 'loss', direction: 'lower' },
    ],
    command: ['node', 'train.mjs', '{unit}'],
    units: { list: ['u1', 'u2', 'u3'] },
    environment: { kind: 'system', interpreter: 'node' },
    resources: { compute: 'cpu', workers: 2 },
    checkpoints: { bytes: 10, count: 1 },
    artifacts: [
      { glob: 'units/*/result.json', minimumCount: 3, kind: 'json' },
      { glob: 'units/*/metrics.jsonl', minimumCount: 3, kind: 'jsonl' },
    ],
    budget: { usd: 0, hours: 1 },
    ...change,
  })
}

/** A run that was launched and has ended, with three units' results in its box folder. */
export async function stage(
  change: { plan?: Record<string, unknown>; profile?: Partial<Profile> } = {},
): Promise<Stage> {
  const base = mkdtempSync(join(tmpdir(), 'kx-teardown-'))
  const now = { ms: Date.now() }
  const run = await createRun({
    projectFolder: join(base, 'project'),
    project: 'sample',
    planName: 'sample',
    planText: 'version: 1\n',
    by: 'tester',
    clock: { nowMs: () => now.ms },
  })
  const data = join(base, 'boxes')
  const box = join(data, run.id)
  mkdirSync(box, { recursive: true })
  const loadedProfiles = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
  const local = loadedProfiles.profiles.get('local')?.profile
  if (local === undefined) throw new Error('no local profile')
  const profile: Profile = {
    ...local,
    storage: { tiers: local.storage.tiers.map((t) => (t.purpose === 'data' ? { ...t, path: data } : t)) },
    ...change.profile,
  }
  const host = createLocalHost()
  const plan = planWith(change.plan)
  const loaded: LoadedPlan = {
    plan,
    units: ['u1', 'u2', 'u3'].map((id, index) => ({ id, index, seed: index, parameters: {} })),
    file: join(base, 'project/kx.yaml'),
    text: null,
    projectFolder: join(base, 'project'),
    digests: { plan: planSha256, code: 'b'.repeat(64), config: 'c'.repeat(64), data: 'd'.repeat(64) },
    code: [],
  }
  const lines: string[] = []
  let ids = 0
  const made: Stage = {
    base,
    box,
    artifacts: join(run.folder, 'artifacts'),
    run,
    host,
    lines,
    now,
    put: (path, content) => {
      mkdirSync(dirname(join(box, path)), { recursive: true })
      writeFileSync(join(box, path), content)
    },
    ctx: (given = {}) => ({
      run,
      loaded,
      host,
      profile,
      cell: {
        cellId: 'c1',
        stdout: () => {},
        stderr: () => {},
        say: (line) => {
          lines.push(line)
        },
        end: async () => {},
      },
      clock: { nowMs: () => now.ms, monotonicMs: () => performance.now() },
      signal: AbortSignal.timeout(120_000),
      who: 'tester',
      newId: () => {
        ids += 1
        return `id-${ids}`
      },
      progress: () => {},
      ...given,
    }),
    prove: async (proof) => {
      ids += 1
      const whole: Proof = { id: `proof-${ids}`, atMs: now.ms, boundTo: {}, needs: [], items: [], ...proof }
      await run.append('proof.made', whole)
      return whole
    },
    close: async () => {
      await run.close()
      await host.close()
      rmSync(base, { recursive: true, force: true })
    },
  }
  for (const [i, unit] of ['u1', 'u2', 'u3'].entries()) {
    made.put(`units/${unit}/result.json`, JSON.stringify({ accuracy: 0.9 + i / 100, loss: 0.3 - i / 10 }))
    const steps = [1, 2, 3].map((step) => JSON.stringify({ step, time: 1000 + step, loss: 1 / step }))
    made.put(`units/${unit}/metrics.jsonl`, `${steps.join('\n')}\n`)
  }
  now.ms += 1000
  await made.prove({ kind: 'Receipt', phase: 'launch', payload: { handle: { folder: box, token: 't' }, workers: 2 } })
  now.ms += 3_600_000
  await made.prove({
    kind: 'Outcome',
    phase: 'patrol',
    payload: {
      liveness: 'finished',
      exit: { code: 0, reason: 'completed', endedAtMs: now.ms, done: 3, failed: 0, aborted: 0 },
    },
  })
  return made
}

export const otherMachine = (identity: HostIdentity): HostIdentity => ({ ...identity, bootId: 'another boot' })
