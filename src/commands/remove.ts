import type { ActResult } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { actOnRun } from './act.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

/**
 * `kx teardown remove`: the typed name, a single-use permit, then the act. A script types the name with `--name`, whole and
 * exactly, and is held to everything else that the permit asks for; without it and without a terminal nobody has typed
 * anything, so a person is needed (3).
 */
export async function remove(
  env: CommandEnvironment,
  args: { readonly name?: string | undefined; readonly host?: string | undefined },
): Promise<ActResult> {
  // One after the other: a person answers for each host.
  const perHost = { only: args.host, choose: launchedHosts, atOnce: 1 }
  return actOnRun(env, 'teardown.remove', args, { ofLaunch: 'with-project', perHost }, async (ctx) => {
    const service = await import('../teardown/service.ts')
    const finished = await service.finishRemoval(ctx)
    if (finished !== null) return finished
    const question = await service.permitQuestion(ctx)
    if (question === null) return { summary: 'pull and verify first: kx teardown verify', exitCode: 1, data: null }
    const typed = args.name ?? (await env.ask.typed(question.question, question.expected, question.detail))
    if (typed === null)
      return {
        summary: `nothing was removed; a person has to type the name of the run (--name ${question.expected})`,
        exitCode: 3,
        data: question,
        lines: question.detail,
      }
    failpoint('remove.name-typed')
    const permit = await service.permit(ctx, { typedName: typed })
    return permit.exitCode === 0 ? service.remove(ctx) : permit
  })
}
