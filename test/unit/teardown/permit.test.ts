import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundText, makePermit, permitMinutes, permitRefusals } from '../../../src/teardown/rules.ts'
import type { PermitPayload, RemovalFacts } from '../../../src/teardown/types.ts'
import type { HostIdentity, Proof } from '../../../src/walk/proof.ts'

const machine: HostIdentity = {
  host: 'local',
  hostname: 'box',
  machineId: '1'.repeat(32),
  bootId: 'boot-1',
  user: '1000',
}
const issued = 1_700_000_000_000

const permit = (change: Partial<PermitPayload> = {}): Proof<PermitPayload> =>
  makePermit({
    id: 'p1',
    payload: {
      runId: 'r1',
      folder: '/data/kx/r1',
      verb: 'remove box folder',
      planSha256: 'a',
      manifestSha256: 'm',
      verified: 6,
      of: 6,
      sequence: 10,
      approver: 'tester',
      typedName: 'r1',
      ...change,
    },
    host: machine,
    manifestProofId: 'v1',
    items: [],
    nowMs: issued,
  })

const facts: RemovalFacts = {
  nowMs: issued + 1000,
  runId: 'r1',
  folder: '/data/kx/r1',
  identity: machine,
  planSha256: 'a',
  manifestSha256: 'm',
  sequence: 12,
  isUsed: false,
}

describe('a permit', () => {
  it('holds for the very act it was given for, for 15 minutes', () => {
    expect(permitMinutes).toBe(15)
    expect(permitRefusals(permit(), facts)).toEqual([])
    expect(permitRefusals(permit(), { ...facts, nowMs: issued + 15 * 60_000 - 1 })).toEqual([])
    expect(permitRefusals(permit(), { ...facts, nowMs: issued + 15 * 60_000 })).not.toEqual([])
  })
  it('says by what it knows the machine, and what is not known of it', () => {
    expect(boundText(machine)).toBe('machine 111111111111, boot boot-1')
    const far = { ...machine, host: 'box', hostKey: 'SHA256:abc', instanceId: 'i-1' }
    expect(boundText(far)).toBe('machine 111111111111, boot boot-1, host key SHA256:abc, instance i-1')
    expect(boundText({ ...machine, host: 'box', bootId: null })).toContain('boot not known, host key not known')
  })
  it('cannot be made to last longer by editing it', () => {
    const forged = permit()
    const longer = {
      ...forged,
      expiresAtMs: issued + 86_400_000,
      payload: { ...forged.payload, expiresAtMs: issued + 86_400_000 },
    }
    expect(permitRefusals(longer, { ...facts, nowMs: issued + 16 * 60_000 })).not.toEqual([])
    const { expiresAtMs: _, ...endless } = forged
    expect(permitRefusals(endless, facts)).not.toEqual([])
  })
  it('is refused for any single thing that differs', () => {
    const differing: readonly Partial<RemovalFacts>[] = [
      { isUsed: true },
      { nowMs: issued - 1 },
      { runId: 'r2' },
      { folder: '/data/kx' },
      { identity: { ...machine, bootId: 'boot-2' } },
      { identity: { ...machine, machineId: '2'.repeat(32) } },
      { identity: { ...machine, host: 'other' } },
      { identity: { ...machine, user: '0' } },
      { identity: { ...machine, hostname: 'other' } },
      { identity: { ...machine, machineId: null, bootId: null } },
      { planSha256: 'b' },
      { planSha256: null },
      { manifestSha256: 'n' },
      { manifestSha256: null },
      { sequence: 9 },
    ]
    for (const change of differing) expect(permitRefusals(permit(), { ...facts, ...change })).toHaveLength(1)
    expect(permitRefusals(permit(), { ...facts, nowMs: Number.NaN })).not.toEqual([])
    for (const change of [{ verified: 5 }, { verified: 0, of: 0 }, { typedName: '' }, { approver: '' }])
      expect(permitRefusals(permit(change), facts)).toHaveLength(1)
  })
  it('holds only when nothing differs, in 10,000 random situations', () => {
    const deviation = {
      isUsed: fc.boolean(),
      laterMs: fc.integer({ min: -5000, max: 30 * 60_000 }),
      runId: fc.constantFrom('r1', 'r1', 'r2'),
      folder: fc.constantFrom('/data/kx/r1', '/data/kx/r1', '/data/kx/r1/', '/data'),
      bootId: fc.constantFrom('boot-1', 'boot-1', 'boot-2', null),
      plan: fc.constantFrom('a', 'a', 'b', null),
      manifest: fc.constantFrom('m', 'm', 'n', null),
      sequence: fc.integer({ min: 8, max: 20 }),
    }
    fc.assert(
      fc.property(fc.record(deviation), (d) => {
        const isRight =
          !d.isUsed &&
          d.laterMs >= 0 &&
          d.laterMs < 15 * 60_000 &&
          d.runId === 'r1' &&
          d.folder === '/data/kx/r1' &&
          d.bootId === 'boot-1' &&
          d.plan === 'a' &&
          d.manifest === 'm' &&
          d.sequence >= 10
        const refusals = permitRefusals(permit(), {
          isUsed: d.isUsed,
          nowMs: issued + d.laterMs,
          runId: d.runId,
          folder: d.folder,
          identity: { ...machine, bootId: d.bootId },
          planSha256: d.plan,
          manifestSha256: d.manifest,
          sequence: d.sequence,
        })
        return (refusals.length === 0) === isRight
      }),
      { numRuns: 10_000 },
    )
  })
})
