import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createOpensshHost, type OpensshHost } from '../../src/host/openssh/host.ts'
import { makeSocketFolder } from '../../src/host/openssh/master.ts'
import { type OpensshHostOptions, type OpensshTiming, opensshTiming } from '../../src/host/openssh/options.ts'
import type { SshState, SshStatus } from '../../src/host/ssh/types.ts'
import { startProxy } from '../harness/link-proxy.ts'
import { freePort, makeKey, needsSshd, type Sshd, type SshdOptions, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { describeHost } from './host-contract.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const optionsFor = (server: Sshd, more: Partial<OpensshHostOptions> = {}): OpensshHostOptions => ({
  name: 'box',
  target: server.address,
  port: server.port,
  user: server.user,
  configFile: 'none',
  knownHostsFiles: [server.knownHostsFile],
  identityFiles: [server.clientKey.path],
  ...more,
})
const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name))
const commandLine = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
/** Masters whose sockets lie under a folder: a master shows its arguments, or its socket in place of them. */
const mastersIn = (place: string) =>
  pids().filter((pid) => {
    const line = commandLine(pid)
    return line.includes(`${place}/`) && (line.startsWith('ssh\0-M\0') || line.startsWith('ssh: '))
  })
const logins = (server: Sshd) => server.log().match(/Accepted publickey/g)?.length ?? 0

describe.skipIf(needsSshd().skip)('openssh', () => {
  describeHost('openssh', async () => {
    const server = await startSshd()
    return { host: createOpensshHost(optionsFor(server)), stop: () => server.stop() }
  })

  const opened: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close()
  })
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'kx-openssh-'))
    opened.push(async () => rmSync(made, { recursive: true, force: true }))
    return made
  }
  const serve = async (options: SshdOptions = {}) => {
    const server = await startSshd(options)
    opened.push(() => server.stop())
    return server
  }
  const reach = (server: Sshd, more: Partial<OpensshHostOptions> = {}, place = folder()): OpensshHost => {
    const env = { ...process.env, SSH_AUTH_SOCK: undefined, XDG_RUNTIME_DIR: place }
    const host = createOpensshHost(optionsFor(server, { env, ...more }))
    opened.push(() => host.close())
    return host
  }

  it.each([['/usr/bin/fish'], ['/usr/bin/zsh'], ['/bin/bash'], ['/bin/busybox', 'sh']])(
    'goes through a login shell that talks: %s %s',
    async (...shell) => {
      const words = shell.filter((word) => typeof word === 'string')
      if (!existsSync(words[0] as string) && process.env.KX_REQUIRE_TOOLS !== '1') return
      const host = reach(await serve({ loginShell: words, noise: "Welcome to 'the box'! kx- begin" }))
      const args = ["it's", '$(id)', '', '\\', '!!', 'a\nb', '{x,y}', '~']
      const ran = await host.exec(['printf', '%s|', ...args])
      expect([text(ran.stdout), text(ran.stderr), ran.ending]).toEqual([
        `${args.join('|')}|`,
        '',
        { kind: 'exited', code: 0 },
      ])
      expect((await host.exec(['sh', '-c', 'exit 255'])).ending).toEqual({ kind: 'exited', code: 255 })
      const path = join(folder(), "a 'file'")
      await host.write(path, 'x\u00e9')
      expect(text((await host.read(path, 0, 10)) as Uint8Array)).toBe('x\u00e9')
    },
  )

  it('calls a link that breaks unknown, and connects again for the next call', async () => {
    const server = await serve()
    const host = reach(server)
    const began = Promise.withResolvers<void>()
    const running = host.exec(['sh', '-c', 'echo one; exec sleep 300'], { onStdout: () => began.resolve() })
    await began.promise
    for (const pid of server.connectionPids()) process.kill(pid, 'SIGKILL')
    const cut = await running
    expect([cut.ending, cut.timedOut, text(cut.stdout)]).toEqual([
      { kind: 'unknown', reason: expect.stringContaining('the link broke before the end was seen') },
      false,
      'one\n',
    ])
    // Not the code of ssh, and not an empty success.
    expect((await host.exec(['sh', '-c', 'exit 255'])).ending).toEqual({ kind: 'exited', code: 255 })
    expect(logins(server)).toBe(2)
  })

  it('keeps a shell for scripts that are asked again, which nothing of theirs can break', async () => {
    const server = await serve()
    const host = reach(server)
    const kept = { isRepeated: true, timeoutSeconds: 20 }
    const parent = async () => text((await host.script('echo $PPID', [], kept)).stdout)
    const first = await parent()
    const args = ["it's", '$(id)', '', '\\', 'a\nb', '--', '-n']
    const source = 'printf "%s|" "$#" "$@"; cat; echo err >&2; exit 7'
    const ran = await host.script(source, args, kept)
    expect([text(ran.stdout), text(ran.stderr), ran.ending]).toEqual([
      `7|${args.join('|')}|`,
      'err\n',
      { kind: 'exited', code: 7 },
    ])
    expect((await host.script('kill -9 $$', [], kept)).ending).toEqual({ kind: 'exited', code: 137 })
    expect((await host.script('if then (', [], kept)).ending).not.toEqual({ kind: 'exited', code: 0 })
    const flood = await host.script('yes 0123456789 | head -c 3000000', [], { ...kept, maxBytes: 1000 })
    expect([flood.stdout.byteLength, flood.stdoutBytes]).toEqual([1000, 3_000_000])
    const beside = await Promise.all([1, 2, 3].map((n) => host.script('echo "$1"', [String(n)], kept)))
    expect(beside.map((one) => text(one.stdout))).toEqual(['1\n', '2\n', '3\n'])
    expect(await parent()).toBe(first)

    const late = await host.script('echo so far; sleep 3071', [], { isRepeated: true, timeoutSeconds: 1 })
    expect([late.ending.kind, late.timedOut, text(late.stdout)]).toEqual(['unknown', true, 'so far\n'])
    expect(pids().filter((pid) => commandLine(pid) === 'sleep\x003071\x00')).toEqual([])
    const second = await parent()
    expect(second).not.toBe(first)
    for (const pid of server.connectionPids()) process.kill(pid, 'SIGKILL')
    const cut = await host.script('echo $PPID', [], kept)
    if (cut.ending.kind === 'exited') expect(text(cut.stdout)).not.toBe(second)
    expect(await parent()).toMatch(/^\d+\n$/)
  })

  /** The clock of a link that is watched, faster: keepalive of `ssh` in whole seconds. */
  const quick: OpensshTiming = {
    ...opensshTiming,
    ...{ tickSeconds: 0.1, beatSeconds: 0.5, staleSeconds: 1.2, hungSeconds: 3, checkSeconds: 0.5 },
    ...{ aliveSeconds: 1, aliveCount: 3, killBeginSeconds: 0.5 },
  }
  const watched = (server: Sshd, more: Partial<OpensshHostOptions> = {}) => {
    const told: SshStatus[] = []
    const host = reach(server, { timing: quick, onStatus: (status) => told.push(status), ...more })
    const sees = (state: SshState) =>
      waitUntil(() => told.some((each) => each.state === state), { what: state, timeoutMs: 30_000 })
    return { host, told, sees, states: () => told.map((each) => each.state) }
  }

  it('shows a half-open link stale, then dead, ends every call, and is back with the link (T6, T10)', async () => {
    const server = await serve()
    const proxy = await startProxy(server.port)
    opened.push(() => proxy.stop())
    const known = join(folder(), 'known')
    writeFileSync(known, readFileSync(server.knownHostsFile, 'utf8').replaceAll(`:${server.port} `, `:${proxy.port} `))
    const { host, sees, states, told } = watched(server, { port: proxy.port, knownHostsFiles: [known] })
    await host.exec(['true'])
    const began = Promise.withResolvers<void>()
    const running = host.exec(['sh', '-c', 'echo up; exec sleep 300'], {
      onStdout: () => began.resolve(),
      timeoutSeconds: 600,
    })
    await began.promise
    proxy.blackHole()
    await sees('stale')
    // What is asked of it meanwhile ends by its own deadline, and hangs on nothing.
    expect(await host.exec(['true'], { timeoutSeconds: 0.5 })).toMatchObject({
      ending: { kind: 'unknown' },
      timedOut: true,
    })
    await sees('down')
    expect((await running).ending).toEqual({ kind: 'unknown', reason: expect.stringContaining('the link broke') })
    expect(states().filter((state) => state !== 'connecting')).toEqual(['up', 'stale', 'down'])
    expect(told.at(-1)?.reason).toContain('lost')
    proxy.pass()
    // By itself, without a call that would need it.
    await waitUntil(() => told.at(-1)?.state === 'up', { what: 'the link to be up again', timeoutMs: 60_000 })
    expect((await host.exec(['echo', 'back'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('gives a master up that hangs, though its link is well, and takes another', async () => {
    const place = folder()
    const server = await serve()
    const { host, sees, states } = watched(server, {
      env: { ...process.env, SSH_AUTH_SOCK: undefined, XDG_RUNTIME_DIR: place },
    })
    await host.exec(['true'])
    const [master] = mastersIn(place)
    process.kill(Number(master), 'SIGSTOP')
    await sees('down')
    expect(states().filter((state) => state !== 'connecting')).toEqual(['up', 'stale', 'down'])
    expect((await host.exec(['echo', 'back'])).ending).toEqual({ kind: 'exited', code: 0 })
    await waitUntil(() => !mastersIn(place).includes(master as string), { what: 'the hung master to be ended' })
    expect(mastersIn(place).length).toBe(1)
  })

  it('kills over a connection of its own where the shared one does not answer (T12)', async () => {
    const place = folder()
    const server = await serve()
    const host = reach(server, { timing: quick }, place)
    const running = await host.spawn(['sleep', '300'], { onStdout: () => {}, onStderr: () => {} })
    const { identity } = running
    if (identity === null) throw new Error('who runs there was not told')
    const [master] = mastersIn(place)
    process.kill(Number(master), 'SIGSTOP')
    try {
      expect(await host.kill(identity, 1)).toBe('gone')
      expect(existsSync(`/proc/${identity.pid}`)).toBe(false)
      // Whoever has its number by now is somebody else.
      expect(await host.kill({ ...identity, pid: process.pid }, 1)).toBe('not-ours')
    } finally {
      process.kill(Number(master), 'SIGCONT')
    }
    await running.ending
  })

  it('says unknown when the session ends without a word, as when its shell is killed', async () => {
    const host = reach(await serve())
    const ran = await host.exec(['sh', '-c', 'echo so far; kill -9 -$(ps -o pgid= -p $$ | tr -d " ")'])
    expect([ran.ending.kind, text(ran.stdout)]).toEqual(['unknown', 'so far\n'])
  })

  it('does with the one session that a server allows, and still ends what is late', async () => {
    const server = await serve({ maxSessions: 1 })
    const host = reach(server)
    const ran = await Promise.all(Array.from({ length: 12 }, (_, n) => host.exec(['printf', '%s', String(n)])))
    expect(ran.map(({ stdout, ending }) => [text(stdout), ending])).toEqual(
      ran.map((_, n) => [String(n), { kind: 'exited', code: 0 }]),
    )
    const ready = join(folder(), 'pid')
    const late = await host.exec(['sh', '-c', 'echo $$ >"$1"; exec sleep 300', 'sh', ready], { timeoutSeconds: 2 })
    expect([late.ending, late.timedOut]).toEqual([{ kind: 'signalled', signal: 'SIGTERM' }, true])
    expect(existsSync(`/proc/${readFileSync(ready, 'utf8').trim()}`)).toBe(false)
  })

  it('runs nothing on a host whose key is not known, and does not try a failed login again', async () => {
    const server = await serve()
    const none = join(folder(), 'known')
    writeFileSync(none, '')
    const stranger = reach(server, { knownHostsFiles: [none] })
    const refused = await stranger.exec(['true'])
    expect(refused.ending).toEqual({ kind: 'unknown', reason: expect.stringMatching(/not begun: .*host key/i) })

    const place = folder()
    const wrong = reach(server, { identityFiles: [makeKey(folder(), 'wrong').path] }, place)
    for (let n = 0; n < 3; n += 1)
      expect((await wrong.exec(['true'])).ending).toEqual({
        kind: 'unknown',
        reason: expect.stringContaining('Permission denied'),
      })
    await expect(wrong.identity()).rejects.toMatchObject({ code: 'ENOLINK' })
    expect(server.log().match(/Connection from/g)?.length).toBe(2)
    wrong.reconnect()
    await wrong.exec(['true'])
    expect(server.log().match(/Connection from/g)?.length).toBe(3)
    expect(mastersIn(place)).toEqual([])
  })

  it('says that nothing began when nobody listens', async () => {
    const server = await serve()
    const host = reach(server, { port: await freePort() })
    expect((await host.exec(['true'])).ending).toEqual({
      kind: 'unknown',
      reason: expect.stringMatching(/not begun: .*Connection refused/),
    })
    expect(await host.isAlive({ pid: 2, startTicks: 1, bootId: 'b' })).toBe('unknown')
    for (const target of ['-oProxyCommand=touch /tmp/x', '', 'a b'])
      expect((await reach(server, { target }).exec(['true'])).ending).toMatchObject({
        reason: expect.stringContaining('Refused to connect'),
      })
  })

  it('refuses another machine behind the same address and key', async () => {
    const place = folder()
    const liar = join(place, 'liar')
    const other = '0123456789abcdef'.repeat(2)
    writeFileSync(
      liar,
      `#!/bin/sh\nif [ -e ${place}/moved ]; then /bin/sh "$@" | sed -E "s/^[0-9a-f]{32}/${other}/"; else exec /bin/sh "$@"; fi\n`,
    )
    chmodSync(liar, 0o755)
    const server = await serve({ loginShell: [liar] })
    const host = reach(server, {}, place)
    const me = await host.identity()
    expect(mastersIn(place).length).toBe(1)
    if (me.machineId === null) return
    writeFileSync(join(place, 'moved'), '')
    for (const pid of server.connectionPids()) process.kill(pid, 'SIGKILL')
    await waitUntil(() => mastersIn(place).length === 0, { what: 'the master to see that its link is cut' })
    const ran = await host.exec(['touch', join(place, 'ran')])
    expect(ran.ending).toEqual({ kind: 'unknown', reason: expect.stringContaining('another machine answers') })
    expect(existsSync(join(place, 'ran'))).toBe(false)
  })

  it('knows the host by the key that ssh took, whatever a banner says, and tells a changed one', async () => {
    const forged = `debug1: Server host key: ssh-ed25519 SHA256:${'A'.repeat(43)}`
    const [plain, shouting] = [
      await serve({ hostKeyTypes: ['ecdsa'] }),
      await serve({ hostKeyTypes: ['ed25519'], banner: `${forged}\n` }),
    ]
    const fingerprintOf = (server: Sshd) =>
      execFileSync('ssh-keygen', ['-lf', `${server.hostKeys[0]?.path}.pub`], { encoding: 'utf8' }).split(' ')[1]
    const host = reach(plain)
    expect((await host.identity()).hostKey).toBe(fingerprintOf(plain))
    for (const pid of plain.connectionPids()) process.kill(pid, 'SIGKILL')
    // A look that met the end of the link is unknown, as any call then; the next one makes a link of its own.
    const again = await waitUntil(() => host.identity().catch(() => null), {
      what: 'the host to be known again',
      timeoutMs: 30_000,
    })
    expect(again.hostKey).toBe(fingerprintOf(plain))
    // The server says two things: then it is not told which one is true.
    expect((await reach(shouting).identity()).hostKey ?? null).toBeNull()
  })

  it('knows the key of the host, and not that of the machine which ProxyCommand goes through', async () => {
    const [jump, box] = [await serve({ hostKeyTypes: ['ed25519'] }), await serve({ hostKeyTypes: ['ecdsa'] })]
    const words = (level: string) =>
      `ssh -F none -o LogLevel=${level} -o BatchMode=yes -o UserKnownHostsFile=${jump.knownHostsFile} -o IdentityFile=${jump.clientKey.path} -p ${jump.port} -W %h:%p ${jump.user}@${jump.address}`
    const through = (level: string) => reach(box, { settings: { ProxyCommand: words(level) } })
    const shown = execFileSync('ssh-keygen', ['-lf', `${box.hostKeys[0]?.path}.pub`], { encoding: 'utf8' }).split(
      ' ',
    )[1]
    for (const level of ['ERROR', 'DEBUG1']) expect((await through(level).identity()).hostKey).toBe(shown)
  })

  it('knows a host by its certificate, as the key in it', async () => {
    const server = await serve({ hostKeyTypes: ['ed25519'] })
    const place = folder()
    const authority = makeKey(place, 'authority')
    const key = makeKey(place, 'box')
    const certify = ['-q', '-s', authority.path, '-I', 'box', '-h', '-n', server.address, `${key.path}.pub`]
    execFileSync('ssh-keygen', certify)
    const certified = await serve({ hostKeys: [key], config: [`HostCertificate ${key.path}-cert.pub`] })
    const known = join(place, 'known')
    writeFileSync(known, `@cert-authority * ${authority.publicLine}\n`)
    const host = reach(certified, { knownHostsFiles: [known] })
    const shown = execFileSync('ssh-keygen', ['-lf', `${key.path}.pub`], { encoding: 'utf8' }).split(' ')[1]
    expect((await host.identity()).hostKey).toBe(shown)
  })

  it('asks for a passphrase through kx, once, and keeps it out of arguments and environment', async () => {
    const key = makeKey(folder(), 'locked', 'ed25519', "open 'sesame'")
    const server = await serve({ authorizedKeys: [key.publicLine] })
    const asked: string[] = []
    let seen = ''
    const host = reach(server, {
      identityFiles: [key.path],
      askpass: async (prompt) => {
        asked.push(prompt)
        for (const pid of pids())
          try {
            seen += commandLine(pid) + readFileSync(`/proc/${pid}/environ`, 'latin1')
          } catch {
            // Gone, or not ours.
          }
        return "open 'sesame'"
      },
    })
    const ran = await Promise.all([1, 2, 3].map(() => host.exec(['true'])))
    expect(ran.map(({ ending }) => ending)).toEqual(Array(3).fill({ kind: 'exited', code: 0 }))
    expect(asked).toEqual([expect.stringContaining('passphrase')])
    expect(seen).not.toContain('sesame')

    const wrong = reach(server, { identityFiles: [key.path], askpass: async () => null })
    expect((await wrong.exec(['true'])).ending).toMatchObject({ reason: expect.stringContaining('not begun') })
  })

  it('leaves no master and no folder behind when it is closed', async () => {
    const place = folder()
    const server = await serve()
    const host = reach(server, {}, place)
    await host.exec(['true'])
    expect([mastersIn(place).length, readdirSync(place).length]).toEqual([1, 1])
    let said = ''
    // Seen to have begun: what was only asked for would be unknown.
    const running = host.exec(['sh', '-c', 'echo up; exec sleep 3072'], {
      onStdout: (chunk) => {
        said += Buffer.from(chunk).toString()
      },
    })
    await waitUntil(() => said.includes('up'), { what: 'the sleep to run' })
    await host.close()
    expect((await running).ending).toEqual({ kind: 'signalled', signal: 'SIGTERM' })
    expect([mastersIn(place), readdirSync(place)]).toEqual([[], []])
  })

  it('leaves no master behind when kx itself is killed', async () => {
    const server = await serve()
    const [place, program] = [folder(), join(folder(), 'kx.mts')]
    const source = resolve(import.meta.dirname, '../../src/host/openssh/host.ts')
    const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: place }
    const options = JSON.stringify(optionsFor(server, { env }))
    writeFileSync(
      program,
      `import { createOpensshHost } from ${JSON.stringify(source)}
const host = createOpensshHost(${options})
await host.exec(['true'])
console.log('connected')
await host.exec(['sleep', '300'], { timeoutSeconds: 400 })
`,
    )
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((done) => child.stdout.once('data', done))
    expect(mastersIn(place).length).toBe(1)
    child.kill('SIGKILL')
    // Well before ControlPersist, and though a command is under way.
    await waitUntil(() => mastersIn(place).length === 0 && readdirSync(place).length === 0, {
      what: 'the master and its folder to go',
      describe: () => `${mastersIn(place)} ${readdirSync(place)}`,
    })
  })

  it('finds a short place for its sockets, or says what to do', async () => {
    const long = join(folder(), 'x'.repeat(90))
    mkdirSync(long)
    const made = await makeSocketFolder({ XDG_RUNTIME_DIR: long })
    opened.push(async () => rmSync(made, { recursive: true }))
    expect(made.startsWith(long)).toBe(false)
    expect(Buffer.byteLength(made)).toBeLessThan(60)
  })
})
