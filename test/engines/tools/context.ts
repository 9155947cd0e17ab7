import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { SubmitRequest } from '../../../src/engine/types.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import type { Host } from '../../../src/host/types.ts'
import { profileSchema } from '../../../src/profile/schema.ts'
import type { ActContext, Progress } from '../../../src/run/act.ts'
import { createRun } from '../../../src/run/folder.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import { planDigest, sha256Hex } from '../../../src/spec/digest.ts'
import { type Plan, planSchema } from '../../../src/spec/schema.ts'
import { expandUnits } from '../../../src/spec/units.ts'
import { hostIdentityText } from '../../../src/walk/graph.ts'
import type { Proof, ProofKind } from '../../../src/walk/proof.ts'
import { undoLater } from '../../harness/undo.ts'
import { afterScript, unitScript } from './box.ts'

const profile = profileSchema.parse(
  parse(readFileSync(join(import.meta.dirname, '../../../profiles/local.yaml'), 'utf8')),
)

export interface WalkContext extends ActContext {
  readonly run: WritableRun
  readonly host: Host
  readonly said: string[]
  readonly output: string[]
  readonly progressed: Progress[]
  readonly home: string
  /** Where the box folder of this run will be. */
  readonly box: string
}

export interface WalkOptions {
  readonly plan?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  readonly unitScript?: string
  /** No tmux: its servers outlive a test that fails. */
  readonly detach?: readonly ('setsid' | 'tmux')[]
  /** Masking of what is stored, as commands put it in. */
  readonly scrub?: (payload: unknown) => unknown
}

/** A project that trains for an instant, a run of it, and a home of its own on this machine. */
export async function walkContext(options: WalkOptions = {}): Promise<WalkContext> {
  const home = mkdtempSync(join(tmpdir(), 'kx-walk-'))
  const projectFolder = join(home, 'project')
  const files = { 'unit.sh': options.unitScript ?? unitScript, 'after.sh': afterScript, ...options.files }
  const code = Object.entries(files).map(([path, text]) => {
    mkdirSync(dirname(join(projectFolder, path)), { recursive: true })
    writeFileSync(join(projectFolder, path), text)
    return { path, bytes: Buffer.byteLength(text), sha256: sha256Hex(text), mode: 0o644 }
  })
  const plan: Plan = planSchema.parse({
    version: 1,
    name: 'tiny',
    goal: 'Prove the walk.',
    metrics: [{ name: 'acc', direction: 'higher', chance: 0.5, primary: true }],
    command: ['sh', 'unit.sh'],
    environmentVariables: { MODE: 'plain', STEPS: '8', STEP_SECONDS: '0.03', ...options.env },
    units: { range: { from: 1, to: 4 } },
    smoke: { units: 1, timeoutSeconds: 30, killAfterSteps: 3 },
    environment: { kind: 'system', interpreter: 'sh' },
    resources: { compute: 'cpu', workers: 2 },
    checkpoints: { bytes: 2, count: 4 },
    artifacts: [{ glob: 'units/*/result.json', minimumCount: 4, kind: 'json' }],
    after: [{ name: 'count', command: ['sh', 'after.sh'], timeoutSeconds: 20 }],
    budget: { usd: 0, hours: 1 },
    ...options.plan,
  })
  writeFileSync(join(projectFolder, 'kx.yaml'), 'version: 1\n')
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const scrub = options.scrub === undefined ? {} : { scrub: options.scrub }
  const begun = { projectFolder, project: 'p', planName: plan.name, planText: '', by: 'ada', clock, ...scrub }
  const run = await createRun(begun)
  const host = createLocalHost({ env: { PATH: process.env.PATH ?? '', HOME: home } })
  undoLater(async () => {
    await run.close()
    await host.close()
    rmSync(home, { recursive: true, force: true })
  })
  const said: string[] = []
  const output: string[] = []
  const progressed: Progress[] = []
  const keep = (chunk: Uint8Array | string) => void output.push(Buffer.from(chunk).toString())
  return {
    run,
    loaded: {
      plan,
      units: expandUnits(plan),
      file: join(projectFolder, 'kx.yaml'),
      text: null,
      projectFolder,
      digests: {
        plan: planDigest(plan),
        code: sha256Hex(JSON.stringify(code)),
        config: sha256Hex(''),
        data: sha256Hex(''),
      },
      code,
    },
    host,
    profile: { ...profile, detach: [...(options.detach ?? ['setsid'])] },
    cell: { cellId: 'c1', stdout: keep, stderr: keep, say: (line) => void said.push(line), end: async () => {} },
    clock,
    signal: new AbortController().signal,
    who: 'ada',
    newId: randomUUID,
    progress: (progress) => void progressed.push(progress),
    said,
    output,
    progressed,
    home,
    box: join(home, '.local/share/kx/boxes', run.id),
  }
}

/** What a command of this run is given, by somebody who says yes. */
export const commandEnvironment = (ctx: WalkContext, via: CommandEnvironment['via'] = 'cli'): CommandEnvironment => ({
  projectFolder: ctx.loaded.projectFolder,
  via,
  who: 'ada',
  runId: ctx.run.id,
  settings: {},
  signal: new AbortController().signal,
  ask: { confirm: async () => true, typed: async () => null, text: async () => null },
  progress: () => {},
  openRun: () => {},
})

/** What a launch of this run asks the engine for, on two workers and by `setsid`. */
export function submitRequest(ctx: WalkContext, token: string, more: Partial<SubmitRequest> = {}): SubmitRequest {
  const { plan, units, projectFolder, code } = ctx.loaded
  return {
    runId: ctx.run.id,
    token,
    folder: ctx.box,
    plan,
    units,
    workers: 2,
    threadsPerWorker: null,
    gpus: [],
    detach: ['setsid'],
    leaseUntilMs: null,
    projectFolder,
    code,
    ...more,
  }
}

/** Appends the proofs that an act needs, as their own phases would, with nothing in them that blocks. */
export async function prove(ctx: WalkContext, ...kinds: readonly ProofKind[]): Promise<void> {
  const host = await ctx.host.identity()
  const phases = {
    PlanDigest: 'plan',
    AuditReport: 'audit',
    SmokeProof: 'smoke',
    PricedPlan: 'cost',
    Approval: 'cost',
  } as const
  for (const kind of kinds) {
    const phase = (phases as Partial<Record<ProofKind, Proof['phase']>>)[kind]
    if (phase === undefined) throw new Error(`no phase for ${kind}`)
    const proof: Proof = {
      id: randomUUID(),
      kind,
      phase,
      atMs: Date.now(),
      expiresAtMs: Date.now() + 3_600_000,
      host,
      boundTo:
        kind === 'AuditReport'
          ? { plan: ctx.loaded.digests.plan ?? '', host: hostIdentityText(host) }
          : ctx.loaded.digests,
      needs: [],
      items: [],
      payload: kind === 'Approval' ? { leaseHours: 2 } : {},
    }
    await ctx.run.append('proof.made', proof)
  }
}
