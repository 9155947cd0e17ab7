import { summarise } from '../estimate/quantile.ts'
import type { ActContext, ActResult, RunHandle } from '../run/act.ts'
import { workersOn } from '../run/capacity.ts'
import { viewOf } from '../run/host-view.ts'
import type { RunState } from '../run/types.ts'
import type { Proof } from '../walk/proof.ts'
import { price } from './service.ts'
import { smokeEvidence } from './smoke-evidence.ts'

/**
 * Prices a run over several hosts: the workers of all, the price of all, and the smoke of the slowest class among them, so
 * that neither hours nor money are promised too low. A host without a price makes the money unknown.
 */
export async function priceAll(ctx: ActContext): Promise<ActResult> {
  const { at } = ctx
  const state = ctx.run.state()
  if (at === undefined) return price(ctx)
  const { plan } = ctx.loaded
  let usdPerHour: number | null = 0
  let workers = 0
  for (const host of plan.hosts) {
    const { profile } = await at(host, 'owned')
    const own: number | null = profile.billing.usdPerHour
    usdPerHour = usdPerHour === null || own === null ? null : usdPerHour + own
    workers += workersOn(plan, viewOf(state, host).view?.machineClass ?? null)
  }
  const { title, billing } = ctx.profile
  return price({
    ...ctx,
    run: withSmoke(ctx.run, slowest(state, plan.hosts)),
    loaded: { ...ctx.loaded, plan: { ...plan, resources: { ...plan.resources, workers } } },
    profile: {
      ...ctx.profile,
      title: `${plan.hosts.length} hosts (${plan.hosts.join(', ')}), the first as ${title}`,
      billing: { ...billing, usdPerHour },
    },
  })
}

function slowest(state: RunState, hosts: readonly string[]): Proof | undefined {
  const smokes = [...new Set(hosts.flatMap((host) => viewOf(state, host).latest.SmokeProof ?? []))]
  const seconds = (proof: Proof) => summarise(smokeEvidence(proof.payload).unitSeconds).p50 ?? Number.POSITIVE_INFINITY
  return smokes.sort((a, b) => seconds(b) - seconds(a))[0]
}

/** The run with that smoke as its newest: the price rests on one, and names it. */
function withSmoke(run: RunHandle, smoke: Proof | undefined): RunHandle {
  if (smoke === undefined) return run
  const shown = (state: RunState): RunState => ({
    ...state,
    proofs: [...state.proofs.filter((proof) => proof.kind !== 'SmokeProof' || proof === smoke)],
    latest: { ...state.latest, SmokeProof: smoke },
  })
  return {
    id: run.id,
    folder: run.folder,
    state: () => shown(run.state()),
    refresh: async () => shown(await run.refresh()),
    append: (kind, payload, refuse) => run.append(kind, payload, refuse),
    subscribe: (listener) => run.subscribe(listener),
    scrub: (value) => run.scrub(value),
    close: () => run.close(),
  }
}
