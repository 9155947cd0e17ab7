import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { viewOf } from '../run/host-view.ts'
import { thinObservation } from '../run/observation.ts'
import { hostLiveness, livenessOf } from '../run/reader.ts'
import { countedIn } from '../run/units-done.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { ownersOf } from '../walk/shares.ts'
import { episodes } from './rules/episodes.ts'
import { tickLine } from './rules/line.ts'
import { moneyRule } from './rules/money-conditions.ts'
import { type Thresholds, thresholdsWith } from './rules/thresholds.ts'
import { togetherOf } from './rules/together.ts'
import { findingLine, isMaterial, type ObserveOptions } from './service.ts'
import { spendOf } from './spend.ts'
import { observationIn, previousOf } from './tick.ts'

/** A host that could not be asked at all, with why. */
export interface Silent {
  readonly host: string
  readonly why: string
}

/**
 * One look at a run over several hosts, from the looks at each that are on record: the whole of it, with each unit once.
 * A host that could not even be asked is put down as unknown, with what it last said kept. Exit codes as of a look at one.
 */
export async function observeTogether(
  ctx: ActContext,
  silent: readonly Silent[],
  options: ObserveOptions = {},
): Promise<ActResult> {
  for (const { host, why } of silent) await putDown(ctx, host, why)
  const state = await ctx.run.refresh()
  const { fleet } = state
  const nowMs = ctx.clock.nowMs()
  if (fleet === undefined || !state.proofs.some((proof) => proof.kind === 'Receipt'))
    return { summary: 'Nothing of this run was launched yet: launch it first: kx launch', exitCode: 1, data: null }
  await lookAtMoney(ctx, nowMs, thresholdsWith(options.thresholds))
  const alive = new Map(hostLiveness(state, fleet, nowMs, true).map((each) => [each.host, each]))
  const whole = livenessOf(state, nowMs)
  const open = ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
  const bySeverity = (severity: string) => open.filter((finding) => finding.severity === severity).length
  const observation = togetherOf({
    nowMs,
    hosts: fleet.hosts.map((host) => ({
      host,
      isLaunched: viewOf(state, host).latest.Receipt !== undefined,
      liveness: alive.get(host)?.liveness ?? null,
      reason: alive.get(host)?.reason ?? null,
      latest: observationIn(fleet.observations[host]?.payload),
      truth: observationIn(fleet.truths[host]?.payload),
    })),
    units: ctx.loaded.units,
    assignments: fleet.assignments,
    owners: ownersOf(fleet.assignments),
    counted: countedIn(state),
    state: whole.liveness ?? 'unknown',
    reason: whole.reason,
    previous: previousOf(state),
    openFindings: { error: bySeverity('error'), warn: bySeverity('warn'), info: bySeverity('info') },
  })
  failpoint('patrol.before-together')
  if (options.record === 'always' || isMaterial(state, observation))
    await ctx.run.append('observation', thinObservation(state.observation?.payload, observation))
  failpoint('patrol.after-together')
  const line = tickLine(observation)
  ctx.cell.say(line)
  return {
    summary: line,
    exitCode: observation.exitCode,
    data: { ...observation, findings: open },
    lines: [
      ...(observation.hosts ?? []).map(
        (each) =>
          `${each.host}: ${each.isReleased ? 'gave its units back, ' : ''}${each.state ?? 'not launched'}, ${each.unitsDone} of ${each.units} units${each.reason === null ? '' : `, ${each.reason}`}`,
      ),
      ...open.map(findingLine),
    ],
  }
}

/** The cap and the estimate are for the run: what all hosts cost together is held against them, and found once. */
async function lookAtMoney(ctx: ActContext, nowMs: number, thresholds: Thresholds): Promise<void> {
  const { plan } = ctx.loaded
  const conditions = moneyRule({ spend: spendOf(ctx.run.state(), plan.budget.usd, nowMs), plan, thresholds })
  const own = ctx.run.state().findings.filter((finding) => finding.host === undefined)
  const changed = episodes(conditions, own, () => ctx.newId())
  for (const finding of changed.closed) await ctx.run.append('finding.closed', finding)
  for (const finding of changed.opened) await ctx.run.append('finding.opened', finding)
}

/** Only what is not known is new; figures and rows of the look before stay where they are, under their own times. */
async function putDown(ctx: ActContext, host: string, why: string): Promise<void> {
  const { fleet } = ctx.run.state()
  const before = observationIn(fleet?.observations[host]?.payload)
  const reason = sanitiseLine(why, 200)
  if (before === null || (before.state === 'unknown' && before.reasons[0] === reason)) return
  const nowMs = ctx.clock.nowMs()
  const observation = {
    ...before,
    atMs: nowMs,
    state: 'unknown',
    sinceMs: before.state === 'unknown' ? before.sinceMs : nowMs,
    reasons: [reason],
    eta: null,
    decision: 'unknown',
    exitCode: 4,
  }
  await ctx.run.append('host.observation', {
    host,
    observation: thinObservation(fleet?.observations[host]?.payload, observation),
  })
}
