import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { forgetHost, knownNames, knownWay, trustWay } from '../../../src/host/known.ts'
import type { HostKeyQuestion } from '../../../src/host/link/types.ts'
import { openHost } from '../../../src/host/open.ts'
import { needsSshd, type Sshd } from '../../harness/sshd.ts'
import { rig, text } from './support.ts'

const { skip } = needsSshd()

describe.skipIf(skip)('a host key that nobody knows, or that changed', () => {
  const { sshd: start, stopLater, newKey, proxy: proxied } = rig()
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  function place(box: Sshd, port = box.port, more = '') {
    const folder = mkdtempSync(join(tmpdir(), 'kx-trust-'))
    folders.push(folder)
    const [configFile, known, stateFolder] = ['config', 'known_hosts', 'state'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(
      configFile,
      `Host box\n  HostName ${box.address}\n  Port ${port}\n  User ${box.user}\n  IdentityFile ${box.clientKey.path}\n` +
        `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n  ${more}\n`,
    )
    const options = { env: process.env, stateFolder, configFile }
    const asked: HostKeyQuestion[] = []
    return {
      folder,
      known,
      options,
      asked,
      read: () => (existsSync(known) ? readFileSync(known, 'utf8') : ''),
      trust: (answer: boolean | ((question: HostKeyQuestion) => boolean)) =>
        trustWay('box', {
          ...options,
          by: 'ada',
          signal: new AbortController().signal,
          confirm: async (question) => {
            asked.push(question)
            return typeof answer === 'boolean' ? answer : answer(question)
          },
        }),
      run: async (asks: 'unknown' | 'any' = 'unknown', answer = false) => {
        const { host } = await openHost('box', {
          ...options,
          hostKeys: {
            asks,
            by: () => 'ada',
            confirm: async (question) => {
              asked.push(question)
              return answer
            },
          },
        })
        stopLater(() => host.close())
        return host.exec(['printf', 'there'])
      },
    }
  }
  const fingerprintOf = (path: string) => execFileSync('ssh-keygen', ['-lf', path]).toString().split(' ')[1] ?? ''

  it('is shown as ssh shows it, and confirmed in the middle of a call: the call goes on', async () => {
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const { run, asked, read, options } = place(box)
    expect(text((await run('unknown', true)).stdout)).toBe('there')
    const key = box.hostKeys[0]?.path ?? ''
    expect(asked).toMatchObject([{ kind: 'unknown', hop: 'box', fingerprint: fingerprintOf(key), known: [] }])
    const drawn = execFileSync('ssh-keygen', ['-lvf', key]).toString().split('\n').slice(2, 11)
    expect(asked[0]?.randomart.slice(1, -1)).toEqual(drawn)
    expect(read()).toBe(`[${box.address}]:${box.port} ${box.hostKeys[0]?.publicLine}\n`)
    expect(knownNames(options.stateFolder).get('box')).toMatchObject({
      learnt: 'person',
      fingerprint: fingerprintOf(key),
    })
    // From now on nobody is asked, here and by ssh.
    expect(text((await run()).stdout)).toBe('there')
    expect(asked.length).toBe(1)
  })

  it('is refused when nobody confirms it: nothing runs, nothing is written, and the remedy is named', async () => {
    const box = await start()
    const { run, read, asked } = place(box)
    expect((await run()).ending).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/No key is known.*kx host trust --host box/s),
    })
    expect([asked.length, read()]).toEqual([1, ''])
    expect(box.log()).not.toContain('Accepted publickey')
  })

  it('is written hashed where the configuration says so', async () => {
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const { trust, read } = place(box, box.port, 'HashKnownHosts yes')
    expect(await trust(true)).toMatchObject({ why: null, trusted: [{ hop: 'box', byPerson: true }] })
    expect(read()).toMatch(/^\|1\|\S+ ssh-ed25519 /)
    expect(await trust(false)).toMatchObject({ why: null, trusted: [{ byPerson: false }] })
  })

  it('that changed runs nothing and asks nobody in an act; kx host trust names both, and replaces this host and port only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kx-keys-'))
    folders.push(folder)
    const [before, now] = [await start({ hostKeyTypes: ['ed25519'] }), await start({ hostKeys: [newKey(folder)] })]
    const proxy = await proxied(before.port)
    const { run, trust, read, known, asked } = place(before, proxy.port)
    const other = `other.example ${before.hostKeys[0]?.publicLine}\n`
    writeFileSync(known, `${other}[${before.address}]:${proxy.port} ${before.hostKeys[0]?.publicLine}\n`)
    expect(text((await run()).stdout)).toBe('there')
    proxy.target(now.port)
    const [old, fresh] = [before, now].map((box) => fingerprintOf(box.hostKeys[0]?.path ?? '')) as [string, string]
    const refused = (await run('unknown', true)).ending
    expect(refused).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('kx host trust --host box') })
    for (const fingerprint of [old, fresh]) expect(JSON.stringify(refused)).toContain(fingerprint)
    expect(asked).toEqual([])
    expect(await trust(false)).toMatchObject({ trusted: [], why: expect.stringContaining(fresh) })
    expect(asked).toMatchObject([{ kind: 'changed', fingerprint: fresh, known: [{ fingerprint: old }] }])
    expect(now.log()).not.toContain('Accepted publickey')
    expect(await trust(true)).toMatchObject({ why: null })
    expect(read()).toBe(`${other}[${now.address}]:${proxy.port} ${now.hostKeys[0]?.publicLine}\n`)
    expect(readFileSync(`${known}.kx-old`, 'utf8')).toContain(before.hostKeys[0]?.publicLine)
    expect(text((await run()).stdout)).toBe('there')
  })

  it('that is revoked is not asked about, by whatever way', async () => {
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const { trust, known, asked, read } = place(box)
    const line = `@revoked * ${box.hostKeys[0]?.publicLine}\n`
    writeFileSync(known, line)
    expect(await trust(true)).toMatchObject({ trusted: [], why: expect.stringContaining('revoked') })
    expect([asked, read()]).toEqual([[], line])
  })

  it('is described with the line and the machine that it comes from, and forgotten with its old line kept', async () => {
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const { trust, run, options, known, read } = place(box)
    await trust(true)
    await run()
    const [hop] = await knownWay('box', options)
    expect(hop).toMatchObject({
      name: 'box',
      address: box.address,
      keys: [{ keyType: 'ssh-ed25519', file: known, line: 1, marker: 'none' }],
      machines: [{ learnt: 'person', machineId: expect.any(String) }],
    })
    const line = read()
    const done = await forgetHost('box', { ...options, by: 'ada', why: 'gone', atMs: 0 })
    expect(done.removed).toEqual([line.trim()])
    expect([read(), readFileSync(`${known}.kx-old`, 'utf8').includes(line.trim())]).toEqual(['', true])
    expect((await knownWay('box', options))[0]).toMatchObject({ keys: [], machines: [] })
    expect((await run()).ending.kind).toBe('unknown')
  })

  it('is asked for by the system’s ssh in the same words, which takes the very key that was looked at', async () => {
    const box = await start({ hostKeyTypes: ['ed25519'] })
    const { options, asked, read } = place(box)
    const open = async (answer: boolean) => {
      const { host } = await openHost('box', {
        ...options,
        transport: 'openssh',
        logins: { answer: async () => null, worked: () => {}, refused: () => {} },
        hostKeys: {
          asks: 'unknown',
          by: () => 'ada',
          confirm: async (question) => {
            asked.push(question)
            return answer
          },
        },
      })
      stopLater(() => host.close())
      return host.exec(['printf', 'there'])
    }
    expect((await open(false)).ending.kind).toBe('unknown')
    expect(read()).toBe('')
    expect(text((await open(true)).stdout)).toBe('there')
    expect(asked.map((question) => question.fingerprint)).toEqual(
      Array(2).fill(fingerprintOf(box.hostKeys[0]?.path ?? '')),
    )
    expect(read()).toContain(box.hostKeys[0]?.publicLine)
  })
})
