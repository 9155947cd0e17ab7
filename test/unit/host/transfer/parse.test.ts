import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseFacts } from '../../../../src/host/transfer/facts.ts'
import { chooseHasher } from '../../../../src/host/transfer/hasher.ts'
import { readingFor } from '../../../../src/host/transfer/link-speed.ts'

const sum = 'a'.repeat(64)

describe('facts of many files', () => {
  it('takes stat lines and hashes of any of the hashers, by name', () => {
    const said = `= 81a4 12 1700000000.123456789 99 ./a b\n${sum} *./a b\n= 81a4 3 1700000000 7 ./c\n${sum}  ./c\nend\n`
    expect([...parseFacts(said, new Set(['a b', 'c']))]).toEqual([
      ['a b', { path: 'a b', kind: 'file', bytes: 12, mtimeMs: 1700000000123.4568, inode: 99, sha256: sum }],
      ['c', { path: 'c', kind: 'file', bytes: 3, mtimeMs: 1700000000000, inode: 7, sha256: sum }],
    ])
  })
  it('tells nothing of what was not asked for, or is not of the form', () => {
    const said = `= 81a4 12 1700000000.1 99 ./other\n= zz 12 1 9 ./a\n${sum.slice(1)} *./a\n${sum} *./other\n= 81a4 12 1700000000.123456789 99 ./b\nend\n`
    expect([...parseFacts(said, new Set(['a', 'b']))]).toEqual([
      ['b', expect.objectContaining({ bytes: 12, sha256: null })],
    ])
  })
})

describe('the hasher', () => {
  const zeros = createHash('sha256')
    .update(Buffer.alloc(16 * 1024 * 1024))
    .digest('hex')
  const line = (name: string, seconds: number, sha256 = zeros) =>
    `${name} 100.00 ${(100 + seconds).toFixed(2)} ${sha256}`
  it('is the fastest of those that hash rightly', () => {
    const said = [
      line('sha256sum', 0.12),
      line('openssl', 0.01, sum),
      line('python3', 0.04),
      line('made-up', 0.01),
      'end',
    ]
    expect(chooseHasher(said.join('\n'))).toMatchObject({ name: 'python3', mibPerSecond: expect.closeTo(400, 0) })
  })
  it('is the first one where no time is told, and none where none answers rightly', () => {
    expect(chooseHasher(`openssl - - ${zeros}\nsha256sum - - ${zeros}\n`)).toMatchObject({ name: 'openssl' })
    expect(chooseHasher(line('openssl', 0.1, sum))).toBeNull()
    expect(chooseHasher('')).toBeNull()
  })
})

describe('reading a large file', () => {
  const times = [0, 2, 14, 15, 50, 400]
  it('takes several streams only where the window of one holds up the link and cannot be chosen', () => {
    expect(times.map((each) => readingFor(each, 'openssh').lanes)).toEqual([1, 1, 1, 2, 5, 5])
    expect(times.map((each) => readingFor(each, 'ssh').lanes)).toEqual([1, 1, 1, 1, 1, 1])
  })
  it('widens the window of ssh2 by the round trip, to a bound', () => {
    const mib = (milliseconds: number) => readingFor(milliseconds, 'ssh').windowBytes / 1024 / 1024
    expect(times.map(mib)).toEqual([2, 2, 2, 8, 26, 32])
  })
})
