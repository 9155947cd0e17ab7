import { afterEach } from 'vitest'
import type { SshHop, SshHostOptions, VerifyHostKey } from '../../../src/host/ssh/types.ts'
import { type LinkProxy, startProxy } from '../../harness/link-proxy.ts'
import { type TestHost, tellingHost } from '../../harness/ssh-host.ts'
import { makeKey, type Sshd, type SshdOptions, startSshd } from '../../harness/sshd.ts'

export { hopTo, quick, type TestHost, text, trusting } from '../../harness/ssh-host.ts'

/** What a test file starts; everything is ended after each test, hosts first. */
export function rig() {
  const open: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.stop()
  })
  const kept = <T extends { stop(): Promise<void> }>(each: T): T => {
    open.push(each)
    return each
  }
  return {
    sshd: async (options: SshdOptions = {}): Promise<Sshd> => kept(await startSshd(options)),
    stopLater: (stop: () => Promise<void>) => void kept({ stop }),
    newKey: (folder: string) => makeKey(folder, 'host_key'),
    proxy: async (port: number): Promise<LinkProxy> => kept(await startProxy(port)),
    host: (hops: readonly SshHop[], verify: VerifyHostKey, more: Partial<SshHostOptions> = {}): TestHost => {
      const made = tellingHost(hops, verify, more)
      kept({ stop: () => made.host.close() })
      return made
    },
  }
}
