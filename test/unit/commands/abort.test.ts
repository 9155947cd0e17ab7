import { describe, expect, it } from 'vitest'
import { walkCommands } from '../../../src/commands/list/walk.ts'
import { whyDisabled } from '../../../src/commands/registry.ts'
import type { CommandState } from '../../../src/commands/types.ts'
import type { RunState } from '../../../src/run/types.ts'
import type { Proof } from '../../../src/walk/proof.ts'
import { proof } from '../walk/support.ts'

const abort = walkCommands.find((spec) => spec.id === 'patrol.abort')
function why(proofs: readonly Proof[], intents: readonly object[] = [], busyWith: string | null = null): string | null {
  const latest = Object.fromEntries(proofs.map((each) => [each.kind, each]))
  const run = { proofs, latest, intents } as unknown as RunState
  if (abort === undefined) throw new Error('no patrol.abort')
  return whyDisabled(abort, { hasPlan: true, busyWith, run } as CommandState)
}
const receipt = (id: string, token: string) => proof('Receipt', { id, payload: { token } })
const launch = (token: string) => ({ act: 'launch', token, atMs: 1, payload: {}, closed: null })

describe('abort', () => {
  it('is offered from the launch to its outcome', () => {
    expect(why([])).toContain('launched')
    expect(why([receipt('r1', 't1')])).toBeNull()
    expect(why([receipt('r1', 't1'), proof('Outcome', { needs: ['r1'] })])).toContain('ended')
  })

  it('is offered again after a relaunch, whatever became of the launch before', () => {
    const first = [receipt('r1', 't1'), proof('Outcome', { needs: ['r1'] })]
    expect(why([...first, receipt('r2', 't2')], [launch('t1'), launch('t2')])).toBeNull()
  })

  it('is offered before the receipt: for an intent, and beside the launch that is running here', () => {
    expect(why([], [launch('t1')])).toBeNull()
    expect(why([], [{ ...launch('t1'), closed: { outcome: 'failed' } }])).toContain('launched')
    expect(why([], [], 'launch.start')).toBeNull()
    expect(why([receipt('r1', 't1')], [launch('t1')], 'walk.auto')).toBeNull()
    expect(why([receipt('r1', 't1')], [launch('t1')], 'teardown.verify')).toContain('is running')
  })

  it('is offered while it is not known what became of a relaunch', () => {
    const first = [receipt('r1', 't1'), proof('Outcome', { needs: ['r1'] })]
    expect(why(first, [launch('t1'), launch('t2')])).toBeNull()
  })
})
