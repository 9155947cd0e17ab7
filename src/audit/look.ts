import { hostEnvironment } from '../host/environment.ts'
import { createLocalHost } from '../host/local.ts'
import type { DiskProbe } from '../host/probe/probe.ts'
import { type ProbeAnswer, runProbe } from '../host/probe/run-probe.ts'
import { known, type Reading, unknown } from '../host/probe/value.ts'
import type { RealPath } from '../host/probe/wide.ts'
import type { ExecOptions, ExecResult, Host } from '../host/types.ts'
import type { Profile, Tier } from '../profile/schema.ts'
import { resolveTierPath, tierFor } from '../profile/tiers.ts'
import type { ActContext } from '../run/act.ts'
import type { Plan } from '../spec/schema.ts'
import { shellJoin } from '../text/shell.ts'
import type { ItemSpec } from '../walk/item.ts'
import type { HostIdentity } from '../walk/proof.ts'
import type { Verdict } from '../walk/verdict.ts'
import type { InterpreterFacts } from './rules/interpreter.ts'
import type { TierSpace } from './rules/storage.ts'

/** What an item gives back: the verdict, with the command by which a person can see it too. */
export interface Looked extends Verdict {
  readonly command?: string
  readonly exitCode?: number | null
  readonly outputSha256?: string
}

export interface AuditItem {
  readonly spec: ItemSpec
  /** Deadline; default 20 s. */
  readonly timeoutSeconds?: number
  readonly look: (look: Look) => Promise<Looked> | Looked
}

export interface TierPath {
  readonly tier: Tier
  readonly path: string | null
}

/** What the items share: facts of the host that are read once, and the ways to read more. */
export interface Look {
  readonly ctx: ActContext
  readonly host: Host
  /** This machine, where the project lies. */
  readonly local: Host
  readonly plan: Plan
  readonly profile: Profile
  readonly identity: HostIdentity
  readonly isLocal: boolean
  readonly tiers: readonly TierPath[]
  readonly data: TierPath | null
  readonly durable: TierPath | null
  /** Bounded, stops with the act; answers as evidence. */
  readonly exec: (argv: readonly string[], options?: ExecOptions) => Promise<ExecResult>
  readonly probe: () => Promise<ProbeAnswer>
  readonly spaces: () => Promise<readonly TierSpace[]>
  readonly spaceOf: (tier: TierPath) => Promise<DiskProbe | null>
  /** Where a tier really lies, behind symlinks. */
  readonly realPathOf: (tier: TierPath) => Promise<Reading<RealPath>>
  readonly interpreter: () => Promise<Reading<InterpreterFacts>>
}

/** Reads what all items need and prepares the rest to be read once, when the first item asks. */
export async function startLook(
  ctx: ActContext,
  askInterpreter: (look: Look) => Promise<Reading<InterpreterFacts>>,
): Promise<Look> {
  const { host, profile } = ctx
  const [identity, environment] = await Promise.all([host.identity(ctx.signal), hostEnvironment(host, ctx.signal)])
  const tiers = profile.storage.tiers.map((tier) => ({ tier, path: resolveTierPath(tier, environment) }))
  const find = (purpose: Tier['purpose']) => {
    const tier = tierFor(profile, purpose)
    return tiers.find((each) => each.tier === tier) ?? null
  }
  const paths = [...new Set(tiers.flatMap((each) => (each.path === null ? [] : [each.path])))]
  if (host.kind === 'local') paths.push(ctx.loaded.projectFolder)
  const probe = once(() => runProbe(host, { paths, timeoutSeconds: 15, signal: ctx.signal, isWide: true }))
  const spaceOf = async (each: TierPath) => (await probe()).probe.disks.find((disk) => disk.path === each.path) ?? null
  const nothing = unknown('its path is not known on this host')
  const realPathOf = async (each: TierPath) => {
    const at = each.path === null ? -1 : paths.indexOf(each.path)
    return (await probe()).probe.wide.realPaths[at] ?? nothing
  }
  const look: Look = {
    ctx,
    host,
    local: host.kind === 'local' ? host : createLocalHost(),
    plan: ctx.loaded.plan,
    profile,
    identity,
    isLocal: host.kind === 'local',
    tiers,
    data: find('data'),
    durable: find('durable'),
    exec: (argv, options = {}) => host.exec(argv, { timeoutSeconds: 15, signal: ctx.signal, ...options }),
    probe,
    spaceOf,
    realPathOf,
    spaces: async () =>
      Promise.all(
        tiers.map(async (each) => {
          const disk = await spaceOf(each)
          return {
            ...each,
            bytes: disk?.bytes ?? nothing,
            inodes: disk?.inodes ?? nothing,
            real: await realPathOf(each),
            mount: disk?.mount ?? nothing,
          }
        }),
      ),
    interpreter: once(() => askInterpreter(look)),
  }
  return look
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Evidence fields of a command that was run. */
export function ranAs(argv: readonly string[], ran: ExecResult): { command: string; exitCode: number | null } {
  return { command: shellJoin(argv), exitCode: ran.ending.kind === 'exited' ? ran.ending.code : null }
}

/** The text of a command that ended with 0; otherwise unknown with what it said. */
export function textOf(ran: ExecResult): Reading<string> {
  if (ran.timedOut) return unknown('no answer in time')
  if (ran.ending.kind !== 'exited')
    return unknown(ran.ending.kind === 'signalled' ? ran.ending.signal : ran.ending.reason)
  if (ran.ending.code !== 0) {
    const said = new TextDecoder().decode(ran.stderr.subarray(0, 300)).trim().split('\n')[0] ?? ''
    return unknown(`it ended with ${ran.ending.code}${said === '' ? '' : `: ${said}`}`)
  }
  return known(new TextDecoder().decode(ran.stdout))
}
