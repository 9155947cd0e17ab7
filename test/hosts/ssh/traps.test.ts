import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { hopTo, quick, rig, text, trusting } from './support.ts'

const { skip } = needsSshd()
const isFull = process.env.KX_FAULTS_FULL === '1'

/** Sockets that this process has open, by its own list. */
const sockets = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length

/** Traps of ssh2 and sshd that no other file of tests is about; docs/ssh.md names the test of each. */
describe.skipIf(skip)('traps of SSH', () => {
  const { sshd: start, host: hostOf, proxy: proxied } = rig()

  it('a half-open link holds no socket once its host is closed (T5)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const before = sockets()
    const { host } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    await host.exec(['true'])
    const running = host.exec(['sleep', '300'], { timeoutSeconds: 600 })
    proxy.blackHole()
    expect(sockets()).toBeGreaterThan(before)
    await host.close()
    expect((await running).ending.kind).toBe('unknown')
    // The proxy, which passes nothing on, keeps both of its own ends.
    await waitUntil(() => sockets() <= before + 2 * proxy.connections, {
      what: 'our end to be closed',
      describe: () => `${sockets()} sockets, ${before} before, ${proxy.connections} links of the proxy`,
    })
  })

  it('no hop waits for small packets to grow: every socket is without Nagle (T7)', async () => {
    const [near, box] = [await start(), await start()]
    const undelayed = new Set<Socket>()
    const real = Socket.prototype.setNoDelay
    const spy = vi.spyOn(Socket.prototype, 'setNoDelay').mockImplementation(function (this: Socket, on?: boolean) {
      if (on !== false) undelayed.add(this)
      return real.call(this, on)
    })
    try {
      const { host } = hostOf([hopTo(near), hopTo(box)], (h, p, type, key, hop) =>
        trusting(hop.port === near.port ? near : box)(h, p, type, key, hop),
      )
      await host.exec(['true'])
      const sftp = await host.sftp()
      sftp.end()
      const made = (spy.mock.contexts as Socket[]).filter((each) => each.remotePort === near.port)
      // Control and bulk, each by the jump host alone: what lies behind it is a stream in that.
      expect(new Set(made).size).toBe(2)
      for (const socket of made) expect(undelayed.has(socket)).toBe(true)
    } finally {
      spy.mockRestore()
    }
  })

  it('settings of a command go with the command, and none by the environment of SSH (T13)', async () => {
    const sshd = await start({ config: ['LogLevel DEBUG1'] })
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    const ran = await host.exec(['sh', '-c', 'printf %s "$KX_TRAP"'], { env: { KX_TRAP: "it's here" } })
    expect(text(ran.stdout)).toBe("it's here")
    expect(sshd.log()).toMatch(/request exec/)
    expect(sshd.log()).not.toMatch(/request env/)
  })

  const old = spawnSync('/usr/sbin/sshd', ['-T', '-o', 'ChannelTimeout=session:*=1s'], { encoding: 'utf8' })
  const knowsTimeouts = !/ChannelTimeout/i.test(old.stderr ?? '')
  it.skipIf(!knowsTimeouts)('a server that closes what is idle is no fault: the next command runs (T15)', async () => {
    const sshd = await start({ config: ['ChannelTimeout session:*=1s', 'UnusedConnectionTimeout 1s'] })
    const { host, told } = hostOf([hopTo(sshd)], trusting(sshd), {
      timing: { ...quick, heartbeatSeconds: 30, staleSeconds: 60 },
    })
    for (let n = 0; n < (isFull ? 3 : 1); n += 1) {
      const ran = await host.exec(['printf', '%s', String(n)])
      expect([text(ran.stdout), ran.ending]).toEqual([String(n), { kind: 'exited', code: 0 }])
      await waitUntil(() => told.filter((each) => each.state === 'down').length > n, { what: 'the server to hang up' })
    }
    // A command that is silent for longer than that is cut by such a server, and unknown.
    expect((await host.exec(['sh', '-c', 'sleep 5; echo late'])).ending.kind).toBe('unknown')
    for (const { problem } of told) expect([null, 'unreachable']).toContain(problem)
  })

  it('a file is put in place over the one that is there, with no rename of SFTP (T16)', async () => {
    const sshd = await start()
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    const path = join(sshd.home, 'kept')
    for (const content of ['first', 'second']) {
      await host.write(path, content)
      expect(text((await host.read(path, 0, 100)) as Uint8Array)).toBe(content)
    }
    expect(readdirSync(sshd.home).filter((name) => name.startsWith('kept'))).toEqual(['kept'])
    expect(sshd.log()).not.toMatch(/subsystem request for sftp/i)
  })

  it('a call that is given up takes no answer from another: its channel is closed (T18)', async () => {
    const sshd = await start()
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    await host.exec(['true'])
    for (let round = 0; round < 4; round += 1) {
      const calls = Array.from({ length: 8 }, (_, n) => {
        const giveUp = new AbortController()
        const word = `${round}-${n}`
        const ran = host.exec(['printf', '%s', word], { signal: giveUp.signal })
        // Some before their request is out, some while its answer is on the way.
        if (n % 2 === 1) setTimeout(() => giveUp.abort(), (n - 1) * round)
        return { word, isKept: n % 2 === 0, ran }
      })
      for (const { word, isKept, ran } of calls) {
        const { ending, stdout } = await ran
        if (isKept) expect([ending, text(stdout)]).toEqual([{ kind: 'exited', code: 0 }, word])
        else expect(['', word]).toContain(text(stdout))
      }
    }
  })
})
