import type { BoxHandle } from '../engine/types.ts'
import { hostEnvironment } from '../host/environment.ts'
import { runProbe } from '../host/probe/run-probe.ts'
import { resolveTierPath } from '../profile/tiers.ts'
import type { ActContext } from '../run/act.ts'
import { dataTier } from '../run/data-tier.ts'

/** Folder of this run under the profile's data tier. A reason when it cannot be told: nothing is guessed. */
export async function boxFolder(
  ctx: Pick<ActContext, 'host' | 'profile' | 'run' | 'signal'>,
): Promise<{ readonly folder: string } | { readonly reason: string }> {
  const tier = await dataTier(ctx)
  return 'reason' in tier ? tier : { folder: `${tier.path}/${ctx.run.id}` }
}

/**
 * Folders of the machine itself that may hold secrets where it has no memory to hold them: scratch and data, and neither a
 * shared file system nor what is kept when the machine is gone.
 */
export async function secretFolders(ctx: Pick<ActContext, 'host' | 'profile' | 'signal'>): Promise<readonly string[]> {
  const environment = await hostEnvironment(ctx.host, ctx.signal)
  const { storage, sharedFileSystem } = ctx.profile
  const pathOf = (tier: (typeof storage.tiers)[number]) => resolveTierPath(tier, environment)
  const shared = [
    sharedFileSystem.path,
    ...storage.tiers.filter(({ purpose, regionLocked }) => purpose === 'durable' || regionLocked).map(pathOf),
  ].filter((path) => path !== null)
  const isShared = (path: string) => shared.some((each) => path === each || path.startsWith(`${each}/`))
  return (['scratch', 'data'] as const)
    .flatMap((purpose) => storage.tiers.filter((tier) => tier.purpose === purpose && !tier.regionLocked))
    .map(pathOf)
    .filter((path) => path !== null)
    .filter((path) => !isShared(path))
}

/**
 * GPUs to pin workers to, by UUID, and nobody else on them. None for a plan that computes on the CPU. `foreign` null:
 * nobody asked, or nvidia-smi did not say who computes.
 */
export async function gpusFor(
  ctx: Pick<ActContext, 'host' | 'loaded' | 'signal'>,
): Promise<
  | { readonly ids: readonly string[]; readonly foreign: number | null }
  | { readonly reason: string; readonly exitCode: 1 | 4 }
> {
  const { resources } = ctx.loaded.plan
  if (resources.compute === 'cpu') return { ids: [], foreign: null }
  const { probe } = await runProbe(ctx.host, { signal: ctx.signal, timeoutSeconds: 20 })
  if (probe.gpus === 'none')
    return {
      reason: `${ctx.host.name} has no GPU and the plan asks for one; there is no silent way to the CPU.`,
      exitCode: 1,
    }
  if (!probe.gpus.isKnown) return { reason: `nvidia-smi did not answer: ${probe.gpus.reason}.`, exitCode: 4 }
  const ids = probe.gpus.value.gpus.flatMap((gpu) => (gpu.uuid.isKnown ? [gpu.uuid.value] : []))
  const wanted = resources.gpus ?? ids.length
  if (ids.length < wanted || ids.length === 0)
    return { reason: `the plan asks for ${wanted} GPUs and ${ids.length} are there.`, exitCode: 1 }
  const chosen = ids.slice(0, Math.max(1, wanted))
  if (probe.gpuProcesses !== 'none' && probe.gpuProcesses.isKnown && probe.gpuProcesses.value.length > 0)
    return {
      reason: `${probe.gpuProcesses.value.length} processes compute on the GPUs already. Wait for them, or stop them.`,
      exitCode: 1,
    }
  return { ids: chosen, foreign: probe.gpuProcesses !== 'none' && probe.gpuProcesses.isKnown ? 0 : null }
}

/** Whether the runner has a session other than that of kx, so that no hang-up of a terminal reaches it. */
export async function isOwnSession(ctx: Pick<ActContext, 'host'>, handle: BoxHandle): Promise<boolean | null> {
  const source = `for pid in "$@"; do
  IFS= read -r stat 2>/dev/null <"/proc/$pid/stat" || exit 3
  set -- \${stat##*) }
  echo "$4"
done`
  const sessionOf = async (pid: number): Promise<number | null> => {
    const asked = await ctx.host.script(source, [String(pid)], { timeoutSeconds: 10 })
    const text = new TextDecoder().decode(asked.stdout).trim()
    return asked.ending.kind === 'exited' && asked.ending.code === 0 && /^\d+$/.test(text) ? Number(text) : null
  }
  const runner = await sessionOf(handle.process.pid)
  if (ctx.host.kind !== 'local') return runner === null ? null : true
  const ours = await sessionOf(process.pid)
  return runner === null || ours === null ? null : runner !== ours
}
