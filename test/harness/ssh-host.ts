import { readFileSync } from 'node:fs'
import { createSshHost } from '../../src/host/ssh/host.ts'
import { sshTiming } from '../../src/host/ssh/timing.ts'
import type { SshHop, SshHost, SshHostOptions, SshStatus, VerifyHostKey } from '../../src/host/ssh/types.ts'
import type { Sshd } from './sshd.ts'

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** Trusts exactly the host keys of one server. */
export const trusting =
  (sshd: Sshd): VerifyHostKey =>
  (_host, _port, type, base64) => {
    const isAccepted = readFileSync(sshd.knownHostsFile, 'utf8').includes(`${type} ${base64}`)
    return { isAccepted, words: isAccepted ? [] : ['not the key of the test'] }
  }

export const hopTo = (sshd: Sshd, port = sshd.port): SshHop => ({
  address: sshd.address,
  port,
  user: sshd.user,
  identityFiles: [sshd.clientKey.path],
  identitiesOnly: true,
  agentSocket: null,
})

/** Tries come quickly, everything else is as usual. */
export const quick = { ...sshTiming, shortestBackoffSeconds: 0.02, longestBackoffSeconds: 0.1 }

export interface TestHost {
  readonly host: SshHost
  /** Every status that was told. */
  readonly told: SshStatus[]
}

/** A host that keeps what it told. The caller closes it. */
export function tellingHost(hops: readonly SshHop[], verify: VerifyHostKey, more: Partial<SshHostOptions>): TestHost {
  const told: SshStatus[] = []
  const host = createSshHost({
    name: 'box',
    hops,
    verify,
    timing: quick,
    onStatus: (status) => told.push(status),
    ...more,
  })
  return { host, told }
}
