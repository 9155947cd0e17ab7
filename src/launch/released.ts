import { boxEngine } from '../engine/box/engine.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { closeIntent, openIntent } from '../run/intent.ts'
import { tokenFor } from '../run/token.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { ReceiptPayload } from './types.ts'

const reason = 'its units were given to other hosts'

/**
 * A host that has given its units back and answers again must not go on with them: its runner is asked to stop, as by an
 * abort. What it has finished meanwhile stays there until teardown, and is kept aside where it does not count.
 */
export async function stopReleased(ctx: ActContext): Promise<ActResult> {
  const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
  if (receipt === undefined) return { summary: 'nothing of this run was started there', exitCode: 0, data: null }
  const status = await boxEngine.status(ctx.host, receipt.handle, ctx.loaded.units)
  if (status.runnerAlive === false)
    return { summary: 'it has given its units back, and nothing of this run lives there', exitCode: 0, data: null }
  if (status.runnerAlive === null)
    return {
      summary: `it has given its units back; whether it still works on them is not known (${sanitiseLine(status.raw, 120)})`,
      exitCode: 4,
      data: null,
    }
  const attempt = ctx.run.state().intents.filter((intent) => intent.act === 'abort').length + 1
  const intentId = ctx.newId()
  await openIntent(ctx.run, {
    intentId,
    act: 'abort',
    token: tokenFor(ctx.run.id, 'abort', attempt, ctx.run.scope),
    host: ctx.host.name,
    payload: { reason, by: ctx.who, receiptId: ctx.run.state().latest.Receipt?.id, folder: receipt.folder },
  })
  const ending = await boxEngine.cancel(ctx.host, receipt.handle, reason, 20)
  const isGone = ending.kind !== 'unknown'
  await closeIntent(ctx.run, { intentId, outcome: isGone ? 'done' : 'unknown', payload: { ending } })
  return isGone
    ? { summary: `stopped: ${reason}`, exitCode: 0, data: { stopped: true } }
    : {
        summary: `not known whether it stopped: ${reason}. Look again: kx patrol`,
        exitCode: 4,
        data: { stopped: null },
      }
}
