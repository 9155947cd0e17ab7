import { lookAt } from '../engine/box/look.ts'
import type { ActContext } from '../run/act.ts'
import type { AfterStepFacts } from './types.ts'

/** Runner and units that are alive in a box folder, in words, by start time and boot id; or why nobody can tell. */
export async function livingIn(
  ctx: Pick<ActContext, 'host' | 'signal'>,
  folder: string,
): Promise<{ readonly who: readonly string[] } | { readonly reason: string }> {
  const seen = await lookAt(ctx.host, folder, ctx.signal)
  if (seen.kind === 'unreachable') return { reason: seen.reason }
  const { look } = seen
  if (look.isMissing) return { who: [] }
  if (!look.isWhole) return { reason: 'the answer was cut off' }
  const units = [...look.pids].flatMap(([unit, { isAlive }]) => (isAlive ? [`unit ${unit}`] : []))
  return { who: look.isAlive === true ? [`a runner (process ${look.runner?.pid})`, ...units] : units }
}

/** How the plan's steps after the units ended, by their exit files in the box folder. */
export async function afterSteps(ctx: Pick<ActContext, 'host' | 'loaded'>, folder: string): Promise<AfterStepFacts[]> {
  const found: AfterStepFacts[] = []
  for (const step of ctx.loaded.plan.after) {
    const bytes = await ctx.host.read(`${folder}/after/${step.name}/exit`, 0, 32)
    const text = bytes === null ? '' : Buffer.from(bytes).toString('latin1').trim()
    found.push({ name: step.name, exitCode: /^-?[0-9]{1,5}$/.test(text) ? Number(text) : null })
  }
  return found
}
