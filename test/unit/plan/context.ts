import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { vi } from 'vitest'
import { createLocalHost } from '../../../src/host/local.ts'
import { loadPlan } from '../../../src/plan/load.ts'
import type { ActContext, Progress } from '../../../src/run/act.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import { undoLater } from '../../harness/undo.ts'
import { newRun, temporaryFolder } from '../run/support.ts'
import { samplePlan } from '../spec/sample.ts'
import { localProfile } from './rule-input.ts'

export interface TestContext {
  readonly ctx: ActContext
  readonly run: WritableRun
  readonly folder: string
  readonly said: string[]
  readonly progress: Progress[]
  put(path: string, text: string): Promise<void>
  /** The context with the plan as it lies there now. */
  again(change?: Partial<ActContext>): Promise<ActContext>
}

/** A real project in a folder of its own, with a real run and this machine as host. */
export async function testContext(planText = samplePlan): Promise<TestContext> {
  const folder = temporaryFolder()
  vi.stubEnv('XDG_CACHE_HOME', join(folder, '.kx/cache'))
  undoLater(() => void vi.unstubAllEnvs())
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await put('kx.yaml', planText)
  await put('train.mjs', 'console.log(process.env.KX_SEED)\n')
  await put('data/set.csv', 'a,b\n1,2\n3,4\n5,6\n7,8\n')
  const { run, clock } = await newRun(folder)
  const said: string[] = []
  const progress: Progress[] = []
  let ids = 0
  const again = async (change: Partial<ActContext> = {}): Promise<ActContext> => {
    const read = await loadPlan(folder, 'kx.yaml', { exec: null, cacheFile: null })
    if (!read.ok) throw new Error(JSON.stringify(read.problems))
    return {
      run,
      loaded: read.loaded,
      host: createLocalHost(),
      profile: localProfile(),
      cell: { cellId: 'c1', stdout: () => {}, stderr: () => {}, say: (l) => said.push(l), end: async () => {} },
      clock: { nowMs: clock.nowMs, monotonicMs: () => performance.now() },
      signal: new AbortController().signal,
      who: 'ada',
      newId: () => `proof-${++ids}`,
      progress: (p) => progress.push(p),
      ...change,
    }
  }
  return { ctx: await again(), run, folder, said, progress, put, again }
}
