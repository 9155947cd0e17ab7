import { describe, expect, it } from 'vitest'
import { hostsOfRun, shownHost } from '../../../screens/workbench/shown-host.ts'
import type { RunState } from '../../../src/run/types.ts'
import { host, item, proof } from '../../unit/walk/support.ts'

const audit = (name: string, result: 'pass' | 'fail') =>
  proof('AuditReport', { id: `${name}-${result}`, host: { ...host, host: name }, items: [item('disk', result)] })

function runOf(...proofs: ReturnType<typeof proof>[]): RunState {
  const fleet = { hosts: ['a', 'b', 'c'], assignments: [], observations: {} }
  return {
    ...{ proofs, latest: {}, intents: [], meters: [], findings: [], leaseExtensions: [], guardActs: [] },
    fleet,
  } as unknown as RunState
}

describe('the host of several that a phase shows', () => {
  it('is the one that stands in the way, then the one that is still to do', () => {
    expect(shownHost(runOf(audit('a', 'pass'), audit('b', 'fail'), audit('c', 'pass')), 'audit', '')).toBe('b')
    expect(shownHost(runOf(audit('a', 'pass'), audit('c', 'pass')), 'audit', '')).toBe('b')
    expect(shownHost(runOf(audit('a', 'pass'), audit('b', 'pass'), audit('c', 'pass')), 'audit', '')).toBe('a')
  })

  it('is the chosen one, as long as the run has it', () => {
    expect(shownHost(runOf(audit('b', 'fail')), 'audit', 'c')).toBe('c')
    expect(shownHost(runOf(audit('b', 'fail')), 'audit', 'gone')).toBe('b')
  })

  it('is none where all are shown, and none where there is one', () => {
    expect(shownHost(runOf(), 'teardown', 'a')).toBeNull()
    const alone = { ...runOf(), fleet: undefined } as unknown as RunState
    expect(shownHost(alone, 'audit', 'a')).toBeNull()
    expect(hostsOfRun(alone)).toEqual([])
  })
})
