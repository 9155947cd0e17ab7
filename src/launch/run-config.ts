import type { GuardRequest } from '../engine/types.ts'
import type { ActContext } from '../run/act.ts'
import { unitCommand } from '../spec/command.ts'
import type { HostIdentity } from '../walk/proof.ts'

export interface Placement {
  readonly identity: HostIdentity
  readonly folder: string
  readonly token: string
  readonly workers: number
  readonly gpus: readonly string[]
  /** What ends the lease on the box, with every threshold; null: the approval names no lease. */
  readonly guard: GuardRequest | null
}

/** The plan as it was resolved for this launch: every command, every limit, every digest. JSON text; the same input gives the same bytes. */
export function resolvedConfig(ctx: Pick<ActContext, 'run' | 'loaded' | 'profile'>, placement: Placement): string {
  const { plan, units, digests } = ctx.loaded
  return `${JSON.stringify(
    ctx.run.scrub({
      version: 1,
      runId: ctx.run.id,
      token: placement.token,
      profile: ctx.profile.platform,
      host: placement.identity,
      folder: placement.folder,
      workers: placement.workers,
      gpus: placement.gpus,
      guard: placement.guard,
      digests,
      plan,
      units: units.map((unit) => ({ ...unit, argv: unitCommand(plan, unit) })),
    }),
    null,
    1,
  )}\n`
}
