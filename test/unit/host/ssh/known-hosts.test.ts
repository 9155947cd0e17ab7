import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkHostKey,
  type HostKeyVerdict,
  hostKeyAlgorithms,
  preferredHostKeyAlgorithms,
} from '../../../../src/host/ssh/known-hosts.ts'
import { type KnownHostsFile, parseKnownHosts } from '../../../../src/host/ssh/known-hosts-file.ts'
import { readKeyBlob, readKeyText } from '../../../../src/host/ssh/known-hosts-key.ts'
import { hashName, matchesPattern } from '../../../../src/host/ssh/known-hosts-match.ts'
import { blobOf, ecdsaKey, ed25519Key, type MadeKey, rsaKey } from './keys.ts'

const text = (key: MadeKey) => `${key.type} ${key.base64}`
const file = (...lines: readonly string[]): KnownHostsFile => named('known_hosts', ...lines)
const named = (path: string, ...lines: readonly string[]): KnownHostsFile =>
  parseKnownHosts(Buffer.from(lines.map((l) => `${l}\n`).join(''), 'latin1'), path)
const kindOf = (files: KnownHostsFile | readonly KnownHostsFile[], host: string, key: MadeKey, port = 22) =>
  checkHostKey('path' in files ? [files] : files, { host, port }, key).kind

const a = ed25519Key()
const b = ed25519Key()
const rsa = rsaKey()
const ec = ecdsaKey()

describe('a host key against known_hosts', () => {
  it('matches a plain name, whatever its case, and says where', () => {
    const verdict = checkHostKey(
      [file('# comment', '', `Box.Example ${text(a)} me`)],
      { host: 'bOX.example', port: 22 },
      a,
    )
    expect(verdict).toMatchObject({ kind: 'match', file: 'known_hosts', line: 3, advice: '', name: 'box.example' })
    expect(verdict.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
  })

  it('takes any of several keys, in several files', () => {
    const files = [named('user', `box ${text(b)}`, `box ${text(rsa)}`), named('global', `box ${text(a)}`)]
    for (const key of [a, b, rsa]) expect(kindOf(files, 'box', key)).toBe('match')
    expect(checkHostKey(files, { host: 'box', port: 22 }, a)).toMatchObject({ file: 'global', line: 1 })
  })

  it('calls any other key changed, with what is known and what to do', () => {
    const verdict = checkHostKey([file(`box ${text(a)}`)], { host: 'box', port: 22 }, b)
    expect(verdict).toMatchObject({ kind: 'changed', line: 1 })
    expect(verdict.known.map((k) => k.fingerprint)).toEqual([readKeyText(a.type, a.base64)?.fingerprint])
    expect(verdict.advice).toContain(verdict.fingerprint)
    expect(verdict.advice).toContain('known_hosts:1')
    expect(kindOf(file(`box ${text(ec)}`), 'box', b)).toBe('changed')
    expect(checkHostKey([file(`box ${text(ec)}`)], { host: 'box', port: 22 }, b).advice).toContain('other types')
  })

  it('looks ports up in brackets, and the bare name only for this very key', () => {
    expect(kindOf(file(`[box]:2222 ${text(a)}`), 'box', a, 2222)).toBe('match')
    expect(kindOf(file(`[box]:2222 ${text(a)}`), 'box', a)).toBe('unknown')
    expect(kindOf(file(`[box]:22 ${text(a)}`), 'box', a)).toBe('unknown')
    expect(kindOf(file(`box ${text(a)}`), 'box', a, 2222)).toBe('match')
    expect(kindOf(file(`box ${text(a)}`), 'box', b, 2222)).toBe('unknown')
    expect(kindOf(file(`[box]:2222 ${text(b)}`, `box ${text(a)}`), 'box', a, 2222)).toBe('changed')
    expect(kindOf(file(`[::1]:2222 ${text(a)}`, `::1 ${text(b)}`), '::1', a, 2222)).toBe('match')
    expect(kindOf(file(`fe80::1 ${text(a)}`), 'FE80::1', a)).toBe('match')
  })

  it('looks up an alias alone', () => {
    const files = [file(`gpu ${text(a)}`, `box ${text(b)}`)]
    const at = (key: MadeKey) => checkHostKey(files, { host: 'box', port: 2222, hostKeyAlias: 'GPU' }, key).kind
    expect(at(a)).toBe('match')
    expect(at(b)).toBe('changed')
    expect(checkHostKey([file(`box ${text(b)}`)], { host: 'box', port: 22, hostKeyAlias: 'gpu' }, b).kind).toBe(
      'unknown',
    )
  })

  it('knows wildcards, lists and negation', () => {
    const files = file(`*.example,!bad.example,10.0.?.1 ${text(a)}`)
    expect(kindOf(files, 'x.example', a)).toBe('match')
    expect(kindOf(files, 'x.y.example', a)).toBe('match')
    expect(kindOf(files, 'bad.example', a)).toBe('unknown')
    expect(kindOf(files, '10.0.7.1', a)).toBe('match')
    expect(kindOf(files, '10.0.77.1', a)).toBe('unknown')
    expect(kindOf(file(`!bad ${text(a)}`), 'good', a)).toBe('unknown')
  })

  it('knows hashed names, with and without port', () => {
    expect(kindOf(file(`${hashName('box')} ${text(a)}`), 'Box', a)).toBe('match')
    expect(kindOf(file(`${hashName('[box]:2222')} ${text(a)}`), 'box', a, 2222)).toBe('match')
    expect(kindOf(file(`${hashName('other')} ${text(a)}`), 'box', a)).toBe('unknown')
    expect(kindOf(file(`${hashName('box')},box ${text(a)}`), 'box', a)).toBe('unknown')
    expect(kindOf(file(`|1|short|hash ${text(a)}`, `|2|x|y ${text(a)}`, `| ${text(a)}`), 'box', a)).toBe('unknown')
  })

  it('lets a revocation win, wherever and however it stands', () => {
    const revoked: readonly (readonly string[])[] = [
      [`box ${text(a)}`, `@revoked box ${text(a)}`],
      [`@revoked * ${text(a)}`, `box ${text(a)}`],
      [`box ${text(a)}`, `@revoked ${hashName('box')} ${text(a)}`],
      [`@revoked box ${text(a)}`],
      [`@revoked   \t box   ${text(a)} because`, `box ${text(a)}`],
    ]
    for (const lines of revoked) expect(kindOf(file(...lines), 'box', a), lines.join('|')).toBe('revoked')
    expect(kindOf([file(`box ${text(a)}`), named('global', `@revoked b?x ${text(a)}`)], 'box', a)).toBe('revoked')
    expect(kindOf(file(`box ${text(a)}`, `@revoked * ${text(b)}`), 'box', a)).toBe('match')
    expect(kindOf(file(`box ${text(a)}`, `@revoked * ${text(a)}`), 'box', a, 2222)).toBe('revoked')
  })

  it('takes a revoked certificate for a revoked key', () => {
    const raw = Buffer.from(a.base64, 'base64').subarray(-32)
    const certificate = blobOf('ssh-ed25519-cert-v01@openssh.com', 'nonce', raw, 'rest').toString('base64')
    const lines = [`box ${text(a)}`, `@revoked box ssh-ed25519-cert-v01@openssh.com ${certificate}`]
    expect(kindOf(file(...lines), 'box', a)).toBe('revoked')
  })

  it('hands hosts of a certificate authority to the system ssh', () => {
    const verdict = checkHostKey([file(`@cert-authority *.example ${text(b)}`)], { host: 'x.example', port: 22 }, a)
    expect(verdict).toMatchObject({ kind: 'needs-openssh', line: 1 })
    expect(verdict.advice).toContain('transport openssh')
    expect(kindOf(file(`@cert-authority * ${text(a)}`), 'box', a)).toBe('needs-openssh')
    expect(kindOf(file(`@cert-authority * ${text(b)}`, `box ${text(a)}`), 'box', a)).toBe('match')
    expect(kindOf(file(`@cert-authority * ${text(b)}`), 'box', a, 2222)).toBe('needs-openssh')
  })

  it('skips broken lines, counts them, and tells of those that a person may have meant', () => {
    const lines = [
      'box',
      'box ssh-ed25519',
      `box ssh-ed25519 ${a.base64.slice(0, -4)}`,
      `box ssh-rsa ${a.base64}`,
      `box SSH-ED25519 ${a.base64}`,
      `box # ${text(a)}`,
      `@what box ${text(a)}`,
      `@revoked @revoked box ${text(a)}`,
      '@revoked',
      '\r',
    ]
    expect(kindOf(file(...lines), 'box', a)).toBe('unknown')
    const verdict = checkHostKey([file(...lines, `box ${text(a)}`)], { host: 'box', port: 22 }, a)
    expect(verdict).toMatchObject({ kind: 'match', line: 11 })
    expect(verdict.warnings.map((w) => w.split(' ')[0]).sort()).toEqual(
      [
        'known_hosts:2',
        'known_hosts:3',
        'known_hosts:4',
        'known_hosts:5',
        'known_hosts:7',
        'known_hosts:8',
        'known_hosts:9',
      ].sort(),
    )
  })

  it('reads CRLF, tabs, leading blanks, no last newline and a NUL', () => {
    expect(kindOf(file(`box ${text(a)}\r`), 'box', a)).toBe('match')
    expect(kindOf(file(`box ${text(a)} comment\r`), 'box', a)).toBe('match')
    expect(kindOf(file(` \tbox\t\t${a.type}\t${a.base64}`), 'box', a)).toBe('match')
    expect(kindOf(parseKnownHosts(Buffer.from(`box ${text(a)}`), 'f'), 'box', a)).toBe('match')
    expect(kindOf(file(`x\0box ${text(a)}`), 'box', a)).toBe('unknown')
    expect(kindOf(file(`# ${'x'.repeat(1000)}\0`, `box ${text(a)}`), 'box', a)).toBe('match')
  })

  it('trusts nothing when a part of a file was not read', () => {
    const long = parseKnownHosts(Buffer.from(`@revoked ${'x,'.repeat(200_000)}box ${text(a)}\nbox ${text(a)}\n`), 'f')
    const verdict = checkHostKey([long], { host: 'box', port: 22 }, a)
    expect(verdict.kind).toBe('needs-openssh')
    expect(verdict.advice).toContain('line 1')
    expect(kindOf(long, 'box', b)).toBe('changed')
  })

  it('refuses keys that are none, or say one thing and are another', () => {
    const files = file(`box ${text(a)}`, `box ${text(rsa)}`)
    for (const key of [
      { type: 'ssh-ed25519', base64: '' },
      { type: '', base64: a.base64 },
      { type: 'ssh-rsa', base64: a.base64 },
      { type: 'ssh-ed25519', base64: `${a.base64.slice(0, -4)}AAAA====` },
      { type: '__proto__', base64: a.base64 },
      { type: 'constructor', base64: a.base64 },
      {
        type: 'ssh-ed25519',
        base64: Buffer.concat([Buffer.from(a.base64, 'base64'), Buffer.alloc(1)]).toString('base64'),
      },
    ])
      expect(kindOf(files, 'box', key), key.type).toBe('unknown')
    const short = rsaKey(1024)
    expect(kindOf(file(`box ${text(short)}`), 'box', short)).toBe('match')
    expect(checkHostKey([file(`box ${text(short)}`)], { host: 'box', port: 22 }, short, 2048).kind).toBe('unknown')
  })

  it('never takes a key for known that stands in no line, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const verdict: HostKeyVerdict = checkHostKey(
          [parseKnownHosts(Buffer.concat(parts.flatMap((p) => [Buffer.from('box '), p, Buffer.from('\n')])), 'f')],
          { host: 'box', port: 22 },
          a,
        )
        expect(verdict.kind).toBe('unknown')
      }),
    )
  })

  it('reads what it printed: a blob, its text, its fingerprint', () => {
    for (const key of [a, rsa, ec, ecdsaKey(384), ecdsaKey(521)]) {
      const read = readKeyBlob(Buffer.from(key.base64, 'base64'))
      expect(read).toMatchObject(key)
      expect(readKeyText(key.type, key.base64)).toEqual(read)
    }
    const off = blobOf('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)]))
    expect(readKeyBlob(off)).toBeNull()
  })
})

describe('patterns', () => {
  it('are the same as a regular expression made of them', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }), letters, (name, pattern) => {
        const source = pattern.replace(/\./g, '\\.').replace(/\*/g, '.*').replace(/\?/g, '.')
        expect(matchesPattern(name, pattern)).toBe(new RegExp(`^${source}$`).test(name))
      }),
    )
  })

  it('do not blow up', () => {
    expect(matchesPattern('a'.repeat(255), `${'a*'.repeat(500)}b`)).toBe(false)
  })
})

describe('the order of host key algorithms', () => {
  const order = (...lines: readonly string[]) =>
    preferredHostKeyAlgorithms([file(...lines)], { host: 'box', port: 2222 })

  it('asks for known types first and never for SHA-1', () => {
    expect(order()).toEqual(hostKeyAlgorithms)
    expect(order(`[box]:2222 ${text(ec)}`)[0]).toBe('ecdsa-sha2-nistp256')
    expect(order(`[box]:2222 ${text(rsa)}`).slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256'])
    expect(order(`[box]:2222 ${text(rsa)}`)).toHaveLength(hostKeyAlgorithms.length)
    expect(order(`box ${text(ec)}`)[0]).toBe('ecdsa-sha2-nistp256')
    expect(order(`@revoked [box]:2222 ${text(ec)}`)[0]).toBe('ssh-ed25519')
    expect(order().some((name) => name === 'ssh-rsa' || name === 'ssh-dss')).toBe(false)
  })

  it('keeps to what the configuration allows', () => {
    const allowed = ['ssh-rsa', 'ssh-ed25519-cert-v01@openssh.com', 'rsa-sha2-256', 'ssh-ed25519', 'rsa-sha2-256']
    expect(preferredHostKeyAlgorithms([], { host: 'box', port: 22 }, allowed)).toEqual(['rsa-sha2-256', 'ssh-ed25519'])
  })
})
