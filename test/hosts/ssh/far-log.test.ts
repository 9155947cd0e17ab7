import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { farLogReader } from '../../../src/cli/far-log.ts'
import { keepHostsOpen, leaseHost, leaseOpenHost, links } from '../../../src/session/hosts.ts'
import type { UnitLog } from '../../../src/session/view.ts'
import { ownState } from '../../harness/own-state.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { rig } from './support.ts'

const { skip } = needsSshd()
const folder = ownState('far-log')

const textOf = ({ log }: UnitLog) =>
  log === null
    ? null
    : Array.from(
        { length: log.buffer.end() - log.buffer.first() },
        (_, i) => `${log.buffer.line(log.buffer.first() + i)}\n`,
      ).join('')

describe.skipIf(skip)('the log of a unit behind a link', () => {
  const { sshd: start, proxy } = rig()

  it('opens no link, follows over the one that is there, and is byte-equal after the link was cut and is back', async () => {
    keepHostsOpen(60_000)
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const way = await proxy(box.port)
    const [config, known] = [join(folder, 'config'), join(folder, 'known_hosts')]
    writeFileSync(known, `[${box.address}]:${way.port} ${box.hostKeys[0]?.publicLine}\n`)
    writeFileSync(
      config,
      `Host box\n  HostName ${box.address}\n  Port ${way.port}\n  User ${box.user}\n  IdentityFile ${box.clientKey.path}\n` +
        `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`,
    )
    const path = join(box.home, 'log')
    writeFileSync(path, 'epoch 1, größer\n')
    const reader = farLogReader({ open: leaseOpenHost, secrets: async () => null, betweenMs: 20 })
    const look = () => reader.look({ unit: 'u1', host: 'box', path })
    const logins = () => box.log().split('Accepted publickey').length - 1

    expect(await look()).toMatchObject({ log: null, far: { isLinked: false, readAtMs: null } })
    expect([logins(), links.all()]).toEqual([0, []])

    const lease = await leaseHost('box', { configFile: config, isAttended: true })
    let epoch = 2
    let seen = await look()
    for (; epoch < 6; epoch += 1) {
      appendFileSync(path, `epoch ${epoch}\n`)
      seen = await look()
      expect(textOf(seen)).toBe(readFileSync(path, 'utf8'))
    }
    const buffer = seen.log?.buffer
    expect(logins()).toBe(1)

    way.blackHole()
    way.cut()
    await waitUntil(() => links.get('box')?.status.state !== 'up', { what: 'the link to be lost' })
    appendFileSync(path, `epoch ${epoch}\n`)
    const lost = await look()
    expect(lost.far).toMatchObject({ isLinked: false, readAtMs: seen.far.readAtMs })
    expect(textOf(lost)).toBe(textOf(seen))

    way.pass()
    await waitUntil(() => links.get('box')?.status.state === 'up', { what: 'the link to be back' })
    const back = await look()
    expect(back.far).toMatchObject({ isLinked: true, trouble: null })
    expect(textOf(back)).toBe(readFileSync(path, 'utf8'))
    expect(back.log?.buffer).toBe(buffer)
    await lease.close()
  })
})
