import { join } from 'node:path'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf, RunError } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { closeIntent, openIntent, openIntents } from '../run/intent.ts'
import { thinObservation } from '../run/observation.ts'
import { tokenFor } from '../run/token.ts'
import type { IntentClosed, RunState } from '../run/types.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { Proof } from '../walk/proof.ts'
import { borrowSamples } from './lent-samples.ts'
import { outcomeOf } from './outcome.ts'
import { type Launched, launchedIn } from './receipt.ts'
import { signatureOf } from './rules/decision.ts'
import { tickLine } from './rules/line.ts'
import { type Thresholds, thresholdsWith } from './rules/thresholds.ts'
import type { Samples } from './samples.ts'
import { look, previousOf } from './tick.ts'
import type { Observation } from './types.ts'

/**
 * An unchanged run is written down at least this often: well within the time after which the home screen no longer
 * believes a look (15 min), and seldom enough for a journal that is read whole at every act.
 */
const recordEveryMs = 5 * 60_000

const rollEveryMs = 60_000

type OpenFinding = RunState['findings'][number]

export interface ObserveOptions {
  /** Bands that replace the defaults, by name (see `defaultThresholds`). */
  readonly thresholds?: Partial<Thresholds>
  /** `change` (default): journalled when something material changed or five minutes have passed; `always`: every time. */
  readonly record?: 'change' | 'always'
}

/**
 * One tick: a bounded, read-only look at a launched run. Appends an observation, findings that opened or cleared, and
 * at the end the `Outcome`. Never waits on a link, restarts nothing, and says a line also when nothing changed. The
 * observation is in `data`, with the findings that are open. Exit codes: 0 healthy, in progress or done; 1 something asks for a person; 4 unknown.
 */
export async function observe(ctx: ActContext, options: ObserveOptions = {}): Promise<ActResult> {
  const launched = launchedIn(ctx.run.state())
  if (launched === null) return nothingLaunched()
  const samples = borrowSamples(join(ctx.run.folder, 'samples.db'))
  try {
    const thresholds = thresholdsWith(options.thresholds)
    const observation = await look(ctx, launched, samples, thresholds)
    failpoint('patrol.before-observation')
    const { record = 'change' } = options
    if (record === 'always' || isMaterial(ctx.run.state(), observation))
      await ctx.run.append('observation', thinObservation(ctx.run.state().observation?.payload, observation))
    failpoint('patrol.after-observation')
    const proof = await outcomeOnce(ctx, launched, observation)
    rollSeldom(samples, observation.atMs)
    failpoint('patrol.after-roll')
    if (observation.state === 'finished' || observation.state === 'dead')
      await closeAborts(ctx, observation.signals.exit?.reason === 'stopped' ? 'done' : 'unknown', {
        why: 'kx went away before it saw the end, which was seen later',
      })
    const line = tickLine(observation)
    ctx.cell.say(line)
    const findings = ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
    return {
      summary: line,
      exitCode: observation.exitCode,
      data: { ...observation, findings },
      lines: findings.map(findingLine),
      ...(proof === null ? {} : { proof }),
    }
  } finally {
    samples.close()
  }
}

/** Folding reads every sample: once a minute is often enough for points that stand for a minute. */
function rollSeldom(samples: Samples, nowMs: number): void {
  const rolledAtMs = samples.get('rolled at')
  if (typeof rolledAtMs === 'number' && Math.abs(nowMs - rolledAtMs) < rollEveryMs) return
  samples.roll(nowMs)
  samples.set('rolled at', nowMs)
}

/** `error bug: what it is (evidence). What to do. [recipe]` */
export function findingLine({
  severity,
  class: kind,
  text,
  evidence,
  remedy,
  recipe,
  acknowledgedBy,
}: OpenFinding): string {
  const seen = acknowledgedBy === null ? '' : `, seen by ${acknowledgedBy}`
  return `${severity} ${kind}${seen}: ${text}${evidence === '' ? '' : ` (${evidence})`}. ${remedy} [${recipe}]`
}

const nothingLaunched = (): ActResult => ({
  summary: 'Nothing of this run was launched yet: there is nothing to look at. Launch it first: kx launch',
  exitCode: 1,
  data: null,
})

/** Whether a look says something that the one on record does not, or that one is getting old. */
export function isMaterial(state: RunState, observation: Observation): boolean {
  const previous = previousOf(state)
  if (previous === null || observation.deadSinceMs !== previous.deadSinceMs) return true
  return observation.atMs - previous.atMs >= recordEveryMs || signatureOf(previous) !== signatureOf(observation)
}

/** Appends the outcome of this launch when the run has ended; once, also with several kx processes at it. */
async function outcomeOnce(ctx: ActContext, launched: Launched, observation: Observation): Promise<Proof | null> {
  const outcome = outcomeOf(launched.receipt, observation, ctx.newId())
  if (outcome === null) return null
  const isThere = (state: RunState) =>
    state.proofs.some((proof) => proof.kind === 'Outcome' && proof.needs.includes(launched.receipt.id))
  if (isThere(ctx.run.state())) return null
  failpoint('patrol.before-outcome')
  try {
    await ctx.run.append('proof.made', outcome, (state) =>
      isThere(state) ? 'The outcome of this launch was written before.' : null,
    )
    failpoint('patrol.after-outcome')
    return outcome
  } catch (error) {
    if (error instanceof RunError && error.code === 'refused') return null
    throw error
  }
}

/**
 * Stops a launched run for a reason: the intent is journalled first, the engine lets units save, ends the group and
 * looks until it is gone. Exit codes: 0 stopped, 1 nothing was launched, 4 it is not known whether all of it is gone.
 */
export async function abort(ctx: ActContext, reason: string, graceSeconds = 20): Promise<ActResult> {
  const launched = launchedIn(ctx.run.state())
  if (launched === null) return nothingLaunched()
  const attempt = ctx.run.state().intents.filter((intent) => intent.act === 'abort').length + 1
  const intentId = ctx.newId()
  const token = tokenFor(ctx.run.id, 'abort', attempt, ctx.run.scope)
  const cleanReason = sanitiseLine(reason, 200)
  await openIntent(ctx.run, {
    intentId,
    act: 'abort',
    token,
    host: ctx.host.name,
    payload: { reason: cleanReason, by: ctx.who, receiptId: launched.receipt.id, folder: launched.handle.folder },
  })
  failpoint('patrol.before-cancel')
  ctx.progress({ text: 'Asking units to save and stop' })
  let ending: Awaited<ReturnType<typeof launched.engine.cancel>>
  try {
    ending = await launched.engine.cancel(ctx.host, launched.handle, cleanReason, graceSeconds)
  } catch (error) {
    ending = { kind: 'unknown', reason: messageOf(error) }
  }
  failpoint('patrol.after-cancel')
  const isGone = ending.kind !== 'unknown'
  if (isGone) await closeAborts(ctx, 'done', { ending })
  else await closeIntent(ctx.run, { intentId, outcome: 'unknown', payload: { ending } })
  const after = await observe(ctx, { record: 'always' })
  const observation = after.data as Observation | null
  const done = observation === null ? '' : `, ${plural(observation.counts.done, 'unit')} done`
  return {
    summary: isGone
      ? `stopped: ${cleanReason}${done}`
      : `not known whether it stopped: ${ending.kind === 'unknown' ? sanitiseLine(ending.reason) : ''}. Look again: kx patrol`,
    exitCode: isGone ? 0 : 4,
    data: { ending, observation },
    ...(after.proof === undefined ? {} : { proof: after.proof }),
  }
}

/** Closes every open stop of this run, those of a kx that was killed too: what they asked for has come about. */
async function closeAborts(ctx: ActContext, outcome: IntentClosed['outcome'], payload: unknown): Promise<void> {
  for (const { act, intentId } of openIntents(await ctx.run.refresh()))
    if (act === 'abort')
      await closeIntent(ctx.run, { intentId, outcome, payload }).catch((error: unknown) => {
        // Another kx saw it end too, and was first.
        if (!isRunError(error, 'refused')) throw error
      })
}
