import { setTimeout as sleep } from 'node:timers/promises'
import { meterStepLines, meterSteps } from '../profile/meter-steps.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import type { Meter, RunState } from '../run/types.ts'
import { formatAge, formatUsdPerHour } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { MachineSight, MeterStatement } from '../walk/meter.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { refusal } from './common.ts'
import { confirmGapMs, judgeMeter, type MeterJudgement, meaningOf } from './rules.ts'

export interface MeterRequest {
  /** One look from outside at the machine. */
  readonly sight: () => Promise<MachineSight>
  /** A person says that the verb was carried out. */
  readonly isDone?: boolean
  /** A person says that nothing bills any more: reason and proof in words. */
  readonly ended?: string | undefined
  /** How long to go on looking until it is confirmed. */
  readonly waitSeconds?: number
  /** Between two looks. */
  readonly gapMs?: number
}

/** What a person is shown before being asked whether the verb was carried out. Null: no meter is open on this host. */
export function meterQuestion(ctx: Pick<ActContext, 'run' | 'host' | 'profile'>): readonly string[] | null {
  const meter = openMeter(ctx)
  if (meter === null) return null
  const steps = meterSteps(ctx.profile)
  return [
    `${meter.what} on ${meter.host}: ${formatUsdPerHour(meter.usdPerHour)}`,
    ...(steps === null ? ['The profile names no verb that ends it.'] : meterStepLines(steps)),
  ]
}

const openMeter = ({ run, host }: Pick<ActContext, 'run' | 'host'>): Meter | null =>
  run.state().meters.findLast((meter) => meter.closedAtMs === null && meter.host === host.name) ?? null

/**
 * Looks from outside whether the machine of an open meter is still there, where kx cannot turn that meter off itself, and
 * writes down what was seen, with what it proves and what not. Closes the meter only when the rules confirm it, or when a
 * person states the end with reason and proof, which is recorded as said. Exit 0 closed, 1 the machine is up, 4 unconfirmed.
 */
export async function lookAtMeter(ctx: ActContext, request: MeterRequest): Promise<ActResult> {
  await ctx.run.refresh()
  const meter = openMeter(ctx)
  if (meter === null) return refusal(`No meter of this run is open on ${ctx.host.name}.`, {})
  const { meterId } = meter
  const verb = ctx.profile.meterStopVerb
  const said = async (what: MeterStatement['what'], text: string) => {
    const statement: MeterStatement = { atMs: ctx.clock.nowMs(), by: ctx.who, what, verb, text }
    await ctx.run.append('meter.said', { meterId, statement })
  }
  const proofText = request.ended === undefined ? null : sanitiseLine(request.ended.trim(), 500)
  if (proofText !== null && proofText.length < 8)
    return refusal('Nothing was closed: say in words who saw the meter end, and where (--ended).', {})
  if (request.isDone === true) await said('done', '')
  if (proofText === null) {
    for (const line of meterQuestion(ctx) ?? []) ctx.cell.say(line)
    await watch(ctx, meterId, request)
  } else await said('ended', proofText)
  failpoint('meter.before-close')
  const judged = judgementOf(ctx, meterId)
  const open = stillOpen(ctx.run.state(), meterId)
  const isOver = judged.standing === 'confirmed' || judged.standing === 'stated' || judged.standing === 'none'
  const bills = judged.stillBills === null ? '' : `; still bills: ${judged.stillBills}`
  if (isOver && open !== null) await close(ctx, meterId, `${judged.summary}${bills}`)
  const meterNow = ctx.run.state().meters.find((each) => each.meterId === meterId) ?? meter
  const age = formatAge(ctx.clock.nowMs() - meter.openedAtMs)
  const summary = isOver
    ? `${judged.summary}${bills}`
    : `${judged.summary} (${formatUsdPerHour(meter.usdPerHour)}, for ${age})`
  ctx.cell.say(summary)
  return {
    summary,
    exitCode: isOver ? 0 : judged.standing === 'up' ? 1 : 4,
    data: { standing: judged.standing, meter: meterNow, steps: meterSteps(ctx.profile) },
    ...(isOver ? {} : { lines: [...(meterQuestion(ctx) ?? [])] }),
  }
}

/** Looks once; with `waitSeconds` again and again until it is confirmed or the time is over. */
async function watch(ctx: ActContext, meterId: string, request: MeterRequest): Promise<void> {
  const gapMs = request.gapMs ?? confirmGapMs + 1000
  const until = ctx.clock.monotonicMs() + (request.waitSeconds ?? 0) * 1000
  for (;;) {
    ctx.progress({ text: `looking at ${ctx.host.name}` })
    const sight = await request.sight()
    ctx.signal.throwIfAborted()
    await ctx.run.append('meter.seen', { meterId, sight })
    failpoint('meter.after-sight')
    const { proves, provesNot } = meaningOf(sight, machineOf(ctx.run.state(), ctx.host.name))
    ctx.cell.say(`${sight.words}; it proves ${proves}, not ${provesNot}`)
    if (judgementOf(ctx, meterId).standing === 'confirmed' || ctx.clock.monotonicMs() + gapMs > until) return
    await sleep(gapMs, undefined, { signal: ctx.signal })
  }
}

function judgementOf(ctx: Pick<ActContext, 'run' | 'host' | 'profile'>, meterId: string): MeterJudgement {
  const state = ctx.run.state()
  const meter = state.meters.find((each) => each.meterId === meterId)
  return judgeMeter({
    profile: ctx.profile,
    before: machineOf(state, ctx.host.name),
    sights: meter?.sights ?? [],
    statements: meter?.statements ?? [],
  })
}

/** The machine as it was when it was last acted on: at the launch, or when its results were verified or removed. */
function machineOf(state: Pick<RunState, 'proofs'>, host: string): HostIdentity | null {
  const kinds = ['Receipt', 'VerifiedManifest', 'Permit', 'MeterStopped']
  return state.proofs.findLast((proof) => kinds.includes(proof.kind) && proof.host?.host === host)?.host ?? null
}

const stillOpen = (state: RunState, meterId: string): Meter | null =>
  state.meters.find((meter) => meter.meterId === meterId && meter.closedAtMs === null) ?? null

async function close(ctx: ActContext, meterId: string, because: string): Promise<void> {
  try {
    await ctx.run.append('meter.closed', { meterId, because }, (state) =>
      stillOpen(state, meterId) === null ? 'This meter was closed before.' : null,
    )
  } catch (error) {
    // Another kx was first: what it wrote stands.
    if (!isRunError(error, 'refused')) throw error
  }
}
