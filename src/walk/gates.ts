import { hasEnded, launchInDoubt, type WrittenOff } from './end.ts'
import { type Act, isDestroying, isVeryMachine, madeBy, needsOf, type Requirement } from './graph.ts'
import { type HostView, isSmokeFor, viewAt } from './host-view.ts'
import { type CheckedItem, isBlocking } from './item.ts'
import type { Digests, HostIdentity, Proof, ProofKind } from './proof.ts'
import type { Assignment } from './shares.ts'
import { staleness } from './staleness.ts'

/** What the walk looks at of a run; a folded run state fits. */
export interface WalkState {
  readonly proofs: readonly Proof[]
  readonly intents?: readonly {
    readonly act: string
    /** Idempotency token; a receipt of the same token came of this intent. */
    readonly token?: string
    /** Host that it was begun on. */
    readonly host?: string
    readonly atMs: number
    readonly payload: unknown
    readonly closed: { readonly outcome: string } | null
  }[]
  readonly meters?: readonly { readonly writtenOff?: WrittenOff; readonly host?: string }[]
  /** Hosts of a run over several; absent: it has one. */
  readonly fleet?: { readonly hosts: readonly string[]; readonly assignments?: readonly Assignment[] }
  /** Of a run over several hosts: the one that this state is looked at for. */
  readonly view?: HostView
}

export interface GateInput {
  readonly state: WalkState
  /** Digests of the files as they are now; null: could not be read. */
  readonly digests: Digests | null
  readonly nowMs: number
  /** Who answers now under the host's name; null: nobody has looked. */
  readonly host: HostIdentity | null
  /** Why the journal cannot be trusted, if so: then no gate opens but that of looking. */
  readonly suspect?: string | null
}

export interface Missing {
  readonly proof: Requirement | 'journal'
  readonly why: string
  /** What to do about it. */
  readonly next: string
}

export interface GateAnswer {
  readonly open: boolean
  readonly missing: readonly Missing[]
}

/** Items that close the gate. Overrides are part of the proof; for a destroying act they count for nothing. */
export function blockingItems(items: readonly CheckedItem[], act: Act): readonly CheckedItem[] {
  const counted = isDestroying(act) ? items.map((item) => ({ ...item, override: undefined })) : items
  return counted.filter((item) => isBlocking(item as CheckedItem)) as readonly CheckedItem[]
}

/** Ids of permits that an act has been begun with: each is good for one (architecture 1). */
export function usedPermits(state: WalkState): ReadonlySet<string> {
  const used = new Set<string>()
  for (const intent of state.intents ?? []) {
    const id = (intent.payload as { permitId?: unknown } | null)?.permitId
    if (intent.act === 'remove' && typeof id === 'string') used.add(id)
  }
  return used
}

/** Whether an act may start now, and if not, everything that is missing with what to do about it. */
export function gateFor(act: Act, input: GateInput): GateAnswer {
  const missing: Missing[] = []
  if (input.suspect != null && act !== 'report')
    missing.push({
      proof: 'journal',
      why: `The journal cannot be trusted: ${input.suspect}.`,
      next: 'Find out what changed the file; until then this run can only be read.',
    })
  const stale = staleness(input.state.proofs, input.digests, input.nowMs, input.host)
  for (const requirement of needsOf[act]) {
    const found = check(act, requirement, input, (proof) => stale.get(proof.id)?.text ?? null)
    if (found !== null) missing.push(found)
  }
  return { open: missing.length === 0, missing }
}

type WhyStale = (proof: Proof) => string | null

function check(act: Act, requirement: Requirement, input: GateInput, whyStale: WhyStale): Missing | null {
  if (requirement === 'host')
    return input.host === null
      ? {
          proof: 'host',
          why: 'Nobody has looked which machine answers.',
          next: 'Make the host reachable and try again.',
        }
      : null
  if (requirement === 'end') return checkEnd(input, whyStale)
  const next = madeBy[requirement].next
  const proof = newestOf(requirement, input, act)
  if (proof === null) return { proof: requirement, why: whyAbsent(requirement, input), next }
  const reason = whyStale(proof)
  if (reason !== null) return { proof: requirement, why: `The ${requirement} is stale: ${reason}.`, next }
  if (input.digests === null && isBoundToProject(proof))
    return {
      proof: requirement,
      why: `The project cannot be read, so it is unknown whether the ${requirement} still holds.`,
      next: 'Mend the plan file: kx plan says where it is wrong.',
    }
  const blocking = blockingItems(proof.items, act)
  if (blocking.length > 0)
    return {
      proof: requirement,
      why: `In the ${requirement}, ${blocking.map((item) => `${item.id} ${saying(item)}`).join(', ')}.`,
      next: isDestroying(act)
        ? `${blocking[0]?.fix ?? 'Mend it'} (what destroys has no override).`
        : (blocking[0]?.fix ?? 'Mend it, or override it with a written reason.'),
    }
  return requirement === 'Permit' ? checkPermit(proof, input) : null
}

/** The newest proof of a kind; where each host has its own, that of the host at hand. */
function newestOf(kind: ProofKind, input: GateInput, act: Act): Proof | null {
  // Nothing is launched on a kind of machine that no smoke ran on; hours may be carried from one to another, and are marked.
  const view =
    input.state.view ?? (act === 'launch' && input.host !== null ? viewAt(input.state, input.host.host) : null)
  const isOfHost = kind === 'AuditReport' || kind === 'VerifiedManifest' || kind === 'Permit'
  return (
    input.state.proofs.findLast(
      (proof) =>
        proof.kind === kind &&
        (!isOfHost || (input.host !== null && proof.host?.host === input.host.host)) &&
        (kind !== 'SmokeProof' || view === null || isSmokeFor(view, proof)),
    ) ?? null
  )
}

function whyAbsent(kind: ProofKind, input: GateInput): string {
  const { view } = input.state
  if (kind === 'SmokeProof' && view !== undefined && input.state.proofs.some((proof) => proof.kind === kind))
    return `No smoke ran on a machine like ${view.host} (${view.machineClass ?? 'its class is not known yet'}).`
  const isElsewhere = input.host !== null && input.state.proofs.some((proof) => proof.kind === kind)
  return isElsewhere ? `The ${kind} at hand is not of ${input.host?.host}.` : `There is no ${kind} yet.`
}

function saying(item: CheckedItem): string {
  const found = item.result === 'unknown' ? `is unknown (${item.reason ?? item.evidence.summary})` : 'failed'
  return item.lapsed === undefined ? found : `${found} (its override was for another state: ${item.lapsed.why})`
}

const isBoundToProject = (proof: Proof): boolean =>
  ['plan', 'code', 'config', 'data'].some((name) => Object.hasOwn(proof.boundTo, name)) &&
  !['Receipt', 'Outcome', 'VerifiedManifest', 'Permit', 'MeterStopped'].includes(proof.kind)

/** The run is over, and nothing that was begun since may still be running. */
function checkEnd({ state }: GateInput, whyStale: WhyStale): Missing | null {
  const holds = (proofId: string) => state.proofs.some((proof) => proof.id === proofId && whyStale(proof) === null)
  if (hasEnded(state, holds)) return null
  return launchInDoubt(state) === null
    ? {
        proof: 'end',
        why: 'The run has no outcome yet, and nobody has stopped it.',
        next: 'Look at it with kx patrol, or stop it with kx abort.',
      }
    : {
        proof: 'end',
        why: 'A launch was begun after the end, and it is not known what became of it.',
        next: 'Ask the host with kx launch, or stop whatever runs with kx abort.',
      }
}

/** A permit is for one act, on one machine, for minutes; age and identity are in its staleness already. */
function checkPermit(permit: Proof, input: GateInput): Missing | null {
  const next = madeBy.Permit.next
  if (usedPermits(input.state).has(permit.id))
    return { proof: 'Permit', why: 'The permit has been used; each is good for one act.', next }
  if (permit.host === undefined || input.host === null || !isVeryMachine(permit.host, input.host))
    return { proof: 'Permit', why: 'The permit is not for the machine that answers now.', next }
  return null
}
