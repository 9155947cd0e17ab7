import { dirname } from 'node:path'
import { countSurvivors } from '../engine/box/survivors.ts'
import type { ProcessIdentity } from '../host/types.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import type { RunState } from '../run/types.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { type WrittenOff, writtenOffIn } from '../walk/end.ts'
import { isSameMachine } from '../walk/graph.ts'
import { livingIn } from './box.ts'
import { refusal } from './common.ts'
import { receiptOf } from './inputs.ts'
import type { PermitQuestion } from './permit.ts'
import { nameSome, unverifiedResults } from './unverified.ts'

export interface WriteOffRequest {
  /** What was typed as the name of the run. Absent: nobody typed anything. */
  readonly typedName?: string | undefined
  readonly reason?: string | undefined
}

/**
 * What a person is asked before a meter is given up, or why it cannot be: 1 while folder or processes are seen or no meter
 * is open, 4 when the host does not tell. A run that was written off before answers with that (0).
 */
export async function writeOffQuestion(ctx: ActContext): Promise<PermitQuestion | ActResult> {
  const seen = await lookForRest(ctx)
  return 'exitCode' in seen ? seen : seen.question
}

/**
 * Closes the open meters of a run as written off: nobody has seen them stop, and the record says so for good. Needs the
 * typed name of the run and a written reason; everything is looked at again first. Exit 3 when either is missing.
 */
export async function writeOff(ctx: ActContext, request: WriteOffRequest): Promise<ActResult> {
  const seen = await lookForRest(ctx)
  if ('exitCode' in seen) return seen
  const { question, unverified } = seen
  const reason = sanitiseLine(request.reason?.trim() ?? '', 500)
  if (reason.length < 3) return refusal('Nothing was written off: it needs a reason in words.', question, 3)
  if (request.typedName === undefined) return refusal(question.question, question, 3)
  if (request.typedName !== question.expected)
    return refusal('Nothing was written off: the typed name is not that of the run.', question)
  const writtenOff: WrittenOff = { by: ctx.who, reason, unverified }
  const because = `written off by ${ctx.who}, not seen to stop: ${reason}`
  failpoint('writeoff.before-close')
  for (const { meterId } of openMetersOf(ctx.run.state()))
    try {
      await ctx.run.append('meter.closed', { meterId, because, writtenOff }, (state) =>
        openMetersOf(state).some((meter) => meter.meterId === meterId) ? null : 'This meter was closed before.',
      )
    } catch (error) {
      // Another kx was first: what it wrote stands.
      if (!isRunError(error, 'refused')) throw error
    }
  failpoint('writeoff.after-close')
  const summary = `written off, not seen to stop: ${reason}; ${lossText(unverified)}`
  ctx.cell.say(summary)
  return { summary, exitCode: 0, data: { writtenOff: writtenOffIn(ctx.run.state()) } }
}

const openMetersOf = (state: RunState) => state.meters.filter((meter) => meter.closedAtMs === null)

const lossText = (unverified: readonly string[]) =>
  unverified.length === 0 ? 'every declared result was verified before' : `never verified: ${nameSome(unverified)}`

type Rest = { readonly question: PermitQuestion; readonly unverified: readonly string[] }

/** Everything of the run that may still be there. What is seen, or cannot be told, is not written off. */
async function lookForRest(ctx: ActContext): Promise<Rest | ActResult> {
  const state = await ctx.run.refresh()
  const before = writtenOffIn(state)
  if (before !== null)
    return {
      summary: `written off before by ${before.by}: ${before.reason}`,
      exitCode: 0,
      data: { writtenOff: before },
    }
  const meters = openMetersOf(state)
  if (meters.length === 0)
    return refusal(
      state.latest.MeterStopped === undefined
        ? 'No meter of this run is open.'
        : 'This run was torn down: its end was seen.',
      {},
    )
  const { folders, processes } = placesOf(state)
  try {
    for (const folder of folders) {
      if ((await ctx.host.stat(folder)) !== null)
        return refusal(
          `${folder} is still there: pull, verify and remove it (kx teardown), there is nothing to write off.`,
          {
            folder,
          },
        )
      const living = await livingIn(ctx, folder)
      if ('reason' in living) return cannotTell(`who is alive in ${folder}`, living.reason)
      if (living.who.length > 0)
        return refusal(`Still alive in ${folder}: ${living.who.join(', ')}. Stop it first.`, living)
    }
    for (const process of processes) {
      const isAlive = await ctx.host.isAlive(process)
      if (isAlive === 'unknown') return cannotTell(`whether runner ${process.pid} is alive`, 'the host did not say')
      if (isAlive)
        return refusal(
          `The runner (process ${process.pid}) is alive without its folder: end it first (kill ${process.pid}).`,
          {
            process,
          },
        )
    }
    const survivors = await countSurvivors(ctx.host, ctx.run.id)
    if (survivors === null) return cannotTell('whether units are alive', 'the host did not say')
    if (survivors > 0)
      return refusal(`${plural(survivors, 'process', 'processes')} of its units still alive: end them first.`, {
        survivors,
      })
  } catch (error) {
    ctx.signal.throwIfAborted()
    return cannotTell('whether the box folder is gone', messageOf(error))
  }
  const unverified = await unverifiedResults(ctx)
  return { question: await questionFor(ctx, folders, unverified), unverified }
}

function cannotTell(what: string, why: string): ActResult {
  return refusal(
    `It cannot be told ${what}: ${sanitiseLine(why)}. What is unknown is not written off; look again.`,
    {},
    4,
  )
}

/** Every folder and runner of any launch of this run, also of one whose receipt was never written. */
function placesOf(state: RunState): {
  readonly folders: readonly string[]
  readonly processes: readonly ProcessIdentity[]
} {
  const folders = new Set<string>()
  const processes: ProcessIdentity[] = []
  for (const proof of state.proofs) {
    if (proof.kind !== 'Receipt') continue
    const receipt = receiptOf({ ...state, latest: { Receipt: proof } })
    if (receipt === null) continue
    folders.add(receipt.folder)
    if (receipt.process !== null) processes.push(receipt.process)
  }
  for (const { act, payload } of state.intents) {
    const folder = act === 'launch' ? (payload as { readonly folder?: unknown } | null)?.folder : undefined
    if (typeof folder === 'string' && folder.startsWith('/')) folders.add(folder.replace(/\/+$/, ''))
  }
  return { folders: [...folders], processes }
}

async function questionFor(
  ctx: ActContext,
  folders: readonly string[],
  unverified: readonly string[],
): Promise<PermitQuestion> {
  const receipt = ctx.run.state().latest.Receipt
  const identity = await ctx.host.identity(ctx.signal)
  const isElsewhere = receipt?.host !== undefined && !isSameMachine(receipt.host, identity)
  const detail = [
    ...folders.map((folder) => `Not there: ${folder}. No runner and no unit of it is alive here.`),
    'Nobody has seen this meter stop; it is closed as written off, and the record says so for good.',
  ]
  if (isElsewhere)
    detail.push('Another machine than the one of the launch answers: what runs there cannot be seen from here.')
  for (const parent of new Set(folders.map((folder) => dirname(folder))))
    if ((await ctx.host.stat(parent)) === null)
      detail.push(`${parent} is not there either: is a disk missing that holds results?`)
  detail.push(
    unverified.length === 0
      ? 'Every declared result was pulled and verified before.'
      : `Never verified, and given up with it: ${nameSome(unverified, 20)}.`,
  )
  return {
    expected: ctx.run.id,
    question: `Type ${ctx.run.id} to write off its meter on ${ctx.host.name}`,
    detail,
  }
}
