import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { TransferError } from '../../../../src/host/transfer/errors.ts'
import { TarReader } from '../../../../src/host/transfer/tar-reader.ts'

const folders: string[] = []
afterEach(() => {
  for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true })
})
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'kx-tar-'))
  folders.push(made)
  return made
}

/** A header as GNU tar writes it. */
function header(name: string, size: number, type = '0', magic = 'ustar  \0'): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0, 100)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write(type, 156)
  block.write(magic, 257, 'latin1')
  block.fill(' ', 148, 156)
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return block
}
const entry = (name: string, bytes: Buffer, type = '0') =>
  Buffer.concat([header(name, bytes.byteLength, type), bytes, Buffer.alloc((512 - (bytes.byteLength % 512)) % 512)])
const end = Buffer.alloc(1024)

function read(stream: Buffer, asked: Readonly<Record<string, number>>, cuts: readonly number[] = []) {
  const found = new Map<string, Buffer>()
  const reader = new TarReader(new Map(Object.entries(asked)), ({ path, bytes }) => {
    expect(found.has(path)).toBe(false)
    found.set(path, bytes)
  })
  let at = 0
  for (const cut of [...cuts, stream.byteLength].sort((a, b) => a - b)) {
    reader.take(stream.subarray(at, cut))
    at = cut
  }
  return { found, missing: reader.missing }
}

describe('a stream of files', () => {
  it('gives what was put in, whatever chunks it comes in', () => {
    const name = fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20}){0,2}$/)
    const files = fc.dictionary(name, fc.uint8Array({ maxLength: 2000 }), { maxKeys: 12 })
    fc.assert(
      fc.property(files, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }), (given, cuts) => {
        const list = Object.entries(given).map(([path, bytes]) => [path, Buffer.from(bytes)] as const)
        const half = Math.floor(list.length / 2)
        const archive = (part: typeof list) =>
          Buffer.concat([...part.map(([path, bytes]) => entry(`./${path}`, bytes)), end])
        // Two archives, one behind the other, as xargs makes them.
        const stream = Buffer.concat([archive(list.slice(0, half)), archive(list.slice(half))])
        const asked = Object.fromEntries(list.map(([path, bytes]) => [path, bytes.byteLength]))
        const { found, missing } = read(
          stream,
          asked,
          cuts.map((cut) => Math.floor(cut * stream.byteLength)),
        )
        expect(missing).toBe(0)
        expect([...found]).toEqual(list)
      }),
    )
  })
  it('takes only what was asked for, by name and size, and each once', () => {
    const one = Buffer.from('one')
    const stream = Buffer.concat([
      entry('../../etc/passwd', one),
      entry('/etc/passwd', one),
      entry('./other', one),
      entry('./a', Buffer.from('grown')),
      entry('./b', Buffer.alloc(0), '2'),
      entry('./c', one),
      entry('./c', Buffer.from('two')),
      end,
    ])
    const { found, missing } = read(stream, { a: 3, b: 0, c: 3 })
    expect([...found]).toEqual([['c', one]])
    expect(missing).toBe(2)
  })
  it('passes over a link whose size claims a body', () => {
    const stream = Buffer.concat([header('./link', 4096, '2'), entry('./a', Buffer.from('x')), end])
    expect([...read(stream, { a: 1, link: 4096 }).found.keys()]).toEqual(['a'])
  })
  it.each([
    ['no archive at all', Buffer.alloc(512, 'Welcome to the box\n')],
    ['a flipped bit in a header', Buffer.from(header('./a', 1).map((byte, i) => (i === 3 ? byte ^ 1 : byte)))],
    ['a size that is no number', header('./a', 1).fill('z', 124, 126)],
    ['a kind of header that GNU tar was told not to write', header('./a', 100, 'x')],
    ['a name without end', header('././@LongLink', 100_000, 'L')],
  ])('refuses %s', (_what, bytes) => {
    expect(() => read(bytes, { a: 1 })).toThrow(TransferError)
  })
  it('ends in an error or in files that were asked for, whatever bytes come', () => {
    const good = Buffer.concat([entry('./a', Buffer.from('abc')), entry('./b', Buffer.alloc(700, 1)), end])
    fc.assert(
      fc.property(fc.nat(good.byteLength - 1), fc.nat(255), (at, value) => {
        const bytes = Buffer.from(good)
        bytes[at] = value
        try {
          const { found } = read(bytes, { a: 3, b: 700 })
          for (const [path, content] of found) expect(content.byteLength).toBe({ a: 3, b: 700 }[path])
        } catch (error) {
          expect(error).toBeInstanceOf(TransferError)
        }
      }),
      { numRuns: 500 },
    )
  })
  it.each([
    ['tar', '--format=gnu', '--hard-dereference'],
    ['busybox', 'tar'],
  ])('reads what %s writes', (...words) => {
    const [program = '', ...args] = words.filter((word) => typeof word === 'string')
    if (program === 'busybox' && !existsSync('/usr/bin/busybox') && !existsSync('/bin/busybox')) {
      expect(process.env.KX_REQUIRE_TOOLS).not.toBe('1')
      return
    }
    const at = folder()
    const long = `${'deep/'.repeat(30)}${'n'.repeat(120)}`
    const names = ['plain', "it's", 'sp ace', 'ünïcode', long, 'empty']
    for (const name of names) {
      mkdirSync(join(at, name, '..'), { recursive: true })
      writeFileSync(join(at, name), name === 'empty' ? '' : Buffer.alloc(1000, name))
    }
    symlinkSync('plain', join(at, 'link'))
    const stream = execFileSync(
      program,
      [...args, '-c', '-f', '-', '--', ...[...names, 'link'].map((name) => `./${name}`)],
      { cwd: at, stdio: ['ignore', 'pipe', 'ignore'] },
    )
    const asked = Object.fromEntries(names.map((name) => [name, name === 'empty' ? 0 : 1000]))
    const { found, missing } = read(stream, { ...asked, link: 5 })
    expect(missing).toBe(1)
    for (const name of names) expect(found.get(name)?.equals(Buffer.alloc(asked[name] as number, name))).toBe(true)
  })
})
