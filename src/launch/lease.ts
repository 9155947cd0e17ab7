import type { GuardRequest } from '../engine/types.ts'
import { parkOnBox } from '../profile/park-on-box.ts'
import { hasNoMeter } from '../profile/tiers.ts'
import type { ActContext } from '../run/act.ts'
import { leaseIn } from '../run/lease.ts'
import type { RunState } from '../run/types.ts'
import { formatMoment } from '../text/format.ts'

/** How long the guard on a box waits for somebody, and how long silence is no stall there. */
export interface GuardLimits {
  readonly absentSeconds: number
  readonly stallSeconds: number
  /** Pause between two of its looks; absent: its own. */
  readonly pollSeconds?: number
}

/** The handbook states no times: an hour is a meal, and far less than any clock of a platform. Settings may say otherwise. */
export const defaultGuardLimits: GuardLimits = { absentSeconds: 3600, stallSeconds: 3600 }
/** Silence counts as a stall only beyond so many of the longest steps, or units that show none, of the smoke. */
const stallTimes = 3

/** What a launch may run until. The first launch under an approval fixes it; a relaunch under the same one does not move it. */
export type LaunchLease =
  | { readonly kind: 'until'; readonly approvalId: string; readonly untilMs: number }
  | { readonly kind: 'over'; readonly why: string }
  | { readonly kind: 'none' }

/** The lease of a launch that begins now. */
export function leaseOfLaunch(state: RunState, nowMs: number): LaunchLease {
  const approval = state.latest.Approval
  const hours = (approval?.payload as { readonly leaseHours?: unknown } | undefined)?.leaseHours
  if (approval === undefined || typeof hours !== 'number' || !Number.isFinite(hours) || hours <= 0)
    return { kind: 'none' }
  const before = leaseIn(state)
  if (before === null) return { kind: 'until', approvalId: approval.id, untilMs: Math.round(nowMs + hours * 3_600_000) }
  if (before.untilMs > nowMs) return { kind: 'until', approvalId: approval.id, untilMs: before.untilMs }
  return {
    kind: 'over',
    why: `The lease of this approval ended ${formatMoment(before.untilMs)}. Let a person approve again: kx approve.`,
  }
}

/** The guard that a launch arms. Everything that it goes by is fixed here and stands in the run configuration. */
export function guardOf(
  ctx: Pick<ActContext, 'profile' | 'run' | 'clock'>,
  lease: LaunchLease,
  limits: GuardLimits,
): GuardRequest | null {
  if (lease.kind !== 'until') return null
  const park = parkOnBox(ctx.profile)
  return {
    leaseSeconds: Math.max(1, Math.round((lease.untilMs - ctx.clock.nowMs()) / 1000)),
    hasMeter: !hasNoMeter(ctx.profile),
    park: park.kind === 'command' ? park.command : null,
    absentSeconds: limits.absentSeconds,
    stallSeconds: Math.max(limits.stallSeconds, stallTimes * longestSilence(ctx.run.state())),
    ...(limits.pollSeconds === undefined ? {} : { pollSeconds: limits.pollSeconds }),
  }
}

/** Seconds for which a healthy unit writes nothing, as the smoke measured them; 0 where it did not. */
function longestSilence(state: RunState): number {
  const payload = state.latest.SmokeProof?.payload as Readonly<Record<string, unknown>> | null | undefined
  const longest = (key: string) => {
    const value = payload?.[key]
    const numbers = Array.isArray(value) ? value.filter((each) => typeof each === 'number' && each > 0) : []
    return Math.max(0, ...numbers)
  }
  return longest('stepSeconds') || longest('unitSeconds')
}
