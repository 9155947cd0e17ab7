import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/host/local.ts'
import type { ShownLog } from '../../../src/session/log-follower.ts'
import { createTailFollower, type ReadTail, tailLookBytes } from '../../../src/session/tail-follower.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-tail-'))
const host = createLocalHost()
afterAll(async () => {
  await host.close()
  rmSync(folder, { recursive: true, force: true })
})
let file = ''
let count = 0
beforeEach(() => {
  file = join(folder, `log-${count++}`)
})
const read: ReadTail = (from, length) => host.tail(file, from, length)
const linesOf = ({ buffer }: ShownLog) =>
  Array.from({ length: buffer.end() - buffer.first() }, (_, i) => buffer.line(buffer.first() + i))
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i} of the log ${'x'.repeat(60)}\n`).join('')

describe('a log that is followed by position', () => {
  it('is not there, then there: takes what is new, nothing twice, and goes on after a read that failed', async () => {
    const follower = createTailFollower(null)
    expect(await follower.look(read)).toMatchObject({ isThere: false })
    writeFileSync(file, 'one\ntwo\nthr')
    const first = await follower.look(read)
    expect([linesOf(first.log), first.log.pending, first.isThere]).toEqual([['one', 'two'], 'thr', true])
    appendFileSync(file, 'ee\nfour\n')
    await expect(follower.look(() => Promise.reject(new Error('link lost')))).rejects.toThrow('link lost')
    const second = await follower.look(read)
    expect(linesOf(second.log)).toEqual(['one', 'two', 'three', 'four'])
    expect(second.log.buffer).toBe(first.log.buffer)
    expect((await follower.look(read)).log.version).toBe(second.log.version)
  })

  it('says the same for any pieces that the file came in, byte for byte', async () => {
    const text = 'é日本 one\nprogress 1\nprogress 2\n\nlast line\n'
    const bytes = Buffer.from(text)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }), async (cuts) => {
        file = join(folder, `pieces-${count++}`)
        writeFileSync(file, '')
        const follower = createTailFollower(null)
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          appendFileSync(file, bytes.subarray(at, at + cut))
          at += cut
          await follower.look(read)
        }
        const { log } = await follower.look(read)
        expect(linesOf(log).join('\n')).toBe(readFileSync(file, 'utf8').slice(0, -1))
      }),
      { numRuns: 30 },
    )
  })

  it('begins with the end of a long log at a whole line, and skips ahead of a flood in bounded reads', async () => {
    writeFileSync(file, numbered(0, 10_000))
    const lengths: number[] = []
    const counting: ReadTail = async (from, length) => {
      const found = await read(from, length)
      lengths.push(found?.bytes.length ?? 0)
      return found
    }
    const follower = createTailFollower(null)
    const first = linesOf((await follower.look(counting)).log)
    expect(first[0]).toMatch(/^\[kx: \d+ KiB before this are skipped\]$/)
    expect(first[1]).toMatch(/^line \d+ of the log x{60}$/)
    expect(first.at(-1)).toContain('line 9999 of the log')
    appendFileSync(file, numbered(10_000, 20_000))
    const flooded = await follower.look(counting)
    expect(flooded.isBehind).toBe(true)
    const calm = await follower.look(counting)
    expect(calm.isBehind).toBe(false)
    const lines = linesOf(calm.log)
    expect(lines.at(-1)).toContain('line 19999 of the log')
    expect(lines.filter((line) => /came faster than shown and were skipped/.test(line))).toHaveLength(1)
    expect(new Set(lines).size).toBe(lines.length)
    // What was skipped and what is shown are all of it.
    const shown = lines.filter((line) => line.startsWith('line ')).reduce((sum, line) => sum + line.length + 1, 0)
    // The line that the jump cut off was given an end of its own.
    expect(shown + calm.log.skippedBytes).toBe(readFileSync(file).length + 1)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(tailLookBytes)
    expect(lengths).toHaveLength(4)
  })

  it('begins anew when the log was rotated, or copied and truncated, and says so', async () => {
    writeFileSync(file, 'aaaa\nbbbb\n')
    const follower = createTailFollower(null)
    const first = await follower.look(read)
    renameSync(file, `${file}.1`)
    expect(await follower.look(read)).toMatchObject({ isThere: false, log: { buffer: first.log.buffer } })
    writeFileSync(file, 'rotated and longer than before\n')
    const second = await follower.look(read)
    expect(linesOf(second.log)).toEqual([expect.stringContaining('was replaced'), 'rotated and longer than before'])
    copyFileSync(file, `${file}.2`)
    truncateSync(file, 0)
    appendFileSync(file, 'new\n')
    const third = await follower.look(read)
    expect(linesOf(third.log)).toEqual([expect.stringContaining('became shorter'), 'new'])
  })

  it('shows no escape sequence and no secret, also in the line that is still written', async () => {
    const secrets = { version: 1, needles: () => ['correct-horse'] }
    writeFileSync(file, '\x1b[31mred\x1b[0m correct-horse\nand correct-horse')
    const { log } = await createTailFollower(secrets).look(read)
    const all = [...linesOf(log), log.pending].join('\n')
    expect(all).toContain('red')
    expect(all).toContain('***')
    expect(all).not.toContain('correct-horse')
    expect(all).not.toContain('\x1b')
  })
})
