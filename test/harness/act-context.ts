import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { profileSchema } from '../../src/profile/schema.ts'
import type { ActContext, Progress } from '../../src/run/act.ts'
import { createRun } from '../../src/run/folder.ts'
import { planDigest, sha256Hex } from '../../src/spec/digest.ts'
import { planSchema } from '../../src/spec/schema.ts'
import { expandUnits } from '../../src/spec/units.ts'

export const localProfile = profileSchema.parse(
  parse(readFileSync(join(import.meta.dirname, '../../profiles/local.yaml'), 'utf8')),
)

export const smallPlan = {
  version: 1,
  name: 'small',
  goal: 'raise accuracy by 1 point',
  metrics: [{ name: 'accuracy', direction: 'higher', primary: true }],
  command: ['node', 'train.mjs', '{unit}'],
  units: { list: ['a', 'b'] },
  environment: { kind: 'system', interpreter: 'node' },
  resources: { compute: 'cpu', workers: 1 },
  checkpoints: { bytes: 1000, count: 2 },
  artifacts: [{ glob: 'units/*/result.json', minimumCount: 2, kind: 'json' }],
  budget: { usd: 0, hours: 1 },
}

export interface MadeContext extends ActContext {
  /** Ends the run and its host, and removes the home. */
  stop(): Promise<void>
  readonly said: string[]
  readonly progressed: Progress[]
  readonly home: string
}

export interface ContextOptions {
  readonly plan?: Readonly<Record<string, unknown>>
  /** Files of the project: path to content. */
  readonly files?: Readonly<Record<string, string>>
  readonly host?: (home: string) => Host
  readonly clock?: ActContext['clock']
  readonly profile?: ActContext['profile']
}

/** A run in a folder of its own on this machine, with a home of its own: nothing of the user's is touched. */
export async function makeContext(options: ContextOptions = {}): Promise<MadeContext> {
  const home = mkdtempSync(join(tmpdir(), 'kx-audit-'))
  const projectFolder = join(home, 'project')
  mkdirSync(projectFolder)
  const plan = planSchema.parse({ ...smallPlan, ...options.plan })
  const file = join(projectFolder, 'kx.yaml')
  writeFileSync(file, 'version: 1\n')
  const code = Object.entries(options.files ?? {}).map(([path, content]) => {
    mkdirSync(join(projectFolder, path, '..'), { recursive: true })
    writeFileSync(join(projectFolder, path), content)
    return { path, bytes: Buffer.byteLength(content), sha256: sha256Hex(content), mode: 0o644 }
  })
  const clock = options.clock ?? { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const run = await createRun({ projectFolder, project: 'p', planName: plan.name, planText: '', by: 'ada', clock })
  const host = options.host?.(home) ?? createLocalHost({ env: { PATH: process.env.PATH ?? '', HOME: home } })
  const said: string[] = []
  const progressed: Progress[] = []
  const stop = async () => {
    await run.close()
    await host.close()
    rmSync(home, { recursive: true, force: true })
  }
  return {
    run,
    loaded: {
      plan,
      units: expandUnits(plan),
      file,
      text: null,
      projectFolder,
      digests: { plan: planDigest(plan), code: sha256Hex('code'), config: sha256Hex(''), data: sha256Hex('') },
      code,
    },
    host,
    profile: options.profile ?? localProfile,
    cell: { cellId: 'c1', stdout: () => {}, stderr: () => {}, say: (line) => said.push(line), end: async () => {} },
    clock,
    signal: new AbortController().signal,
    who: 'ada',
    newId: randomUUID,
    progress: (progress) => progressed.push(progress),
    said,
    progressed,
    home,
    stop,
  }
}
