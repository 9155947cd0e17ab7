import { join } from 'node:path'
import { boxEngine } from '../engine/box/engine.ts'
import { giveToBox } from '../engine/box/give.ts'
import { unitDigest } from '../engine/box/layout.ts'
import { endSmokeStrays } from '../engine/box/strays.ts'
import { EngineError } from '../engine/errors.ts'
import type { BoxHandle, SubmitRequest } from '../engine/types.ts'
import { usableEnvironment } from '../environment/use.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { writeAtomic } from '../run/files.ts'
import { closeOnce, openIntent } from '../run/intent.ts'
import { launchedPlanFile } from '../run/launched-plan.ts'
import { otherAt } from '../run/open-cells.ts'
import { tokenFor } from '../run/token.ts'
import { knownSecrets } from '../secret/known.ts'
import { sha256Hex } from '../spec/digest.ts'
import type { Plan } from '../spec/schema.ts'
import { effectiveWorkers } from '../spec/units.ts'
import { plural } from '../text/format.ts'
import { gateFor } from '../walk/gates.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { askedToStop } from './asked.ts'
import { type Before, lookBefore } from './before.ts'
import { boxFolder, gpusFor, secretFolders } from './box.ts'
import { defaultGuardLimits, type GuardLimits, guardOf, leaseOfLaunch } from './lease.ts'
import { receiptFor } from './receipt.ts'
import { recoveryNote } from './recovery.ts'
import { resolvedConfig } from './run-config.ts'
import type { LaunchIntent } from './types.ts'

export interface LaunchOptions {
  /** Times that the guard of the lease goes by; the defaults of this room where none are given. */
  readonly guard?: GuardLimits
}

/**
 * Starts the units on the box, detached, or goes on where a runner that is seen dead has stopped. The intent is on disk
 * before anything is started; a start whose reply was lost is looked for by its token and never repeated blindly.
 * Exit code: 0 started and seen alive, 1 refused or not seen alive, 3 an approval is missing, 4 not known.
 */
export async function launch(ctx: ActContext, options: LaunchOptions = {}): Promise<ActResult> {
  const began = ctx.clock.monotonicMs()
  const identity = await ctx.host.identity(ctx.signal)
  const refused = await gateRefusal(ctx, identity)
  if (refused !== null) return refused

  const place = await boxFolder(ctx)
  if ('reason' in place) return refusal(ctx, `It is not known where the run may lie: ${place.reason}.`, 4)
  const before = await lookBefore(ctx, place.folder)
  ctx.cell.say(before.text)
  if (before.kind === 'refused') return refusal(ctx, before.text, before.exitCode)
  if (before.kind === 'at-work' || before.kind === 'complete') return goesOn(ctx, before)
  if (before.kind === 'adopted')
    return receiptFor(ctx, { identity, began, ...before, isAdopted: true, foreignGpuProcesses: null })

  // Units of a smoke that was killed would share the machine with the run, and nobody watches them.
  if (otherAt(ctx.run.state(), 'smoke.run', ctx.cell.cellId) === null) await endSmokeStrays(ctx.host, ctx.run.id)
  const environment = await usableEnvironment(ctx)
  if (environment.kind === 'refused') return refusal(ctx, environment.why, environment.exitCode)
  ctx.cell.say(environment.words)
  const gpus = await gpusFor(ctx)
  if ('reason' in gpus) return refusal(ctx, gpus.reason, gpus.exitCode)
  const limits = options.guard ?? defaultGuardLimits
  const unitPlan = environment.plan
  return start(ctx, { identity, began, folder: place.folder, gpus, before, limits, unitPlan })
}

export { abortLaunch } from './abort.ts'

/** A second name for the same act: launching a run whose runner is dead goes on from its checkpoints. */
export const relaunch = launch

async function gateRefusal(ctx: ActContext, identity: HostIdentity): Promise<ActResult | null> {
  const gate = gateFor('launch', {
    state: await ctx.run.refresh(),
    digests: ctx.loaded.digests,
    nowMs: ctx.clock.nowMs(),
    host: identity,
  })
  if (gate.open) return smokeRefusal(ctx)
  const needsPerson = gate.missing.every((m) => m.proof === 'Approval')
  for (const { why, next } of gate.missing) ctx.cell.say(`${why} ${next}`)
  const first = gate.missing[0]
  return {
    summary: `Not launched: ${first === undefined ? 'the gate is closed' : `${first.why} ${first.next}`}`,
    exitCode: needsPerson ? 3 : 1,
    data: { launched: false, missing: gate.missing },
  }
}

/** The smoke is bound to code, configuration and data; that it ran this very command is looked at here. */
function smokeRefusal(ctx: ActContext): ActResult | null {
  const payload = ctx.run.state().latest.SmokeProof?.payload as { readonly unitSha256?: unknown } | null | undefined
  const smoked = payload?.unitSha256
  if (typeof smoked !== 'string' || smoked === unitDigest(ctx.loaded.plan)) return null
  return refusal(ctx, 'The smoke ran another command, or with other variables or units. Run it again: kx smoke.', 1)
}

/** A host of several that is at work gets what was assigned to it since, and is not started twice. */
async function goesOn(ctx: ActContext, before: Extract<Before, { kind: 'at-work' | 'complete' }>): Promise<ActResult> {
  const given =
    before.kind === 'complete' ? 0 : await giveToBox(ctx.host, before.folder, ctx.loaded.plan, ctx.loaded.units)
  failpoint('launch.after-give')
  const summary = given === 0 ? before.text : `${before.text}; ${plural(given, 'unit')} added to its queue`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { launched: false, given, reason: before.text } }
}

function refusal(ctx: ActContext, why: string, exitCode: 1 | 3 | 4): ActResult {
  ctx.cell.say(why)
  return { summary: `Not launched: ${why}`, exitCode, data: { launched: false, reason: why } }
}

interface Start {
  readonly identity: HostIdentity
  readonly began: number
  readonly folder: string
  readonly gpus: { readonly ids: readonly string[]; readonly foreign: number | null }
  readonly before: Extract<Before, { kind: 'free' | 'dead' }>
  readonly limits: GuardLimits
  /** The plan with the variables of its environment on this host. What is digested and kept is the plan itself. */
  readonly unitPlan: Plan
}

async function start(ctx: ActContext, given: Start): Promise<ActResult> {
  const { identity, began, folder, gpus, before, limits, unitPlan } = given
  const { plan, units, projectFolder, code } = ctx.loaded
  const attempt = before.attempt
  const token = tokenFor(ctx.run.id, 'launch', attempt, ctx.run.scope)
  const workers = effectiveWorkers(plan)
  const lease = leaseOfLaunch(ctx.run.state(), ctx.clock.nowMs())
  if (lease.kind === 'over') return refusal(ctx, lease.why, 3)
  const leaseUntilMs = lease.kind === 'until' ? lease.untilMs : null
  const guard = guardOf(ctx, lease, limits)
  const config = resolvedConfig(ctx, { identity, folder, token, workers, gpus: gpus.ids, guard })
  const runConfigSha256 = sha256Hex(config)
  const unitSha256 = unitDigest(plan)
  writeAtomic(launchedPlanFile(ctx.run.folder, runConfigSha256), config, 'run-config')
  writeAtomic(join(ctx.run.folder, 'run-config.json'), config, 'run-config')
  // Before the start: it must be there whatever happens next.
  writeAtomic(
    join(ctx.run.folder, 'recovery.md'),
    recoveryNote({
      runId: ctx.run.id,
      projectFolder,
      runFolder: ctx.run.folder,
      hostName: ctx.host.name,
      folder,
      token,
      plan,
      workers,
      unitCount: units.length,
      atMs: ctx.clock.nowMs(),
      leaseUntilMs,
    }),
    'recovery',
  )
  const request: SubmitRequest = {
    runId: ctx.run.id,
    token,
    folder,
    plan: unitPlan,
    units,
    workers,
    threadsPerWorker: plan.resources.threadsPerWorker ?? null,
    gpus: gpus.ids,
    detach: ctx.profile.detach.filter((way) => way === 'systemd' || way === 'tmux' || way === 'setsid'),
    leaseUntilMs,
    ...(guard === null ? {} : { guard }),
    projectFolder,
    code,
    ...(await secrecy(ctx)),
  }
  failpoint('launch.before-intent')
  const intentId = ctx.newId()
  let intentSequence: number
  try {
    const payload: LaunchIntent = {
      folder,
      attempt,
      runConfigSha256,
      unitSha256,
      resumes: before.kind === 'dead',
      gpus: gpus.ids,
      leaseUntilMs,
      ...(lease.kind === 'until' ? { approvalId: lease.approvalId } : {}),
      cellId: ctx.cell.cellId,
    }
    const opened = await openIntent(ctx.run, { intentId, act: 'launch', token, host: ctx.host.name, payload })
    intentSequence = opened.sequence
  } catch (error) {
    if (isRunError(error, 'refused')) return refusal(ctx, messageOf(error), 1)
    throw error
  }
  failpoint('launch.after-intent')
  ctx.cell.say(`intent ${intentSequence} on disk, token ${token}`)
  ctx.progress({ text: `pushing ${code.length} files and starting the runner` })

  // Somebody may have stopped it in the moment since the intent: the last look before anything is started.
  const stopped = askedToStop(await ctx.run.refresh(), token)
  if (stopped !== null) {
    await closeOnce(ctx.run, { intentId, outcome: 'failed', payload: { why: `stopped: ${stopped}` } })
    return refusal(ctx, `It was stopped before anything was started: ${stopped}.`, 1)
  }
  const started = await submitOnce(ctx, request, intentId)
  if (started.kind !== 'started') return started.answer
  failpoint('launch.after-submit')
  await closeOnce(ctx.run, { intentId, outcome: 'done', payload: { handle: started.handle } })
  failpoint('launch.after-close')
  return receiptFor(ctx, {
    identity,
    began,
    handle: started.handle,
    attempt,
    resumed: before.kind === 'dead',
    isAdopted: false,
    gpus: gpus.ids,
    foreignGpuProcesses: gpus.foreign,
    intentSequence,
    runConfigSha256,
    unitSha256,
    leaseUntilMs,
  })
}

/** Units get the secrets that the plan names and no others; what is kept from them is said, for it may be missed. */
async function secrecy(ctx: ActContext): Promise<Pick<SubmitRequest, 'holdsSecret' | 'onWithheld' | 'secrets'>> {
  const secrets = await knownSecrets(ctx.loaded.plan.secrets)
  return {
    secrets: {
      valueOf: secrets.valueOf,
      folders: await secretFolders(ctx),
      onMissing: (names) => ctx.cell.say(`not handed over, because no value is known: ${names.join(', ')}`),
    },
    holdsSecret: (text) => secrets.namesIn(text).length > 0,
    onWithheld: (names) => {
      if (names.length > 0)
        ctx.cell.say(`kept from the units: ${names.join(', ')}; to hand one over, name it under secrets`)
    },
  }
}

/** Submits; when the reply is lost, asks the host who runs under this token before anything is said. */
async function submitOnce(
  ctx: ActContext,
  request: SubmitRequest,
  intentId: string,
): Promise<{ kind: 'started'; handle: BoxHandle } | { kind: 'not'; answer: ActResult }> {
  try {
    return { kind: 'started', handle: await boxEngine.submit(ctx.host, request) }
  } catch (error) {
    const why = messageOf(error)
    ctx.cell.say(why)
    const isCertain = error instanceof EngineError && error.outcome === 'nothing-started'
    const found = isCertain
      ? ({ kind: 'none' } as const)
      : await boxEngine.find(ctx.host, request.folder, request.token)
    if (found.kind === 'one') return { kind: 'started', handle: found.handle }
    const isGone = found.kind === 'none'
    await closeOnce(ctx.run, { intentId, outcome: isGone ? 'failed' : 'unknown', payload: { why } })
    const answer = isGone
      ? refusal(ctx, why, 1)
      : refusal(ctx, `${why} Whether a runner is there is not known: ${found.reason}.`, 4)
    return { kind: 'not', answer }
  }
}
