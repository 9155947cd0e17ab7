import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkHostKey } from '../../../../src/host/ssh/known-hosts.ts'
import { addHostKey, replaceHostKey } from '../../../../src/host/ssh/known-hosts-edit.ts'
import { readKnownHostsFile, readKnownHostsFiles } from '../../../../src/host/ssh/known-hosts-file.ts'
import { hashName } from '../../../../src/host/ssh/known-hosts-match.ts'
import { ed25519Key, type MadeKey, rsaKey } from './keys.ts'

const a = ed25519Key()
const b = ed25519Key()
const text = (key: MadeKey) => `${key.type} ${key.base64}`
const box = { host: 'box', port: 22 }
const plain = { isHashed: false }
const act = { isHashed: false, atMs: Date.UTC(2026, 0, 2) }

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-kh-edit-'))
  path = join(folder, 'ssh', 'known_hosts')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const put = (content: string) => {
  path = join(folder, 'known_hosts')
  writeFileSync(path, content, 'latin1')
}
const content = (of = path) => readFileSync(of, 'latin1')
const kindOf = (key: MadeKey, target = box) => checkHostKey([readKnownHostsFile(path)], target, key).kind

describe('adding a host key', () => {
  it('makes a file of the user alone, and a line that is found', () => {
    expect(addHostKey(path, box, a, plain)).toBe('added')
    expect(content()).toBe(`box ${text(a)}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'ssh')).mode & 0o777).toBe(0o700)
    expect(addHostKey(path, box, a, plain)).toBe('there')
    expect(content()).toBe(`box ${text(a)}\n`)
  })

  it('leaves what is there byte for byte, and ends a last line first', () => {
    const before = `# mine \xff\r\n@what is this\n\n other ${text(b)}`
    put(before)
    addHostKey(path, { host: 'Box.Example', port: 2222 }, a, plain)
    expect(content()).toBe(`${before}\n[box.example]:2222 ${text(a)}\n`)
  })

  it('hashes when it is asked to', () => {
    addHostKey(path, { host: '10.0.0.1', port: 2222 }, a, { isHashed: true })
    expect(content()).toMatch(/^\|1\|[^ ]+\|[^ ]+ ssh-ed25519 /)
    expect(content()).not.toContain('10.0.0.1')
    expect(kindOf(a, { host: '10.0.0.1', port: 2222 })).toBe('match')
  })

  it('refuses beside another key, against a revocation, and names that would be read as something else', () => {
    put(`box ${text(b)}\n@revoked gone ${text(a)}\n`)
    const before = content()
    expect(() => addHostKey(path, box, a, plain)).toThrow(/not the known one/)
    expect(() => addHostKey(path, { host: 'gone', port: 22 }, a, plain)).toThrow(/revoked/)
    for (const host of ['a b', 'a,b', '*', 'a?', '!a', '|1|x', '@revoked', '#x', '', 'a\nb', 'a\x1bb', 'a\u202eb'])
      expect(() => addHostKey(path, { host, port: 22 }, a, plain), host).toThrow(/cannot be written|cannot be read/)
    expect(() => addHostKey(path, { host: 'x', port: 22 }, { ...a, type: 'ssh-rsa' }, plain)).toThrow(/cannot be read/)
    const forged = { type: a.type, base64: `${a.base64}\nevil ${text(b)}` }
    expect(() => addHostKey(path, { host: 'x', port: 22 }, forged, plain)).toThrow(/cannot be read/)
    expect(content()).toBe(before)
  })

  it('goes through a symlink, as settings kept in a repository have it', () => {
    put('')
    const link = join(folder, 'link')
    symlinkSync(path, link)
    addHostKey(link, box, a, plain)
    replaceHostKey(link, box, b, act)
    expect(content()).toBe(`box ${text(b)}\n`)
    expect(readKnownHostsFiles([link])[0]?.lines).toHaveLength(1)
  })
})

describe('replacing a host key', () => {
  it('takes out this name only, keeps the old lines, and every other byte', () => {
    const rsa = rsaKey(1024)
    const kept = [`# c\r`, `other ${text(a)}`, `@revoked box ${text(rsa)}`, `box broken`, `[box]:2222 ${text(a)} x`]
    put(
      [
        kept[0],
        `box ${text(a)} old`,
        kept[1],
        `box,10.0.0.1 ${text(rsa)}\r`,
        kept[2],
        `${hashName('box')} ${text(a)}`,
        ...kept.slice(3),
      ].join('\n'),
    )
    const result = replaceHostKey(path, box, b, act)
    expect(result.removed).toHaveLength(3)
    expect(content()).toBe(
      [kept[0], kept[1], `10.0.0.1 ${text(rsa)}\r`, kept[2], ...kept.slice(3), `box ${text(b)}`, ''].join('\n'),
    )
    expect(kindOf(b)).toBe('match')
    expect(kindOf(a)).toBe('changed')
    expect(result.backup).toBe(`${path}.kx-old`)
    const backup = content(result.backup ?? '')
    expect(backup).toContain('2026-01-02T00:00:00.000Z')
    for (const line of result.removed) expect(backup).toContain(`${line}\n`)
    expect(statSync(result.backup ?? '').mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('adds when nothing was there, and only removes when nothing is given', () => {
    expect(replaceHostKey(join(folder, 'known_hosts'), box, a, act)).toEqual({ removed: [], backup: null })
    path = join(folder, 'known_hosts')
    expect(kindOf(a)).toBe('match')
    expect(replaceHostKey(path, box, null, act).removed).toEqual([`box ${text(a)}`])
    expect(content()).toBe('')
  })

  it('leaves lines alone that speak of other hosts by a pattern, and says so', () => {
    for (const names of ['*', 'b?x', 'box,*.example', 'box,!x']) {
      put(`${names} ${text(a)}\n`)
      expect(() => replaceHostKey(path, box, b, act), names).toThrow(/by a pattern/)
      expect(content()).toBe(`${names} ${text(a)}\n`)
    }
    expect(readdirSync(folder).filter((name) => name !== 'known_hosts')).toEqual([])
  })
})
