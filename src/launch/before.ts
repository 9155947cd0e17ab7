import { boxEngine } from '../engine/box/engine.ts'
import { unitDigest } from '../engine/box/layout.ts'
import type { BoxHandle } from '../engine/types.ts'
import type { ActContext } from '../run/act.ts'
import { cellIdOf, endStateOf } from '../run/cell-record.ts'
import { failpoint } from '../run/failpoints.ts'
import { closeIntent } from '../run/intent.ts'
import type { RunState } from '../run/types.ts'
import { formatMoment } from '../text/format.ts'
import { writtenOffIn } from '../walk/end.ts'
import type { LaunchIntent, ReceiptPayload } from './types.ts'

/** What there was of this run before this launch. */
export type Before =
  | { readonly kind: 'free'; readonly attempt: number; readonly text: string }
  | { readonly kind: 'dead'; readonly attempt: number; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string; readonly exitCode: 1 | 4 }
  /** One of several hosts that is at work, or done with all that it has: nothing to start, maybe something to add. */
  | { readonly kind: 'at-work'; readonly text: string; readonly folder: string }
  | { readonly kind: 'complete'; readonly text: string; readonly folder: string }
  | {
      /** An earlier start whose reply was lost is there: it gets its receipt, and nothing is started. */
      readonly kind: 'adopted'
      readonly text: string
      readonly handle: BoxHandle
      readonly attempt: number
      readonly resumed: boolean
      readonly gpus: readonly string[]
      readonly intentSequence: null
      readonly runConfigSha256: string
      readonly unitSha256: string
      readonly leaseUntilMs: number | null
    }

/**
 * Looks at journal and host before anything is started. A live runner, a finished run and an answer that cannot tell
 * are refusals; only a runner that is *seen* dead may be followed by another one.
 */
export async function lookBefore(ctx: ActContext, folder: string): Promise<Before> {
  const state = ctx.run.state()
  if (state.latest.MeterStopped !== undefined)
    return refused('This run was torn down. Begin a new run: kx walk, or n on the home screen.')
  if (writtenOffIn(state) !== null)
    return refused('This run was written off. Begin a new run: kx plan --new-run, or N on the home screen.')
  const launches = state.intents.filter((intent) => intent.act === 'launch')
  const attempt = launches.length + 1

  const receipt = state.latest.Receipt?.payload as ReceiptPayload | undefined
  const known = new Set(
    state.proofs.flatMap((p) => (p.kind === 'Receipt' ? [(p.payload as ReceiptPayload).token] : [])),
  )
  // Newest first: a start that has neither receipt nor a certain failure is asked for by its token.
  for (const intent of [...launches].reverse()) {
    if (known.has(intent.token) || intent.closed?.outcome === 'failed') continue
    const payload = (intent.payload ?? {}) as Partial<LaunchIntent>
    const rival = runningCell(state, payload.cellId)
    if (rival !== null)
      return refused(
        `Another kx (${rival.started.who}, ${rival.started.via}) is at it since ${formatMoment(rival.startedAtMs)}. Let it finish, or end it.`,
      )
    const found = await boxEngine.find(ctx.host, folder, intent.token)
    failpoint('launch.after-find')
    if (found.kind === 'unknown')
      return refused(`Whether the launch with token ${intent.token} runs is not known: ${found.reason}.`, 4)
    const { intentId } = intent
    if (found.kind === 'none') {
      if (intent.closed === null)
        await closeIntent(ctx.run, {
          intentId,
          outcome: 'failed',
          payload: { why: 'asked the host: nothing runs or ran under this token' },
        })
      continue
    }
    if (intent.closed === null)
      await closeIntent(ctx.run, { intentId, outcome: 'done', payload: { handle: found.handle, found: true } })
    failpoint('launch.after-adopt')
    return adoptedFrom(state, intent, found.handle)
  }
  if (receipt === undefined) return { kind: 'free', attempt, text: 'nothing of this run was started before' }

  const status = await boxEngine.status(ctx.host, receipt.handle, ctx.loaded.units)
  if (status.state === 'unreachable' || status.state === 'unknown')
    return refused(
      `Whether the runner of the receipt (process ${receipt.handle.process.pid}) lives is not known. Look with kx patrol.`,
      4,
    )
  const isShare = ctx.run.scope !== undefined
  const isOtherWork = (receipt.unitSha256 ?? '') !== '' && receipt.unitSha256 !== unitDigest(ctx.loaded.plan)
  if (status.runnerAlive === true && isShare && !isOtherWork)
    return { kind: 'at-work', text: `runs already: process ${receipt.handle.process.pid}`, folder: receipt.folder }
  if (status.runnerAlive === true)
    return refused(
      `This receipt is running already: process ${receipt.handle.process.pid} in ${receipt.folder}. Watch it with kx patrol, or stop it with kx abort.`,
    )
  const hasMore = isShare && status.units.some((unit) => unit.state !== 'done')
  if (isShare && !hasMore && status.runnerAlive === false)
    return { kind: 'complete', text: 'all of its units are done', folder: receipt.folder }
  if (status.state === 'done' && !hasMore)
    return refused('The run is complete. Pull its artifacts with kx teardown, or begin a new run.')
  if (status.runnerAlive !== false)
    return refused(`The runner of the receipt is not seen dead (${status.state}). Look with kx patrol.`, 4)
  // Finished units stay, and units that wait have their commands from the first start: a mixture would be no result.
  if (isOtherWork)
    return refused(
      'The units, their command or variables are not what this run was launched with. Take the change back, or begin a new run: kx plan --new-run',
    )
  const done = status.units.filter((unit) => unit.state === 'done').length
  const why =
    status.exit !== null
      ? status.exit.reason
      : status.bootIdMatches === false
        ? 'the machine was started anew'
        : 'the runner died'
  return {
    kind: 'dead',
    attempt,
    text: `the runner before is seen dead (${why}); ${done} finished units stay, the rest goes on`,
  }
}

/** What is known of a start from its intent and from what was found on the host under its token. */
export function adoptedFrom(
  state: RunState,
  intent: RunState['intents'][number],
  handle: BoxHandle,
): Extract<Before, { kind: 'adopted' }> {
  const payload = (intent.payload ?? {}) as Partial<LaunchIntent>
  return {
    kind: 'adopted',
    text: `a start with token ${intent.token} was found on the host; nothing is started again`,
    handle,
    attempt:
      state.intents.filter((each) => each.act === 'launch').findIndex((each) => each.intentId === intent.intentId) + 1,
    resumed: payload.resumes === true,
    gpus: Array.isArray(payload.gpus) ? payload.gpus.filter((gpu) => typeof gpu === 'string') : [],
    intentSequence: null,
    runConfigSha256: typeof payload.runConfigSha256 === 'string' ? payload.runConfigSha256 : '',
    unitSha256: typeof payload.unitSha256 === 'string' ? payload.unitSha256 : '',
    leaseUntilMs: typeof payload.leaseUntilMs === 'number' ? payload.leaseUntilMs : null,
  }
}

/** The cell of a launch that has not ended: another kx may be between its intent and the start. */
export function runningCell(state: RunState, cellId: unknown) {
  return state.cells.find((cell) => cellIdOf(cell) === cellId && endStateOf(cell) === null) ?? null
}

const refused = (text: string, exitCode: 1 | 4 = 1): Before => ({ kind: 'refused', text, exitCode })
