import { expect, it } from 'vitest'
import { NewErrors } from '../../../screens/workbench/bell.ts'

const run = (runId: string, ...errors: string[]) => ({
  runId,
  findings: errors.map((findingId) => ({ findingId, severity: 'error', closedAtMs: null })),
})
type Run = Parameters<NewErrors['look']>[0]

it('tells of an error of the open run once, and of none that was there before', () => {
  const errors = new NewErrors()
  const look = (each: object | null) => errors.look(each as Run)
  expect([look(run('a', 'one')), look(run('a', 'one')), look(run('a', 'one', 'two')), look(run('a', 'two'))]).toEqual([
    false,
    false,
    true,
    false,
  ])
  expect([look(run('b', 'three')), look(null), look(run('b', 'three'))]).toEqual([false, false, false])
})
