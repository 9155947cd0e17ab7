import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import { locateRun } from './runs.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

/**
 * `kx writeoff`: closes a meter that nobody can see any more. The run's name is typed, at the question or with `--name` on
 * the command line, and the reason is written; without a terminal and without both it needs a person (3).
 */
export async function writeOff(
  env: CommandEnvironment,
  args: {
    readonly run?: string | undefined
    readonly name?: string | undefined
    readonly reason?: string | undefined
    readonly host?: string | undefined
  },
): Promise<ActResult> {
  let at: Pick<CommandEnvironment, 'projectFolder' | 'runId'> = env
  if (args.run !== undefined) {
    const found = await locateRun(env, args.run)
    if ('exitCode' in found) return found
    at = found
  }
  const perHost = { only: args.host, choose: launchedHosts, atOnce: 1 }
  return actOnRun({ ...env, ...at }, 'meter.write-off', args, { ofLaunch: 'alone', perHost }, async (ctx) => {
    const service = await import('../teardown/service.ts')
    const asked = await service.writeOffQuestion(ctx)
    if ('exitCode' in asked) return asked
    const reason = args.reason ?? (await env.ask.text('Why is this meter written off', ''))
    if (reason === null || reason.trim().length < 3) {
      const summary = 'nothing was written off; it needs a reason in words (--reason)'
      return { summary, exitCode: 3, data: asked, lines: asked.detail }
    }
    const typed = args.name ?? (await env.ask.typed(asked.question, asked.expected, asked.detail))
    if (typed === null) {
      const summary = `nothing was written off; a person has to type the name of the run (--name ${asked.expected})`
      return { summary, exitCode: 3, data: asked, lines: asked.detail }
    }
    return service.writeOff(ctx, { typedName: typed, reason })
  })
}
