import type { BoxStatus } from '../engine/types.ts'
import { hostEnvironment } from '../host/environment.ts'
import { runProbe } from '../host/probe/run-probe.ts'
import { type Environment, resolveTierPath } from '../profile/tiers.ts'
import type { ActContext } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import type { RunState } from '../run/types.ts'
import { effectiveWorkers } from '../spec/units.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { isSameMachine } from '../walk/graph.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { runEndIn } from '../walk/run-end.ts'
import { type Expected, expectedOf, usualUnitSeconds } from './expected.ts'
import { diskFigures, gpuPanel, gpuWindow, machineFigure } from './figures.ts'
import { recordGuardActs } from './guard-acts.ts'
import type { Launched } from './receipt.ts'
import { conditionsOf } from './rules/conditions.ts'
import { decide } from './rules/decision.ts'
import { episodes } from './rules/episodes.ts'
import { guardFigure } from './rules/guard-figure.ts'
import { decideLiveness, stalledAfterSeconds } from './rules/liveness.ts'
import { countStates, primaryMetric, rowsOf } from './rules/rows.ts'
import type { Thresholds } from './rules/thresholds.ts'
import type { Samples } from './samples.ts'
import { unitSeries } from './series.ts'
import { spendOf } from './spend.ts'
import { allMarks, forgetMarks, readCrashMarks, readMetrics } from './tails.ts'
import type { Liveness, Observation, Signals } from './types.ts'

/** Rows above this number: those that wait are left out of the record. */
const rowLimit = 5000

/** Takes one look: figures, state, and the findings that it opens or clears. Reads only; the journal alone is written to. */
export async function look(
  ctx: ActContext,
  launched: Launched,
  samples: Samples,
  thresholds: Thresholds,
): Promise<Observation> {
  const { host, profile, loaded, clock } = ctx
  const { plan, units } = loaded
  const state = ctx.run.state()
  const previous = previousOf(state)
  const beforeMs = clock.nowMs()

  forgetFormerLaunch(samples, launched.receipt.id)
  const environment = await environmentOf(ctx, samples)
  const tiers = profile.storage.tiers.flatMap((tier) => {
    const path = resolveTierPath(tier, environment)
    return path === null ? [] : [{ tier, path }]
  })
  const [identity, answer, status] = await Promise.all([
    host.identity(ctx.signal).catch(() => null),
    runProbe(host, {
      pid: launched.handle.process.pid,
      paths: tiers.map((each) => each.path),
      signal: ctx.signal,
      isRepeated: true,
    }),
    launched.engine
      .status(host, launched.handle, units)
      .catch((error: unknown) => unreachable(beforeMs, messageOf(error))),
  ])
  const nowMs = clock.nowMs()
  if (status.guard != null) await recordGuardActs(ctx, status.guard)

  const metricName = primaryMetric(plan)?.name ?? null
  const workers = launched.workers ?? effectiveWorkers(plan)
  const expected = expectedOf(state, units.length, workers)
  const idleSeconds = plan.abort.idleMinutes === undefined ? null : plan.abort.idleMinutes * 60
  const silenceSeconds = stalledAfterSeconds(expected, idleSeconds, thresholds)
  const { rows, eta } = rowsOf(status, metricName, workers, silenceSeconds)
  const counts = countStates(rows)
  const isSeen = status.state !== 'unreachable'

  const restarted = rows.filter(
    (row) => row.attempt > (previous?.units.find((u) => u.unit === row.unit)?.attempt ?? row.attempt),
  )
  forgetMarks(samples, new Set(restarted.map((row) => row.unit)))
  const troubles = [answer.trouble, isSeen ? null : sanitiseLine(status.raw, 200)].flatMap((each) => each ?? [])
  const crashes = isSeen
    ? await tolerant(() => readCrashMarks(host, launched.handle, rows, samples, nowMs, status.atMs), [], troubles)
    : []
  const grown = isSeen
    ? await tolerant(() => readMetrics(host, launched.handle, rows, samples, status.atMs), new Set<string>(), troubles)
    : new Set<string>()

  const { disks, machine, gpu, window } = samples.together(() => {
    const gpu = gpuPanel(answer, samples)
    return {
      disks: diskFigures(answer, tiers, samples, thresholds),
      machine: machineFigure(answer, samples, beforeMs),
      gpu,
      window: gpuWindow(samples, gpu, nowMs, thresholds.gpuLowSeconds),
    }
  })
  const started = rows.length === 0 ? null : earliest(status)
  const ended = status.exit?.endedAtMs ?? null
  const signals = signalsOf({
    status,
    identity,
    launched,
    expected,
    stalledAfterSeconds: silenceSeconds,
    counts,
    unitsTotal: units.length,
    machine,
    window,
    started,
    nowMs,
  })
  const liveness = decideLiveness({ signals, nowMs, deadSinceMs: previous?.deadSinceMs ?? null, thresholds })

  const unknownTicks = liveness.state === 'unknown' ? Number(samples.get('unknown ticks') ?? 0) + 1 : 0
  samples.set('unknown ticks', unknownTicks)
  const conditions = conditionsOf({
    nowMs,
    plan,
    liveness,
    signals,
    units: rows,
    disks,
    machine,
    gpu,
    marks: allMarks(samples),
    oomBaseline: samples.get('oom baseline') as number | null,
    gpuWindow: window,
    expectedUnitSeconds: usualUnitSeconds(rows, expected.unitSeconds),
    smokeUnitSeconds: expected.unitSeconds,
    checkpointIntervalSeconds: expected.unitSeconds,
    unknownTicks,
    lease: leaseOf(ctx.run.state()) ?? launched.lease,
    ...(isSeen && status.guard !== undefined ? { guard: status.guard } : {}),
    token: launched.handle.token,
    // Of several hosts the cap is for all of them: it is held against the whole (see together.ts).
    ...(state.view === undefined ? { spend: spendOf(state, plan.budget.usd, nowMs) } : {}),
    series: unitSeries(samples, rows, metricName, grown),
    thresholds,
  })
  const former = state.findings.filter(
    (finding) => finding.closedAtMs === null && finding.openedAtMs < launched.receipt.atMs,
  )
  for (const { findingId } of former) await ctx.run.append('finding.closed', { findingId, because: 'launched again' })
  const changed = episodes(conditions, ctx.run.state().findings, () => ctx.newId())
  failpoint('patrol.before-findings')
  for (const finding of changed.closed) await ctx.run.append('finding.closed', finding)
  failpoint('patrol.between-findings')
  for (const finding of changed.opened) {
    await ctx.run.append('finding.opened', finding)
    ctx.cell.say(
      `${finding.severity} ${finding.class}: ${finding.text} (${finding.evidence}). ${finding.remedy} [${finding.recipe}]`,
    )
  }
  const open = ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
  const openFindings = {
    error: open.filter((finding) => finding.severity === 'error').length,
    warn: open.filter((finding) => finding.severity === 'warn').length,
    info: open.filter((finding) => finding.severity === 'info').length,
  }
  const isSameLaunch = previous !== null && previous.atMs >= launched.receipt.atMs
  const guard = guardFigure({
    nowMs,
    isSeen,
    status,
    token: launched.handle.token,
    before: isSameLaunch ? previous.guard : undefined,
  })
  return {
    v: 1,
    atMs: nowMs,
    host: host.name,
    state: liveness.state,
    sinceMs: sinceOf(liveness, previous, nowMs, status),
    reasons: liveness.reasons,
    isSuspect: liveness.isSuspect,
    deadSinceMs: liveness.deadSinceMs,
    unitsDone: isSeen ? counts.done : null,
    unitsTotal: units.length,
    signals,
    engineState: status.state,
    counts,
    units: rows.length > rowLimit ? rows.filter((row) => row.state !== 'queued').slice(0, rowLimit) : rows,
    metricName,
    eta: liveness.state === 'running' || liveness.state === 'stalled' ? eta : null,
    disks,
    machine,
    gpu,
    crashes,
    startedAtMs: started,
    endedAtMs: ended,
    troubles,
    probeSeconds: answer.durationMs / 1000,
    openFindings,
    ...(guard === undefined ? {} : { guard }),
    ...decide(liveness.state, openFindings.error, runEndIn({ exit: status.exit })),
  }
}

/** Kills for want of memory under a former launch are none of this one. */
function forgetFormerLaunch(samples: Samples, receiptId: string): void {
  if (samples.get('launch') === receiptId) return
  samples.set('oom baseline', null)
  samples.set('launch', receiptId)
}

function signalsOf(from: {
  readonly status: BoxStatus
  readonly identity: HostIdentity | null
  readonly launched: Launched
  readonly expected: Expected
  readonly stalledAfterSeconds: number
  readonly counts: ReturnType<typeof countStates>
  readonly unitsTotal: number
  readonly machine: { readonly cpuFraction: number | null }
  readonly window: { readonly percent: number } | null
  readonly started: number | null
  readonly nowMs: number
}): Signals {
  const { status, identity, launched, counts, expected } = from
  const isSeen = status.state !== 'unreachable'
  const receiptHost = launched.receipt.host
  const end = status.exit?.endedAtMs ?? status.atMs
  return {
    isProcessAlive: status.runnerAlive,
    isSameBoot: status.bootIdMatches,
    isSameMachine: identity === null || receiptHost === undefined ? null : isSameMachine(receiptHost, identity),
    heartbeatAgeSeconds: status.heartbeatAgeSeconds,
    exit: status.exit,
    // Both times are the box's own, so a clock that is off does not make a file old.
    newestWriteAgeSeconds:
      status.newestArtifactMs === null ? null : Math.max(0, (status.atMs - status.newestArtifactMs) / 1000),
    stalledAfterSeconds: from.stalledAfterSeconds,
    unitsDone: isSeen ? counts.done : null,
    unitsTotal: from.unitsTotal,
    unitsRunning: isSeen ? counts.running : null,
    cpuFraction: from.machine.cpuFraction,
    gpuPercent: from.window?.percent ?? null,
    provider: 'up',
    elapsedSeconds: from.started === null ? null : Math.max(0, (end - from.started) / 1000),
    // Relaunched runs skip what was done: only a first attempt can be held against the whole.
    expectedSeconds: status.units.some((unit) => unit.attempt > 1) ? null : expected.runSeconds,
  }
}

/** Since when the run is in its state: what has ended did so before anybody looked. */
function sinceOf(liveness: Liveness, previous: Observation | null, nowMs: number, { exit, atMs }: BoxStatus): number {
  // Both times are the box's own; the age counts back from now, so that a clock that is off does no harm.
  if (liveness.state === 'finished' && exit !== null) return nowMs - Math.max(0, atMs - exit.endedAtMs)
  if (liveness.state === 'dead' && liveness.deadSinceMs !== null) return Math.min(nowMs, liveness.deadSinceMs)
  return previous?.state === liveness.state ? previous.sinceMs : nowMs
}

function earliest(status: BoxStatus): number | null {
  const times = status.units.flatMap((unit) => (unit.startedAtMs === null ? [] : [unit.startedAtMs]))
  return times.length === 0 ? null : times.reduce((least, each) => Math.min(least, each))
}

/** Status that stands in when the engine itself could not answer: nothing is known, and nothing is called gone. */
function unreachable(atMs: number, raw: string): BoxStatus {
  return {
    atMs,
    state: 'unreachable',
    runnerAlive: null,
    bootIdMatches: null,
    heartbeatAgeSeconds: null,
    units: [],
    exit: null,
    checkpoint: null,
    newestArtifactMs: null,
    raw,
  }
}

/** The observation before this one, if it was written by this version. */
export function previousOf(state: RunState): Observation | null {
  return observationIn(state.observation?.payload)
}

/** A recorded observation, if this version wrote it. */
export function observationIn(recorded: unknown): Observation | null {
  const payload = recorded as Partial<Observation> | null | undefined
  return payload?.v === 1 && Array.isArray(payload.units) && typeof payload.sinceMs === 'number'
    ? (payload as Observation)
    : null
}

/** The lease that ends first among the meters that still run. */
function leaseOf(state: RunState): { readonly openedAtMs: number; readonly untilMs: number } | null {
  let found: { openedAtMs: number; untilMs: number } | null = null
  for (const meter of state.meters)
    if (
      meter.closedAtMs === null &&
      meter.leaseUntilMs !== null &&
      (found === null || meter.leaseUntilMs < found.untilMs)
    )
      found = { openedAtMs: meter.openedAtMs, untilMs: meter.leaseUntilMs }
  return found
}

/** The host's environment, asked once a run: it decides where tiers lie. An empty answer is asked again. */
async function environmentOf(ctx: ActContext, samples: Samples): Promise<Environment> {
  const before = samples.get('environment') as Environment | null
  if (before !== null) return before
  const made = await hostEnvironment(ctx.host, ctx.signal)
  if (made.HOME !== undefined) samples.set('environment', made)
  return made
}

/** Part of a tick that may fail alone: what is missing is said, and the rest of the tick goes on. */
async function tolerant<T>(work: () => Promise<T>, otherwise: T, troubles: string[]): Promise<T> {
  try {
    return await work()
  } catch (error) {
    troubles.push(sanitiseLine(messageOf(error), 200))
    return otherwise
  }
}
