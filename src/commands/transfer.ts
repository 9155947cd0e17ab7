import type { ActContext, ActResult } from '../run/act.ts'
import { plural } from '../text/format.ts'
import { actOnRun } from './act.ts'
import { eachHost, type HostResult, together, whichHost, worstCode } from './hosts.ts'
import { noRoomTogether } from './room.ts'
import type { CommandEnvironment } from './types.ts'
import { launchedHosts, type RsyncUse, rsyncUse } from './verify.ts'

export interface OnHost {
  readonly host?: string | undefined
}
export interface SomeFiles extends OnHost {
  readonly only?: string | undefined
}

const nothingLaunched = 'nothing of this run was launched yet'

/** `kx push`: to the one host, or to each that has units to do or will get some. */
export function push(env: CommandEnvironment, args: OnHost): Promise<ActResult> {
  return actOnRun(env, 'transfer.push', { ...args }, {}, (ctx) => pushAt(ctx, args.host))
}

async function pushAt(ctx: ActContext, only: string | undefined): Promise<ActResult> {
  const refused = whichHost(ctx, only)
  if (refused !== null) return refused
  const service = await import('../transfer/push.ts')
  if (ctx.at === undefined) return service.push(ctx)
  const { hostsWithUnits } = await import('../launch/shares.ts')
  const wanted = new Set(hostsWithUnits(ctx.run.state(), ctx.loaded))
  const results = await eachHost(
    ctx,
    { only, choose: (_state, hosts) => hosts.filter((host) => wanted.has(host)) },
    (own) => service.push(own),
  )
  const hosts = ctx.run.state().fleet?.hosts ?? []
  const left = only === undefined ? hosts.filter((host) => !wanted.has(host)) : []
  return withLines(
    ctx,
    together(results, 'no host of this run has units to do'),
    left.map((host) => `${host} gets no units, so nothing was pushed there; --host ${host} pushes all the same`),
  )
}

/** `kx pull`: from the one host, or from each that was launched into that host's own folder, as the teardown does it. */
export function pull(env: CommandEnvironment, args: SomeFiles): Promise<ActResult> {
  return actOnRun(env, 'transfer.pull', { ...args }, { ofLaunch: 'with-project' }, async (ctx) =>
    pullAt(ctx, { ...args, rsync: await rsyncUse(env) }),
  )
}

export async function pullAt(ctx: ActContext, args: SomeFiles & { readonly rsync?: RsyncUse }): Promise<ActResult> {
  const service = await import('../transfer/pull.ts')
  if (ctx.at !== undefined && whichHost(ctx, args.host) === null) {
    const full = await noRoomTogether(ctx, { only: args.host, choose: launchedHosts }, args.only)
    if (full !== null) return full
  }
  const act = (own: ActContext) => service.pull(own, args)
  return onLaunched(ctx, args.host, act, (results) => results)
}

/**
 * `kx verify`: what was pulled from each host, against that host; of several hosts also what the teardown put together,
 * which is what stays when their folders are gone.
 */
export function verifyPulled(env: CommandEnvironment, args: SomeFiles): Promise<ActResult> {
  return actOnRun(env, 'transfer.verify', { ...args }, { ofLaunch: 'with-project' }, async (ctx) => {
    const service = await import('../transfer/verify.ts')
    const hosts = await onLaunched(ctx, args.host, (own) => service.verifyPulled(own, args), emptyIsWell)
    if (ctx.at === undefined || args.host !== undefined) return hosts
    return withTogether(ctx, hosts, await service.verifyTogether(ctx, args))
  })
}

/** The result of the hosts, and beside it that of their results together; the worst of both counts. */
export function withTogether(ctx: Pick<ActContext, 'cell'>, hosts: ActResult, combined: ActResult | null): ActResult {
  const said =
    combined === null
      ? ['put together: nothing yet, so only what was pulled from each host was read (kx teardown verify does it)']
      : [`put together: ${combined.summary}`, ...(combined.lines ?? []).map((line) => `  ${line}`)]
  const result = withLines(ctx, hosts, said)
  if (combined === null) return result
  return {
    ...result,
    summary: `${hosts.summary}; put together: ${combined.summary}`,
    exitCode: worstCode([hosts.exitCode, combined.exitCode]),
    data: { ...(hosts.data as object), together: { exitCode: combined.exitCode, ...(combined.data as object) } },
  }
}

async function onLaunched(
  ctx: ActContext,
  only: string | undefined,
  act: (own: ActContext) => Promise<ActResult>,
  judged: (results: readonly HostResult[]) => readonly HostResult[],
): Promise<ActResult> {
  const refused = whichHost(ctx, only)
  if (refused !== null) return refused
  if (ctx.at === undefined) return act(ctx)
  const results = judged(await eachHost(ctx, { only, choose: launchedHosts }, act))
  const note = `the files of each host are in its own folder below ${ctx.run.folder}/hosts; kx teardown verify puts the units of all together, nothing else does`
  return withLines(ctx, together(results, nothingLaunched), results.length === 0 ? [] : [note])
}

/** Lines that are about the hosts together: in the record of the act, and after what each of them said. */
function withLines(ctx: Pick<ActContext, 'cell'>, result: ActResult, lines: readonly string[]): ActResult {
  for (const line of lines) ctx.cell.say(line)
  return { ...result, lines: [...(result.lines ?? []), ...lines] }
}

/**
 * A host that answers and has nothing of what was asked for is no finding where another one has it: units are spread, and
 * a pattern of paths may be about one host alone. Where none has anything, all stay as they are.
 */
export function emptyIsWell(results: readonly HostResult[]): readonly HostResult[] {
  const filesOf = ({ result }: HostResult): number => {
    const files = (result.data as { readonly files?: unknown } | null)?.files
    return Array.isArray(files) ? files.length : -1
  }
  const found = results.reduce((sum, each) => sum + Math.max(0, filesOf(each)), 0)
  if (found === 0) return results
  return results.map((each) =>
    filesOf(each) === 0 && (each.result.data as { readonly box?: unknown }).box === 'known'
      ? {
          host: each.host,
          result: { ...each.result, exitCode: 0, summary: `has none of the ${plural(found, 'file')} asked for` },
        }
      : each,
  )
}
