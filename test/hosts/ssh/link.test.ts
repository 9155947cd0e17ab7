import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createSshHost } from '../../../src/host/ssh/host.ts'
import { backoffSeconds, scaledTiming, sshTiming } from '../../../src/host/ssh/timing.ts'
import type { HostKeyAnswer, SshState } from '../../../src/host/ssh/types.ts'
import { makeKey, needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { hopTo, quick, rig, text, trusting } from './support.ts'

const { skip } = needsSshd()
/** The clock of a link that is watched, this much faster. */
const factor = 0.05
const fast = { ...scaledTiming(factor), shortestBackoffSeconds: 0.02, longestBackoffSeconds: 0.1 }

describe('numbers of a link', () => {
  it('show a dead link within 15 s, and declare it within 40 s', () => {
    const t = sshTiming
    expect(t.staleSeconds + t.tickSeconds).toBeLessThanOrEqual(15)
    expect(t.controlDeadSeconds + t.tickSeconds).toBeLessThanOrEqual(40)
    // A link that lives is heard in time: two beats may be slow, and three keepalives may be lost.
    expect(2 * t.heartbeatSeconds).toBeLessThan(t.staleSeconds)
    expect(4 * t.controlKeepaliveSeconds).toBeLessThanOrEqual(t.controlDeadSeconds)
    expect(scaledTiming(0.5)).toMatchObject({ connectSeconds: 30, heartbeatSeconds: 2.5, tries: 10 })
  })

  it('spread tries between nothing and 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 40].map((tries) => backoffSeconds(tries, 1))).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
    expect(backoffSeconds(9, 0)).toBe(0)
    expect(backoffSeconds(6, 0.5)).toBe(15)
  })
})

describe.skipIf(skip)('host keys', () => {
  const { sshd: start, host: hostOf, proxy: proxied } = rig()

  it('are a condition: without a check there is no host', async () => {
    const sshd = await start()
    const hops = [hopTo(sshd)]
    expect(() => createSshHost({ name: 'box', hops, verify: undefined as never })).toThrow(/checks the host key/)
    expect(() => createSshHost({ name: 'box', hops: [], verify: trusting(sshd) })).toThrow(/needs an address/)
    for (const bad of [{ address: '-oProxyCommand=x' }, { user: '-x' }, { port: 0 }])
      expect(() => createSshHost({ name: 'box', hops: [{ ...hopTo(sshd), ...bad }], verify: trusting(sshd) })).toThrow(
        TypeError,
      )
  })

  const hostile: readonly (readonly [string, () => unknown])[] = [
    ['no', () => ({ isAccepted: false, words: ['Not this one.'] })],
    ['something that looks like yes', () => ({ isAccepted: 'true', words: [] })],
    ['a number', () => ({ isAccepted: 1, words: [] })],
    ['nothing', () => undefined],
    ['null', () => null],
    ['true itself', () => true],
    [
      'a throw',
      () => {
        throw new Error('x')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('x'))],
    ['a promise of null', () => Promise.resolve(null)],
  ]
  it.each(hostile)('are refused by %s, once, and not tried again', async (_name, answer) => {
    const sshd = await start({ hostKeyTypes: ['ed25519'] })
    const proxy = await proxied(sshd.port)
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], answer as () => HostKeyAnswer)
    const ran = await host.exec(['true'], { timeoutSeconds: 20 })
    expect(ran).toMatchObject({ ending: { kind: 'unknown' }, timedOut: false })
    expect(told.at(-1)).toMatchObject({ state: 'paused', problem: 'host-key' })
    expect((await host.exec(['true'])).ending.kind).toBe('unknown')
    expect(proxy.accepted).toBe(1)
    expect(sshd.log()).not.toContain('Accepted')
  })

  it('are asked for by the known algorithm first (T2), and checked once over many rekeys', async () => {
    const sshd = await start({ config: ['RekeyLimit 256K'] })
    const seen: string[] = []
    const { host } = hostOf(
      [{ ...hopTo(sshd), hostKeyAlgorithms: ['ecdsa-sha2-nistp256', 'ssh-ed25519'] }],
      (h, p, type, key) => {
        seen.push(type)
        return trusting(sshd)(h, p, type, key, hopTo(sshd)) as HostKeyAnswer
      },
    )
    const ran = await host.exec(['head', '-c', '5000000', '/dev/zero'], { maxBytes: 0 })
    expect([ran.ending, ran.stdoutBytes]).toEqual([{ kind: 'exited', code: 0 }, 5_000_000])
    expect(seen).toEqual(['ecdsa-sha2-nistp256'])
    expect(host.status().keyExchange).toMatch(/curve25519/)
  })
})

describe.skipIf(skip)('a link that fails', () => {
  const { sshd: start, host: hostOf, proxy: proxied } = rig()
  const states = (told: readonly { state: SshState }[]) => told.map((each) => each.state)

  it('makes what was under way unknown, comes back, and runs nothing twice (T3)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    const file = join(sshd.folder, 'ran')
    const script = `echo x >>${file}; echo begun; sleep 600`
    const running = [1, 2].map(() => host.exec(['sh', '-c', script]))
    const kept = host.script(script, [], { isRepeated: true })
    await waitUntil(() => existsSync(file) && readFileSync(file, 'utf8') === 'x\nx\nx\n', { what: 'all to run' })
    proxy.cut()
    for (const each of await Promise.all([...running, kept]))
      expect(each).toMatchObject({ ending: { kind: 'unknown' }, timedOut: false })
    expect((await host.exec(['echo', 'back'])).ending).toEqual({ kind: 'exited', code: 0 })
    expect(readFileSync(file, 'utf8')).toBe('x\nx\nx\n')
    expect(states(told)).toEqual(['connecting', 'up', 'down', 'connecting', 'up'])
  })

  it('does not take a killed server process for the end of a command', async () => {
    const sshd = await start()
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    let got = 0
    const running = host.exec(['cat', '/dev/zero'], {
      onStdout: (chunk) => {
        got += chunk.byteLength
      },
      maxBytes: 10,
    })
    await waitUntil(() => got > 1_000_000, { what: 'bytes to come' })
    for (const pid of sshd.connectionPids()) process.kill(pid, 'SIGKILL')
    expect((await running).ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('was lost') })
    expect((await host.exec(['true'])).ending.kind).toBe('exited')
  })

  it('is stale, then dead, when nothing comes any more; calls fail then, and none before their time (T10)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd), { timing: fast })
    await host.connect()
    const running = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
    await host.exec(['true'])
    proxy.blackHole()
    expect((await running).ending).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('nothing was heard'),
    })
    const [stale, down] = [told.find((each) => each.state === 'stale'), told.find((each) => each.state === 'down')]
    expect(stale?.heardAtMs).not.toBe(null)
    expect((stale?.sinceMs ?? 0) - (stale?.heardAtMs ?? 0)).toBeGreaterThanOrEqual(fast.staleSeconds * 1000 - 5)
    expect((down?.sinceMs ?? 0) - (down?.heardAtMs ?? 0)).toBeGreaterThanOrEqual(fast.controlDeadSeconds * 1000 - 5)
    // Nothing of the dead link is kept.
    await waitUntil(() => proxy.connections <= 1, { what: 'the dead socket to be closed' })
    const waiting = await host.exec(['true'], { timeoutSeconds: 0.2 })
    expect(waiting).toMatchObject({ ending: { kind: 'unknown' }, timedOut: true })
    proxy.pass()
    proxy.cut()
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('is heard while it is idle, and while only data comes', async () => {
    const sshd = await start()
    const { host, told } = hostOf([hopTo(sshd)], trusting(sshd), { timing: fast })
    await host.connect()
    const first = host.status().heardAtMs ?? 0
    await waitUntil(() => (host.status().heardAtMs ?? 0) > first + fast.controlDeadSeconds * 1500, { what: 'beats' })
    expect(states(told)).toEqual(['connecting', 'up'])
  })

  it('pauses after ten tries and goes on when told to', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    await host.connect()
    await proxy.refuse()
    proxy.cut()
    await waitUntil(() => host.status().state === 'paused', { what: 'the link to pause' })
    expect(told.at(-1)).toMatchObject({
      problem: 'unreachable',
      tries: 10,
      reason: expect.stringContaining('ECONNREFUSED'),
    })
    expect(states(told).filter((each) => each === 'down').length).toBe(9)
    const at = performance.now()
    expect((await host.exec(['true'], { timeoutSeconds: 600 })).ending.kind).toBe('unknown')
    expect(performance.now() - at).toBeLessThan(60_000)
    await proxy.accept()
    host.resume()
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('tells whoever asks at once that nobody listens, goes on trying, and is there when somebody does', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    await proxy.refuse()
    const timing = { ...sshTiming, shortestBackoffSeconds: 300, longestBackoffSeconds: 300 }
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd), { timing })
    // None of them waits for its own deadline, nor for the next try.
    for (const ask of [
      async () => (await host.exec(['true'], { timeoutSeconds: 600 })).ending,
      async () => (await host.script('true', [], { isRepeated: true, timeoutSeconds: 600 })).ending,
    ])
      expect(await ask()).toMatchObject({
        kind: 'unknown',
        reason: expect.stringMatching(/nothing was begun: Cannot reach .*ECONNREFUSED.*nobody listens there/),
      })
    await expect(host.identity()).rejects.toThrow(/ECONNREFUSED/)
    await expect(host.stat('/tmp')).rejects.toThrow(/ECONNREFUSED/)
    expect(states(told)).toEqual(['connecting', 'down'])
    await proxy.accept()
    host.resume()
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('gives up a connect that hangs, and tries again (T6)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    proxy.blackHole()
    const timing = { ...quick, connectSeconds: 0.3 }
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd), { timing })
    const connected = host.connect()
    await waitUntil(() => told.some((each) => /no connection within/.test(each.reason)), {
      what: 'a try to be given up',
    })
    proxy.cut()
    proxy.pass()
    await connected
    expect((await host.exec(['true'])).ending.kind).toBe('exited')
  })

  it('refuses another machine at the same address before anything runs there', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    let isSame = true
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd), {
      refuseIdentity: () => (isSame ? null : 'That is another machine.'),
    })
    await host.connect()
    isSame = false
    proxy.cut()
    await waitUntil(() => host.status().state !== 'up', { what: 'the cut to be seen' })
    const file = join(sshd.folder, 'ran')
    const ran = await host.exec(['touch', file])
    expect(ran.ending).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('another machine') })
    expect([existsSync(file), told.at(-1)?.problem]).toEqual([false, 'identity'])
  })

  it('kills after it came back, by start time and not by number (T12)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    const { identity } = await host.spawn(['sleep', '600'], { onStdout: () => {}, onStderr: () => {} })
    if (identity === null) throw new Error('no identity')
    proxy.cut()
    await waitUntil(() => host.status().state !== 'up', { what: 'the cut to be seen' })
    expect(await host.kill({ ...identity, startTicks: identity.startTicks + 1 }, 1)).toBe('not-ours')
    expect(await host.isAlive(identity)).toBe(true)
    expect(await host.kill(identity, 5)).toBe('gone')
  })

  it('keeps control alive while bulk data stands still (T11)', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    let got = 0
    const flood = await host.spawn(['cat', '/dev/zero'], {
      over: 'bulk',
      onStdout: (chunk) => {
        got += chunk.byteLength
      },
      onStderr: () => {},
    })
    await waitUntil(() => got > 1_000_000, { what: 'bytes to come' })
    flood.pause()
    expect(text((await host.exec(['echo', 'here'])).stdout)).toBe('here\n')
    expect(proxy.connections).toBe(2)
    flood.close()
    if (flood.identity !== null) expect(['gone', 'was-gone']).toContain(await host.kill(flood.identity, 5))
  })

  it('holds nobody much past a deadline, before it is known to be dead', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host, told } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    await host.script('true', [], { isRepeated: true })
    let hasBegun = false
    const begun = host.exec(['sh', '-c', 'echo; sleep 600'], {
      timeoutSeconds: 2,
      onStdout: () => {
        hasBegun = true
      },
    })
    await waitUntil(() => hasBegun, { what: 'the command to run' })
    proxy.blackHole()
    const calls = [
      begun,
      host.exec(['true'], { timeoutSeconds: 0.5 }),
      host.script('true', [], { isRepeated: true, timeoutSeconds: 0.5 }),
    ]
    const ran = await Promise.all(calls)
    expect(ran.map((each) => [each.ending.kind, each.timedOut])).toEqual(ran.map(() => ['unknown', true]))
    await host.close()
    expect(states(told)).not.toContain('down')
  })

  it('can be let go on by whoever hears that it waits', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    await proxy.refuse()
    const holder: { resume?: () => void } = {}
    let pauses = 0
    const { host } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd), {
      onStatus: (status) => {
        if (status.state !== 'paused') return
        pauses += 1
        if (pauses === 1) void proxy.accept().then(() => holder.resume?.())
        else holder.resume?.()
      },
    })
    holder.resume = host.resume
    await expect(host.connect()).rejects.toThrow(/ECONNREFUSED/)
    await waitUntil(() => host.status().state === 'up', { what: 'the link to come up' })
  })

  it('leaves no connection behind when it is closed', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const { host } = hostOf([hopTo(sshd, proxy.port)], trusting(sshd))
    await Promise.all([host.exec(['true']), host.sftp()])
    await host.close()
    await waitUntil(() => proxy.connections === 0 && sshd.connectionPids().length === 0, { what: 'all to be closed' })
  })
})

describe.skipIf(skip)('through jump hosts', () => {
  const { sshd: start, host: hostOf, proxy: proxied } = rig()

  it('reaches a host behind two others, each with its own key and check', async () => {
    const [one, two, three] = [await start(), await start({ hostKeyTypes: ['rsa'] }), await start()]
    const checked: number[] = []
    const { host } = hostOf([hopTo(one), hopTo(two), hopTo(three)], (h, port, type, key, hop) => {
      checked.push(port)
      const server = [one, two, three].find((each) => each.port === port) ?? one
      return trusting(server)(h, port, type, key, hop)
    })
    expect(text((await host.exec(['sh', '-c', 'echo $SSH_CONNECTION'])).stdout)).toMatch(
      new RegExp(` ${three.port}\n$`),
    )
    expect(checked).toEqual([one.port, two.port, three.port])
    const bytes = await host.exec(['head', '-c', '8000000', '/dev/zero'], { maxBytes: 0 })
    expect(bytes.stdoutBytes).toBe(8_000_000)
  })

  it('is lost with the jump host, and comes back with it', async () => {
    const [jump, box] = [await start(), await start()]
    const { host } = hostOf([hopTo(jump), hopTo(box)], (h, p, t, k, hop) =>
      trusting(p === jump.port ? jump : box)(h, p, t, k, hop),
    )
    const running = host.exec(['sleep', '600'])
    await host.exec(['true'])
    for (const pid of jump.connectionPids()) process.kill(pid, 'SIGKILL')
    expect((await running).ending.kind).toBe('unknown')
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('sees a box die behind a jump host that lives (T17)', async () => {
    const [jump, box] = [await start(), await start()]
    const proxy = await proxied(box.port)
    const { host, told } = hostOf(
      [hopTo(jump), hopTo(box, proxy.port)],
      (h, p, t, k, hop) => trusting(p === jump.port ? jump : box)(h, p, t, k, hop),
      { timing: fast },
    )
    const running = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
    await host.exec(['true'])
    proxy.blackHole()
    expect((await running).ending.kind).toBe('unknown')
    expect(told.some((each) => each.state === 'stale')).toBe(true)
    proxy.cut()
    proxy.pass()
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('says which hop refused', async () => {
    const [jump, box] = [await start(), await start({ clientKey: undefined })]
    const other = makeKey(box.folder, 'other')
    const { host, told } = hostOf([hopTo(jump), { ...hopTo(box), identityFiles: [other.path] }], (h, p, t, k, hop) =>
      trusting(p === jump.port ? jump : box)(h, p, t, k, hop),
    )
    expect((await host.exec(['true'])).ending.kind).toBe('unknown')
    expect(told.at(-1)).toMatchObject({ problem: 'authentication', reason: expect.stringContaining(`:${box.port}`) })
    writeFileSync(join(box.folder, 'authorized_keys'), `${other.publicLine}\n`)
    host.resume()
    expect((await host.exec(['true'])).ending.kind).toBe('exited')
  })
})
