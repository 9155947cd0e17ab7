import type { ActResult } from '../run/act.ts'
import { actOnRun } from './act.ts'
import { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts } from './verify.ts'

/**
 * `kx teardown look`: the exact steps that end a meter which kx cannot turn off, then looks from outside at its machine. At a
 * terminal a person is asked whether the steps were carried out; a script says so with `--done`.
 */
export async function lookAtMeter(
  env: CommandEnvironment,
  args: { readonly wait: number; readonly done: boolean; readonly ended?: string | undefined },
): Promise<ActResult> {
  return actOnRun(
    env,
    'teardown.look',
    args,
    { ofLaunch: 'alone', perHost: { choose: launchedHosts } },
    async (ctx) => {
      const [service, { sightOf }, { userFolders }, { config }] = await Promise.all([
        import('../teardown/service.ts'),
        import('../host/sight.ts'),
        import('../session/paths.ts'),
        loadSettings(env.projectFolder, env.settings),
      ])
      const isSaid = (ctx.run.state().meters.findLast((m) => m.host === ctx.host.name)?.statements ?? []).length > 0
      const question = service.meterQuestion(ctx)
      // Asked once: later looks go by what was said then.
      const isAsked = !args.done && args.ended === undefined && !isSaid && question !== null
      const isDone = args.done || (isAsked && (await env.ask.confirm('Were these steps carried out?', question)))
      return service.lookAtMeter(ctx, {
        isDone,
        ended: args.ended,
        // Said just now at a terminal: the two looks that it takes are made at once.
        waitSeconds: Math.max(args.wait * 60, isDone && !args.done ? 45 : 0),
        sight: () =>
          sightOf(ctx.host.name, {
            env: process.env,
            stateFolder: userFolders(process.env).state,
            transport: config.ssh.transport === 'auto' ? null : config.ssh.transport,
            ...(config.ssh.configFile === null ? {} : { configFile: config.ssh.configFile }),
            signal: ctx.signal,
          }),
      })
    },
  )
}
