import { viewOf } from '../run/host-view.ts'
import type { Meter, RunState } from '../run/types.ts'
import { formatTime, plural } from '../text/format.ts'
import { releasedOf } from '../walk/shares.ts'
import { outcomeOf } from './inputs.ts'
import type { OutcomeFacts } from './types.ts'

/** The run as each host sees it that it was launched on, in the order of the plan; a run on one host is that one. */
export function launchedViews(state: RunState): readonly RunState[] {
  if (state.fleet === undefined || state.fleet.hosts.length < 2) return [state]
  const views = state.fleet.hosts.map((host) => viewOf(state, host)).filter((view) => view.latest.Receipt !== undefined)
  return views.length === 0 ? [state] : views
}

/**
 * How the run ended, over all hosts: as well as the one that ended worst, and as late as the last. A host that gave back
 * what it had says nothing of the end; what it did is counted by its results. Null: not known of one, so not of all.
 */
export function outcomeOfAll(state: RunState): OutcomeFacts {
  const views = launchedViews(state)
  const released = releasedOf(state.fleet?.assignments ?? [])
  const stayed = views.filter((view) => !released.has(view.view?.host ?? ''))
  const outcomes = (stayed.length === 0 ? views : stayed).map(outcomeOf)
  const [first] = outcomes
  if (first === undefined || views.length === 1) return outcomeOf(views[0] ?? state)
  const all = <T>(list: readonly (T | null)[]): readonly T[] | null =>
    list.every((each) => each !== null) ? (list as readonly T[]) : null
  const ends = all(outcomes.map((outcome) => outcome.endedAtMs))
  const endedAtMs = ends === null ? null : Math.max(...ends)
  const startedAtMs = state.proofs.find((proof) => proof.kind === 'Receipt')?.atMs ?? null
  const units = all(outcomes.map((outcome) => outcome.units))
  const sum = (pick: (of: NonNullable<OutcomeFacts['units']>) => number) =>
    (units ?? []).reduce((total, each) => total + pick(each), 0)
  const worst = outcomes.find((outcome) => outcome.liveness !== 'finished') ?? first
  return {
    liveness: worst.liveness,
    end: outcomes.find((outcome) => outcome.end?.word !== 'completed')?.end ?? first.end,
    endedAtMs,
    elapsedSeconds: endedAtMs === null || startedAtMs === null ? null : (endedAtMs - startedAtMs) / 1000,
    units:
      units === null
        ? null
        : { done: sum((of) => of.done), failed: sum((of) => of.failed), aborted: sum((of) => of.aborted) },
    unitSeconds: views.flatMap((view) => outcomeOf(view).unitSeconds),
    isSuspect: outcomes.some((outcome) => outcome.isSuspect),
  }
}

/** What each host did, in a line; empty for a run on one. */
export function unitsByHost(state: RunState): string {
  const views = launchedViews(state)
  if (views.length < 2) return ''
  return views
    .map((view) => {
      const { units } = outcomeOf(view)
      return `${view.view?.host}: ${units === null ? 'not known' : `${units.done} done, ${units.failed} failed`}`
    })
    .join('; ')
}

/** Names of the hosts that a run was launched on, with what they call themselves. Null: none is known. */
export function hostsText(state: RunState): string | null {
  const hosts = launchedViews(state).flatMap((view) => view.latest.Receipt?.host ?? view.latest.Outcome?.host ?? [])
  return hosts.length === 0 ? null : hosts.map(({ host, hostname }) => `${host} (${hostname})`).join(', ')
}

/** Classes of the machines that the smokes ran on for these hosts. Null: not known. */
export function classesText(state: RunState): string | null {
  const classes = launchedViews(state).flatMap(
    ({ latest }) => latest.SmokeProof?.machineClass ?? latest.Receipt?.machineClass ?? [],
  )
  return classes.length === 0 ? null : [...new Set(classes)].join(', ')
}

function meterText(meter: Meter): string {
  if (meter.closedAtMs === null) return 'open'
  const at = formatTime(meter.closedAtMs)
  if (meter.writtenOff === undefined) return `closed ${at}: ${meter.closedBecause ?? 'not known why'}`
  return `written off by ${meter.writtenOff.by} ${at}, never seen to stop: ${meter.writtenOff.reason}`
}

/** How the newest meter of each host stands. Written off is never called stopped. Null: none was opened. */
export function metersText(state: RunState): string | null {
  const views = launchedViews(state)
  const said = views.flatMap((view) => {
    const meter = view.meters.at(-1)
    return meter === undefined ? [] : `${views.length > 1 ? `${view.view?.host}: ` : ''}${meterText(meter)}`
  })
  return said.length === 0 ? null : said.join('; ')
}

/** Money that the meters of several hosts ran up until they closed, or until now. Null: a price or a meter is not known. */
export function fleetUsd(
  state: RunState,
  nowMs: number,
): { readonly usd: number | null; readonly note: string } | null {
  const views = launchedViews(state)
  if (views.length < 2) return null
  const open = state.meters.filter((meter) => meter.closedAtMs === null).length
  const isKnown = state.meters.length > 0 && state.meters.every((meter) => meter.usdPerHour !== null)
  const usd = state.meters.reduce(
    (sum, meter) =>
      sum + ((meter.usdPerHour ?? 0) * Math.max(0, (meter.closedAtMs ?? nowMs) - meter.openedAtMs)) / 3_600_000,
    0,
  )
  return { usd: isKnown ? usd : null, note: open === 0 ? '' : `so far: ${plural(open, 'meter')} still open` }
}
