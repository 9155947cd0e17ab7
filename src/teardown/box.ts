import { lookAt } from '../engine/box/look.ts'
import { resolveTierPath, tierFor } from '../profile/tiers.ts'
import type { ActContext } from '../run/act.ts'
import type { AfterStepFacts } from './types.ts'

/** Base folder of the data tier on the host; null with a reason when it cannot be told. */
export async function dataTier(
  ctx: Pick<ActContext, 'host' | 'profile' | 'signal'>,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const tier = tierFor(ctx.profile, 'data')
  if (tier === null) return { reason: 'the profile has no data tier' }
  const source = `for name in HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME; do
  eval "value=\\\${$name-}"
  printf '%s=%s\\0' "$name" "$value"
done`
  const result = await ctx.host.script(source, [], { timeoutSeconds: 15, signal: ctx.signal })
  if (result.ending.kind !== 'exited' || result.ending.code !== 0)
    return { reason: 'the environment of the host could not be read' }
  const env: Record<string, string> = {}
  for (const entry of Buffer.from(result.stdout).toString('utf8').split('\0')) {
    const at = entry.indexOf('=')
    if (at > 0 && entry.length > at + 1) env[entry.slice(0, at)] = entry.slice(at + 1)
  }
  const path = resolveTierPath(tier, env)
  return path === null ? { reason: `the path of tier ${tier.id} cannot be resolved on the host` } : { path }
}

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
