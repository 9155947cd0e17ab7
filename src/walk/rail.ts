import { launchInDoubt, writtenOffIn } from './end.ts'
import type { WalkState } from './gates.ts'
import { endsPhase, madeBy } from './graph.ts'
import { hostsIn, latestOf, ofHost } from './host-view.ts'
import { isBlocking } from './item.ts'
import { type Phase, type PhaseState, phases, type RunLiveness } from './phase.ts'
import type { Digests, HostIdentity, Proof, ProofKind, Staleness } from './proof.ts'
import { runEndIn } from './run-end.ts'
import { ownersOf, releasedOf } from './shares.ts'
import { staleness } from './staleness.ts'

export interface PhaseStanding {
  readonly state: PhaseState
  /** One line for the rail's tooltip, the hint and `--json`. */
  readonly why: string
  /** The proof that the state is about. */
  readonly proofId?: string
}

export interface RailExtras {
  readonly host?: HostIdentity | null
  /** How the run stood when it was last looked at; null or absent: not known. */
  readonly liveness?: RunLiveness | null
}

/**
 * How the seven phases stand. `digests` null: the project could not be read, so what depends on it is unknown.
 * `busyPhase`: the phase whose cell is running now.
 */
export function phaseStates(
  state: WalkState,
  digests: Digests | null,
  nowMs: number,
  busyPhase: Phase | null,
  extras: RailExtras = {},
): Readonly<Record<Phase, PhaseStanding>> {
  const hosts = hostsIn(state)
  if (hosts !== null) {
    const each = hosts.map((host) => ({
      host,
      phases: phaseStates(ofHost(state, host), digests, nowMs, busyPhase, extras),
    }))
    const byPhase = (phase: Phase) =>
      ofAll(
        each
          .filter(({ host }) => isAsked(phase, host, state))
          .map(({ host, phases: own }) => ({ host, ...own[phase] })),
      )
    return Object.fromEntries(phases.map((phase) => [phase, byPhase(phase)])) as Record<Phase, PhaseStanding>
  }
  const stale = staleness(state.proofs, digests, nowMs, extras.host ?? null)
  const standing = (phase: Phase): PhaseStanding => {
    if (phase === busyPhase) return { state: 'running', why: 'Running now.' }
    if (phase === 'patrol') return patrolStanding(state, stale, digests, extras.liveness ?? null)
    const writtenOff = phase === 'teardown' ? writtenOffIn(state) : null
    // Given up is not seen to stop: it is drawn as what nobody knows.
    if (writtenOff !== null)
      return { state: 'unknown', why: `Written off by ${writtenOff.by}, never seen to stop: ${writtenOff.reason}` }
    const proof = newest(state, endsPhase[phase])
    return proof === null ? unended(phase, state, stale) : ofProof(proof, stale, digests)
  }
  return Object.fromEntries(phases.map((phase) => [phase, standing(phase)])) as Record<Phase, PhaseStanding>
}

/** From the worst to the best: a phase is as far as the host that is behind, and as well as the one that is worst. */
const worstFirst: readonly PhaseState[] = ['blocked', 'unknown', 'stale', 'running', 'todo', 'passed']

/** Launched are the hosts that have units, looked at and torn down those that were launched; one that gave all back is let be. */
function isAsked(phase: Phase, host: string, { proofs, fleet }: WalkState): boolean {
  const assignments = fleet?.assignments ?? []
  if (phase !== 'launch' && phase !== 'patrol' && phase !== 'teardown') return true
  if (phase !== 'teardown' && releasedOf(assignments).has(host)) return false
  const isLaunched = proofs.some((proof) => proof.kind === 'Receipt' && proof.host?.host === host)
  if (phase !== 'launch') return isLaunched || !proofs.some((proof) => proof.kind === 'Receipt')
  return assignments.length === 0 || [...ownersOf(assignments).values()].some((owner) => owner.host === host)
}

/** How a phase stands over several hosts, with the hosts that it stands so on where it is not the same on all. */
function ofAll(each: readonly (PhaseStanding & { readonly host: string })[]): PhaseStanding {
  const state = worstFirst.find((word) => each.some((one) => one.state === word)) ?? 'todo'
  const those = each.filter((one) => one.state === state)
  const [first] = those
  if (first === undefined) return { state: 'todo', why: 'No host is asked for this.' }
  const { host: _host, ...standing } = first
  if (those.length === each.length && those.every(({ why }) => why === first.why)) return standing
  const others = those.length > 1 ? ` So are ${those.length - 1} more of ${each.length} hosts.` : ''
  return { ...standing, why: `${first.host}: ${first.why}${others}` }
}

/** Of several hosts that are walked, each by its own audit and by a smoke that says something about it. */
const newest = ({ view, proofs }: WalkState, kind: ProofKind): Proof | null =>
  (view === undefined ? proofs.findLast((proof) => proof.kind === kind) : latestOf(view, proofs)[kind]) ?? null

function ofProof(proof: Proof, stale: ReadonlyMap<string, Staleness>, digests: Digests | null): PhaseStanding {
  const proofId = proof.id
  const reason = stale.get(proofId)
  if (reason !== undefined) return { state: 'stale', why: `Stale: ${reason.text}.`, proofId }
  const isFact = proof.phase === 'launch' || proof.phase === 'patrol' || proof.phase === 'teardown'
  if (digests === null && !isFact)
    return { state: 'unknown', why: 'The project cannot be read, so it is unknown whether this still holds.', proofId }
  const { items } = proof
  const blocking = items.filter(isBlocking)
  if (blocking.length > 0) {
    const unknown = blocking.filter((item) => item.result === 'unknown').length
    const parts = [
      blocking.length > unknown ? `${blocking.length - unknown} failed` : '',
      unknown > 0 ? `${unknown} unknown` : '',
    ].filter((part) => part !== '')
    return { state: 'blocked', why: `Blocked: ${parts.join(', ')} (${blocking.map((i) => i.id).join(', ')}).`, proofId }
  }
  const overridden = items.filter((item) => item.override !== undefined).length
  const warned = items.filter((item) => item.severity === 'warn' && item.result === 'fail').length
  const notes = [
    overridden > 0 ? `${overridden} overridden` : '',
    warned > 0 ? `${warned} warning${warned === 1 ? '' : 's'}` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')
  return { state: 'passed', why: notes === '' ? 'Passed.' : `Passed, ${notes}.`, proofId }
}

/** A phase whose last proof does not exist yet: say how far it has come. */
function unended(phase: Phase, state: WalkState, stale: ReadonlyMap<string, Staleness>): PhaseStanding {
  const next = madeBy[endsPhase[phase]].next
  const halves: Partial<Record<Phase, readonly [ProofKind, string]>> = {
    cost: ['PricedPlan', 'Priced; a person has not approved it yet.'],
    teardown: ['VerifiedManifest', 'Artifacts verified; nothing has been removed yet.'],
  }
  const half = halves[phase]
  const proof = half === undefined ? null : newest(state, half[0])
  if (half === undefined || proof === null) return { state: 'todo', why: `Not done yet. ${next}` }
  const reason = stale.get(proof.id)
  if (reason !== undefined) return { state: 'stale', why: `Stale: ${reason.text}.`, proofId: proof.id }
  const blocking = proof.items.filter(isBlocking)
  if (blocking.length > 0)
    return { state: 'blocked', why: `Blocked by ${blocking.map((item) => item.id).join(', ')}.`, proofId: proof.id }
  return { state: 'todo', why: half[1], proofId: proof.id }
}

/** Between launch and outcome the rail shows how the run is; what nobody has seen is unknown, never running. */
function patrolStanding(
  state: WalkState,
  stale: ReadonlyMap<string, Staleness>,
  digests: Digests | null,
  liveness: RunLiveness | null,
): PhaseStanding {
  const receipt = newest(state, 'Receipt')
  const outcome = newest(state, 'Outcome')
  if (receipt === null) return { state: 'todo', why: 'Nothing is launched yet.' }
  if (launchInDoubt(state) !== null)
    return { state: 'unknown', why: 'A launch was begun; what became of it is not known.', proofId: receipt.id }
  if (outcome !== null && state.proofs.indexOf(outcome) > state.proofs.indexOf(receipt)) {
    const payload = outcome.payload as { readonly state?: unknown; readonly reasons?: unknown } | null
    const end = payload?.state === 'dead' ? null : runEndIn(payload)
    if (end !== null && end.word !== 'completed') {
      const how = end.word === 'aborted' ? 'was aborted' : 'has failed'
      return { state: 'blocked', why: `The run ${how}: ${end.text}.`, proofId: outcome.id }
    }
    if (payload?.state !== 'dead') return ofProof(outcome, stale, digests)
    const reasons = Array.isArray(payload.reasons) ? `: ${payload.reasons.join('; ')}` : ''
    return { state: 'blocked', why: `The run is dead${reasons}.`, proofId: outcome.id }
  }
  switch (liveness) {
    case 'running':
      return { state: 'running', why: 'The run is running.', proofId: receipt.id }
    case 'finished':
      return { state: 'todo', why: 'The run has finished; its outcome is not recorded yet.', proofId: receipt.id }
    case 'stalled':
    case 'dead':
      return { state: 'blocked', why: `The run is ${liveness}.`, proofId: receipt.id }
    default:
      return { state: 'unknown', why: 'Launched; how it stands is not known.', proofId: receipt.id }
  }
}
