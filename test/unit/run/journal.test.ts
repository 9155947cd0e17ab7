import { createHash } from 'node:crypto'
import { appendFileSync, chmodSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRunError } from '../../../src/run/errors.ts'
import { openRun } from '../../../src/run/handle.ts'
import { realDisk } from '../../../src/run/journal.ts'
import { encodeLine, JournalCursor, maxLineBytes, noPrevious, parseLine } from '../../../src/run/journal-line.ts'
import type { JournalRecord } from '../../../src/run/types.ts'
import { linesOf, newRun } from './support.ts'

const rejection = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('was not rejected')
}

describe('journal', () => {
  it('chains every line to the bytes of the one before', async () => {
    const { run } = await newRun()
    for (const text of ['one', 'zwei', '三']) await run.append('note', { text })
    const lines = linesOf(run.folder)
    expect(lines).toHaveLength(4)
    let previous = noPrevious
    lines.forEach((line, i) => {
      const record = JSON.parse(line) as JournalRecord
      expect(Object.keys(record)).toEqual(['v', 'sequence', 'fence', 'previous', 'atMs', 'kind', 'payload'])
      expect(record).toMatchObject({ v: 1, sequence: i + 1, previous })
      previous = createHash('sha256').update(line).digest('hex')
    })
    expect(statSync(join(run.folder, 'journal.jsonl')).mode & 0o777).toBe(0o600)
    expect(statSync(join(run.folder, 'journal.lock')).mode & 0o777).toBe(0o600)
    expect(statSync(run.folder).mode & 0o777).toBe(0o700)
    await run.close()
  })

  it('drops a torn tail, says so, and goes on with the next sequence', async () => {
    const { run, options } = await newRun()
    await run.append('note', { text: 'whole' })
    await run.close()
    appendFileSync(join(run.folder, 'journal.jsonl'), '{"v":1,"sequence":3,"fence":9,"prev')
    const again = await openRun(run.folder, options)
    expect(again.state().notes.map((n) => n.text)).toEqual(['whole', expect.stringMatching(/Dropped 35 bytes/)])
    expect(again.state().warnings.join()).toMatch(/Dropped 35 bytes of a half-written line after record 2/)
    expect((await again.append('note', { text: 'next' })).sequence).toBe(4)
    await again.close()
    const third = await openRun(run.folder, options)
    expect(third.suspect()).toBeNull()
    expect(third.state().fence).toBeLessThan(9)
    await third.close()
  })

  it('does not take a line that another process is writing for a torn one while it only looks', async () => {
    const { run } = await newRun()
    appendFileSync(join(run.folder, 'journal.jsonl'), '{"v":1,')
    await run.refresh()
    expect(run.state().warnings).toEqual([])
    expect(readFileSync(join(run.folder, 'journal.jsonl'), 'utf8')).toMatch(/\{"v":1,$/)
    await run.close()
  })

  it('says where the chain broke, still opens, and writes nothing more', async () => {
    const { run, options } = await newRun()
    for (const text of ['a', 'b', 'c', 'd']) await run.append('note', { text })
    await run.close()
    const path = join(run.folder, 'journal.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"text":"b"', '"text":"B"'))
    const before = readFileSync(path, 'utf8')
    const again = await openRun(run.folder, options)
    expect(again.state().notes).toHaveLength(4)
    expect(again.state().warnings[0]).toMatch(/line 4 does not follow from the line before/)
    expect(isRunError(await rejection(again.append('note', { text: 'e' })), 'suspect')).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe(before)
    await again.close()
  })

  it('notices any change of any byte (property)', () => {
    const lines: Uint8Array[] = []
    let previous = noPrevious
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      const line = encodeLine({
        v: 1,
        sequence,
        fence: 1,
        previous,
        atMs: 1,
        kind: 'note',
        payload: { text: `t${sequence}` },
      })
      previous = createHash('sha256').update(line.subarray(0, -1)).digest('hex')
      lines.push(line)
    }
    const whole = Buffer.concat(lines)
    const lastLine = whole.length - (lines[3]?.length ?? 0)
    fc.assert(
      fc.property(fc.nat(lastLine - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        const cursor = new JournalCursor()
        cursor.take(bytes)
        expect(cursor.chainBreak).not.toBeNull()
      }),
    )
    const cursor = new JournalCursor()
    expect(cursor.take(whole).records).toHaveLength(4)
    expect(cursor.chainBreak).toBeNull()
  })

  it('reads the same from any split (property)', () => {
    const bytes = Buffer.concat(
      [1, 2, 3].map((sequence) =>
        encodeLine({ v: 1, sequence, fence: 1, previous: noPrevious, atMs: 1, kind: 'note', payload: { text: 'ü' } }),
      ),
    )
    const reference = new JournalCursor()
    reference.take(bytes)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
        const cursor = new JournalCursor()
        for (const end of [...cuts.sort((a, b) => a - b), bytes.length])
          if (end > cursor.offset) cursor.take(bytes.subarray(cursor.offset, end))
        expect({ ...cursor }).toEqual({ ...reference })
      }),
    )
  })

  it('never throws on any line (property)', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void parseLine(bytes)))
    fc.assert(fc.property(fc.json(), (text) => void parseLine(Buffer.from(text))))
  })

  it('stops for good when fsync fails, and never tries again', async () => {
    const { run, options } = await newRun()
    await run.close()
    let syncs = 0
    const disk = {
      ...realDisk,
      sync: () => {
        syncs += 1
        throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
      },
    }
    const bad = await openRun(run.folder, { ...options, disk })
    expect((await rejection(bad.append('note', { text: 'x' }))).message).toMatch(/fsync failed .*EIO/)
    expect((await rejection(bad.append('note', { text: 'y' }))).message).toMatch(/Nothing was written: fsync failed/)
    expect(syncs).toBe(1)
    expect(bad.state().warnings.join()).toMatch(/fsync failed/)
    await bad.close()
  })

  it('leaves no half line behind when the disk is full, and can go on when there is room', async () => {
    const { run, options } = await newRun()
    await run.close()
    let isFull = true
    const disk = {
      ...realDisk,
      write: (fd: number, bytes: Uint8Array) =>
        isFull ? realDisk.write(fd, bytes.subarray(0, 10)) : realDisk.write(fd, bytes),
    }
    const bad = await openRun(run.folder, { ...options, disk })
    expect((await rejection(bad.append('note', { text: 'x' }))).message).toMatch(/Free at least \d+ bytes/)
    expect(linesOf(run.folder)).toHaveLength(1)
    isFull = false
    expect((await bad.append('note', { text: 'y' })).sequence).toBe(2)
    await bad.close()
  })

  it('refuses a journal that was cut or replaced under it', async () => {
    const { run, options } = await newRun()
    await run.append('note', { text: 'x' })
    const path = join(run.folder, 'journal.jsonl')
    truncateSync(path, 10)
    expect((await rejection(run.append('note', { text: 'y' }))).message).toMatch(/shorter/)
    await run.close()
    const second = await newRun()
    writeFileSync(join(second.run.folder, 'copy'), readFileSync(join(second.run.folder, 'journal.jsonl')))
    renameSync(join(second.run.folder, 'copy'), join(second.run.folder, 'journal.jsonl'))
    expect((await rejection(second.run.append('note', { text: 'y' }))).message).toMatch(/replaced/)
    await second.run.close()
    await expect(openRun(run.folder, options)).rejects.toThrow(/does not begin with the creation/)
  })

  it('refuses folders that others can write to', async () => {
    const { run, options } = await newRun()
    await run.close()
    chmodSync(run.folder, 0o777)
    await expect(openRun(run.folder, options)).rejects.toThrow(/written by other users/)
  })

  it('refuses what does not fit on a line or has the wrong shape', async () => {
    const { run } = await newRun()
    expect((await rejection(run.append('note', { text: 'x'.repeat(maxLineBytes) }))).message).toMatch(/evidence/)
    expect((await rejection(run.append('note', {}))).message).toMatch(/no usable "text"/)
    expect((await rejection(run.append('launched' as 'note', { text: '' }))).message).toMatch(/no known kind/)
    expect(linesOf(run.folder)).toHaveLength(1)
    await run.close()
  })
})
