import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'

const titles = {
  uv: 'Find uv, or bring it',
  venv: 'Make the environment',
  packages: 'Install what is pinned',
  check: 'Check interpreter and torch',
} as const

/** Every step that leads to the packages of the plan, each in a cell of its own, up to the first that does not do. */
export async function syncEnvironment(env: CommandEnvironment): Promise<ActResult> {
  const [{ syncStep }, { syncSteps }] = await Promise.all([
    import('../environment/service.ts'),
    import('../environment/types.ts'),
  ])
  const steps: { readonly step: string; readonly summary: string; readonly exitCode: number }[] = []
  const lines: string[] = []
  let last: ActResult = { summary: '', exitCode: 0, data: null }
  for (const [n, step] of syncSteps.entries()) {
    env.signal.throwIfAborted()
    env.progress({ text: titles[step], done: n, total: syncSteps.length })
    last = await actOnRun(env, 'environment.sync', { step }, { title: titles[step], perHost: {} }, (ctx) =>
      syncStep(ctx, step),
    )
    steps.push({ step, summary: last.summary, exitCode: last.exitCode })
    lines.push(last.summary)
    const isNothing = (last.data as { readonly isNothingToDo?: boolean } | null)?.isNothingToDo === true
    if (last.exitCode !== 0 || isNothing) return { ...last, data: { steps, ...(last.data as object) } }
  }
  return { ...last, summary: `the environment is there: ${last.summary}`, lines, data: { steps } }
}
