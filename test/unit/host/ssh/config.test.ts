import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostError } from '../../../../src/host/errors.ts'
import { opensshReasons, parseSshConfig, type SshConfig } from '../../../../src/host/ssh/config.ts'
import { agentSocket, type ExpandContext, expandPath } from '../../../../src/host/ssh/config-expand.ts'
import { readTarget } from '../../../../src/host/ssh/config-names.ts'
import { knownHostsOf, resolveTarget } from '../../../../src/host/ssh/config-resolve.ts'
import { hasTool } from './tool.ts'

const least = ['host box', 'user me', 'hostname box.example', 'port 22']
const printed = (...lines: readonly string[]) => `${[...least, ...lines].join('\n')}\n`
const parse = (...lines: readonly string[]): SshConfig => parseSshConfig(printed(...lines))

describe('what a person writes', () => {
  it('is a name, a user and a port', () => {
    expect(readTarget('gpu-1')).toEqual({ host: 'gpu-1', user: null, port: null })
    expect(readTarget('me@box.example:2222')).toEqual({ host: 'box.example', user: 'me', port: 2222 })
    expect(readTarget('a@b@box')).toEqual({ host: 'box', user: 'a@b', port: null })
    expect(readTarget('::1')).toEqual({ host: '::1', user: null, port: null })
    expect(readTarget('me@[fe80::1%eth0]:22')).toEqual({ host: 'fe80::1%eth0', user: 'me', port: 22 })
    expect(readTarget('ssh://me@box:2200/')).toEqual({ host: 'box', user: 'me', port: 2200 })
    expect(readTarget('männlich_1')).toMatchObject({ host: 'männlich_1' })
  })

  it.each([
    '',
    ' ',
    '-oProxyCommand=id',
    '-',
    'a b',
    'a\tb',
    'a\nb',
    'a\0b',
    'a\x1b[31mb',
    'a\u202eb',
    'a\u00a0b',
    'a\u200bb',
    '--',
    'me@-oX=y',
    '-l@box',
    'me@',
    '@box',
    'box:',
    'box:0',
    'box:65536',
    'box:22x',
    'box:-1',
    'box: 22',
    'box:022',
    '[::1',
    '::1]',
    '[box]:22',
    'a:b:c',
    'box;id',
    'box|id',
    'box$(id)',
    'box`id`',
    "box'",
    'box"',
    'a\\b',
    'a&b',
    'a>b',
    'a*',
    'a?',
    '!a',
    'a,b',
    '#a',
    '../x',
    '/x',
    '~x',
    'me;id@box',
    'me id@box',
    'me$x@box',
    'x'.repeat(256),
    `${'x'.repeat(256)}@b`,
    'ssh://',
    'ssh://-x',
    'http://x',
  ])('is refused as %j', (written) => {
    expect(() => readTarget(written)).toThrow(HostError)
  })

  it('never becomes an option, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (written) => {
        try {
          const target = readTarget(written)
          for (const word of [target.host, target.user ?? 'x']) {
            expect(word.startsWith('-')).toBe(false)
            expect(/[\s\p{C};|&`$]/u.test(word)).toBe(false)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(HostError)
        }
      }),
    )
  })
})

describe('what ssh -G prints', () => {
  it('becomes a typed value', () => {
    const config = parse(
      'identityfile ~/.ssh/my key_%h',
      'identityfile none',
      'identityfile ~/x',
      'identitiesonly yes',
      'proxyjump a@b:22,c',
      'userknownhostsfile /h/.ssh/known_hosts /h/.ssh/known_hosts2',
      'globalknownhostsfile none',
      'hostkeyalias gpu',
      'hashknownhosts true',
      'connecttimeout none',
      'serveraliveinterval 600',
      'stricthostkeychecking accept-new',
      'hostkeyalgorithms ssh-ed25519,rsa-sha2-512',
      'pubkeyauthentication unbound',
      'canonicalizePermittedcnames none',
      'somethingnew in a later version',
    )
    expect(config).toMatchObject({
      alias: 'box',
      hostName: 'box.example',
      port: 22,
      user: 'me',
      identityFiles: ['~/.ssh/my key_%h', '~/x'],
      identitiesOnly: true,
      proxyJump: ['a@b:22', 'c'],
      userKnownHostsFiles: ['/h/.ssh/known_hosts', '/h/.ssh/known_hosts2'],
      globalKnownHostsFiles: [],
      hasUnclearKnownHostsFiles: false,
      hostKeyAlias: 'gpu',
      hashKnownHosts: true,
      connectTimeoutSeconds: null,
      serverAliveIntervalSeconds: 600,
      serverAliveCountMax: 3,
      strictHostKeyChecking: 'accept-new',
      hostKeyAlgorithms: ['ssh-ed25519', 'rsa-sha2-512'],
      pubkeyAuthentication: true,
      requiredRsaBits: 1024,
    })
    expect(parse('hostkeyalias none').hostKeyAlias).toBeNull()
  })

  it('keeps a blank in the name of a known_hosts file, and says that it is unclear', () => {
    const config = parse('userknownhostsfile /h/known hosts /c')
    expect(config.userKnownHostsFiles).toEqual(['/h/known hosts', '/c'])
    expect(config.hasUnclearKnownHostsFiles).toBe(true)
    expect(opensshReasons(config).map((r) => r.option)).toEqual(['UserKnownHostsFile'])
    expect(parse('userknownhostsfile kh').hasUnclearKnownHostsFiles).toBe(false)
  })

  it.each([
    [['port 0']],
    [['port 65536']],
    [['port x']],
    [['port 22', 'port 23']],
    [['hostname -oX']],
    [['hostname a b']],
    [['user -x']],
    [['hashknownhosts maybe']],
    [['connecttimeout 1m']],
    [['stricthostkeychecking perhaps']],
    [['addressfamily inet7']],
    [['user a\x1bb']],
    [['= x']],
    [['user a', 'user b']],
  ])('is refused with %j', (lines) => {
    const keys = lines.map((l) => l.split(' ')[0])
    const text = [...least.filter((l) => !keys.includes(l.split(' ')[0])), ...lines].join('\n')
    expect(() => parseSshConfig(text)).toThrow(/cannot be read/)
  })

  it('is refused without a host or a port, and never crashes', () => {
    for (const missing of ['user', 'hostname', 'port'])
      expect(() => parseSshConfig(least.filter((l) => !l.startsWith(`${missing} `)).join('\n'))).toThrow(HostError)
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 10 }), (lines) => {
        try {
          parse(...lines)
        } catch (error) {
          expect(error).toBeInstanceOf(HostError)
        }
      }),
    )
  })

  it('says what ssh2 cannot do, and what it can do otherwise', () => {
    const binding = (...lines: readonly string[]) =>
      opensshReasons(parse(...lines)).flatMap((r) => (r.isBinding ? [r.option] : []))
    expect(binding()).toEqual([])
    expect(binding('proxycommand nc %h %p')).toEqual(['ProxyCommand'])
    expect(binding('proxycommand none')).toEqual([])
    expect(binding('certificatefile ~/c', 'pkcs11provider /x')).toEqual(['CertificateFile', 'PKCS11Provider'])
    expect(binding('revokedhostkeys /r', 'knownhostscommand /k')).toEqual(['RevokedHostKeys', 'KnownHostsCommand'])
    expect(binding('gssapiauthentication yes')).toEqual([])
    expect(opensshReasons(parse('gssapiauthentication yes'))).toHaveLength(1)
    expect(binding('gssapiauthentication yes', 'preferredauthentications gssapi-with-mic')).toEqual([
      'GSSAPIAuthentication',
    ])
    expect(binding('pubkeyacceptedalgorithms sk-ssh-ed25519@openssh.com')).toEqual(['PubkeyAcceptedAlgorithms'])
    expect(binding('hostkeyalgorithms ssh-ed25519-cert-v01@openssh.com')).toEqual(['HostKeyAlgorithms'])
  })
})

describe('tokens in paths', () => {
  const context: ExpandContext = {
    homeFolder: '/home/100%me',
    localUser: 'me',
    localHostName: 'laptop.lan',
    uid: 1000,
    workingFolder: '/work dir',
    env: { KEYS: '/k/%h', SSH_AUTH_SOCK: '/run/agent' },
  }
  const config = parse('proxyjump hop')
  const expand = (path: string, of = config) => expandPath(path, of, context)

  it('are filled in once', () => {
    expect(expand('~/.ssh/k_%h_%n_%p_%r')).toBe('/home/100%me/.ssh/k_box.example_box_22_me')
    expect(expand('~me/x')).toBe('/home/100%me/x')
    expect(expand('/x/%%h/%u-%i-%L-%l/%k/%j')).toBe('/x/%h/me-1000-laptop-laptop.lan/box/hop')
    expect(expand('${KEYS}/a')).toBe('/k/%h/a')
    expect(expand('%d/a')).toBe('/home/100%me/a')
    expect(expand('key')).toBe('/work dir/key')
    expect(expand('/a~b')).toBe('/a~b')
  })

  it('are refused when nobody knows what they mean', () => {
    for (const path of ['~other/x', '/x/%z', '/x/%', '${NOPE}/x', '/a/%C', '/a\0b'])
      expect(() => expand(path), path).toThrow(HostError)
  })

  it('find the agent', () => {
    const agent = (value: string | null) => agentSocket({ ...config, identityAgent: value }, context)
    expect(agent(null)).toBe('/run/agent')
    expect(agent('SSH_AUTH_SOCK')).toBe('/run/agent')
    expect(agent('$SSH_AUTH_SOCK')).toBe('/run/agent')
    expect(agent('$NOPE')).toBeNull()
    expect(agent('none')).toBeNull()
    expect(agent('~/agent_%h')).toBe('/home/100%me/agent_box.example')
  })
})

describe('a target', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kx-ssh-config-'))
    mkdirSync(join(folder, '.ssh'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const env = () => ({ HOME: folder, PATH: process.env.PATH })

  it.skipIf(!hasTool('ssh'))('is resolved by ssh itself: Include, Match, tokens, several files', async () => {
    const file = join(folder, 'config')
    writeFileSync(join(folder, 'more'), 'Host gpu\n  Port 2222\n  User trainer\n')
    writeFileSync(
      file,
      `Include ${folder}/more
Host gpu
  HostName %h.example.org
  IdentityFile ~/.ssh/key_%h
  IdentityFile "${folder}/my key"
  IdentitiesOnly yes
  HostKeyAlias machine-7
  ProxyJump hop1,me@hop2:22
  UserKnownHostsFile ${folder}/a_%h ${folder}/b
  ServerAliveInterval 1m
Match host gpu.example.org exec "test -d ${folder}"
  HashKnownHosts yes
`,
    )
    const { config, source } = await resolveTarget('gpu', { env: env(), configFile: file })
    expect(source).toBe('ssh -G')
    expect(config).toMatchObject({
      alias: 'gpu',
      hostName: 'gpu.example.org',
      port: 2222,
      user: 'trainer',
      identitiesOnly: true,
      hostKeyAlias: 'machine-7',
      proxyJump: ['hop1', 'me@hop2:22'],
      serverAliveIntervalSeconds: 60,
      hashKnownHosts: true,
    })
    const context = { homeFolder: folder, localUser: 'me', localHostName: 'l', uid: 0, workingFolder: '/', env: env() }
    expect(config.identityFiles.map((f) => expandPath(f, config, context))).toEqual([
      join(folder, '.ssh/key_gpu.example.org'),
      join(folder, 'my key'),
    ])
    writeFileSync(join(folder, 'a_gpu.example.org'), 'x\n')
    expect(
      knownHostsOf(config, context)
        .slice(0, 2)
        .map((f) => [f.path, f.broken.length]),
    ).toEqual([
      [join(folder, 'a_gpu.example.org'), 1],
      [join(folder, 'b'), 0],
    ])
    const written = await resolveTarget('other@gpu:2200', { env: env(), configFile: file })
    expect(written.config).toMatchObject({ user: 'other', port: 2200, hostName: 'gpu.example.org' })
  })

  it.skipIf(!hasTool('ssh'))('says what ssh says of a broken configuration', async () => {
    const file = join(folder, 'config')
    writeFileSync(file, 'Nonsense yes\n')
    await expect(resolveTarget('gpu', { env: env(), configFile: file })).rejects.toThrow(
      /does not accept.*Nonsense|Bad configuration/i,
    )
  })

  it('is never shown to ssh when it could be an option', async () => {
    const log = join(folder, 'log')
    const ssh = join(folder, 'ssh')
    writeFileSync(
      ssh,
      `#!/bin/sh\nprintf '%s\\n' "$@" >> ${log}\nprintf 'host x\\nuser me\\nhostname x\\nport 22\\n'\n`,
      { mode: 0o755 },
    )
    for (const bad of ['-oProxyCommand=id', 'a b', 'me@-x', 'x\ny'])
      await expect(resolveTarget(bad, { env: env(), ssh })).rejects.toThrow(HostError)
    await resolveTarget('me@x:22', { env: env(), ssh, configFile: '/c' })
    expect(readFileSync(log, 'utf8')).toBe('-G\n-F\n/c\n-l\nme\n-p\n22\n--\nx\n')
  })

  it('is refused when ssh answers nonsense', async () => {
    const ssh = join(folder, 'ssh')
    for (const body of [
      'echo hello there world',
      "printf 'host x\\nuser me\\nhostname \\377\\nport 22\\n'",
      'exit 0',
      'exit 3',
    ]) {
      writeFileSync(ssh, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
      await expect(resolveTarget('x', { env: env(), ssh }), body).rejects.toThrow(HostError)
    }
  })

  it('is only what was written where there is no ssh, and says so', async () => {
    const nowhere = { env: { HOME: folder, PATH: folder }, ssh: 'ssh' }
    const { config, source, notes } = await resolveTarget('me@Box.example:2222', nowhere)
    expect(source).toBe('written')
    expect(notes.join()).toContain('no ssh program')
    expect(config).toMatchObject({ hostName: 'box.example', port: 2222, user: 'me', strictHostKeyChecking: 'yes' })
    expect(config.userKnownHostsFiles[0]).toBe(join(folder, '.ssh/known_hosts'))
    await expect(resolveTarget('gpu', nowhere)).rejects.toThrow(/alias.*user@host:port/)
  })
})
