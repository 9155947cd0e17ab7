import { describe, expect, it } from 'vitest'
import type { HostResult } from '../../../src/commands/hosts.ts'
import { emptyIsWell, withTogether } from '../../../src/commands/transfer.ts'
import { hostsWithUnits } from '../../../src/launch/shares.ts'
import type { ActResult, LoadedPlan } from '../../../src/run/act.ts'
import type { RunState } from '../../../src/run/types.ts'

const verified = (host: string, files: number, exitCode: ActResult['exitCode'], box = 'known'): HostResult => ({
  host,
  result: { summary: 'nothing', exitCode, data: { files: Array.from({ length: files }, () => ({})), box } },
})
const codes = (results: readonly HostResult[]) => results.map(({ result }) => result.exitCode)

describe('verifying what was pulled from several hosts', () => {
  it('finds nothing wrong with a host that has none of what was asked for where another one has it', () => {
    const judged = emptyIsWell([verified('a', 0, 1), verified('b', 2, 0), verified('c', 3, 1)])
    expect(codes(judged)).toEqual([0, 0, 1])
    expect(judged[0]?.result.summary).toBe('has none of the 5 files asked for')
  })

  it('leaves it a finding where no host has any, and unknown where one did not say', () => {
    expect(codes(emptyIsWell([verified('a', 0, 1), verified('b', 0, 1)]))).toEqual([1, 1])
    expect(codes(emptyIsWell([verified('a', 0, 4, 'unknown'), verified('b', 2, 0)]))).toEqual([4, 0])
    const silent: HostResult = { host: 'a', result: { summary: 'no answer', exitCode: 4, data: null } }
    expect(codes(emptyIsWell([silent, verified('b', 2, 0)]))).toEqual([4, 0])
  })
})

describe('verifying what was put together', () => {
  const hosts: ActResult = { summary: '0 of 2 hosts well', exitCode: 4, data: { hosts: {} }, lines: ['box1: gone'] }
  const ctx = { cell: { say: () => {} } } as never

  it('is said beside the hosts, and the worse of both counts', () => {
    const well: ActResult = { summary: '2 of 2 files', exitCode: 0, data: { files: [] } }
    expect(withTogether(ctx, { ...hosts, exitCode: 0 }, { ...well, exitCode: 1, lines: ['a: gone'] })).toMatchObject({
      exitCode: 1,
      lines: ['box1: gone', 'put together: 2 of 2 files', '  a: gone'],
      data: { hosts: {}, together: { exitCode: 1 } },
    })
    expect(withTogether(ctx, hosts, well)).toMatchObject({ exitCode: 4, summary: expect.stringContaining('2 of 2') })
    expect(withTogether(ctx, hosts, null).lines?.at(-1)).toMatch(/nothing yet, so only what was pulled from each host/)
  })
})

describe('hosts that code and data are pushed to', () => {
  const loaded = (count: number, sequential = false): LoadedPlan =>
    ({
      plan: { hosts: ['a', 'b', 'c'], units: { sequential }, resources: { compute: 'cpu', workers: 1 } },
      units: Array.from({ length: count }, (_, i) => ({ id: `u${i}` })),
    }) as unknown as LoadedPlan
  const state = (shares: readonly object[] | null): RunState =>
    ({
      ...{ proofs: [], intents: [], meters: [], findings: [], leaseExtensions: [], guardActs: [], latest: {} },
      fleet: {
        ...{ hosts: ['a', 'b', 'c'], observations: {}, truths: {} },
        assignments: shares === null ? [] : [{ generation: 1, from: null, why: '', shares }],
      },
    }) as unknown as RunState

  it('are those that would get units, as long as none were given', () => {
    expect(hostsWithUnits(state(null), loaded(4))).toEqual(['a', 'b', 'c'])
    expect(hostsWithUnits(state(null), loaded(2))).toEqual(['a', 'b'])
    expect(hostsWithUnits(state(null), loaded(4, true))).toEqual(['a'])
  })

  it('are then those that have units', () => {
    expect(hostsWithUnits(state([{ host: 'c', units: ['u0', 'u1'] }]), loaded(2))).toEqual(['c'])
  })
})
