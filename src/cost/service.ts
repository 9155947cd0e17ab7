import { staleFromMs } from '../profile/staleness.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import type { RunState } from '../run/types.ts'
import { formatHours, formatMoment } from '../text/format.ts'
import { type GateAnswer, gateFor } from '../walk/gates.ts'
import { type CheckedItem, isBlocking } from '../walk/item.ts'
import { carryOverrides } from '../walk/overrides.ts'
import type { Proof } from '../walk/proof.ts'
import { extrapolationOf } from './extrapolate.ts'
import { capShortfall, figure, pricePlan } from './price.ts'
import { costRules } from './rules.ts'
import { smokeEvidence } from './smoke-evidence.ts'
import type { ApprovalPayload, PricedPayload } from './types.ts'

/**
 * Prices the plan from its smoke and appends a `PricedPlan`. Refuses (exit 1) while there is no smoke that holds; exit 1
 * also when an error item blocks the approval.
 */
export async function price(ctx: ActContext): Promise<ActResult> {
  const nowMs = ctx.clock.nowMs()
  const state = ctx.run.state()
  const gate = gateFor('cost', { state, digests: ctx.loaded.digests, nowMs, host: null })
  const smoke = smokeOf(state, ctx.loaded.plan.hosts)
  if (!gate.open || smoke === undefined) return refusal(ctx, 'Not priced', gate)

  const evidence = smokeEvidence(smoke.payload)
  const { plan } = ctx.loaded
  const priced = pricePlan({
    plan,
    profile: ctx.profile,
    smoke: { ...evidence, machineClass: smoke.machineClass ?? evidence.machineClass },
    codeBytes: ctx.loaded.code.reduce((sum, f) => sum + f.bytes, 0),
    extrapolation: extrapolationOf(state.proofs, smoke, plan.hosts),
  })
  const found = costRules({ plan, profile: ctx.profile, smoke: evidence, priced, nowMs })
  const about = {
    kind: 'PricedPlan',
    ...(smoke.machineClass === undefined ? {} : { machineClass: smoke.machineClass }),
    boundTo: ctx.loaded.digests,
  } as const
  const items = carryOverrides(found, about, state.proofs)
  for (const item of items) ctx.progress({ text: item.title, item })
  const plain = state.latest.PlanDigest
  const proof: Proof<PricedPayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'cost',
    atMs: nowMs,
    // No cost is promised on a price that has gone stale.
    expiresAtMs: Math.max(nowMs, staleFromMs(ctx.profile.billing.verified)),
    needs: [...(plain === undefined ? [] : [plain.id]), smoke.id],
    items,
    payload: priced,
  }
  failpoint('cost.before-priced')
  await ctx.run.append('proof.made', proof)
  failpoint('cost.after-priced')
  const blocking = items.filter(isBlocking)
  const hours =
    priced.hoursP50 === null || priced.hoursP90 === null
      ? 'hours not known'
      : `${formatHours(priced.hoursP50)} (p50), ${formatHours(priced.hoursP90)} (p90${priced.isP90Assumed ? ', assumed' : ''})`
  const usd = priced.usdP90 === null ? 'money not known' : `$${figure(priced.usdP90)} (p90)`
  const summary = `${hours}, ${usd}${blocking.length === 0 ? '' : `; blocked by ${blocking.map((i) => i.id).join(', ')}`}`
  ctx.cell.say(summary)
  ctx.cell.say(priced.basis)
  return { proof, summary, exitCode: blocking.length === 0 ? 0 : 1, data: { items, payload: priced } }
}

/** The smoke that a price rests on: the newest, unless that is one of this machine and an equal one of the hosts is there. */
function smokeOf(state: RunState, hosts: readonly string[]): Proof | undefined {
  const newest = state.latest.SmokeProof
  if (newest === undefined || extrapolationOf(state.proofs, newest, hosts) === null) return newest
  return (
    state.proofs.findLast(
      (proof) =>
        proof.kind === 'SmokeProof' &&
        JSON.stringify(proof.boundTo) === JSON.stringify(newest.boundTo) &&
        extrapolationOf(state.proofs, proof, hosts) === null,
    ) ?? newest
  )
}

export interface ApproveRequest {
  /** Name of the person who approves. */
  readonly by: string
  /** How long the approval holds; default 24, at most a week. */
  readonly expiresHours?: number
}

const defaultExpiryHours = 24
const maximumExpiryHours = 168

/**
 * A person's yes to the priced plan that holds now: cap, lease and price as they stand in it. Refused while the cap is
 * below the p90, and no override changes that: the cap is what keeps its promise.
 */
export async function approve(ctx: ActContext, request: ApproveRequest): Promise<ActResult> {
  const by = request.by.trim()
  const hours = request.expiresHours ?? defaultExpiryHours
  if (by === '' || !Number.isFinite(hours) || hours <= 0 || hours > maximumExpiryHours) {
    const summary =
      by === ''
        ? 'Not approved: an approval needs the name of a person. Give it with --by.'
        : `Not approved: an approval holds for more than 0 and at most ${maximumExpiryHours} hours, not ${hours}.`
    return { summary, exitCode: 2, data: { approved: false } }
  }
  const nowMs = ctx.clock.nowMs()
  const state = ctx.run.state()
  const gate = gateFor('approve', { state, digests: ctx.loaded.digests, nowMs, host: null })
  const pricedProof = state.latest.PricedPlan
  if (!gate.open || pricedProof === undefined) return refusal(ctx, 'Not approved', gate)
  const priced = pricedProof.payload as PricedPayload
  const short = capShortfall(priced)
  const { hoursP90, usdP90, usdPerHour } = priced
  if (short !== null || hoursP90 === null || usdP90 === null || usdPerHour === null) {
    const summary = `Not approved: ${short ?? 'the price is not known'}. Change budget in the plan and price it again.`
    ctx.cell.say(summary)
    return { summary, exitCode: 1, data: { approved: false, reason: short } }
  }
  const expiresAtMs = Math.min(nowMs + hours * 3_600_000, pricedProof.expiresAtMs ?? Number.POSITIVE_INFINITY)
  const payload: ApprovalPayload = {
    pricedPlanId: pricedProof.id,
    by,
    expiresAtMs,
    hoursP90,
    usdP90,
    usdPerHour,
    priceSource: priced.priceSource,
    capUsd: priced.capUsd,
    capHours: priced.capHours,
    leaseHours: priced.leaseHours,
  }
  const item: CheckedItem = {
    id: 'cost.recommend-then-approve',
    title: 'A person approved price, cap and lease',
    gate: 'cost',
    severity: 'error',
    how: 'person',
    result: 'pass',
    evidence: {
      summary: `${by}, until ${formatMoment(expiresAtMs)}`,
      atMs: nowMs,
      value: { capUsd: payload.capUsd, capHours: payload.capHours, leaseHours: payload.leaseHours },
    },
  }
  const proof: Proof<ApprovalPayload> = {
    id: ctx.newId(),
    kind: 'Approval',
    phase: 'cost',
    atMs: nowMs,
    expiresAtMs,
    boundTo: pricedProof.boundTo,
    needs: [pricedProof.id],
    items: [item],
    payload,
  }
  failpoint('cost.before-approval')
  await ctx.run.append('proof.made', proof)
  failpoint('cost.after-approval')
  const summary = `${by} approved at most ${formatHours(payload.capHours)} and $${figure(payload.capUsd)}, lease ${formatHours(payload.leaseHours)}, until ${formatMoment(expiresAtMs)}`
  ctx.cell.say(summary)
  return { proof, summary, exitCode: 0, data: { approved: true, payload } }
}

function refusal(ctx: ActContext, what: string, gate: GateAnswer): ActResult {
  const first = gate.missing[0]
  const summary = `${what}: ${first === undefined ? 'a proof is missing.' : `${first.why} ${first.next}`}`
  for (const { why, next } of gate.missing) ctx.cell.say(`${why} ${next}`)
  return { summary, exitCode: 1, data: { missing: gate.missing } }
}
