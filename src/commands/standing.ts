import { viewOf } from '../run/host-view.ts'
import type { RunState } from '../run/types.ts'
import { isBlocking } from '../walk/item.ts'
import type { Proof, ProofKind, Staleness } from '../walk/proof.ts'
import { ownersOf } from '../walk/shares.ts'
import { staleness } from '../walk/staleness.ts'
import { loadProject } from './act.ts'
import type { CommandEnvironment } from './types.ts'

export interface Standing {
  readonly stale: ReadonlyMap<string, Staleness>
  /** True when the newest proof of this kind still holds and nothing in it blocks. */
  isFresh(kind: ProofKind): boolean
}

/** How the proofs of a run stand against the files and the machine as they are now. */
export async function standing(
  env: Pick<CommandEnvironment, 'projectFolder' | 'settings' | 'signal'>,
  state: RunState,
): Promise<Standing> {
  const [{ createLocalHost }, loaded] = await Promise.all([
    import('../host/local.ts'),
    loadProject(env).catch(() => null),
  ])
  const host = createLocalHost()
  const identity = await host.identity(env.signal)
  await host.close()
  const stale = staleness(state.proofs, loaded?.digests ?? null, Date.now(), identity)
  return {
    stale,
    isFresh: (kind) => {
      const { fleet } = state
      // Of several hosts every one needs its own; a launch is done when each that has units was launched.
      if (fleet !== undefined && fleet.hosts.length > 1) {
        const owners = new Set([...ownersOf(fleet.assignments).values()].map((owner) => owner.host))
        const asked = kind === 'Receipt' ? fleet.hosts.filter((host) => owners.has(host)) : fleet.hosts
        return asked.length > 0 && asked.every((host) => holds(viewOf(state, host).latest[kind]))
      }
      return holds(state.latest[kind])
    },
  }
  function holds(proof: Proof | undefined): boolean {
    return proof !== undefined && !stale.has(proof.id) && !proof.items.some(isBlocking)
  }
}
