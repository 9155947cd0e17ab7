import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closeHosts, keepHostsOpen, type LeaseRequest, leaseHost, links, renew } from '../../../src/session/hosts.ts'
import { ownState } from '../../harness/own-state.ts'
import { needsSshd, type Sshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { rig } from './support.ts'

const { skip } = needsSshd()
const folder = ownState('lease')

describe.skipIf(skip)('the link of one host', () => {
  const { sshd: start, newKey } = rig()
  const write = (box: Sshd, key = box.clientKey.path) => {
    const file = join(mkdtempSync(join(folder, 'config-')), 'config')
    writeFileSync(
      file,
      `Host box\n  HostName ${box.address}\n  Port ${box.port}\n  User ${box.user}\n  IdentityFile ${key}\n` +
        `  IdentitiesOnly yes\n  UserKnownHostsFile ${box.knownHostsFile}\n  GlobalKnownHostsFile /dev/null\n`,
    )
    return file
  }
  const logins = (box: Sshd) => box.log().split('Accepted publickey').length - 1
  const refusals = (box: Sshd) => box.log().split('Failed publickey').length - 1
  const lease = (configFile: string, more: Partial<LeaseRequest> = {}) =>
    leaseHost('box', { configFile, isAttended: true, ...more })

  it('is shared by what runs at the same time and by one act after the other, and is on record while it is open', async () => {
    keepHostsOpen(60_000)
    const box = await start()
    const config = write(box)
    const [one, two] = [await lease(config), await lease(config, { isAttended: false })]
    expect((await one.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
    expect((await two.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
    await one.close()
    await two.close()
    const three = await lease(config)
    expect((await three.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
    expect(logins(box)).toBe(1)
    expect(links.get('box')).toMatchObject({ transport: 'ssh', status: { state: 'up' } })
    await three.close()
    await closeHosts()
    expect(links.all()).toEqual([])
  })

  it('goes with its act where nothing keeps it, and what that act began goes first', async () => {
    const box = await start()
    const host = await lease(write(box))
    const ran = host.exec(['sleep', '60'], { timeoutSeconds: 60 })
    await waitUntil(() => box.connectionPids().length > 0, { what: 'a connection' })
    await host.close()
    expect((await ran).ending.kind).not.toBe('exited')
    expect(links.all()).toEqual([])
  })

  it('is not tried again after a refused login by looks that come by themselves, and once for a person', async () => {
    keepHostsOpen(60_000)
    const box = await start()
    const stranger = newKey(mkdtempSync(join(folder, 'key-')))
    const config = write(box, stranger.path)
    for (let look = 0; look < 5; look += 1) {
      const host = await lease(config, { isAttended: false })
      const { ending } = await host.exec(['true'])
      expect(ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('let nobody in') })
      await host.close()
    }
    expect(refusals(box)).toBe(1)
    expect(links.get('box')?.status).toMatchObject({ state: 'paused', problem: 'authentication' })
    await (await lease(config)).close()
    expect(refusals(box)).toBe(2)
    await renew('box')
    await (await lease(config)).close()
    expect(refusals(box)).toBe(3)
  })
})
