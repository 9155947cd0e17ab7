import { describe, expect, it } from 'vitest'
import { hostsOfRun, shownHost } from '../../../screens/workbench/shown-host.ts'
import type { RunState } from '../../../src/run/types.ts'
import { host, item, proof } from '../../unit/walk/support.ts'
import { makeStage } from './stage.ts'

const audit = (name: string, result: 'pass' | 'fail') =>
  proof('AuditReport', { id: `${name}-${result}`, host: { ...host, host: name }, items: [item('disk', result)] })

function runOf(...proofs: ReturnType<typeof proof>[]): RunState {
  const fleet = { hosts: ['a', 'b', 'c'], assignments: [], observations: {} }
  const lists = { intents: [], meters: [], findings: [], leaseExtensions: [], guardActs: [], cells: [], warnings: [] }
  return { runId: 'r1', proofs, latest: {}, observation: null, overrides: {}, ...lists, fleet } as unknown as RunState
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

it('H goes to the next host and round again', async () => {
  const run = runOf(audit('a', 'pass'), audit('b', 'fail'), audit('c', 'pass'))
  const stage = makeStage({ run, ui: { screen: 'audit', runId: 'r1' } })
  expect(stage.text()).toContain('Checks of b (2 of 3, H: next host)')
  await stage.press('H')
  expect(stage.text()).toContain('Checks of c (3 of 3, H: next host)')
  await stage.press('H')
  expect(stage.text()).toContain('Checks of a (1 of 3, H: next host)')
})
