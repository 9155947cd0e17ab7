import type { LinkState } from '../../../src/host/link/types.ts'
import type { SshState, SshStatus } from '../../../src/host/ssh/types.ts'
import { nowMs } from '../screens/fixture.ts'

/** A link of a host that was heard of 14 s before the time of the scenes. */
export function linkAt(state: SshState, more: Partial<SshStatus> = {}, host = 'local'): LinkState {
  const status: SshStatus = {
    state,
    sinceMs: nowMs,
    reason: '',
    problem: null,
    heardAtMs: nowMs - 14_000,
    tries: 1,
    nextTryAtMs: null,
    keyExchange: null,
    ...more,
  }
  return { host, transport: 'ssh', status }
}
