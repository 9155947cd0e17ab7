import { pushCode } from '../engine/box/push.ts'
import { EngineError } from '../engine/errors.ts'
import { TransferMeter } from '../host/transfer/meter.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { launchedFolder } from '../run/box-folder.ts'
import { dataTier } from '../run/data-tier.ts'
import { formatBytes, plural } from '../text/format.ts'
import { launchInDoubt } from '../walk/end.ts'
import { refusal } from './common.ts'

/**
 * Sends code and declared data to the run's folder on the box, each checked there by its hash. Before a launch code that
 * was edited since is replaced; after it nothing of it is ever changed, and what differs is a refusal. The launch finds
 * what lies there and sends the rest.
 */
export async function push(ctx: ActContext): Promise<ActResult> {
  const { host, signal } = ctx
  const state = await ctx.run.refresh()
  const launched = launchedFolder(state)
  if (launched === null && launchInDoubt(state) !== null)
    return refusal('A launch is under way, and it pushes by itself. Wait for its first sign of life.')
  const tier = await dataTier(ctx)
  if (launched === null && 'reason' in tier) return refusal(`Nothing was pushed: ${tier.reason}.`, 4)
  const folder = launched ?? ('path' in tier ? `${tier.path}/${ctx.run.id}` : '')
  const { code, plan, projectFolder } = ctx.loaded
  const now = () => ctx.clock.monotonicMs()
  const bytes = code.reduce((sum, file) => sum + file.bytes, 0)
  const meter = new TransferMeter(0, code.length, now())
  ctx.progress({ text: `${plural(code.length, 'file')} of code (${formatBytes(bytes)}) to ${host.name}` })
  try {
    const written = await pushCode(host, {
      projectFolder,
      code,
      plan,
      folder,
      signal,
      onBytes: (more) => {
        if (!meter.add(more, now())) return
        const rate = meter.bytesPerSecond(now())
        ctx.progress({ text: `${formatBytes(meter.moved)} sent${rate === null ? '' : `, ${formatBytes(rate)}/s`}` })
      },
    })
    const data = plan.data.filter((each) => each.path !== undefined).length
    const summary = `pushed ${plural(written, 'file')} to ${folder}: ${plural(code.length, 'file')} of code${data === 0 ? '' : ` and ${data} of data`} are there as they are here`
    ctx.cell.say(summary)
    return { summary, exitCode: 0, data: { folder, written, sentBytes: meter.moved, code: code.length, data } }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof EngineError)) throw error
    ctx.cell.say(error.message)
    return refusal(`Nothing more was pushed: ${error.message}`, 1, { folder })
  }
}
