import { describe, expect, it } from 'vitest'
import type { Meter, RunState } from '../../../src/run/types.ts'
import {
  classesText,
  fleetUsd,
  hostsText,
  metersText,
  outcomeOfAll,
  unitsByHost,
} from '../../../src/teardown/report-hosts.ts'
import type { Proof, ProofKind } from '../../../src/walk/proof.ts'

const identity = (host: string) => ({
  host,
  user: 'kx',
  hostname: `${host}.lab`,
  bootId: `boot-${host}`,
  machineId: host,
})
let made = 0
function proof(kind: ProofKind, host: string, atMs: number, payload: unknown): Proof {
  made += 1
  const phase = kind === 'Receipt' ? 'launch' : kind === 'SmokeProof' ? 'smoke' : 'patrol'
  const machineClass = kind === 'SmokeProof' ? { machineClass: `class of ${host}` } : {}
  return {
    id: `p${made}`,
    kind,
    phase,
    atMs,
    host: identity(host),
    boundTo: {},
    needs: [],
    items: [],
    payload,
    ...machineClass,
  } as Proof
}
const ended = (done: number, failed: number, endedAtMs: number, unitSeconds: number[]) => ({
  state: 'finished',
  exit: { code: failed > 0 ? 1 : 0, reason: failed > 0 ? 'failed' : 'completed', endedAtMs, done, failed, aborted: 0 },
  unitSeconds,
})
const meter = (host: string, closedAtMs: number | null): Meter => ({
  meterId: host,
  what: 'box',
  host,
  usdPerHour: 2,
  openedAtMs: 0,
  leaseUntilMs: null,
  closedAtMs,
  closedBecause: closedAtMs === null ? null : 'seen',
})
function stateOf(proofs: readonly Proof[], meters: readonly Meter[], assignments: readonly unknown[] = []): RunState {
  const latest = Object.fromEntries(proofs.map((each) => [each.kind, each]))
  const observations = {}
  return {
    ...{
      proofs,
      meters,
      latest,
      intents: [],
      findings: [],
      leaseExtensions: [],
      guardActs: [],
      overrides: {},
      warnings: [],
    },
    fleet: { hosts: ['a', 'b'], assignments, observations },
  } as unknown as RunState
}

describe('what a report says of several hosts', () => {
  const proofs = [
    proof('SmokeProof', 'a', 500, {}),
    proof('Receipt', 'a', 1000, {}),
    proof('Receipt', 'b', 1500, {}),
    proof('Outcome', 'b', 7000, ended(3, 0, 6000, [4, 6])),
    proof('Outcome', 'a', 9000, ended(5, 0, 8000, [2])),
  ]
  const state = stateOf(proofs, [meter('a', 1_800_000), meter('b', null)])

  it('counts and times all of them, and not the one that came last', () => {
    expect(outcomeOfAll(state)).toMatchObject({
      liveness: 'finished',
      endedAtMs: 8000,
      elapsedSeconds: 7,
      units: { done: 8, failed: 0, aborted: 0 },
      unitSeconds: [2, 4, 6],
    })
    expect(unitsByHost(state)).toBe('a: 5 done, 0 failed; b: 3 done, 0 failed')
    expect(hostsText(state)).toBe('a (a.lab), b (b.lab)')
    expect(classesText(state)).toBe('class of a')
  })

  it('adds up every meter, and says which are open', () => {
    expect(fleetUsd(state, 3_600_000)).toEqual({ usd: 3, note: 'so far: 1 meter still open' })
    expect(metersText(state)).toMatch(/^a: closed .*: seen; b: open$/)
  })

  it('ends as the worst of them did; what one of them does not tell is not known of all', () => {
    const failed = stateOf([...proofs.slice(0, 4), proof('Outcome', 'a', 9000, ended(4, 1, 8000, []))], [])
    expect(outcomeOfAll(failed).end?.word).toBe('failed')
    const silent = stateOf(proofs.slice(0, 4), [])
    expect(outcomeOfAll(silent)).toMatchObject({
      liveness: 'unknown',
      endedAtMs: null,
      elapsedSeconds: null,
      units: null,
    })
    expect(fleetUsd(silent, 0)?.usd).toBeNull()
  })
})
