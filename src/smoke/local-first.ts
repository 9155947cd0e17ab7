import { createLocalHost } from '../host/local.ts'
import { runProbe } from '../host/probe/run-probe.ts'
import type { Host } from '../host/types.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isBlocking } from '../walk/item.ts'
import type { Proof } from '../walk/proof.ts'
import type { LocalFirst } from './types.ts'

/** What the smoke of this machine came to: to go on there, or the result that ends the act. */
export type Here = { readonly localFirst: LocalFirst } | { readonly result: ActResult }

/**
 * Sees to it that a smoke has run on this machine before one runs somewhere else: mistakes are cheapest here. A smoke of now
 * that holds is taken; else one is run, where this machine can; where it cannot, it is said why.
 */
export async function smokeHere(ctx: ActContext, smoke: (here: ActContext) => Promise<ActResult>): Promise<Here> {
  if (ctx.host.kind === 'local') return { localFirst: { kind: 'here' } }
  const before = localProof(ctx)
  if (before !== null) return { localFirst: passed(before) }
  const host = createLocalHost()
  try {
    const why = await whyNotHere(ctx, host)
    if (why !== null) {
      ctx.cell.say(`not tried here first: ${why}`)
      return { localFirst: { kind: 'cannot', why } }
    }
    ctx.cell.say('first here, on this machine')
    const result = await smoke({ ...ctx, host })
    const { proof } = result
    if (proof === undefined) return { localFirst: { kind: 'cannot', why: result.summary } }
    if (proof.items.some(isBlocking))
      return { result: { ...result, summary: `here, before ${ctx.host.name}: ${result.summary}` } }
    return { localFirst: passed(proof) }
  } finally {
    await host.close()
  }
}

const passed = (proof: Proof): LocalFirst => ({
  kind: 'passed',
  proofId: proof.id,
  atMs: proof.atMs,
  machineClass: proof.machineClass ?? 'unknown',
})

/** The newest smoke of this machine, if it speaks of code, configuration and data as they are now, and nothing in it blocks. */
function localProof(ctx: ActContext): Proof | null {
  const { code, config, data } = ctx.loaded.digests
  const found = ctx.run.state().proofs.findLast((proof) => proof.kind === 'SmokeProof' && proof.host?.host === 'local')
  if (found === undefined || found.items.some(isBlocking)) return null
  const { boundTo } = found
  return code !== undefined && boundTo.code === code && boundTo.config === config && boundTo.data === data
    ? found
    : null
}

/** Why this machine cannot run a unit; null: it may. Looks at what is there, and starts nothing of the plan. */
async function whyNotHere(ctx: ActContext, host: Host): Promise<string | null> {
  const { plan, projectFolder } = ctx.loaded
  const remote = plan.data.filter((each) => each.uri !== undefined)
  if (remote.length > 0) return `data of the plan is not on this machine (${remote[0]?.uri})`
  if (plan.resources.compute === 'gpu') {
    const { gpus } = (await runProbe(host, { signal: ctx.signal, timeoutSeconds: 20 })).probe
    if (gpus === 'none' || !gpus.isKnown || gpus.value.gpus.length === 0)
      return 'the plan computes on a GPU, and this machine has none that answers'
  }
  const program = plan.command[0] ?? ''
  if (program.includes('{')) return null
  const found = await host.exec(['sh', '-c', 'command -v -- "$1" >/dev/null', 'sh', program], {
    cwd: projectFolder,
    timeoutSeconds: 10,
    signal: ctx.signal,
  })
  return found.ending.kind === 'exited' && found.ending.code === 0 ? null : `${program} is not installed here`
}
