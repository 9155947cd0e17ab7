import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createLogins } from '../../../src/host/link/logins.ts'
import type { AskLogin } from '../../../src/host/link/types.ts'
import { type KeyFile, makeKey, needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { hopTo, rig, trusting } from './support.ts'

const { skip } = needsSshd()
const folder = mkdtempSync(join(tmpdir(), 'kx-keys-'))
const agents: ChildProcess[] = []
afterEach(async () => {
  for (const agent of agents.splice(0)) {
    const ended = new Promise((resolve) => agent.once('exit', resolve))
    agent.kill('SIGKILL')
    await ended
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An agent of our own with some keys; never the one of whoever runs the tests. */
async function agentWith(keys: readonly KeyFile[]): Promise<string> {
  const socket = join(mkdtempSync(join(folder, 'agent-')), 'socket')
  agents.push(spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }))
  await waitUntil(() => existsSync(socket), { what: 'the agent to listen' })
  for (const key of keys)
    execFileSync('ssh-add', ['-q', key.path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
  return socket
}

/** A person who answers, and nothing that is remembered from elsewhere. */
const asking = (ask: AskLogin) => createLogins(ask, () => {})

let made = 0
const key = (type: KeyFile['type'] = 'ed25519', passphrase = '') => {
  made += 1
  return makeKey(folder, `key-${made}`, type, passphrase)
}

describe.skipIf(skip)('keys of a user', () => {
  const { sshd: start, host: hostOf, proxy: proxied } = rig()
  const offered = (log: string) => log.split('\n').filter((line) => /^(Failed|Postponed) publickey/.test(line))

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)('log in with a file of type %s, and from an agent', async (type) => {
    const mine = key(type)
    const sshd = await start({ clientKey: mine })
    const hop = { ...hopTo(sshd), identityFiles: [mine.path] }
    expect((await hostOf([hop], trusting(sshd)).host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
    const socket = await agentWith([mine])
    // The public half says which key of the agent is meant; the private one is nowhere else.
    const pub = join(folder, `only-${type}.pub`)
    writeFileSync(pub, `${mine.publicLine} comment\n`)
    const byAgent = { ...hop, identityFiles: [pub], agentSocket: socket }
    expect((await hostOf([byAgent], trusting(sshd)).host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('of an old format log in too', async () => {
    const mine = key('rsa')
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-N', 'ancient', '-f', mine.path])
    rmSync(`${mine.path}.pub`)
    const sshd = await start({ clientKey: mine })
    const { host } = hostOf([{ ...hopTo(sshd), identityFiles: [mine.path] }], trusting(sshd), {
      logins: asking(async () => 'ancient'),
    })
    expect((await host.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
  })

  it('are those that were named, and an agent full of others is left alone (T14)', async () => {
    const mine = key()
    const others = Array.from({ length: 8 }, () => key())
    const sshd = await start({ clientKey: mine, maxAuthTries: 3 })
    const hop = { ...hopTo(sshd), identityFiles: [mine.path], agentSocket: await agentWith([...others, mine]) }
    const { host } = hostOf([hop], trusting(sshd))
    expect((await host.exec(['true'])).ending.kind).toBe('exited')
    expect(offered(sshd.log()).filter((line) => line.startsWith('Failed'))).toEqual([])
    const { host: open } = hostOf([{ ...hop, identitiesOnly: false }], trusting(sshd))
    expect((await open.exec(['true'])).ending.kind).toBe('exited')
    expect(offered(sshd.log()).filter((line) => line.startsWith('Failed'))).toEqual([])
  })

  it('that are refused are not tried again by themselves', async () => {
    const sshd = await start()
    const proxy = await proxied(sshd.port)
    const hop = { ...hopTo(sshd, proxy.port), identityFiles: [key().path, join(folder, 'not-there')] }
    const { host, told } = hostOf([hop], trusting(sshd))
    const first = await host.exec(['true'], { timeoutSeconds: 20 })
    expect(first).toMatchObject({ ending: { kind: 'unknown' }, timedOut: false })
    expect(told.at(-1)).toMatchObject({ state: 'paused', problem: 'authentication' })
    expect(told.at(-1)?.reason).toContain(hop.identityFiles[0])
    for (const _ of [1, 2, 3]) expect((await host.exec(['true'])).ending.kind).toBe('unknown')
    expect(proxy.accepted).toBe(1)
    expect(told.at(-1)?.tries).toBe(1)
  })

  it('that are too many end the try, not the account', async () => {
    const sshd = await start({ maxAuthTries: 3 })
    const proxy = await proxied(sshd.port)
    const files = Array.from({ length: 9 }, () => key().path)
    const { host, told } = hostOf([{ ...hopTo(sshd, proxy.port), identityFiles: files }], trusting(sshd))
    expect((await host.exec(['true'])).ending.kind).toBe('unknown')
    expect(told.at(-1)).toMatchObject({ state: 'paused', problem: 'authentication' })
    expect(told.at(-1)?.reason).toContain('4 more keys were not offered')
    expect(proxy.accepted).toBe(1)
  })

  it('that are none say so', async () => {
    const sshd = await start()
    const { host, told } = hostOf([{ ...hopTo(sshd), identityFiles: [], agentSocket: '/no/agent' }], trusting(sshd))
    expect((await host.exec(['true'])).ending.kind).toBe('unknown')
    expect(told.at(-1)?.reason).toMatch(/no key could be offered.*agent could not be asked/)
  })

  it('with a passphrase ask for it once, when the server wants them, and again when it was wrong', async () => {
    const [foreign, mine] = [key('ed25519', 'other'), key('ed25519', 'right')]
    const sshd = await start({ clientKey: mine })
    const proxy = await proxied(sshd.port)
    const asked: string[] = []
    const logins = asking(async ({ of, attempt }) => {
      asked.push(`${of} ${attempt}`)
      return attempt === 1 ? 'wrong' : 'right'
    })
    const hop = { ...hopTo(sshd, proxy.port), identityFiles: [foreign.path, mine.path] }
    // A person may take longer than a connection: that time does not count.
    const { host } = hostOf([hop], trusting(sshd), { logins })
    await Promise.all([host.exec(['true']), host.sftp()])
    proxy.cut()
    await waitUntil(() => host.status().state !== 'up', { what: 'the cut to be seen' })
    expect((await host.exec(['true'])).ending.kind).toBe('exited')
    expect(asked).toEqual([`${mine.path} 1`, `${mine.path} 2`])
    // The foreign one was offered once: after that, the right one goes first.
    expect(offered(sshd.log()).filter((line) => line.startsWith('Failed')).length).toBe(1)
  })

  it('with a passphrase that nobody gives are refused here, with the reason', async () => {
    const mine = key('ed25519', 'secret')
    const sshd = await start({ clientKey: mine })
    for (const [passphrase, reason] of [
      [undefined, /has a passphrase/],
      [async () => null, /none was given/],
      [async () => 'wrong', /3 passphrases were wrong/],
    ] as const) {
      const { host, told } = hostOf(
        [{ ...hopTo(sshd), identityFiles: [mine.path] }],
        trusting(sshd),
        passphrase === undefined ? {} : { logins: asking(passphrase) },
      )
      expect((await host.exec(['true'])).ending.kind).toBe('unknown')
      expect(told.at(-1)).toMatchObject({ problem: 'authentication', reason: expect.stringMatching(reason) })
    }
  })

  it('that a person takes long to open do not run into the deadline of the link', async () => {
    const mine = key('ed25519', 'slow')
    const sshd = await start({ clientKey: mine })
    const { promise, resolve } = Promise.withResolvers<string>()
    let isAsked = false
    const timing = { ...(await import('./support.ts')).quick, connectSeconds: 2 }
    const { host, told } = hostOf([{ ...hopTo(sshd), identityFiles: [mine.path] }], trusting(sshd), {
      timing,
      logins: asking(() => {
        isAsked = true
        return promise
      }),
    })
    const connected = host.connect()
    await waitUntil(() => isAsked, { what: 'the question' })
    const since = performance.now()
    await waitUntil(() => performance.now() - since > 2_500, { what: 'more than the deadline' })
    resolve('slow')
    await connected
    expect(told.map((each) => each.state)).toEqual(['connecting', 'up'])
  })

  it('shows what the server says before it lets anybody in', async () => {
    const sshd = await start({ banner: 'Authorised use only.\n' })
    const said: string[] = []
    const { host } = hostOf([hopTo(sshd)], trusting(sshd), { onBanner: (text) => said.push(text) })
    await host.connect()
    expect(said).toEqual(['Authorised use only.\n'])
  })
})
