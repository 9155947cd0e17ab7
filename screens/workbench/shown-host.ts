import { viewOf } from '../../src/run/host-view.ts'
import type { RunState } from '../../src/run/types.ts'
import { isBlocking } from '../../src/walk/item.ts'
import type { ProofKind } from '../../src/walk/proof.ts'

/** The screens that show one host of several at a time, with the proof that they show of it. */
export const proofByHost: Readonly<Record<string, ProofKind>> = {
  audit: 'AuditReport',
  smoke: 'SmokeProof',
  launch: 'Receipt',
}

/** Hosts of a run over several; empty for a run on one. */
export const hostsOfRun = (run: RunState | null): readonly string[] =>
  run?.fleet !== undefined && run.fleet.hosts.length > 1 ? run.fleet.hosts : []

/**
 * The host of several whose proof a screen shows: the one that a person chose, else the first that stands in the way, so
 * that nothing that blocks is hidden behind what is well. Null: the run has one host, or the screen is of all.
 */
export function shownHost(run: RunState | null, screen: string, chosen: string): string | null {
  const kind = proofByHost[screen]
  const hosts = hostsOfRun(run)
  if (run === null || kind === undefined || hosts.length === 0) return null
  if (hosts.includes(chosen)) return chosen
  const proofs = hosts.map((host) => ({ host, proof: viewOf(run, host).latest[kind] }))
  return (
    proofs.find(({ proof }) => proof?.items.some(isBlocking))?.host ??
    proofs.find(({ proof }) => proof === undefined)?.host ??
    proofs[0]?.host ??
    null
  )
}
