import { contentDigest, type Manifest, wholeUnits } from '../artifact/manifest.ts'
import { lookForNewer, surveyBelow } from '../artifact/nothing-newer.ts'
import { NoSpace } from '../artifact/room.ts'
import { type VerifyRequest, verifyArtifacts } from '../artifact/verify.ts'
import { attend } from '../engine/box/guard.ts'
import { hostEnvironment } from '../host/environment.ts'
import { resolveTierPath } from '../profile/tiers.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { hostIdentityText } from '../walk/graph.ts'
import type { CheckedItem } from '../walk/item.ts'
import { isBlocking } from '../walk/item.ts'
import { type About, carryOverrides } from '../walk/overrides.ts'
import type { HostIdentity, Proof } from '../walk/proof.ts'
import { afterSteps } from './box.ts'
import { artifactsFolder, closedGate, refusal, whyGone } from './common.ts'
import { outcomeOf, receiptOf } from './inputs.ts'
import { waivable } from './items.ts'
import { acceptedCount, consequences, lostTrackerLogs, patternTallies, verifyItems } from './rules.ts'
import type { VerifiedPayload, VerifyFacts } from './types.ts'

export { lookAtMeter, meterQuestion } from './meter.ts'
export { permit, permitQuestion } from './permit.ts'
export { finishRemoval, remove } from './remove.ts'
export { writeReport } from './report.ts'
export { writeOff, writeOffQuestion } from './write-off.ts'

/** Names come from a box: they pass the sanitiser before they stand in a proof. */
function shown(item: CheckedItem): CheckedItem {
  const { evidence } = item
  return {
    ...item,
    ...(item.reason !== undefined && { reason: sanitiseLine(item.reason) }),
    evidence: {
      ...evidence,
      summary: sanitiseLine(evidence.summary),
      ...(evidence.detail && { detail: evidence.detail.map((line) => sanitiseLine(line)) }),
    },
  }
}

async function gather(ctx: ActContext, folder: string, manifest: Manifest, manifestSha256: string) {
  const state = ctx.run.state()
  return {
    atMs: ctx.clock.nowMs(),
    host: ctx.host.name,
    plan: ctx.loaded.plan,
    profile: ctx.profile,
    manifest,
    manifestSha256,
    newer: await lookForNewer(ctx.host, folder, manifest, ctx.loaded.plan.artifacts, ctx.signal),
    after: await afterSteps(ctx, folder),
    outcome: outcomeOf(state),
    overrides: {},
  }
}

/** Waivers that were given for these very artifacts count; one for others is said to be. */
function withWaivers(found: VerifyFacts, about: About, proofs: readonly Proof[]) {
  const carried = carryOverrides(verifyItems(found).map(shown), about, proofs)
  const overrides = Object.fromEntries(carried.flatMap(({ id, override }) => (override ? [[id, override]] : [])))
  const facts: VerifyFacts = { ...found, overrides }
  const lapsed = new Map(carried.map((item) => [item.id, item.lapsed]))
  const items = verifyItems(facts)
    .map(shown)
    .map((item): CheckedItem => {
      const old = lapsed.get(item.id)
      return old === undefined ? item : { ...item, lapsed: old }
    })
  return { facts, items }
}

export type HowToPull = Pick<VerifyRequest, 'chunkBytes' | 'rsync'>

/**
 * Roster, pull, hashes at both ends, structure, nothing newer; appends a `VerifiedManifest` proof, also when items
 * block: it then says what is wrong. Exit 0 all well, 1 something failed, 4 something could not be told.
 */
export async function verify(ctx: ActContext, args: HowToPull = {}): Promise<ActResult> {
  await ctx.run.refresh()
  const identity = await ctx.host.identity(ctx.signal)
  const closed = closedGate(ctx, 'verify', identity, null)
  if (closed !== null) return closed
  const receipt = receiptOf(ctx.run.state())
  if (receipt === null) return refusal('The receipt names no box folder: look at the launch again.', {})
  const { folder } = receipt
  const gone = await whyGone(ctx, folder)
  if (gone !== null) return gone
  const { Outcome: outcome } = ctx.run.state().latest
  return verifyFolder(ctx, { identity, folder, needs: [receipt.proof.id, ...(outcome ? [outcome.id] : [])] }, args)
}

export interface FolderToVerify {
  readonly identity: HostIdentity
  readonly folder: string
  readonly needs: readonly string[]
  /** It holds what several hosts made, put together here: the proof is of the run and of none of them. */
  readonly isTogether?: boolean
}

/** The same for a folder that was found: what is declared there becomes the artifacts of `ctx.run`. */
export async function verifyFolder(ctx: ActContext, asked: FolderToVerify, args: HowToPull = {}): Promise<ActResult> {
  // The guard of a lease parks no machine from which results are being fetched.
  const leave = attend(ctx.host, asked.folder, ctx.newId)
  try {
    return await pullAndJudge(ctx, asked, args)
  } finally {
    leave()
  }
}

async function pullAndJudge(
  ctx: ActContext,
  { identity, folder, needs, isTogether = false }: FolderToVerify,
  args: HowToPull,
): Promise<ActResult> {
  failpoint('teardown.before-pull')
  let made: Awaited<ReturnType<typeof verifyArtifacts>>
  try {
    made = await verifyArtifacts({
      runId: ctx.run.id,
      host: ctx.host,
      identity,
      boxFolder: folder,
      declared: ctx.loaded.plan.artifacts,
      units: ctx.loaded.units.map((unit) => unit.id),
      artifactsFolder: artifactsFolder(ctx),
      nowMs: () => ctx.clock.nowMs(),
      signal: ctx.signal,
      onProgress: (text, done, total) => {
        failpoint(done < total ? 'teardown.before-file' : 'teardown.after-manifest')
        ctx.progress({ text: sanitiseLine(text), done, total })
      },
      ...args,
    })
  } catch (error) {
    if (error instanceof NoSpace) return refusal(error.message, {})
    throw error
  }
  const about = {
    kind: 'VerifiedManifest',
    ...(isTogether ? {} : { host: identity }),
    boundTo: {
      ...(ctx.loaded.digests.plan !== undefined && { plan: ctx.loaded.digests.plan }),
      host: hostIdentityText(identity),
      manifest: made.sha256,
      artifacts: contentDigest(made.manifest),
    },
  } as const
  const { facts, items } = withWaivers(
    await gather(ctx, folder, made.manifest, made.sha256),
    about,
    ctx.run.state().proofs,
  )
  for (const item of items) ctx.progress({ text: item.title, item })
  const survey = await surveyBelow(ctx.host, folder, ctx.signal)
  const box = survey.incomplete === null ? { files: survey.files, bytes: survey.bytes } : null
  const environment = await hostEnvironment(ctx.host, ctx.signal).catch(() => ({}))
  const payload: VerifiedPayload = {
    runId: ctx.run.id,
    folder,
    manifestSha256: made.sha256,
    totals: made.manifest.totals,
    accepted: acceptedCount(facts),
    patterns: patternTallies(facts).map((tally) => ({ ...tally, glob: sanitiseLine(tally.glob) })),
    missing: made.manifest.missing.slice(0, 1000),
    ...(ctx.run.scope === undefined ? {} : { unitsWhole: wholeUnits(made.manifest) }),
    waived: items.flatMap(({ id, override }) =>
      override !== undefined && waivable.includes(id) ? [{ itemId: id, reason: override.reason, by: override.by }] : [],
    ),
    box,
    consequences: consequences(
      ctx.profile,
      folder,
      made.manifest,
      box,
      (tier) => resolveTierPath(tier, environment),
      lostTrackerLogs(facts),
    ).map((line) => sanitiseLine(line)),
  }
  const proof: Proof<VerifiedPayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'teardown',
    atMs: facts.atMs,
    needs,
    items,
    payload,
  }
  failpoint('teardown.before-verified')
  await ctx.run.append('proof.made', proof)
  failpoint('teardown.after-verified')
  const blocking = items.filter(isBlocking)
  for (const item of blocking) {
    ctx.cell.say(`${item.result} ${item.id} - ${item.evidence.summary}`)
    for (const line of item.evidence.detail ?? []) ctx.cell.say(`  ${line}`)
  }
  // Of what the plan expects, not of what was found: a roster that is short is never n of n.
  const { found, expected } = made.manifest.totals
  const verified = `verified ${payload.accepted} of ${Math.max(found, expected)}`
  const summary =
    blocking.length === 0
      ? `${verified}, nothing newer on the box`
      : `${verified}; blocks: ${blocking.map((i) => i.id).join(', ')}`
  ctx.cell.say(summary)
  const exitCode = blocking.length === 0 ? 0 : blocking.some((item) => item.result === 'fail') ? 1 : 4
  return { proof, summary, exitCode, data: { items, payload, manifest: made.manifest } }
}
