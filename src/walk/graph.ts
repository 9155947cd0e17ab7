import type { Phase } from './phase.ts'
import type { HostIdentity, Proof, ProofKind } from './proof.ts'

/** What can be asked of a gate. `rent` and `launch` are the two acts of the Launch screen; `remove` destroys. */
export const acts = [
  'plan',
  'audit',
  'smoke',
  'cost',
  'approve',
  'rent',
  'launch',
  'patrol',
  'abort',
  'verify',
  'permit',
  'remove',
  'report',
] as const
export type Act = (typeof acts)[number]

/** Acts whose effect cannot be taken back: no override opens their gate. */
export const destroyingActs: readonly Act[] = ['permit', 'remove']

/** What an act needs (architecture 1). `end`: the run has an outcome, or a person stopped it. `host`: a known machine. */
export type Requirement = ProofKind | 'end' | 'host'

export const needsOf: Readonly<Record<Act, readonly Requirement[]>> = {
  plan: [],
  audit: ['PlanDigest', 'host'],
  smoke: ['PlanDigest', 'host'],
  cost: ['SmokeProof'],
  approve: ['PricedPlan'],
  rent: ['Approval'],
  launch: ['Approval', 'host', 'AuditReport', 'SmokeProof'],
  patrol: ['Receipt'],
  abort: ['Receipt'],
  verify: ['Receipt', 'end'],
  permit: ['Receipt', 'end', 'host', 'VerifiedManifest'],
  remove: ['Receipt', 'end', 'host', 'VerifiedManifest', 'Permit'],
  report: [],
}

/** The phase that makes a kind of proof, and what a person does to get one. */
export const madeBy: Readonly<Record<ProofKind, { readonly phase: Phase; readonly next: string }>> = {
  PlanDigest: { phase: 'plan', next: 'Check the plan: kx plan' },
  AuditReport: { phase: 'audit', next: 'Audit the host: kx audit' },
  SmokeProof: { phase: 'smoke', next: 'Run the smoke: kx smoke' },
  PricedPlan: { phase: 'cost', next: 'Price the plan: kx cost' },
  Approval: { phase: 'cost', next: 'Approve price, cap and lease: kx approve' },
  Receipt: { phase: 'launch', next: 'Launch: kx launch' },
  Outcome: { phase: 'patrol', next: 'Wait for the end and look: kx patrol' },
  VerifiedManifest: { phase: 'teardown', next: 'Pull and verify the artifacts: kx teardown' },
  Permit: { phase: 'teardown', next: 'Ask for a permit and type the name: kx teardown' },
  MeterStopped: { phase: 'teardown', next: 'Tear down: kx teardown' },
}

/** The proof that ends a phase. */
export const endsPhase: Readonly<Record<Phase, ProofKind>> = {
  plan: 'PlanDigest',
  audit: 'AuditReport',
  smoke: 'SmokeProof',
  cost: 'Approval',
  launch: 'Receipt',
  patrol: 'Outcome',
  teardown: 'MeterStopped',
}

/** Records of what happened: the world's later changes do not undo them. */
export const factKinds: ReadonlySet<ProofKind> = new Set(['Receipt', 'Outcome', 'MeterStopped'])

/** Kinds of which each host has its own; of the others a newer one replaces any older one. */
const perHost: ReadonlySet<ProofKind> = new Set([
  'AuditReport',
  'SmokeProof',
  'Receipt',
  'Outcome',
  'VerifiedManifest',
  'Permit',
  'MeterStopped',
])

/** Two proofs with the same slot are about the same thing; the later one in the journal supersedes the earlier one. */
export function slotOf(proof: Pick<Proof, 'kind' | 'host' | 'machineClass'>): string {
  return perHost.has(proof.kind)
    ? JSON.stringify([proof.kind, proof.host?.host ?? null, proof.machineClass ?? null])
    : proof.kind
}

/** One line that names a machine; for `boundTo.host` and for people. A reboot does not change it. */
export function hostIdentityText(host: HostIdentity): string {
  return `${host.user}@${host.host} ${host.machineId ?? `hostname:${host.hostname}`}`
}

/** True when both are the same user on the same machine. A reboot in between does not matter. */
export function isSameMachine(a: HostIdentity, b: HostIdentity): boolean {
  if (a.host !== b.host || a.user !== b.user) return false
  return a.machineId !== null || b.machineId !== null ? a.machineId === b.machineId : a.hostname === b.hostname
}

/**
 * Stricter, for what destroys: also the same boot, host key and instance, and something must have been known at all. What one
 * of them does not tell and the other does is a difference (handbook money 8.4).
 */
export function isVeryMachine(a: HostIdentity, b: HostIdentity): boolean {
  return (
    isSameMachine(a, b) &&
    a.hostname === b.hostname &&
    a.bootId === b.bootId &&
    (a.hostKey ?? null) === (b.hostKey ?? null) &&
    (a.instanceId ?? null) === (b.instanceId ?? null) &&
    (a.machineId !== null || a.bootId !== null)
  )
}

export function isDestroying(act: Act): boolean {
  return destroyingActs.includes(act)
}
