import { madeBy } from '../../../src/walk/graph.ts'
import type { CheckedItem, Result, Severity } from '../../../src/walk/item.ts'
import type { Digests, HostIdentity, Proof, ProofKind } from '../../../src/walk/proof.ts'

export const nowMs = Date.UTC(2026, 10, 22, 12)
export const digests: Digests = { plan: 'p1', code: 'c1', config: 'f1', data: 'd1' }
export const host: HostIdentity = { host: 'local', hostname: 'here', machineId: 'm1', bootId: 'b1', user: '1000' }

export function item(id: string, result: Result, severity: Severity = 'error'): CheckedItem {
  return {
    id,
    title: id,
    gate: 'audit/box',
    severity,
    how: 'auto',
    fix: `Mend ${id}.`,
    result,
    evidence: { summary: id, atMs: nowMs },
  }
}

export function proof(kind: ProofKind, more: Partial<Proof> = {}): Proof {
  return {
    id: more.id ?? kind,
    kind,
    phase: madeBy[kind].phase,
    atMs: nowMs - 60_000,
    boundTo: {},
    needs: [],
    items: [],
    payload: {},
    ...more,
  }
}

/** A whole walk up to the permit, every proof holding at `nowMs`. */
export function wholeWalk(): Proof[] {
  return [
    proof('PlanDigest', { boundTo: digests }),
    proof('AuditReport', { boundTo: { plan: 'p1' }, needs: ['PlanDigest'], host }),
    proof('SmokeProof', { boundTo: { code: 'c1', config: 'f1', data: 'd1' }, needs: ['PlanDigest'], host }),
    proof('PricedPlan', { boundTo: { plan: 'p1' }, needs: ['SmokeProof'], expiresAtMs: nowMs + 3_600_000 }),
    proof('Approval', { needs: ['PricedPlan'], expiresAtMs: nowMs + 3_600_000 }),
    proof('Receipt', { needs: ['Approval', 'AuditReport', 'SmokeProof'] }),
    proof('Outcome', { needs: ['Receipt'] }),
    proof('VerifiedManifest', { boundTo: { manifest: 'x1' }, needs: ['Outcome'], host }),
    proof('Permit', {
      boundTo: { manifest: 'x1' },
      needs: ['VerifiedManifest'],
      host,
      expiresAtMs: nowMs + 600_000,
    }),
  ]
}

export const state = (proofs: readonly Proof[]) => ({ proofs, intents: [] })
