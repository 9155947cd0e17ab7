import { factKinds, isSameMachine, isVeryMachine, slotOf } from './graph.ts'
import type { DigestName, Digests, HostIdentity, Proof, ProofKind, Staleness } from './proof.ts'

/** An audit holds for a day (architecture 1) unless it says something shorter. */
export const auditLifetimeMs = 24 * 3_600_000
/** A permit lives at most this long, whatever it says (architecture 1). */
export const permitLifetimeMs = 15 * 60_000
/** A proof from further ahead than this was made under another clock; ages cannot be counted from it. */
export const clockSlackMs = 5 * 60_000

/** Each digest in words that fit before "has changed". */
export const digestWords: Readonly<Record<DigestName, string>> = {
  plan: 'the plan',
  code: 'the code',
  config: 'a configuration file',
  data: 'the data',
  host: 'the host',
  manifest: 'the set of artifacts',
  artifacts: 'what lies in the artifacts',
}

/** Digests that are always known together when the project was read; the other two only after a look at the host. */
const projectDigests: readonly DigestName[] = ['plan', 'code', 'config', 'data']

/** Proofs about one very machine. A smoke is about a class of machines, so another box of that class keeps it. */
const isOfOneMachine: ReadonlySet<ProofKind> = new Set(['AuditReport', 'VerifiedManifest', 'Permit'])

/**
 * Why each proof that no longer holds does not: proof id to reason. Proofs without an entry hold.
 * `digests` null: the project could not be read, so nothing is said about digests. `host` null: nobody has looked who
 * answers, so nothing is said about identity. What rests on a stale proof is stale (architecture 1).
 */
export function staleness(
  proofs: readonly Proof[],
  digests: Digests | null,
  nowMs: number,
  host: HostIdentity | null,
): Map<string, Staleness> {
  const byId = new Map(proofs.map((proof) => [proof.id, proof]))
  const newest = new Map<string, Proof>()
  for (const proof of proofs) newest.set(slotOf(proof), proof)
  const known = new Map<string, Staleness | null>()

  const judge = (proof: Proof): Staleness | null => {
    const before = known.get(proof.id)
    if (before !== undefined) return before
    // Journals are append-only, so needs point backwards; a forged circle ends here instead of for ever.
    known.set(proof.id, { proofId: proof.id, cause: 'needs', text: 'it rests on itself' })
    const answer = judgeAlone(proof, digests, nowMs, host) ?? judgeSuperseded(proof) ?? judgeNeeds(proof)
    known.set(proof.id, answer)
    return answer
  }

  const judgeSuperseded = (proof: Proof): Staleness | null => {
    const later = newest.get(slotOf(proof))
    if (later === undefined || later === proof || later.id === proof.id) return null
    return { proofId: proof.id, cause: 'superseded', text: `a newer ${proof.kind} was made` }
  }

  const judgeNeeds = (proof: Proof): Staleness | null => {
    const isFact = factKinds.has(proof.kind)
    for (const id of proof.needs) {
      let needed = byId.get(id)
      if (needed === undefined) {
        if (isFact) continue
        return { proofId: proof.id, cause: 'needs', text: `it rests on ${id}, which is not in this run` }
      }
      if (isFact && !factKinds.has(needed.kind)) continue
      // Checking an unchanged plan again changes nothing for what rests on it.
      const twin = newest.get(slotOf(needed))
      if (needed.kind === 'PlanDigest' && twin !== undefined && isSameBinding(twin.boundTo, needed.boundTo))
        needed = twin
      const reason = judge(needed)
      if (reason !== null)
        return { proofId: proof.id, cause: 'needs', text: `its ${needed.kind} does not hold: ${reason.text}` }
    }
    return null
  }

  const stale = new Map<string, Staleness>()
  for (const proof of proofs) {
    const reason = judge(proof)
    if (reason !== null) stale.set(proof.id, reason)
  }
  return stale
}

/** `the plan and the data have changed since`. A configuration file that is pushed changes the code digest with its own. */
export function changedText(names: readonly DigestName[]): string {
  const isConfigInCode = names.includes('code') && names.includes('config')
  const said = names.filter((name) => !(isConfigInCode && name === 'config'))
  const words = said.map(
    (name) => `${digestWords[name] ?? name}${isConfigInCode && name === 'code' ? ' (a configuration file in it)' : ''}`,
  )
  const list = words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
  return `${list} ${words.length > 1 ? 'have' : 'has'} changed since`
}

/** The proof by itself: digests, machine, age. */
function judgeAlone(proof: Proof, digests: Digests | null, nowMs: number, host: HostIdentity | null): Staleness | null {
  if (factKinds.has(proof.kind)) return null
  if (digests !== null) {
    const bound = Object.entries(proof.boundTo) as [DigestName, string | undefined][]
    const changed = bound.flatMap(([name, value]) => {
      const now = digests[name]
      if (value === undefined || now === value) return []
      return now === undefined && !projectDigests.includes(name) ? [] : [name]
    })
    if (changed.length > 0) return { proofId: proof.id, cause: 'digest', text: changedText(changed) }
  }
  if (host !== null && isOfOneMachine.has(proof.kind) && proof.host?.host === host.host) {
    const isSame = proof.kind === 'Permit' ? isVeryMachine(proof.host, host) : isSameMachine(proof.host, host)
    if (!isSame)
      return { proofId: proof.id, cause: 'digest', text: `another machine answers under the name ${host.host}` }
  }
  const ends = endOfLife(proof)
  if (nowMs >= ends) return { proofId: proof.id, cause: 'age', text: `it expired ${span(nowMs - ends)} ago` }
  if (proof.atMs - nowMs > clockSlackMs)
    return { proofId: proof.id, cause: 'age', text: `it is dated ${span(proof.atMs - nowMs)} ahead of this clock` }
  return null
}

/** When a proof stops holding by age; infinity: never. A permit or approval without an end has none to trust: never held. */
export function endOfLife(proof: Proof): number {
  const own = proof.expiresAtMs
  if (own !== undefined && !Number.isFinite(own)) return Number.NEGATIVE_INFINITY
  switch (proof.kind) {
    case 'AuditReport':
      return Math.min(own ?? Number.POSITIVE_INFINITY, proof.atMs + auditLifetimeMs)
    case 'Permit':
      return own === undefined ? proof.atMs : Math.min(own, proof.atMs + permitLifetimeMs)
    case 'Approval':
      return own ?? proof.atMs
    default:
      return own ?? Number.POSITIVE_INFINITY
  }
}

function isSameBinding(a: Digests, b: Digests): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<DigestName>
  return [...names].every((name) => a[name] === b[name])
}

function span(ms: number): string {
  if (!Number.isFinite(ms)) return 'long'
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'under a minute'
  if (minutes < 120) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h`
}
