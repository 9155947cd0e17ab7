import { setTimeout as sleep } from 'node:timers/promises'
import type { Manifest } from '../artifact/manifest.ts'
import { readManifest } from '../artifact/manifest.ts'
import { isQuiet, lookForNewer } from '../artifact/nothing-newer.ts'
import { damagedCopies } from '../artifact/recheck.ts'
import { dismissGuard } from '../engine/box/guard.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { dataTier } from '../run/data-tier.ts'
import { isRunError } from '../run/errors.ts'
import { dieHere, failpoint, isFailpointDue } from '../run/failpoints.ts'
import { closeIntent, openIntent, openIntents } from '../run/intent.ts'
import { plural } from '../text/format.ts'
import { usedPermits } from '../walk/gates.ts'
import { isVeryMachine } from '../walk/graph.ts'
import type { HostIdentity, Proof } from '../walk/proof.ts'
import { livingIn } from './box.ts'
import { artifactsFolder, closedGate, refusal, wasRemovalBegun, whyGone } from './common.ts'
import { hasPermitShape, outcomeOf, receiptOf, verifiedOf } from './inputs.ts'
import { goneItems, meterLines, permitRefusals } from './rules.ts'
import type { PermitPayload, StoppedPayload } from './types.ts'

interface RemoveArgs {
  /** Between the two looks that must both find nothing. A folder of this machine is not eventually consistent. */
  readonly gapMs?: number
}

interface RemovalIntent {
  readonly permitId: string
  readonly folder: string
}

/**
 * Destroys the box folder under a permit: machine, manifest, local copies, writers and the permit are looked at again,
 * the intent is on disk before the act, and the folder is seen gone twice. The permit is used up by the intent, however
 * the act ends. Exit 1 refused, 4 not known whether it is gone, or gone from a machine whose meter nobody saw end.
 */
export async function remove(ctx: ActContext, args: RemoveArgs = {}): Promise<ActResult> {
  const finished = await finishEarlier(ctx, args)
  if (finished !== null) return finished
  const identity = await ctx.host.identity(ctx.signal)
  const stored = await readManifest(artifactsFolder(ctx))
  if (stored === null) return refusal('There is no readable manifest: verify first.', {})
  const closed = closedGate(ctx, 'remove', identity, stored.sha256)
  if (closed !== null) return closed
  const permit = ctx.run.state().latest.Permit as Proof<PermitPayload> | undefined
  if (permit === undefined || !hasPermitShape(permit)) return refusal('There is no permit: ask for one.', {})
  const problem = await whyNot(ctx, permit, identity, stored)
  if (problem !== null) return problem
  const tier = await dataTier(ctx)
  if ('reason' in tier) return refusal(`Nothing was removed: ${tier.reason}.`, {})
  const { folder } = permit.payload
  if (!folder.startsWith(`${tier.path}/`) || folder.split('/').at(-1) !== ctx.run.id)
    return refusal(`Nothing was removed: ${folder} is not this run's folder under ${tier.path}.`, {})

  failpoint('remove.before-intent')
  const intentId = ctx.newId()
  try {
    await openIntent(ctx.run, {
      intentId,
      act: 'remove',
      // The permit is the token: of two processes with the same one, exactly one goes on.
      token: `kx-${ctx.run.id}-remove-${permit.id}`,
      host: ctx.host.name,
      payload: { permitId: permit.id, folder, manifestSha256: stored.sha256, host: identity },
    })
  } catch (error) {
    if (isRunError(error, 'refused')) return refusal(`Nothing was removed: ${error.message}`, {})
    throw error
  }
  failpoint('remove.after-intent')
  ctx.cell.say(`removing ${folder}`)
  // The last look before the act, after the intent: whoever answers must still be the same machine.
  if (!isVeryMachine(await ctx.host.identity(ctx.signal), identity)) {
    await closeIntent(ctx.run, { intentId, outcome: 'failed', payload: { reason: 'another machine answers' } })
    return refusal('Nothing was removed: another machine answers now. Ask for a new permit.', {})
  }
  let failure: string | null = null
  try {
    if ((await dismissGuard(ctx.host, folder)) !== true) ctx.cell.say('the guard of the lease was not seen to leave')
    if (isFailpointDue('remove.half-way')) await ctx.host.removeTree(`${folder}/units`, tier.path).then(dieHere)
    await ctx.host.removeTree(folder, tier.path)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  failpoint('remove.after-removal')
  return conclude(ctx, intentId, { permitId: permit.id, folder }, failure, args)
}

/** Everything that must hold immediately before the act; null when it does. */
async function whyNot(
  ctx: ActContext,
  permit: Proof<PermitPayload>,
  identity: HostIdentity,
  stored: { readonly manifest: Manifest; readonly sha256: string },
): Promise<ActResult | null> {
  const state = ctx.run.state()
  const receipt = receiptOf(state)
  if (receipt === null) return refusal('The receipt names no box folder.', {})
  const refusals = permitRefusals(permit, {
    nowMs: ctx.clock.nowMs(),
    runId: ctx.run.id,
    folder: receipt.folder,
    identity,
    planSha256: ctx.loaded.digests.plan ?? null,
    manifestSha256: stored.sha256,
    sequence: state.sequence,
    isUsed: usedPermits(state).has(permit.id),
  })
  if (refusals.length > 0) return refusal(`The permit does not hold: ${refusals.join('; ')}.`, { refusals })
  const damaged = await damagedCopies(artifactsFolder(ctx), stored.manifest, ctx.signal)
  if (damaged.length > 0)
    return refusal(`${plural(damaged.length, 'pulled file')} no longer what was verified: verify again.`, { damaged })
  const alive = receipt.process === null ? false : await ctx.host.isAlive(receipt.process)
  if (alive === true) return refusal('The runner is still alive: stop it first with kx abort.', {})
  if (alive === 'unknown') return refusal('It cannot be told whether the runner is alive: look again.', {}, 4)
  const { folder } = permit.payload
  // Not only the receipt's process: somebody may have gone on by hand, and units outlive a runner that was killed.
  const living = await livingIn(ctx, folder)
  if ('reason' in living)
    return refusal(`It cannot be told who is alive in ${folder}: ${living.reason}. Look again.`, {}, 4)
  if (living.who.length > 0)
    return refusal(`Still alive in ${folder}: ${living.who.join(', ')}. Let it end, or stop it with kx abort.`, living)
  const newer = await lookForNewer(ctx.host, folder, stored.manifest, ctx.loaded.plan.artifacts, ctx.signal)
  if (!isQuiet(newer, wasRemovalBegun(ctx, folder)))
    return refusal('Something on the box is newer than the manifest: verify again.', { newer })
  return null
}

/**
 * What became of an earlier removal, asked before anybody is asked for another permit: a folder that is gone can have
 * none. One that came to its end is said to be done, should nobody have heard it; one made by hand is refused with what can
 * be done about it. Null: there was none.
 */
export async function finishRemoval(ctx: ActContext, args: RemoveArgs = {}): Promise<ActResult | null> {
  return (await finishEarlier(ctx, args)) ?? doneBefore(ctx) ?? goneByHand(ctx)
}

/** Nobody is asked to type a name for a folder that is not there. */
async function goneByHand(ctx: ActContext): Promise<ActResult | null> {
  const receipt = receiptOf(ctx.run.state())
  return receipt === null ? null : whyGone(ctx, receipt.folder)
}

/** A removal whose end nobody wrote down (kx was killed): looked at before anything else is done. */
async function finishEarlier(ctx: ActContext, args: RemoveArgs): Promise<ActResult | null> {
  await ctx.run.refresh()
  const open = openIntents(ctx.run.state()).find((intent) => intent.act === 'remove' && intent.host === ctx.host.name)
  if (open === undefined) return null
  const payload = open.payload as Partial<RemovalIntent & { host: HostIdentity }>
  if (typeof payload.folder !== 'string' || typeof payload.permitId !== 'string' || payload.host === undefined)
    return refusal('A removal was begun and its record cannot be read: look at the host by hand.', {}, 4)
  const identity = await ctx.host.identity(ctx.signal)
  // A reboot in between is fine for looking; another machine is not. Records of before hold no host key.
  const before = { hostKey: null, instanceId: null, ...payload.host }
  const known = {
    hostKey: before.hostKey === null ? null : (identity.hostKey ?? null),
    instanceId: before.instanceId === null ? null : (identity.instanceId ?? null),
  }
  if (!isVeryMachine({ ...identity, ...known, bootId: before.bootId }, before))
    return refusal('A removal was begun on another machine than the one that answers: look there.', {}, 4)
  return conclude(ctx, open.intentId, { permitId: payload.permitId, folder: payload.folder }, null, args)
}

function doneBefore(ctx: ActContext): ActResult | null {
  const proof = ctx.run.state().latest.MeterStopped
  if (proof === undefined || proof.host?.host !== ctx.host.name) return null
  const stopped = proof.payload as StoppedPayload
  const summary = `${stopped.folder} was removed before (${new Date(proof.atMs).toISOString()}): there is nothing left to remove`
  return { summary, exitCode: 0, data: { stopped } }
}

/** Looks twice, writes what was seen, closes the intent. Only a positive "not there" counts as gone. */
async function conclude(
  ctx: ActContext,
  intentId: string,
  intent: RemovalIntent,
  failure: string | null,
  args: RemoveArgs,
): Promise<ActResult> {
  const { folder } = intent
  const seenGoneAtMs: number[] = []
  let answer = `${folder} is not there`
  for (let look = 0; look < 2; look += 1) {
    if (look > 0) await sleep(args.gapMs ?? 1000, undefined, { signal: ctx.signal })
    try {
      const found = await ctx.host.stat(folder)
      if (found !== null) {
        const why = failure ?? 'the removal was cut short'
        await closeIntent(ctx.run, { intentId, outcome: 'failed', payload: { reason: why } })
        return refusal(`${folder} is still there: ${why}. The permit is used up; ask for a new one.`, { failure: why })
      }
      seenGoneAtMs.push(ctx.clock.nowMs())
    } catch (error) {
      ctx.signal.throwIfAborted()
      answer = error instanceof Error ? error.message : String(error)
      // The intent stays open, so that the next call looks again instead of asking for another permit.
      return refusal(`It is not known whether ${folder} is gone: ${answer}. Run it again to look.`, { answer }, 4)
    }
  }
  failpoint('remove.before-stopped')
  // The intent is closed last: should kx die before that, the next call looks again and writes what is missing.
  const written = ctx.run
    .state()
    .proofs.find((p) => p.kind === 'MeterStopped' && (p.payload as StoppedPayload).permitId === intent.permitId)
  const proof =
    (written as Proof<StoppedPayload> | undefined) ?? (await writeReceipt(ctx, intent, seenGoneAtMs, answer))
  failpoint('remove.after-stopped')
  const after = meterLines(ctx.profile)
  // A folder that is gone says nothing of a machine that somebody bills: its meter stays on the home screen.
  for (const meter of ctx.run.state().meters)
    if (meter.closedAtMs === null && meter.host === ctx.host.name && after.length === 0)
      await ctx.run.append('meter.closed', { meterId: meter.meterId, because: `${answer}, seen twice` })
  failpoint('remove.after-meter')
  await closeIntent(ctx.run, { intentId, outcome: 'done', payload: { seenGoneAtMs } })
  const billing = after.length === 0 ? '' : '; still billing, unconfirmed: end the meter by hand'
  const summary = `${folder} removed and seen gone twice; ${proof.payload.verified} of ${proof.payload.of} artifacts are safe${billing}`
  ctx.cell.say(summary)
  for (const line of after) ctx.cell.say(line)
  return { proof, summary, exitCode: after.length === 0 ? 0 : 4, data: { stopped: proof.payload, meterSteps: after } }
}

async function writeReceipt(
  ctx: ActContext,
  intent: RemovalIntent,
  seenGoneAtMs: readonly number[],
  lastAnswer: string,
): Promise<Proof<StoppedPayload>> {
  const state = ctx.run.state()
  const permit = state.proofs.find((p) => p.id === intent.permitId) as Proof<PermitPayload> | undefined
  const verified = verifiedOf(state)
  const startedAtMs = state.latest.Receipt?.atMs ?? null
  const endedAtMs = outcomeOf(state).endedAtMs ?? state.latest.Outcome?.atMs ?? null
  const hours = startedAtMs === null || endedAtMs === null ? null : Math.max(0, endedAtMs - startedAtMs) / 3_600_000
  const { usdPerHour } = ctx.profile.billing
  const stopped: StoppedPayload = {
    runId: ctx.run.id,
    folder: intent.folder,
    permitId: intent.permitId,
    manifestSha256: permit?.payload.manifestSha256 ?? verified?.payload.manifestSha256 ?? '',
    verified: permit?.payload.verified ?? verified?.payload.accepted ?? 0,
    of: permit?.payload.of ?? verified?.payload.totals.found ?? 0,
    verb: permit?.payload.verb ?? 'not known',
    seenGoneAtMs,
    lastAnswer,
    hours,
    usd: hours === null || usdPerHour === null ? null : hours * usdPerHour,
  }
  const atMs = ctx.clock.nowMs()
  const proof: Proof<StoppedPayload> = {
    id: ctx.newId(),
    kind: 'MeterStopped',
    phase: 'teardown',
    atMs,
    host: await ctx.host.identity(ctx.signal),
    boundTo: {},
    needs: permit === undefined ? [] : [permit.id],
    items: goneItems({ atMs, host: ctx.host.name, stopped, meter: meterLines(ctx.profile) }),
    payload: stopped,
  }
  await ctx.run.append('proof.made', proof)
  return proof
}
