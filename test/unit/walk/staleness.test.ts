import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DigestName, Proof, ProofKind } from '../../../src/walk/proof.ts'
import { clockSlackMs, staleness } from '../../../src/walk/staleness.ts'
import { digests, host, nowMs, proof, wholeWalk } from './support.ts'

const staleIds = (...args: Parameters<typeof staleness>) => [...staleness(...args).keys()].sort()

describe('staleness', () => {
  it('finds a whole walk whole', () => {
    expect(staleIds(wholeWalk(), { ...digests, manifest: 'x1' }, nowMs, host)).toEqual([])
    expect(staleIds(wholeWalk(), null, nowMs, null)).toEqual([])
  })

  it.each<[DigestName, ProofKind[]]>([
    ['plan', ['Approval', 'AuditReport', 'PlanDigest', 'PricedPlan', 'SmokeProof']],
    ['code', ['Approval', 'AuditReport', 'PlanDigest', 'PricedPlan', 'SmokeProof']],
    ['manifest', ['Permit', 'VerifiedManifest']],
  ])('a changed %s makes stale what follows from it, and no record of what happened', (name, expected) => {
    const changed = { ...digests, manifest: 'x1', [name]: 'other' }
    expect(staleIds(wholeWalk(), changed, nowMs, host)).toEqual(expected)
  })

  it('makes exactly the dependent proofs stale, for any graph and any changed digest (property)', () => {
    const names: DigestName[] = ['plan', 'code', 'config', 'data', 'host', 'manifest']
    const kinds: ProofKind[] = ['PlanDigest', 'SmokeProof', 'PricedPlan', 'VerifiedManifest']
    const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
      fc.tuple(
        fc.array(fc.record({ kind: fc.constantFrom(...kinds), binds: fc.subarray(names) }), {
          minLength: size,
          maxLength: size,
        }),
        fc.array(fc.array(fc.nat(11), { maxLength: 3 }), { minLength: size, maxLength: size }),
        fc.constantFrom(...names),
      ),
    )
    fc.assert(
      fc.property(graph, ([nodes, edges, changed]) => {
        const whole = Object.fromEntries(names.map((name) => [name, 'same']))
        // One slot a proof, so that nothing is superseded and only digests speak.
        const proofs: Proof[] = nodes.map((node, i) =>
          proof(node.kind === 'PlanDigest' || node.kind === 'PricedPlan' ? 'SmokeProof' : node.kind, {
            id: `n${i}`,
            machineClass: `class-${i}`,
            boundTo: Object.fromEntries(node.binds.map((name) => [name, 'same'])),
            needs: (edges[i] ?? []).filter((to) => to < i).map((to) => `n${to}`),
          }),
        )
        expect(staleIds(proofs, whole, nowMs, null)).toEqual([])
        const expected = new Set<string>()
        for (const p of proofs) if (changed in p.boundTo || p.needs.some((id) => expected.has(id))) expected.add(p.id)
        expect(staleIds(proofs, { ...whole, [changed]: 'new' }, nowMs, null)).toEqual([...expected].sort())
      }),
    )
  })

  it('names everything that has changed, and a configuration file before the code that holds it', () => {
    const textFor = (...changed: DigestName[]) => {
      const now = { ...digests, ...Object.fromEntries(changed.map((name) => [name, 'other'])) }
      return [...staleness([proof('SmokeProof', { boundTo: digests })], now, nowMs, null).values()][0]?.text
    }
    expect(textFor('code')).toBe('the code has changed since')
    expect(textFor('config')).toBe('a configuration file has changed since')
    // A configuration file that is pushed is part of the code digest too: both differ when it alone was edited.
    expect(textFor('code', 'config')).toBe('the code (a configuration file in it) has changed since')
    expect(textFor('plan', 'code', 'config', 'data')).toBe(
      'the plan, the code (a configuration file in it) and the data have changed since',
    )
  })

  it('says that a project digest which is no longer there has changed, and nothing about one nobody looked up', () => {
    const { data: _, ...without } = digests
    expect(staleIds([proof('SmokeProof', { boundTo: { data: 'd1' } })], without, nowMs, null)).toEqual(['SmokeProof'])
    expect(
      staleIds([proof('Permit', { boundTo: { manifest: 'x' }, expiresAtMs: nowMs + 1 })], digests, nowMs, null),
    ).toEqual([])
  })

  it('ages: an audit after a day, an approval at its end, a permit after 15 minutes whatever it says', () => {
    const audit = proof('AuditReport', { host, atMs: nowMs })
    expect(staleIds([audit], digests, nowMs + 24 * 3_600_000 - 1, host)).toEqual([])
    expect(staleIds([audit], digests, nowMs + 24 * 3_600_000, host)).toEqual(['AuditReport'])
    const permit = proof('Permit', { host, atMs: nowMs, expiresAtMs: nowMs + 3_600_000 })
    expect(staleIds([permit], digests, nowMs + 15 * 60_000 - 1, host)).toEqual([])
    expect(staleIds([permit], digests, nowMs + 15 * 60_000, host)).toEqual(['Permit'])
    for (const kind of ['Permit', 'Approval'] as const) {
      expect(staleIds([proof(kind, { host })], digests, nowMs, host)).toEqual([kind])
      expect(staleIds([proof(kind, { host, expiresAtMs: Number.NaN })], digests, nowMs, host)).toEqual([kind])
    }
  })

  it('never lets an expired proof hold (property)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Permit', 'Approval', 'PricedPlan', 'AuditReport'),
        fc.integer({ min: 0, max: 1e9 }),
        (kind, past) => {
          const p = proof(kind as ProofKind, { host, atMs: nowMs - 2e9, expiresAtMs: nowMs - past })
          expect(staleIds([p], digests, nowMs, host)).toEqual([p.id])
        },
      ),
    )
  })

  it('does not count an age from a proof that is dated ahead of the clock', () => {
    const p = proof('PricedPlan', { atMs: nowMs + clockSlackMs + 1 })
    expect(staleness([p], digests, nowMs, null).get('PricedPlan')).toMatchObject({ cause: 'age' })
    expect(staleIds([{ ...p, atMs: nowMs + clockSlackMs }], digests, nowMs, null)).toEqual([])
  })

  it('notices another machine under the same name; a reboot matters to a permit only', () => {
    const proofs = wholeWalk()
    const other = { ...host, machineId: 'm2' }
    expect(staleIds(proofs, digests, nowMs, other)).toEqual(['AuditReport', 'Permit', 'VerifiedManifest'])
    expect(staleIds(proofs, digests, nowMs, { ...host, bootId: 'b2' })).toEqual(['Permit'])
    expect(staleIds(proofs, digests, nowMs, { ...other, host: 'elsewhere' })).toEqual([])
  })

  it('lets a newer proof replace an older one, and what rested on the old one with it', () => {
    const proofs = [...wholeWalk().slice(0, 5), proof('SmokeProof', { id: 'smoke2', boundTo: {}, host })]
    const stale = staleness(proofs, digests, nowMs, host)
    expect([...stale.keys()].sort()).toEqual(['Approval', 'PricedPlan', 'SmokeProof'])
    expect(stale.get('SmokeProof')?.cause).toBe('superseded')
    expect(stale.get('Approval')?.cause).toBe('needs')
  })

  it('keeps what rests on a plan that was checked again unchanged', () => {
    const again = proof('PlanDigest', { id: 'plan2', boundTo: digests })
    expect(staleIds([...wholeWalk(), again], digests, nowMs, host)).toEqual(['PlanDigest'])
    const changed = { ...digests, plan: 'p2' }
    const other = proof('PlanDigest', { id: 'plan2', boundTo: changed })
    expect(staleIds([...wholeWalk(), other], changed, nowMs, host)).toContain('SmokeProof')
  })

  it('makes the outcome of an earlier launch stale once it is launched again', () => {
    const proofs = [...wholeWalk(), proof('Receipt', { id: 'receipt2' })]
    expect(staleIds(proofs, digests, nowMs, host)).toEqual(['Outcome', 'Permit', 'Receipt', 'VerifiedManifest'])
  })

  it('ends on forged circles and on needs that do not exist', () => {
    const circle = [
      proof('PricedPlan', { id: 'a', needs: ['b'] }),
      proof('Approval', { id: 'b', needs: ['a'], expiresAtMs: nowMs + 1 }),
    ]
    expect(staleIds(circle, digests, nowMs, null)).toEqual(['a', 'b'])
    expect(staleIds([proof('PricedPlan', { needs: ['gone'] })], digests, nowMs, null)).toEqual(['PricedPlan'])
  })
})
