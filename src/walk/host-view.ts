import type { WalkState } from './gates.ts'
import type { Proof, ProofKind } from './proof.ts'

/** Which host of several a state is looked at for. */
export interface HostView {
  readonly host: string
  /** Hardware class by the newest audit of that host; null: not audited yet. */
  readonly machineClass: string | null
}

/** Proofs that speak of what was done on one host; those of the others say nothing about it. */
const doneThere: ReadonlySet<ProofKind> = new Set(['Receipt', 'Outcome', 'VerifiedManifest', 'Permit', 'MeterStopped'])

/** Whether a smoke says something about the host of a view: it ran there, or on a machine of the same class. */
export function isSmokeFor(view: HostView, smoke: Pick<Proof, 'host' | 'machineClass'>): boolean {
  return (
    smoke.host?.host === view.host || (smoke.machineClass !== undefined && smoke.machineClass === view.machineClass)
  )
}

/** A host with its hardware class, by its newest audit. */
export function viewAt(state: Pick<WalkState, 'proofs'>, host: string): HostView {
  const audit = state.proofs.findLast((proof) => proof.kind === 'AuditReport' && proof.host?.host === host)
  return { host, machineClass: audit?.machineClass ?? null }
}

/**
 * A run over several hosts as one of them sees it: the proofs, acts and meters of that host beside what holds for all. Each
 * host of a run is walked as if it were alone, so one set of gates serves both.
 */
export function ofHost<S extends WalkState>(state: S, host: string): S & { readonly view: HostView } {
  const view = viewAt(state, host)
  return {
    ...state,
    view,
    proofs: state.proofs.filter((proof) => !doneThere.has(proof.kind) || proof.host?.host === host),
    ...(state.intents === undefined ? {} : { intents: state.intents.filter((intent) => intent.host === host) }),
    ...(state.meters === undefined ? {} : { meters: state.meters.filter((meter) => meter.host === host) }),
  }
}

/** The newest proof of each kind that speaks of the host of a view. */
export function latestOf(view: HostView, proofs: readonly Proof[]): Partial<Record<ProofKind, Proof>> {
  const latest: Partial<Record<ProofKind, Proof>> = {}
  for (const proof of proofs) {
    if (proof.kind === 'AuditReport' && proof.host?.host !== view.host) continue
    if (proof.kind === 'SmokeProof' && !isSmokeFor(view, proof)) continue
    latest[proof.kind] = proof
  }
  return latest
}

/** Hosts of a run over several, of which the whole state is asked; null: it has one host, or is looked at for one. */
export function hostsIn(state: WalkState): readonly string[] | null {
  return state.view === undefined && state.fleet !== undefined && state.fleet.hosts.length > 1
    ? state.fleet.hosts
    : null
}
