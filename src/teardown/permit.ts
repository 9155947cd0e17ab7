import { readManifest } from '../artifact/manifest.ts'
import { isQuiet, lookForNewer } from '../artifact/nothing-newer.ts'
import { damagedCopies } from '../artifact/recheck.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { plural } from '../text/format.ts'
import { isBlocking } from '../walk/item.ts'
import type { Proof } from '../walk/proof.ts'
import { artifactsFolder, closedGate, refusal, wasRemovalBegun, whyGone } from './common.ts'
import { verifiedOf } from './inputs.ts'
import { boundText, makePermit, permitItems, removalText, removalVerb } from './rules.ts'
import type { PermitPayload } from './types.ts'

export interface PermitQuestion {
  /** What has to be typed, letter by letter. */
  readonly expected: string
  readonly question: string
  /** What dies, what survives, what goes on billing. */
  readonly detail: readonly string[]
}

/** What a person is asked before a permit. Null: nothing is verified yet. */
export async function permitQuestion(ctx: Pick<ActContext, 'run' | 'host'>): Promise<PermitQuestion | null> {
  const text = removalText(ctx.run.state())
  if (text === null) return null
  return {
    expected: text.name,
    question: `Type ${text.name} to remove its box folder on ${ctx.host.name}`,
    detail: text.detail,
  }
}

/**
 * Makes a `Permit`: single use, 15 minutes, for this folder on this machine with this manifest. Refuses unless the
 * typed name is right, everything is verified and nothing moved. Exit 3 when nobody typed anything.
 */
export async function permit(ctx: ActContext, args: { readonly typedName?: string }): Promise<ActResult> {
  await ctx.run.refresh()
  const identity = await ctx.host.identity(ctx.signal)
  const stored = await readManifest(artifactsFolder(ctx))
  if (stored === null) return refusal('There is no readable manifest: verify first.', {})
  const closed = closedGate(ctx, 'permit', identity, stored.sha256)
  if (closed !== null) return closed
  const verified = verifiedOf(ctx.run.state())
  const question = await permitQuestion(ctx)
  const verb = removalVerb(ctx.profile)
  if (verified === null || question === null || verified.payload.manifestSha256 !== stored.sha256)
    return refusal('The manifest on disk is not the one that was verified: verify again.', {})
  const { folder } = verified.payload
  const gone = await whyGone(ctx, folder)
  if (gone !== null) return gone
  if (args.typedName === undefined) return refusal(question.question, question, 3)
  const damaged = await damagedCopies(artifactsFolder(ctx), stored.manifest, ctx.signal)
  if (damaged.length > 0)
    return refusal(`${plural(damaged.length, 'pulled file')} no longer what was verified: verify again.`, { damaged })
  const newer = await lookForNewer(ctx.host, folder, stored.manifest, ctx.loaded.plan.artifacts, ctx.signal)
  if (!isQuiet(newer, wasRemovalBegun(ctx, folder)))
    return refusal('Something on the box is newer than the manifest: verify again.', { newer })
  const nowMs = ctx.clock.nowMs()
  const items = permitItems({
    atMs: nowMs,
    host: ctx.host.name,
    profile: ctx.profile,
    approver: ctx.who,
    expectedName: question.expected,
    typedName: args.typedName,
    manifestSha256: stored.sha256,
    verified: verified.payload.accepted,
    of: verified.payload.totals.found,
  })
  const blocking = items.filter(isBlocking)
  if (blocking.length > 0 || verb === null) {
    const first = blocking[0]
    return refusal(first === undefined ? 'No permit.' : `${first.evidence.summary}: no permit.`, { items })
  }
  const proof: Proof<PermitPayload> = makePermit({
    id: ctx.newId(),
    payload: {
      runId: ctx.run.id,
      folder,
      verb: verb.verb,
      planSha256: ctx.loaded.digests.plan ?? null,
      manifestSha256: stored.sha256,
      verified: verified.payload.accepted,
      of: verified.payload.totals.found,
      sequence: ctx.run.state().sequence,
      approver: ctx.who,
      typedName: args.typedName,
    },
    host: identity,
    manifestProofId: verified.id,
    items,
    nowMs,
  })
  failpoint('teardown.before-permit')
  await ctx.run.append('proof.made', proof)
  failpoint('teardown.after-permit')
  const summary = `permit for ${verb.verb} of ${question.expected} on ${ctx.host.name}, 15 minutes, one use`
  const bound = `it holds for this machine alone: ${boundText(identity)}`
  ctx.cell.say(summary)
  ctx.cell.say(bound)
  return { proof, summary, exitCode: 0, lines: [bound], data: { permit: proof.payload, detail: question.detail } }
}
