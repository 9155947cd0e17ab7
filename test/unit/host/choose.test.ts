import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chooseTransport, keyTypeOf, type TransportFacts, transportFacts } from '../../../src/host/choose.ts'
import { parseSshConfig } from '../../../src/host/ssh/config.ts'
import { expandContext } from '../../../src/host/ssh/config-resolve.ts'
import { parseKnownHosts } from '../../../src/host/ssh/known-hosts-file.ts'
import { hasTool } from './ssh/tool.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-choose-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const config = (...lines: readonly string[]) =>
  parseSshConfig(`${['host box', 'user me', 'hostname box.example', 'port 2222', ...lines].join('\n')}\n`)
const plain: TransportFacts = { keyTypes: ['ssh-ed25519'], certificatesBesideKeys: [], knownHosts: [], hasSsh: true }
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5Dy6U3Wb0wJ9Z3dP7oXj0C9Yk0bq5F3uYv2c0m1Q4x'
const known = (...lines: readonly string[]) => [parseKnownHosts(Buffer.from(`${lines.join('\n')}\n`), '/known')]

describe('the transport', () => {
  it('is ssh2 where nothing needs more', () => {
    const knownHosts = known(`[box.example]:2222 ${key}`, `@cert-authority *.elsewhere ${key}`)
    expect(chooseTransport(config(), { ...plain, knownHosts })).toMatchObject({
      transport: 'ssh',
      by: 'default',
      reasons: [],
    })
    // Debian switches GSSAPI on for everyone: said, not decided by.
    const choice = chooseTransport(config('gssapiauthentication yes'), plain)
    expect([choice.transport, choice.reasons.map((reason) => reason.option)]).toEqual(['ssh', ['GSSAPIAuthentication']])
  })

  it.each([
    ['ProxyCommand', config('proxycommand nc %h %p'), {}],
    ['CertificateFile', config('certificatefile ~/.ssh/id-cert.pub'), {}],
    ['GSSAPIAuthentication', config('gssapiauthentication yes', 'preferredauthentications gssapi-with-mic'), {}],
    ['IdentityFile', config(), { keyTypes: ['sk-ssh-ed25519@openssh.com'] }],
    ['IdentityFile', config(), { certificatesBesideKeys: ['/home/me/.ssh/id_ed25519-cert.pub'] }],
    ['@cert-authority', config(), { knownHosts: known(`@cert-authority *.example,[*.example]:2222 ${key}`) }],
  ] as const)('is the system’s ssh for %s, with the reason', (option, settings, facts) => {
    const choice = chooseTransport(settings, { ...plain, ...facts })
    expect(choice).toMatchObject({ transport: 'openssh', by: 'need' })
    expect(choice.reasons.map((reason) => reason.option)).toEqual([option])
    expect(choice.words).toContain(choice.reasons[0]?.why)
  })

  it('stays ssh2 where another key or a plain host key will do, and says what it leaves out', () => {
    const keyTypes = ['sk-ecdsa-sha2-nistp256@openssh.com', 'ssh-rsa']
    const knownHosts = known(`[box.example]:2222 ${key}`, `@cert-authority [*.example]:2222 ${key}`)
    const choice = chooseTransport(config(), { ...plain, keyTypes, knownHosts })
    expect(choice.transport).toBe('ssh')
    expect(choice.reasons.map(({ option, isBinding }) => [option, isBinding])).toEqual([
      ['IdentityFile', false],
      ['@cert-authority', false],
    ])
  })

  it('is what the user wishes, and says what that goes against', () => {
    const proxied = config('proxycommand nc %h %p')
    expect(chooseTransport(proxied, plain, 'ssh')).toMatchObject({
      transport: 'ssh',
      by: 'wish',
      words: expect.stringContaining('ProxyCommand'),
    })
    expect(chooseTransport(config(), plain, 'openssh')).toMatchObject({ transport: 'openssh', by: 'wish' })
    expect(chooseTransport(config(), { ...plain, hasSsh: false }, 'openssh').words).toContain('install an OpenSSH')
  })
})

describe.skipIf(!hasTool('ssh-keygen'))('the facts', () => {
  const paths = { plain: join(folder, 'plain'), bare: join(folder, 'bare'), sk: join(folder, 'sk') }
  beforeAll(() => {
    for (const path of [paths.plain, paths.bare])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', path === paths.bare ? 'locked' : '', '-f', path])
    rmSync(`${paths.bare}.pub`)
    writeFileSync(`${paths.sk}.pub`, 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t me\n')
  })

  it('read the type of a key, also of one that is locked and has nothing beside it', () => {
    expect([paths.plain, paths.bare, paths.sk, join(folder, 'none')].map(keyTypeOf)).toEqual([
      'ssh-ed25519',
      'ssh-ed25519',
      'sk-ssh-ed25519@openssh.com',
      null,
    ])
    for (const [n, text] of ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n', '\0', 'x'.repeat(9000)].entries()) {
      writeFileSync(join(folder, `odd-${n}`), text)
      expect(keyTypeOf(join(folder, `odd-${n}`))).toBeNull()
    }
  })

  it('see keys, certificates beside them and known hosts where the configuration says', () => {
    writeFileSync(`${paths.plain}-cert.pub`, 'ssh-ed25519-cert-v01@openssh.com AAAA\n')
    writeFileSync(join(folder, 'known'), `@cert-authority *.example ${key}\n`)
    const settings = config(
      `identityfile ${paths.plain}`,
      `identityfile ${folder}/%n-none`,
      `identityfile ${paths.sk}`,
      `userknownhostsfile ${folder}/known`,
    )
    const facts = transportFacts({ config: settings, source: 'ssh -G', notes: [] }, expandContext({ HOME: folder }))
    expect(facts).toMatchObject({
      keyTypes: ['ssh-ed25519', 'sk-ssh-ed25519@openssh.com'],
      certificatesBesideKeys: [`${paths.plain}-cert.pub`],
      hasSsh: true,
    })
    expect(facts.knownHosts.flatMap((file) => file.lines.map((line) => line.marker))).toContain('cert-authority')
  })
})
