import { join } from 'node:path'
import { boxScripts } from '../engine/box/assets.ts'
import { boxEngine } from '../engine/box/engine.ts'
import type { BoxHandle, GuardStatus } from '../engine/types.ts'
import { clockText } from '../profile/lines.ts'
import { guardActText } from '../profile/park-on-box.ts'
import { hasNoMeter } from '../profile/tiers.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { unreadClocks } from '../run/read-clocks.ts'
import type { RunState } from '../run/types.ts'
import { sha256Hex } from '../spec/digest.ts'
import { effectiveWorkers } from '../spec/units.ts'
import { formatDuration } from '../text/format.ts'
import { shellJoin } from '../text/shell.ts'
import { hostIdentityText } from '../walk/graph.ts'
import { carryOverrides } from '../walk/overrides.ts'
import type { HostIdentity, Proof } from '../walk/proof.ts'
import { isOwnSession } from './box.ts'
import { firstSignOf } from './first-sign.ts'
import { launchItems } from './rules.ts'
import type { ReceiptPayload } from './types.ts'

/** A runner that is there, started by this act or found by its token. */
export interface Started {
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
export async function receiptFor(ctx: ActContext, started: Started): Promise<ActResult> {
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
  const about = {
    kind: 'Receipt',
    host: identity,
    boundTo: { ...ctx.loaded.digests, host: hostIdentityText(identity) },
  } as const
  const found = launchItems({
    nowMs,
    host: identity,
    plan,
    platform: ctx.profile.platform,
    // Not known counts as yes: the guard is there in any case.
    startScriptReruns: ctx.profile.launch.startScriptReruns !== false,
    hasMeter: !hasNoMeter(ctx.profile),
    clocks: { total: ctx.profile.dangerClocks.length, unread: unreadClocks(ctx.profile).map(clockText) },
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
    guard: await guardSeen(ctx, handle),
    guardAct: guardActText(ctx.profile),
    firstSign,
    seconds: (ctx.clock.monotonicMs() - started.began) / 1000,
    isRunnerIdentical: there === null ? null : there === sha256Hex(runner),
    isOwnSession: await isOwnSession(ctx, handle),
    fingerprints,
    foreignGpuProcesses: started.foreignGpuProcesses,
  })
  const items = carryOverrides(found, about, state.proofs)
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
    ...(started.leaseUntilMs === null ? {} : { leaseEnd: guardActText(ctx.profile) }),
    runConfigSha256: started.runConfigSha256,
    unitSha256: started.unitSha256,
    resumed: started.resumed,
    firstSign,
  }
  const needs = [state.latest.Approval, state.latest.AuditReport, state.latest.SmokeProof].flatMap((p) => p?.id ?? [])
  const proof: Proof<ReceiptPayload> = {
    id: ctx.newId(),
    ...about,
    phase: 'launch',
    atMs: nowMs,
    needs,
    items,
    payload,
  }
  failpoint('launch.before-receipt')
  const made = await appendOnce(ctx, proof)
  failpoint('launch.after-receipt')
  const isAlive = firstSign.kind !== 'none'
  const verb = started.resumed ? 'Went on' : 'Launched'
  return {
    proof: made,
    summary: isAlive
      ? `${verb}: ${units.length} units on ${payload.workers} workers by ${handle.detach}, first sign from ${firstSign.unit} after ${formatDuration(firstSign.afterSeconds)}`
      : `${verb}, and not seen alive: ${firstSign.reason}`,
    exitCode: isAlive ? 0 : 1,
    data: { launched: true, proofId: made.id, receipt: made.payload, command: shellJoin(['kx', 'patrol']) },
  }
}

/** The guard as it answers now; null when it does not, or the box does not. */
async function guardSeen(ctx: ActContext, handle: BoxHandle): Promise<GuardStatus | null> {
  const status = await boxEngine.status(ctx.host, handle, ctx.loaded.units).catch(() => null)
  return status?.guard ?? null
}

/** Two kx may come to the same receipt, one of them stopping what the other starts: the first one stands. */
async function appendOnce(ctx: ActContext, proof: Proof<ReceiptPayload>): Promise<Proof<ReceiptPayload>> {
  const same = (state: RunState) =>
    state.proofs.find(
      (each) =>
        each.kind === 'Receipt' && (each.payload as Partial<ReceiptPayload> | null)?.token === proof.payload.token,
    ) as Proof<ReceiptPayload> | undefined
  try {
    await ctx.run.append('proof.made', proof, (state) =>
      same(state) === undefined ? null : 'The receipt of this launch was written before.',
    )
    return proof
  } catch (error) {
    const written = same(ctx.run.state())
    if (written !== undefined && isRunError(error, 'refused')) return written
    throw error
  }
}

/** On record before anybody waits: should kx die now, the meter is seen. A meter under an older lease gives way. */
async function openMeter(ctx: ActContext, { attempt, leaseUntilMs }: Started): Promise<void> {
  const meterId = `${ctx.host.name}-${ctx.run.id}-${attempt}`
  const open = ctx.run.state().meters.filter((meter) => meter.closedAtMs === null && meter.host === ctx.host.name)
  // A relaunch under the same approval has the same lease, and goes on under the meter that is there.
  const current =
    open.find((meter) => meter.meterId === meterId) ?? open.find((meter) => meter.leaseUntilMs === leaseUntilMs)
  if (current === undefined)
    await ctx.run.append('meter.opened', {
      meterId,
      what: ctx.profile.title,
      host: ctx.host.name,
      usdPerHour: ctx.profile.billing.usdPerHour,
      leaseUntilMs,
    })
  failpoint('launch.after-meter')
  for (const older of open)
    if (older !== current)
      await ctx.run.append('meter.closed', {
        meterId: older.meterId,
        because: 'it goes on under the lease of a relaunch',
      })
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
