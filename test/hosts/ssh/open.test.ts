import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openHost } from '../../../src/host/open.ts'
import { openPins } from '../../../src/host/ssh/pins-file.ts'
import { needsSshd, type Sshd } from '../../harness/sshd.ts'
import { rig, text } from './support.ts'

describe.skipIf(needsSshd().skip)('a host by the name of a plan', () => {
  const { sshd, stopLater } = namedRig()

  it('is what the ssh config says of it, and the machine is remembered', async () => {
    const place = stopLater()
    const box = await sshd()
    place.host('box', box)
    const { host, choice } = await place.open('box')
    expect([host.name, host.kind, choice?.by]).toEqual(['box', 'ssh', 'default'])
    expect(text((await host.exec(['printf', '%s', 'a b'])).stdout)).toBe('a b')
    const { machineId } = await host.identity()
    expect(place.pins().sightings).toMatchObject([
      { alias: 'box', host: box.address, port: box.port, machineId, learnt: 'known-hosts' },
    ])
    expect(machineId).not.toBeNull()
  })

  it('is reached through its jump host, and through the one that this needs', async () => {
    const place = stopLater()
    const [near, far, box] = [await sshd(), await sshd(), await sshd()]
    place.host('near', near)
    place.host('far', far, 'ProxyJump near')
    place.host('box', box, 'ProxyJump far')
    const { host } = await place.open('box')
    expect(text((await host.exec(['printf', 'there'])).stdout)).toBe('there')
    for (const each of [near, far]) expect(each.connectionPids().length).toBeGreaterThan(0)
  })

  it('is refused with its fingerprint when nobody knows its key; nothing runs there', async () => {
    const place = stopLater()
    const box = await sshd()
    place.host('box', box, '', false)
    const { host } = await place.open('box')
    const { ending } = await host.exec(['touch', join(box.folder, 'ran')])
    expect(ending).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(/No key is known.*SHA256:/s) })
    expect(existsSync(join(box.folder, 'ran'))).toBe(false)
    expect(box.log()).not.toContain('Accepted publickey')
    expect(place.pins().sightings).toEqual([])
  })

  it('is refused when another machine took its name, though ssh itself would trust that one', async () => {
    const place = stopLater()
    const [before, now] = [await sshd({ hostKeyTypes: ['ed25519'] }), await sshd({ hostKeys: [place.newHostKey()] })]
    place.host('box', before)
    await (await place.open('box')).host.exec(['true'])
    place.clear()
    place.host('box', now)
    const { host } = await place.open('box')
    const { ending } = await host.exec(['true'])
    expect(ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('box') })
    expect(now.log()).not.toContain('Accepted publickey')
  })

  it("goes over the system's ssh where the config asks for what ssh2 cannot do", async () => {
    const place = stopLater()
    const box = await sshd()
    place.host('box', box, `ProxyCommand python3 ${place.pipe} ${box.address} ${box.port}`)
    const { host, choice } = await place.open('box')
    expect([host.kind, choice?.by]).toEqual(['openssh', 'need'])
    expect(choice?.words).toContain('ProxyCommand')
    expect(text((await host.exec(['printf', 'there'])).stdout)).toBe('there')
  })

  it("pins the machine that the system's ssh reaches too, and refuses another one of that name", async () => {
    const place = stopLater()
    const [before, now] = [await sshd({ hostKeyTypes: ['ed25519'] }), await sshd({ hostKeys: [place.newHostKey()] })]
    const through = (box: Sshd) => `ProxyCommand python3 ${place.pipe} ${box.address} ${box.port}`
    place.host('box', before, through(before))
    const first = (await place.open('box')).host
    const { machineId, hostKey } = await first.identity()
    expect(place.pins().sightings).toMatchObject([{ alias: 'box', fingerprint: hostKey, machineId }])
    place.clear()
    place.host('box', now, through(now))
    const { host } = await place.open('box')
    const { ending } = await host.exec(['touch', join(now.folder, 'ran')])
    expect(ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('Another machine answers') })
    expect(existsSync(join(now.folder, 'ran'))).toBe(false)
  })

  it('says so when jump hosts have no end, and when the name is none', async () => {
    const place = stopLater()
    const box = await sshd()
    place.host('a', box, 'ProxyJump b')
    place.host('b', box, 'ProxyJump a')
    await expect(place.open('a')).rejects.toThrow(/more than 8 machines.*ProxyJump/s)
    await expect(place.open('-oProxyCommand=touch x')).rejects.toThrow()
  })

  it('local is this machine', async () => {
    const { host, choice } = await stopLater().open('local')
    expect([host.kind, choice]).toEqual(['local', null])
  })
})

/** Reads standard input into a socket and back: a ProxyCommand without further programs. */
const pipeSource = `import os, select, socket, sys
link = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for ready in select.select([0, link], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else link.recv(65536)
        if not data: sys.exit(0)
        (link.sendall if ready == 0 else lambda d: os.write(1, d))(data)
`

function namedRig() {
  const kept = rig()
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  const stopLater = () => {
    const folder = mkdtempSync(join(tmpdir(), 'kx-open-'))
    folders.push(folder)
    const [configFile, known, pipe] = ['config', 'known_hosts', 'pipe.py'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(pipe, pipeSource)
    const clear = () => {
      writeFileSync(configFile, '')
      writeFileSync(known, '')
    }
    clear()
    return {
      pipe,
      clear,
      newHostKey: () => kept.newKey(folder),
      host(alias: string, box: Sshd, more = '', isKnown = true) {
        appendFileSync(
          configFile,
          `Host ${alias}\n  HostName ${box.address}\n  Port ${box.port}\n  User ${box.user}\n  IdentityFile ${box.clientKey.path}\n` +
            `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n  ${more}\n`,
        )
        if (isKnown) appendFileSync(known, readFileSync(box.knownHostsFile))
      },
      pins: () => openPins(folder).read(),
      async open(name: string) {
        const opened = await openHost(name, { env: process.env, stateFolder: folder, configFile })
        kept.stopLater(() => opened.host.close())
        return opened
      },
    }
  }
  return { sshd: kept.sshd, stopLater }
}
