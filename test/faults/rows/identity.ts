import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHost } from '../../../src/host/open.ts'
import type { SshHost, SshStatus } from '../../../src/host/ssh/types.ts'
import { startNetBox, whyNoNetBoxes } from '../../harness/netbox.ts'
import { makeKey, type Sshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import type { FaultCase, FaultRow } from './types.ts'

/** A name in an ssh_config that leads to a port which may lead to any machine. */
async function named(given: FaultCase, first: Sshd) {
  const { rig } = given
  const folder = rig.folder()
  const proxy = await rig.proxy(first.port, first.address)
  const known = join(folder, 'known_hosts')
  const trust = (...servers: readonly Sshd[]) =>
    writeFileSync(
      known,
      servers.flatMap((each) => each.hostKeys.map((key) => `[127.0.0.1]:${proxy.port} ${key.publicLine}\n`)).join(''),
    )
  trust(first)
  const configFile = join(folder, 'config')
  writeFileSync(
    configFile,
    `Host box\n  HostName 127.0.0.1\n  Port ${proxy.port}\n  User ${first.user}\n  IdentityFile ${first.clientKey.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  const told: SshStatus[] = []
  const { host } = await openHost('box', {
    env: process.env,
    stateFolder: join(folder, 'state'),
    configFile,
    onStatus: (status) => told.push(status),
  })
  rig.later(() => host.close())
  return { host: host as SshHost, told, proxy, trust, folder }
}

const printOf = (server: Sshd) => {
  const [, base64 = ''] = server.hostKeys[0]?.publicLine.split(' ') ?? []
  return base64
}

/**
 * What is at the address is another machine now: with a key that nobody knows, with one that ssh would trust, or with the
 * same key on another machine.
 */
async function otherMachine(given: FaultCase): Promise<void> {
  const { rig } = given
  const ways = ['unknown key', 'known key', ...(whyNoNetBoxes() === null ? ['cloned image'] : [])] as const
  const way = given.turn(ways)
  given.say(way)
  const ran = join(rig.folder(), 'ran')
  let now = ''
  let before: Sshd
  let after: Sshd
  if (way === 'cloned image') {
    const [one, two] = [await startNetBox(), await startNetBox()]
    rig.later(() => one.stop())
    rig.later(() => two.stop())
    now = two.machineId
    before = await rig.sshd({ address: one.address, port: 22, within: one.within() })
    after = await rig.sshd({ address: two.address, port: 22, within: two.within(), hostKeys: before.hostKeys })
  } else {
    before = await rig.sshd()
    after = await rig.sshd({ hostKeys: [makeKey(rig.folder(), 'host_other', 'ecdsa')] })
  }
  const { host, told, proxy, trust } = await named(given, before)
  assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 })
  const was = await host.identity()
  if (way === 'known key') trust(after)
  proxy.target(after.port, after.address)
  proxy.cut()
  await waitUntil(() => host.status().state !== 'up', { what: 'the cut to be seen' })
  const refused = await host.exec(['touch', ran], { timeoutSeconds: 60 })
  assert.equal(refused.ending.kind, 'unknown')
  await waitUntil(() => told.at(-1)?.state === 'paused', { what: 'the link to stand still' })
  const last = told.at(-1)
  assert.equal(last?.problem, way === 'cloned image' ? 'identity' : 'host-key')
  const reason = last?.reason ?? ''
  given.say(reason)
  if (way === 'cloned image') {
    assert(was.machineId !== null && reason.includes(was.machineId), `names the machine that it was: ${reason}`)
    assert(reason.includes(now), `names the machine that it is: ${reason}`)
  } else
    for (const server of [before, after]) {
      const print = createHash('sha256')
        .update(Buffer.from(printOf(server), 'base64'))
        .digest('base64')
        .replace(/=+$/, '')
      assert(reason.includes(print), `names both fingerprints: ${reason}`)
    }
  assert.equal(existsSync(ran), false, '0 commands run')
  if (way !== 'cloned image') assert(!after.log().includes('Accepted'), 'it was not even logged in')
  const connects = proxy.accepted
  assert.equal((await host.exec(['touch', ran])).ending.kind, 'unknown')
  assert.equal(proxy.accepted, connects, 'and is not tried again by itself')
  assert.equal(existsSync(ran), false, '0 commands run')
}

export const n7: FaultRow = {
  id: 'N7',
  fault: 'IP:port is now another machine',
  mustHold: 'refuse, name both identities, 0 commands run',
  injected: () =>
    whyNoNetBoxes() === null
      ? 'the port leads to another sshd: unknown key, key that ssh knows, or same key on another machine id'
      : 'the port leads to another sshd: unknown key, or key that ssh knows',
  atOnce: 2,
  run: otherMachine,
}
