import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type OpenHostOptions, openHost } from '../../src/host/open.ts'
import { sightOf } from '../../src/host/sight.ts'
import { loadProfiles } from '../../src/profile/load.ts'
import { confirmGapMs } from '../../src/teardown/rules.ts'
import { lookAtMeter } from '../../src/teardown/service.ts'
import { startProxy } from '../harness/link-proxy.ts'
import { makeKey, needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { stage } from '../unit/teardown/support.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function box(options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> {
  const made = await startSshd(options)
  cleanups.push(() => made.stop())
  return made
}

/** The user's ssh configuration for `box`, which the test may point somewhere else. */
function sshTo(sshd: Sshd, where: { readonly address?: string; readonly port?: number } = {}): OpenHostOptions {
  const folder = mkdtempSync(join(tmpdir(), 'kx-meter-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'ssh_config')
  const address = where.address ?? sshd.address
  const port = where.port ?? sshd.port
  const known = join(folder, 'known_hosts')
  writeFileSync(known, sshd.hostKeys.map((key) => `[${address}]:${port} ${key.publicLine}\n`).join(''))
  writeFileSync(
    configFile,
    `Host box\n  HostName ${address}\n  Port ${port}\n  User ${sshd.user}\n  IdentityFile ${sshd.clientKey.path}\n` +
      `  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`,
  )
  return { env: process.env, stateFolder: join(folder, 'state'), configFile }
}

const look = (options: OpenHostOptions) => sightOf('box', { ...options, stepSeconds: 5 })

describe.skipIf(needsSshd().skip)('a look from outside at a machine', () => {
  it('tells who answers, with the key by which it was trusted', async () => {
    const sshd = await box()
    const options = sshTo(sshd)
    const { host } = await openHost('box', options)
    const identity = await host.identity()
    await host.close()
    expect(identity.hostKey).toMatch(/^SHA256:/)
    expect(await look(options)).toMatchObject({ kind: 'answers', hostKey: identity.hostKey, identity })
  })

  it('stopped: refused, which is not dead', async () => {
    const sshd = await box()
    const options = sshTo(sshd)
    await sshd.stop()
    expect(await look(options)).toMatchObject({ kind: 'refuses', identity: null, hostKey: null })
  })

  it('under another host key: another key, and nothing is shown to it', async () => {
    const sshd = await box({ hostKeyTypes: ['ed25519'] })
    const options = sshTo(sshd)
    const first = await look(options)
    await sshd.stop()
    const folder = mkdtempSync(join(tmpdir(), 'kx-newkey-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const other = await box({ port: sshd.port, hostKeys: [makeKey(folder, 'host')] })
    const seen = await look(options)
    expect(seen).toMatchObject({ kind: 'other-key', identity: null })
    expect(seen.hostKey).toMatch(/^SHA256:/)
    expect(seen.hostKey).not.toBe(first.hostKey)
    expect(other.log()).not.toMatch(/Accepted|Failed publickey|Postponed/)
  })

  it('behind a link that is silent: unreachable, which is unknown', async () => {
    const sshd = await box()
    const proxy = await startProxy(sshd.port)
    cleanups.push(() => proxy.stop())
    proxy.blackHole()
    const options = sshTo(sshd, { port: proxy.port })
    expect(await sightOf('box', { ...options, stepSeconds: 1 })).toMatchObject({ kind: 'unreachable' })
  })

  it('without the login of before: no entry', async () => {
    const sshd = await box()
    const options = sshTo(sshd)
    writeFileSync(join(sshd.folder, 'authorized_keys'), '')
    expect(await look(options)).toMatchObject({ kind: 'no-entry' })
  })

  it('by a name that nothing has: no name', async () => {
    const sshd = await box()
    expect((await look(sshTo(sshd, { address: 'gone.invalid' }))).kind).toMatch(/^(no-name|unreachable)$/)
  })
})

describe.skipIf(needsSshd().skip)('the meter of a machine that kx cannot turn off', () => {
  const { profiles } = {
    profiles: loadProfiles({ builtIn: resolve(import.meta.dirname, '../../profiles'), user: null }),
  }

  it('is up, then unconfirmed with its evidence, then confirmed; what is only said is written down as said', async () => {
    const sshd = await box({ hostKeyTypes: ['ed25519'] })
    const options = sshTo(sshd)
    const runpod = (await profiles).profiles.get('runpod')?.profile
    if (runpod === undefined) throw new Error('no runpod')
    const on = await stage()
    cleanups.push(() => on.close())
    mkdirSync(on.base, { recursive: true })
    const { host } = await openHost('box', options)
    await on.prove({ kind: 'Receipt', phase: 'launch', host: await host.identity(), payload: {} })
    await on.run.append('meter.opened', {
      meterId: 'm1',
      what: 'pod',
      host: 'box',
      usdPerHour: 0.4,
      leaseUntilMs: null,
    })
    await host.close()
    const act = (more: object = {}) =>
      lookAtMeter(on.ctx({ host, profile: runpod }), {
        sight: async () => ({ ...(await look(options)), atMs: on.now.ms }),
        ...more,
      })
    const standing = (result: { data: unknown }) => (result.data as { standing: string }).standing

    const up = await act()
    expect([up.exitCode, standing(up)]).toEqual([1, 'up'])
    expect(on.lines.join('\n')).toMatch(/1\. terminate the pod/)

    await sshd.stop()
    on.now.ms += 1000
    const refused = await act({ isDone: true })
    expect([refused.exitCode, standing(refused)]).toEqual([4, 'unconfirmed'])
    expect(refused.summary).toMatch(/still billing, unconfirmed: .*refuses.*refused is not dead.*\$0\.40\/h/)
    expect(on.run.state().meters[0]?.closedAtMs).toBeNull()

    const folder = mkdtempSync(join(tmpdir(), 'kx-newkey-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    await box({ port: sshd.port, hostKeys: [makeKey(folder, 'host')] })
    on.now.ms += 1000
    expect(standing(await act())).toBe('unconfirmed')
    on.now.ms += confirmGapMs
    const confirmed = await act()
    expect([confirmed.exitCode, standing(confirmed)]).toEqual([0, 'confirmed'])
    const meter = on.run.state().meters[0]
    expect(meter?.closedBecause).toMatch(/carried out as .* says, and seen twice: .*another host key.*still bills/)
    expect(meter?.sights?.map((each) => each.kind)).toEqual(['answers', 'refuses', 'other-key', 'other-key'])
    expect(await act()).toMatchObject({ exitCode: 1, summary: expect.stringContaining('No meter') })

    await on.run.append('meter.opened', {
      meterId: 'm2',
      what: 'pod',
      host: 'box',
      usdPerHour: 0.4,
      leaseUntilMs: null,
    })
    expect((await act({ ended: 'gone' })).exitCode).toBe(1)
    const stated = await act({ ended: 'the console lists no pod, invoice of today' })
    expect([stated.exitCode, standing(stated)]).toEqual([0, 'stated'])
    expect(on.run.state().meters[1]?.closedBecause).toMatch(/^ended, as .* says, not seen: the console lists no pod/)
  })
})
