import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type KeyFile, makeKey, needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { clearPlaces, kx, makePlace, type Place } from './support.ts'

const servers: Sshd[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  clearPlaces()
})

/** The sample project for a box that lets this key in, over the given transport. */
async function boxFor(transport: 'ssh' | 'openssh', passphrase: string): Promise<{ place: Place; key: KeyFile }> {
  const place = makePlace({
    plan: [
      ['hosts: [local]', 'hosts: [box]'],
      ['profiles: [local]', 'profiles: [generic-ssh]'],
    ],
  })
  const key = makeKey(place.root, 'id', 'ed25519', passphrase)
  const box = await startSshd({ authorizedKeys: [key.publicLine] })
  servers.push(box)
  const [config, ssh] = [join(place.state, 'config', 'kx'), join(place.root, 'ssh_config')]
  mkdirSync(config, { recursive: true })
  writeFileSync(
    ssh,
    `Host box\n  HostName ${box.address}\n  Port ${box.port}\n  User ${box.user}\n  IdentityFile ${key.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${box.knownHostsFile}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  writeFileSync(join(config, 'kxrc'), `ssh:\n  configFile: ${ssh}\n  transport: ${transport}\n`)
  return { place, key }
}

describe.skipIf(needsSshd().skip)('a command that nobody attends', () => {
  it.each(['ssh', 'openssh'] as const)(
    'asks for no passphrase over %s: it names the key and ends with 3',
    async (transport) => {
      const { place, key } = await boxFor(transport, 'open sesame')
      const ran = await kx(place, ['plan', '--json'])
      expect(ran).toMatchObject({ code: 3, signal: null })
      const said = JSON.parse(ran.stdout)
      expect([said.exitCode, said.needs]).toEqual([3, [expect.stringContaining(`ssh-add ${key.path}`)]])
      // An act that cannot go on without the host; what comes of it is the same code for both.
      if (transport === 'ssh') return
      const audit = await kx(place, ['audit'])
      expect(audit).toMatchObject({ code: 3, stdout: '' })
      expect(audit.stderr).toContain(`The key ${key.path} for box has a passphrase`)
      expect(audit.stderr).not.toContain('authorized_keys')
    },
  )

  it("ends by itself when its host was reached over the system's ssh", async () => {
    const { place } = await boxFor('openssh', '')
    const ran = await kx(place, ['plan', '--json'])
    expect([ran.code, JSON.parse(ran.stdout).exitCode, ran.stderr]).toEqual([1, 1, ''])
  })
})
