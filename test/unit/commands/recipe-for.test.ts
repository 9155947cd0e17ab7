import { describe, expect, it } from 'vitest'
import { servedFinding } from '../../../src/commands/recipe-for.ts'
import type { RunState } from '../../../src/run/types.ts'
import { host, item, proof } from '../walk/support.ts'

const report = (name: string, result: 'pass' | 'fail' | 'unknown', id: string = name) =>
  proof('AuditReport', {
    id,
    host: { ...host, host: name },
    items: [
      {
        ...item('audit.disk-bytes', result),
        recipe: 'free-disk',
        evidence: { summary: 'full', atMs: 0, host: name, value: { path: '/data' } },
      },
    ],
  })
const stateOf = (proofs: readonly object[], findings: readonly object[] = []) =>
  ({ proofs, findings }) as unknown as RunState
const finding = (more: object) => ({
  ...{
    findingId: 'f1',
    rule: 'disk-bytes/data',
    recipe: 'free-disk',
    remedy: 'Free.',
    text: 'full',
    evidence: '/data: 1',
  },
  ...{ closedAtMs: null, ...more },
})

describe('what a recipe is told of a finding', () => {
  it('is the open one of that id or rule, of that host', () => {
    const state = stateOf([], [finding({ host: 'a' }), finding({ findingId: 'f2', host: 'b' })])
    expect(servedFinding(state, 'f2')?.host).toBe('b')
    expect(servedFinding(state, 'disk-bytes/data', 'b')?.host).toBe('b')
    expect(servedFinding(state, 'disk-bytes/data')).toMatchObject({ host: 'a', evidence: { text: '/data: 1' } })
    expect(servedFinding(stateOf([], [finding({ closedAtMs: 1 })]), 'disk-bytes/data')).toBe(null)
    // A run on one host does not write its name into its findings.
    expect(servedFinding(stateOf([], [finding({})]), 'disk-bytes/data', 'box')).toMatchObject({ host: null })
  })

  it('is an item of the newest audit that is not well, with its figures', () => {
    const state = stateOf([report('a', 'fail'), report('b', 'unknown')])
    expect(servedFinding(state, 'audit.disk-bytes', 'a')).toMatchObject({
      host: 'a',
      recipe: 'free-disk',
      evidence: { path: '/data', text: 'full' },
    })
    expect(servedFinding(state, 'audit.disk-bytes')?.host).toBe('b')
    expect(servedFinding(state, 'audit.inodes')).toBe(null)
    const mended = stateOf([report('a', 'fail'), report('a', 'pass', 'later')])
    expect(servedFinding(mended, 'audit.disk-bytes')).toBe(null)
  })
})
