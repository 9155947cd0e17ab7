import { join } from 'node:path'
import { boxScripts } from '../engine/box/assets.ts'
import { boxEngine } from '../engine/box/engine.ts'
import { unitDigest } from '../engine/box/layout.ts'
import { endSmokeStrays } from '../engine/box/strays.ts'
import { EngineError } from '../engine/errors.ts'
import type { BoxHandle, SubmitRequest } from '../engine/types.ts'
import { hasNoMeter } from '../profile/tiers.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { writeAtomic } from '../run/files.ts'
import { closeIntent, openIntent } from '../run/intent.ts'
import { launchedPlanFile } from '../run/launched-plan.ts'
import { otherAt } from '../run/open-cells.ts'
import { tokenFor } from '../run/token.ts'
import { sha256Hex } from '../spec/digest.ts'
import { effectiveWorkers } from '../spec/units.ts'
import { shellJoin } from '../text/shell.ts'
import { gateFor } from '../walk/gates.ts'
import { hostIdentityText } from '../walk/graph.ts'
import type { HostIdentity, Proof } from '../walk/proof.ts'
import { type Before, lookBefore } from './before.ts'
import { boxFolder, gpusFor, isOwnSession } from './box.ts'
import { firstSignOf } from './first-sign.ts'
import { recoveryNote } from './recovery.ts'
import { launchItems } from './rules.ts'
import { resolvedConfig } from './run-config.ts'
import type { LaunchIntent, ReceiptPayload } from './types.ts'

/**
 * Starts the units on the box, detached, or goes on where a runner that is seen dead has stopped. The intent is on disk
 * before anything is started; a start whose reply was lost is looked for by its token and never repeated blindly.
 * Exit code: 0 started and seen alive, 1 refused or not seen alive, 3 an approval is missing, 4 not known.
 */
export async function launch(ctx: ActContext): Promise<ActResult> {
  const began = ctx.clock.monotonicMs()
  const identity = await ctx.host.identity(ctx.signal)
  const refused = await gateRefusal(ctx, identity)
  if (refused !== null) return refused

  const place = await boxFolder(ctx)
  if ('reason' in place) return refusal(ctx, `It is not known where the run may lie: ${place.reason}.`, 4)
  const before = await lookBefore(ctx, place.folder)
  ctx.cell.say(before.text)
  if (before.kind === 'refused') return refusal(ctx, before.text, before.exitCode)
  if (before.kind === 'adopted')
    return receiptFor(ctx, { identity, began, ...before, isAdopted: true, foreignGpuProcesses: null })

  // Units of a smoke that was killed would share the machine with the run, and nobody watches them.
  if (otherAt(ctx.run.state(), 'smoke.run', ctx.cell.cellId) === null) await endSmokeStrays(ctx.host, ctx.run.id)
  const gpus = await gpusFor(ctx)
  if ('reason' in gpus) return refusal(ctx, gpus.reason, gpus.exitCode)
  return start(ctx, { identity, began, folder: place.folder, gpus, before })
}

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
}

async function start(ctx: ActContext, { identity, began, folder, gpus, before }: Start): Promise<ActResult> {
  const { plan, units, projectFolder, code } = ctx.loaded
  const attempt = before.attempt
  const token = tokenFor(ctx.run.id, 'launch', attempt)
  const workers = effectiveWorkers(plan)
  const leaseUntilMs = leaseEnd(ctx)
  const config = resolvedConfig(ctx, { identity, folder, token, workers, gpus: gpus.ids })
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
    plan,
    units,
    workers,
    threadsPerWorker: plan.resources.threadsPerWorker ?? null,
    gpus: gpus.ids,
    detach: ctx.profile.detach.filter((way) => way === 'systemd' || way === 'tmux' || way === 'setsid'),
    leaseUntilMs,
    projectFolder,
    code,
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

  const started = await submitOnce(ctx, request, intentId)
  if (started.kind !== 'started') return started.answer
  failpoint('launch.after-submit')
  await closeIntent(ctx.run, { intentId, outcome: 'done', payload: { handle: started.handle } })
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
    await closeIntent(ctx.run, { intentId, outcome: isGone ? 'failed' : 'unknown', payload: { why } })
    const answer = isGone
      ? refusal(ctx, why, 1)
      : refusal(ctx, `${why} Whether a runner is there is not known: ${found.reason}.`, 4)
    return { kind: 'not', answer }
  }
}

function leaseEnd(ctx: ActContext): number | null {
  const approval = ctx.run.state().latest.Approval?.payload as { readonly leaseHours?: unknown } | undefined
  const hours = approval?.leaseHours
  return typeof hours === 'number' && Number.isFinite(hours) && hours > 0
    ? Math.round(ctx.clock.nowMs() + hours * 3_600_000)
    : null
}

interface Started {
  readonly identity: HostIdentity
  readonly began: number
  readonly handle: BoxHandle
  readonly attempt: number
  readonly resumed: boolean
  readonly isAdopted: boolean
  readonly gpus: readonly string[]
  readonly foreignGpuProcesses: number | null
  readonly intentSequence: number | null
  readonly runConfigSha256: string
  readonly unitSha256: string
  readonly leaseUntilMs: number | null
}

/** Waits for the first sign of life, judges the items, and appends the receipt: also when no sign came. */
async function receiptFor(ctx: ActContext, started: Started): Promise<ActResult> {
  const { plan, units } = ctx.loaded
  const { handle, identity } = started
  ctx.cell.say(`runner ${handle.process.pid} by ${handle.detach} in ${handle.folder}`)
  await openMeter(ctx, started)
  failpoint('launch.before-sign')
  ctx.progress({ text: 'waiting for the first log line or step' })
  const firstSign = await firstSignOf(ctx, handle)
  failpoint('launch.after-sign')
  const state = ctx.run.state()
  const { runner } = await boxScripts()
  const there = await ctx.host.sha256(join(handle.folder, handle.runner), ctx.signal).catch(() => null)
  const fingerprints = await countFingerprints(ctx, handle)
  const nowMs = ctx.clock.nowMs()
  const items = launchItems({
    nowMs,
    host: identity,
    plan,
    platform: ctx.profile.platform,
    startScriptReruns: ctx.profile.launch.startScriptReruns,
    hasMeter: !hasNoMeter(ctx.profile),
    token: handle.token,
    intentSequence: started.intentSequence,
    runId: ctx.run.id,
    handle,
    resumed: started.resumed,
    isAdopted: started.isAdopted,
    codeFiles: ctx.loaded.code.length,
    codeBytes: ctx.loaded.code.reduce((sum, file) => sum + file.bytes, 0),
    git: gitOf(state.latest.PlanDigest),
    runConfigSha256: started.runConfigSha256,
    leaseUntilMs: started.leaseUntilMs,
    firstSign,
    seconds: (ctx.clock.monotonicMs() - started.began) / 1000,
    isRunnerIdentical: there === null ? null : there === sha256Hex(runner),
    isOwnSession: await isOwnSession(ctx, handle),
    fingerprints,
    foreignGpuProcesses: started.foreignGpuProcesses,
  })
  for (const [i, item] of items.entries()) {
    ctx.cell.say(`${item.result.padEnd(14)} ${item.id}  ${item.evidence.summary}`)
    ctx.progress({ text: item.title, done: i + 1, total: items.length, item })
  }
  const payload: ReceiptPayload = {
    runId: ctx.run.id,
    token: handle.token,
    attempt: started.attempt,
    handle,
    folder: handle.folder,
    workers: effectiveWorkers(plan),
    gpus: started.gpus,
    detach: handle.detach,
    startedAtMs: nowMs,
    leaseUntilMs: started.leaseUntilMs,
    runConfigSha256: started.runConfigSha256,
    unitSha256: started.unitSha256,
    resumed: started.resumed,
    firstSign,
  }
  const needs = [state.latest.Approval, state.latest.AuditReport, state.latest.SmokeProof].flatMap((p) => p?.id ?? [])
  const proof: Proof<ReceiptPayload> = {
    id: ctx.newId(),
    kind: 'Receipt',
    phase: 'launch',
    atMs: nowMs,
    host: identity,
    boundTo: { ...ctx.loaded.digests, host: hostIdentityText(identity) },
    needs,
    items,
    payload,
  }
  failpoint('launch.before-receipt')
  await ctx.run.append('proof.made', proof)
  failpoint('launch.after-receipt')
  const isAlive = firstSign.kind !== 'none'
  const verb = started.resumed ? 'Went on' : 'Launched'
  return {
    proof,
    summary: isAlive
      ? `${verb}: ${units.length} units on ${payload.workers} workers by ${handle.detach}, first sign from ${firstSign.unit} after ${firstSign.afterSeconds.toFixed(1)} s`
      : `${verb}, and not seen alive: ${firstSign.reason}`,
    exitCode: isAlive ? 0 : 1,
    data: { launched: true, proofId: proof.id, receipt: payload, command: shellJoin(['kx', 'patrol']) },
  }
}

/** On record before anybody waits: should kx die now, the meter is seen. A meter under an older lease gives way. */
async function openMeter(ctx: ActContext, { attempt, leaseUntilMs }: Started): Promise<void> {
  const open = ctx.run.state().meters.find((meter) => meter.closedAtMs === null && meter.host === ctx.host.name)
  const meterId = `${ctx.host.name}-${ctx.run.id}-${attempt}`
  if (open !== undefined && (open.leaseUntilMs === leaseUntilMs || open.meterId === meterId)) return
  await ctx.run.append('meter.opened', {
    meterId,
    what: ctx.profile.title,
    host: ctx.host.name,
    usdPerHour: ctx.profile.billing.usdPerHour,
    leaseUntilMs,
  })
  failpoint('launch.after-meter')
  if (open !== undefined)
    await ctx.run.append('meter.closed', { meterId: open.meterId, because: 'it goes on under the lease of a relaunch' })
}

function gitOf(plan: Proof | undefined): { commit: string | null; isDirty: boolean | null } | null {
  const git = (plan?.payload as { readonly git?: unknown } | null | undefined)?.git
  if (typeof git !== 'object' || git === null) return null
  const { commit, isDirty } = git as Readonly<Record<string, unknown>>
  return {
    commit: typeof commit === 'string' ? commit : null,
    isDirty: typeof isDirty === 'boolean' ? isDirty : null,
  }
}

async function countFingerprints(ctx: ActContext, handle: BoxHandle): Promise<number | null> {
  const first = ctx.loaded.units.slice(0, Math.max(2, effectiveWorkers(ctx.loaded.plan)))
  try {
    const found = await Promise.all(
      first.map((unit) => ctx.host.stat(`${handle.folder}/units/${unit.id}/env_fingerprint.json`)),
    )
    return found.filter((file) => file !== null).length
  } catch {
    return null
  }
}
