import { summarise } from '../estimate/quantile.ts'
import type { ActContext, ActResult, LoadedPlan } from '../run/act.ts'
import { workersOn } from '../run/capacity.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { writeAtomic } from '../run/files.ts'
import { viewOf } from '../run/host-view.ts'
import { launchedPlanFile } from '../run/launched-plan.ts'
import { hostLiveness } from '../run/reader.ts'
import type { RunState, UnitsAssigned } from '../run/types.ts'
import { doneOn } from '../run/units-done.ts'
import { sha256Hex } from '../spec/digest.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { type Capacity, nextGeneration, ownersOf, releasedOf, type Spread, shareOf, spread } from '../walk/shares.ts'

/**
 * Gives every unit of the plan to a host, once a run: by measured seconds where each class has a smoke. On record before
 * anything is started. Null: it is on record already, or was written now.
 */
export async function assignUnits(ctx: ActContext): Promise<ActResult | null> {
  const state = await ctx.run.refresh()
  const fleet = state.fleet
  if (fleet === undefined || fleet.assignments.length > 0) return null
  const { shares, basis } = sharesNow(state, ctx.loaded)
  const assigned: UnitsAssigned = {
    generation: 1,
    shares,
    from: null,
    why: basis,
    by: ctx.who,
    planSha256: keepPlan(ctx),
  }
  failpoint('launch.before-assign')
  try {
    await ctx.run.append('units.assigned', assigned, (now) =>
      (now.fleet?.assignments.length ?? 0) > 0 ? 'The units were given to hosts before.' : null,
    )
  } catch (error) {
    if (!isRunError(error, 'refused')) throw error
    return null
  }
  failpoint('launch.after-assign')
  for (const share of shares) ctx.cell.say(`${share.host}: ${plural(share.units.length, 'unit')}`)
  ctx.cell.say(`spread ${basis}`)
  return null
}

/** How the units of a plan are spread by what is known of its hosts now. */
function sharesNow(state: RunState, loaded: LoadedPlan): Spread {
  const { plan, units } = loaded
  return spread(
    units.map((unit) => unit.id),
    plan.hosts.map((host) => capacityOf(state, loaded, host)),
    { isSequential: plan.units.sequential },
  )
}

/** Hosts that units belong to; while none were given yet, those that would get some by what is known now. */
export function hostsWithUnits(state: RunState, loaded: LoadedPlan): readonly string[] {
  const assignments = state.fleet?.assignments ?? []
  return assignments.length === 0
    ? sharesNow(state, loaded).shares.map((share) => share.host)
    : [...new Set([...ownersOf(assignments).values()].map((owner) => owner.host))]
}

/** The whole plan with all of its units, for whoever goes by what was launched. Returns its digest. */
function keepPlan(ctx: Pick<ActContext, 'run' | 'loaded'>): string {
  const { plan, units } = ctx.loaded
  const text = `${JSON.stringify(ctx.run.scrub({ version: 1, runId: ctx.run.id, plan, units }), null, 1)}\n`
  const sha256 = sha256Hex(text)
  writeAtomic(launchedPlanFile(ctx.run.folder, sha256), text, 'run-config')
  return sha256
}

/** What a host can take, by its audit and by the smoke of its class. */
export function capacityOf(state: RunState, loaded: LoadedPlan, host: string): Capacity {
  const view = viewOf(state, host)
  const owned = shareOf(
    state.fleet?.assignments ?? [],
    host,
    loaded.units.map((unit) => unit.id),
  )
  const done = doneOn(state, host)
  return {
    host,
    workers: workersOn(loaded.plan, view.view?.machineClass ?? null),
    unitSeconds: measuredSeconds(view.latest.SmokeProof?.payload),
    pending: owned.filter((unit) => !done.has(unit)).length,
  }
}

function measuredSeconds(payload: unknown): number | null {
  const { unitSeconds } = (payload ?? {}) as { readonly unitSeconds?: unknown }
  const list = Array.isArray(unitSeconds) ? unitSeconds.filter((each): each is number => typeof each === 'number') : []
  return summarise(list.filter((each) => each > 0)).p50
}

/** Hosts that are seen to finish nothing more and still have units: a walk that watches gives those to the others. */
export function endedWithUnits(state: RunState): readonly string[] {
  const { fleet } = state
  if (fleet === undefined) return []
  const owners = ownersOf(fleet.assignments)
  return fleet.hosts.filter((host) => {
    const outcome = viewOf(state, host).latest.Outcome?.payload as { readonly state?: unknown } | undefined
    if (outcome?.state !== 'dead' || evidenceOf(state, host) === null) return false
    const done = doneOn(state, host)
    return [...owners].some(([unit, owner]) => owner.host === host && !done.has(unit))
  })
}

export interface GiveBack {
  readonly host: string
  /** A person's word for it, where nothing that was seen says that the host is dead. */
  readonly why: string | null
  /** Its disk is gone too: what it had finished, and nobody has pulled, is to be done again. */
  readonly isLost: boolean
}

/**
 * What was *seen* that says a host will finish nothing more: its runner is seen dead on a host that answers, the run there
 * has ended with units left, or another machine answers under its name. Silence is no evidence. Null: there is none.
 */
export function evidenceOf(state: RunState, host: string): string | null {
  const view = viewOf(state, host)
  const seen = view.observation?.payload as
    | { readonly signals?: { readonly isSameMachine?: unknown }; readonly reasons?: unknown; readonly state?: unknown }
    | undefined
  if (seen?.signals?.isSameMachine === false) return 'another machine answers under its name'
  const { Outcome: outcome, Receipt: receipt } = view.latest
  if (outcome === undefined || receipt === undefined || !outcome.needs.includes(receipt.id)) return null
  const { state: how, reasons } = outcome.payload as { readonly state?: unknown; readonly reasons?: unknown }
  const said = Array.isArray(reasons) ? reasons.join('; ') : ''
  return how === 'dead' ? `its runner is seen dead (${said})` : `the run there has ended (${said})`
}

/**
 * Takes from a host what it has not finished and spreads it over the others, as one record of a higher generation. Nothing
 * is started: the next launch does that. Exit codes: 0 given, 1 there is nothing to give or nobody to take it, 3 nothing that
 * was seen says that the host is dead, so a person has to.
 */
export async function giveBack(ctx: ActContext, request: GiveBack): Promise<ActResult> {
  const state = await ctx.run.refresh()
  const { fleet } = state
  const { host } = request
  const refused = (summary: string, exitCode: 1 | 3 = 1): ActResult => ({ summary, exitCode, data: { given: 0 } })
  if (fleet === undefined || fleet.assignments.length === 0)
    return refused('no units were given to hosts yet: kx launch')
  const evidence = evidenceOf(state, host)
  const why = evidence ?? (request.why === null ? null : sanitiseLine(request.why.trim(), 300))
  if (why === null || why.length < 3)
    return refused(
      `nothing that was seen says that ${host} is dead, and silence is not death. Say why yourself: kx fleet give-back ${host} --why "…"`,
      3,
    )
  const ids = ctx.loaded.units.map((unit) => unit.id)
  const done = doneOn(state, host, { isPulledOnly: request.isLost })
  const units = shareOf(fleet.assignments, host, ids).filter((unit) => !done.has(unit))
  if (units.length === 0) return refused(`${host} has no unit that is not finished`)
  const takers = takersOf(state, host).map((name) => capacityOf(state, ctx.loaded, name))
  const { shares, basis } = spread(units, takers, { isSequential: ctx.loaded.plan.units.sequential })
  if (shares.length === 0) return refused(`no other host of this run can take ${plural(units.length, 'unit')}`)
  const generation = nextGeneration(fleet.assignments)
  const assigned: UnitsAssigned = {
    generation,
    shares,
    from: host,
    why: `${why}; ${basis}`,
    by: ctx.who,
    planSha256: fleet.assignments.at(-1)?.planSha256 ?? '',
  }
  failpoint('fleet.before-give-back')
  try {
    await ctx.run.append('units.assigned', assigned, (now) =>
      nextGeneration(now.fleet?.assignments ?? []) === generation
        ? null
        : 'Units were given to other hosts meanwhile; look again.',
    )
  } catch (error) {
    if (isRunError(error, 'refused')) return refused(messageOf(error))
    throw error
  }
  failpoint('fleet.after-give-back')
  const to = shares.map((share) => `${share.units.length} to ${share.host}`).join(', ')
  const summary = `${plural(units.length, 'unit')} of ${host} given back: ${to} (generation ${generation}; ${why}). Start them with kx launch`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { given: units.length, generation, from: host, shares, why } }
}

/** Hosts that may get units: not the one that gives, none that has given back, none that is seen dead or not seen at all. */
function takersOf(state: RunState, from: string): readonly string[] {
  const { fleet } = state
  if (fleet === undefined) return []
  const released = releasedOf(fleet.assignments)
  const ill = new Set(
    hostLiveness(state, fleet, state.observation?.atMs ?? 0).flatMap(({ host, liveness }) =>
      liveness === 'dead' || liveness === 'unknown' ? [host] : [],
    ),
  )
  const able = fleet.hosts.filter((host) => {
    const view = viewOf(state, host)
    return host !== from && !released.has(host) && view.latest.AuditReport !== undefined
  })
  const well = able.filter((host) => !ill.has(host))
  return well.length > 0 ? well : able
}
