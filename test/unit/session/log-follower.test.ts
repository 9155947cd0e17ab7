import {
  appendFileSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { logReader, readBytesOf } from '../../../src/cli/log-reader.ts'
import { createRegistry } from '../../../src/secret/registry.ts'
import { createLogFollower, lookBytes, type ReadBytes, type ShownLog } from '../../../src/session/log-follower.ts'
import { redactText } from '../../../src/text/redact.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-follow-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let file = ''
let count = 0
beforeEach(() => {
  file = join(folder, `log-${count++}`)
})

const linesOf = ({ buffer }: ShownLog) =>
  Array.from({ length: buffer.end() - buffer.first() }, (_, i) => buffer.line(buffer.first() + i))
const numbered = (from: number, to: number, padding = 0) =>
  Array.from(
    { length: to - from },
    (_, i) => `line ${from + i} of the log${padding > 0 ? ` ${'x'.repeat(padding)}` : ''}\n`,
  ).join('')

/** Counts what is asked of the file. */
function counted(read: ReadBytes) {
  const asked = { calls: 0, bytes: 0, most: 0 }
  const counting: ReadBytes = async (offset, length) => {
    const answer = await read(offset, length)
    asked.calls += 1
    asked.bytes += answer.bytes?.length ?? 0
    asked.most = Math.max(asked.most, length)
    return answer
  }
  return { asked, counting }
}

describe('a followed log', () => {
  it('shows no secret, cut at any byte, nor half of one in the line that is still written', async () => {
    const value = 'correct-horse-battery-9'
    const key = `-----BEGIN PRIVATE KEY-----\n${'Qk1'.repeat(20)}\n-----END PRIVATE KEY-----\n`
    const text = `token ${value} used\nAWS_SECRET_ACCESS_KEY=${'z9'.repeat(20)}\n${key}at ${value}\nend ${value}`
    const secrets = createRegistry()
    secrets.add('token', value, 'typed')
    const shownWhole = redactText(text, secrets).text.split('\n')
    for (let cut = 1; cut < text.length; cut += 1) {
      writeFileSync(file, text.slice(0, cut))
      const follower = createLogFollower(secrets)
      const first = await follower.look(readBytesOf(file))
      const early = [...linesOf(first), first.pending].join('\n')
      appendFileSync(file, text.slice(cut))
      const log = await follower.look(readBytesOf(file))
      for (const shown of [early, [...linesOf(log), log.pending].join('\n')])
        for (const hidden of [value.slice(0, 5), value.slice(-5), 'z9z9', 'Qk1Q']) expect(shown).not.toContain(hidden)
      expect([...linesOf(log), log.pending]).toEqual(shownWhole)
    }
  })

  it('waits for a file that is not there yet, then takes what is new and nothing twice', async () => {
    const follower = createLogFollower(null)
    const { asked, counting } = counted(readBytesOf(file))
    expect(linesOf(await follower.look(counting))).toEqual([])
    writeFileSync(file, 'one\ntwo\nthr')
    const first = await follower.look(counting)
    expect([linesOf(first), first.pending]).toEqual([['one', 'two'], 'thr'])
    appendFileSync(file, 'ee\nfour\n')
    const second = await follower.look(counting)
    expect(linesOf(second)).toEqual(['one', 'two', 'three', 'four'])
    expect(second.buffer).toBe(first.buffer)
    asked.bytes = 0
    const third = await follower.look(counting)
    expect(third.version).toBe(second.version)
    expect(asked.bytes).toBeLessThanOrEqual(64)
  })

  it('says the same for any pieces that the file came in, also inside a character or a sequence', async () => {
    const text = 'é日本 \x1b[31mred\x1b[0m\nprogress 1\rprogress 2\n\x1b]0;title\x07after\nlast'
    const bytes = Buffer.from(text)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }), async (cuts) => {
        const path = join(folder, `pieces-${count++}`)
        const follower = createLogFollower(null)
        const read = readBytesOf(path)
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          appendFileSync(path, bytes.subarray(at, at + cut))
          at += cut
          await follower.look(read)
        }
        const { pending, ...log } = await follower.look(read)
        expect(linesOf({ pending, ...log }).join('\n')).toBe('é日本 ␛red␛\nprogress 2\n␛after')
        expect(pending).toBe('last')
      }),
      { numRuns: 40 },
    )
  })

  it('begins with the end of a long log, at a whole line, and says what lies before', async () => {
    writeFileSync(file, numbered(0, 40_000, 80))
    const { asked, counting } = counted(readBytesOf(file))
    const log = await createLogFollower(null).look(counting)
    const lines = linesOf(log)
    expect(lines[0]).toMatch(/^\[kx: \d+(\.\d+)? MiB before this are skipped\]$/)
    expect(lines[1]).toMatch(/^line \d+ of the log x*$/)
    expect(lines.at(-1)).toMatch(/^line 39999 of the log/)
    expect(log.skippedBytes).toBeGreaterThan(40_000 * 80 - lookBytes)
    expect(asked.bytes).toBe(lookBytes)
  })

  it('skips ahead when the log grows faster than it is looked at, in bounded reads and memory', async () => {
    const fd = openSync(file, 'w')
    const follower = createLogFollower(null, { lines: 1000, characters: 100_000, lineCharacters: 400 })
    const { asked, counting } = counted(readBytesOf(file))
    const piece = Buffer.from(numbered(0, 100_000))
    await follower.look(counting)
    for (let i = 0; i < 8; i++) {
      writeSync(fd, piece)
      asked.calls = asked.bytes = 0
      const log = await follower.look(counting)
      expect(asked.calls).toBeLessThanOrEqual(2)
      expect(asked.bytes).toBeLessThanOrEqual(2 * lookBytes + 64)
      const lines = linesOf(log)
      expect(lines.at(-1)).toBe('line 99999 of the log')
      expect(lines.reduce((sum, l) => sum + l.length, 0)).toBeLessThanOrEqual(100_000)
    }
    // A slow look after the flood goes on where it stood.
    writeSync(fd, 'after\n')
    const calm = linesOf(await follower.look(counting))
    expect(calm.slice(-2)).toEqual(['line 99999 of the log', 'after'])
  })

  it('says how much was skipped', async () => {
    writeFileSync(file, 'begin\n')
    const follower = createLogFollower(null)
    await follower.look(readBytesOf(file))
    appendFileSync(file, numbered(0, 50_000, 80))
    const lines = linesOf(await follower.look(readBytesOf(file)))
    expect(lines[0]).toBe('begin')
    expect(lines[1]).toMatch(/^\[kx: .+ came faster than shown and were skipped\]$/)
  })

  it('begins anew when the file was truncated, and when another took its place', async () => {
    writeFileSync(file, 'aaaa\nbbbb\n')
    const follower = createLogFollower(null)
    const first = await follower.look(readBytesOf(file))
    truncateSync(file, 0)
    appendFileSync(file, 'new\n')
    const second = await follower.look(readBytesOf(file))
    expect(second.buffer).not.toBe(first.buffer)
    expect(linesOf(second)).toEqual([expect.stringContaining('became shorter'), 'new'])
    writeFileSync(`${file}.1`, 'rotated and longer than before\n')
    renameSync(`${file}.1`, file)
    const third = await follower.look(readBytesOf(file))
    expect(linesOf(third)).toEqual([expect.stringContaining('was replaced'), 'rotated and longer than before'])
  })

  it('takes in nothing twice when two looks are asked for at once', async () => {
    writeFileSync(file, numbered(0, 100))
    const follower = createLogFollower(null)
    await Promise.all([1, 2, 3].map(() => follower.look(readBytesOf(file))))
    appendFileSync(file, 'end\n')
    const [, log] = await Promise.all([follower.look(readBytesOf(file)), follower.look(readBytesOf(file))])
    expect(linesOf(log)).toHaveLength(101)
  })

  it('goes on after a look that failed', async () => {
    writeFileSync(file, 'one\n')
    const follower = createLogFollower(null)
    await expect(follower.look(() => Promise.reject(new Error('link lost')))).rejects.toThrow('link lost')
    expect(linesOf(await follower.look(readBytesOf(file)))).toEqual(['one'])
  })
})

describe('the reader of a pane', () => {
  it('holds one log: another key begins another buffer', async () => {
    const reader = logReader()
    const none = async () => null
    writeFileSync(file, 'one\n')
    const a = await reader.look('a', readBytesOf(file), none)
    expect((await reader.look('a', readBytesOf(file), none)).buffer).toBe(a.buffer)
    expect((await reader.look('b', readBytesOf(file), none)).buffer).not.toBe(a.buffer)
  })
})
