import { describe, expect, it } from 'vitest'
import { runEndIn, runEndOf } from '../../../src/walk/run-end.ts'

describe('how a run has ended', () => {
  it.each([
    [0, 'completed', 'completed'],
    [10, 'abort-nan', 'aborted'],
    [11, 'abort-chance', 'aborted'],
    [12, 'abort-time', 'aborted'],
    [13, 'abort-idle', 'aborted'],
    [14, 'stopped', 'aborted'],
    [1, 'units-failed', 'failed'],
    [2, 'after-failed', 'failed'],
    [4, 'artifacts-missing', 'failed'],
    [70, 'runner-error', 'failed'],
    [3, 'completed', 'failed'],
    [0, 'toString', 'failed'],
  ])('code %i, %s: %s', (code, reason, word) => {
    const end = runEndOf({ code, reason })
    expect(end.word).toBe(word)
    expect(end.text).toContain(reason)
  })

  it('reads it from an outcome, from an observation, and from neither', () => {
    const exit = { code: 14, reason: 'stopped' }
    expect(runEndIn({ exit })?.word).toBe('aborted')
    expect(runEndIn({ signals: { exit } })?.word).toBe('aborted')
    for (const payload of [null, undefined, 3, {}, { exit: null }, { exit: { code: '1', reason: 'x' } }])
      expect(runEndIn(payload)).toBeNull()
  })
})
