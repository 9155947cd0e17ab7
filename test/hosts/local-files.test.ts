import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../src/host/local.ts'

const host = createLocalHost()
const folder = mkdtempSync(join(tmpdir(), 'kx-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))

describe('identity', () => {
  it('is the one of this machine', async () => {
    const me = await host.identity()
    expect(me.host).toBe('local')
    expect(me.hostname).toBe(hostname())
    expect(me.bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
    expect(me.user).toBe(String(process.getuid?.()))
    expect(await host.identity()).toEqual(me)
  })
})

describe('write and read', () => {
  it('makes folders 0700, files 0600, and leaves no temporary file', async () => {
    const path = join(folder, 'a/b/c.json')
    await host.write(path, 'one')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
    await host.write(path, new Uint8Array([0, 255, 10]), 0o755)
    expect([...readFileSync(path)]).toEqual([0, 255, 10])
    expect(statSync(path).mode & 0o777).toBe(0o755)
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['c.json'])
  })

  it('keeps the old file when the new one cannot be put there', async () => {
    const path = join(folder, 'taken')
    mkdirSync(join(path, 'inside'), { recursive: true })
    await expect(host.write(path, 'x')).rejects.toThrow(/Cannot write/)
    expect(readdirSync(folder).filter((name) => name.includes('.kx-'))).toEqual([])
    await expect(host.write('relative', 'x')).rejects.toThrow(/absolute/)
  })

  it('reads from an offset, short at the end, null when missing', async () => {
    const path = join(folder, 'digits')
    writeFileSync(path, '0123456789')
    expect(text(await host.read(path, 3, 4))).toBe('3456')
    expect(text(await host.read(path, 8, 100))).toBe('89')
    expect(text(await host.read(path, 50, 10))).toBe('')
    expect(await host.read(join(folder, 'none'), 0, 1)).toBeNull()
    expect(text(await host.read('/proc/self/status', 0, 5))).toBe('Name:')
  })

  it('refuses pipes and folders without waiting', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await expect(host.read(pipe, 0, 1)).rejects.toThrow(/not a regular file/)
    await expect(host.sha256(folder)).rejects.toThrow(/not a regular file/)
  })

  it('hashes what lies there now', async () => {
    const path = join(folder, 'big')
    const bytes = Buffer.alloc(3_000_001, 'kx')
    writeFileSync(path, bytes)
    expect(await host.sha256(path)).toBe(createHash('sha256').update(bytes).digest('hex'))
    await expect(host.sha256(join(folder, 'none'))).rejects.toThrow(/no such file/)
    await expect(host.sha256(path, AbortSignal.abort())).rejects.toThrow()
  })
})

describe('stat and list', () => {
  it('sees links as links and odd names as they are', async () => {
    const place = join(folder, 'list')
    mkdirSync(place)
    writeFileSync(join(place, 'a b\nc'), 'xy')
    mkdirSync(join(place, 'sub'))
    symlinkSync('/etc', join(place, 'zlink'))
    execFileSync('sh', ['-c', `cd "$1" && : > "$(printf 'bad\\377')"`, 'sh', place])
    const found = await host.list(place)
    expect(found?.map((f) => [f.path.slice(place.length + 1), f.kind, f.kind === 'file' ? f.bytes : 0])).toEqual([
      ['a b\nc', 'file', 2],
      ['bad\ufffd', 'file', 0],
      ['sub', 'folder', 0],
      ['zlink', 'symlink', 0],
    ])
    expect((await host.stat(join(place, 'zlink')))?.kind).toBe('symlink')
    expect(await host.stat(join(place, 'none'))).toBeNull()
    expect(await host.list(join(place, 'none'))).toBeNull()
    expect(await host.list(join(place, 'a b\nc'))).toBeNull()
  })
})

describe('removeTree', () => {
  const outside = join(folder, 'outside')
  const under = join(folder, 'under')
  beforeAll(() => {
    mkdirSync(outside)
    writeFileSync(join(outside, 'precious'), 'x')
    mkdirSync(under)
  })

  it('removes the tree and not what its links point to', async () => {
    const target = join(under, 'run')
    mkdirSync(join(target, 'deep/er'), { recursive: true })
    writeFileSync(join(target, 'deep/er/file'), 'x')
    symlinkSync(outside, join(target, 'deep/link'))
    await host.removeTree(target, under)
    expect(existsSync(target)).toBe(false)
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('x')
    await host.removeTree(target, under)
  })

  it('refuses everything that is not really inside', async () => {
    symlinkSync(outside, join(under, 'link'))
    symlinkSync(under, join(folder, 'under-link'))
    mkdirSync(join(outside, 'sub'))
    mkdirSync(join(under, 'run2'))
    writeFileSync(join(under, 'file'), 'x')
    const refused: readonly (readonly [string, string])[] = [
      [outside, under],
      [under, under],
      [join(under, '..', 'outside'), under],
      [join(under, 'link'), under],
      [join(under, 'link', 'sub'), under],
      [join(folder, 'under-link', 'run2'), join(folder, 'under-link')],
      [join(under, 'file'), under],
      ['/proc', '/'],
      ['run2', under],
      [`${under}-else`, under],
    ]
    for (const [path, root] of refused)
      await expect(host.removeTree(path, root), `${path} under ${root}`).rejects.toThrow(/Refused|absolute/)
    expect(existsSync(join(outside, 'sub'))).toBe(true)
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('x')
    expect(existsSync(join(under, 'run2'))).toBe(true)
  })
})
