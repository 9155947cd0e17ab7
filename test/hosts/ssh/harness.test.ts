import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type LinkProxy, startProxy } from '../../harness/link-proxy.ts'
import { needsSshd, type Sshd, type SshdOptions, startSshd } from '../../harness/sshd.ts'

const run = promisify(execFile)
const { skip } = needsSshd()
const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop()
})
const start = async (options: SshdOptions = {}): Promise<Sshd> => {
  const sshd = await startSshd(options)
  open.push(sshd)
  return sshd
}
const proxied = async (sshd: Sshd): Promise<LinkProxy> => {
  const proxy = await startProxy(sshd.port)
  open.push(proxy)
  return proxy
}
const words = (sshd: Sshd, port = sshd.port) => [
  ...['-F', 'none', '-i', sshd.clientKey.path, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
  ...['-o', `UserKnownHostsFile=${sshd.knownHostsFile}`, '-o', 'GlobalKnownHostsFile=none'],
  ...['-o', 'StrictHostKeyChecking=yes', '-o', `HostKeyAlias=[${sshd.address}]:${sshd.port}`],
  ...['-p', String(port), `${sshd.user}@${sshd.address}`],
]

/** Output of one command over the system's ssh; null when ssh itself could not. */
const ssh = async (sshd: Sshd, command: string, port?: number): Promise<string | null> => {
  const asked = run('ssh', [...words(sshd, port), command])
  asked.child.stdin?.end()
  return asked.then(
    ({ stdout }) => stdout,
    (error: { code?: number }) => {
      if (error.code === 255) return null
      throw error
    },
  )
}

describe.skipIf(skip)('the sshd of the tests', () => {
  it('lets its own key in, under its own home, and leaves nothing behind', async () => {
    const sshd = await start()
    const out = await ssh(sshd, 'printf %s "$HOME"; sleep 100 >/dev/null 2>&1 </dev/null &')
    expect(out).toBe(sshd.home)
    expect(sshd.log()).toContain('Accepted publickey')
    const folder = sshd.folder
    await sshd.stop()
    expect(existsSync(folder)).toBe(false)
    expect(await ssh(sshd, 'true')).toBe(null)
  })

  it('hands commands to another login shell whole, behind its noise', async () => {
    const sshd = await start({ loginShell: ['/bin/sh'], noise: 'welcome "home"' })
    const out = await ssh(sshd, `printf '%s|' "a b" 'c"d'; printf '%s' "$0"`)
    // The account's own shell may have printed it; another shell of ours reads its files itself.
    expect(out?.replace('welcome "home"\n', '')).toBe('a b|c"d|/bin/sh')
  })

  it('passes, delays, cuts and refuses through the proxy', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd)
    proxy.delay(5)
    expect(await ssh(sshd, 'echo through', proxy.port)).toBe('through\n')
    expect([proxy.accepted, proxy.passedBytes > 1000]).toEqual([1, true])
    await proxy.refuse()
    expect(await ssh(sshd, 'true', proxy.port)).toBe(null)
    await proxy.accept()
    expect(await ssh(sshd, 'echo again', proxy.port)).toBe('again\n')
  })
})
