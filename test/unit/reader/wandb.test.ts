import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Columns } from '../../../src/reader/columns.ts'
import { renewing } from '../../../src/reader/renewing.ts'
import { memorySource } from '../../../src/reader/source.ts'
import type { ByteSource } from '../../../src/reader/types.ts'
import { wandbReader } from '../../../src/reader/wandb/reader.ts'
import { bytesField, historyRecord, wandbLog } from '../../harness/wandb-log.ts'

async function read(bytes: Uint8Array) {
  const columns = new Columns()
  const reports = await wandbReader(memorySource('run-a.wandb', bytes)).advance(columns)
  return { columns, report: reports[0] as (typeof reports)[number] }
}

/** A file that can be written to. */
function growing(): ByteSource & { bytes: Buffer; identity: string } {
  return {
    path: 'run-a.wandb',
    bytes: Buffer.alloc(0),
    identity: 'a',
    async stat() {
      return { bytes: this.bytes.length, mtimeMs: 0, identity: this.identity }
    },
    async read(offset, length) {
      return this.bytes.subarray(offset, offset + length)
    },
    close: async () => {},
  }
}

const points = (columns: Columns) =>
  Object.fromEntries(columns.all().map(({ name, steps, values }) => [name, [...steps].map((s, i) => [s, values[i]])]))

describe('a log of W&B', () => {
  it('is taken apart as its first bytes on record say', async () => {
    const head = '3a572642e1be00 e9d48b654d0001 0801c20c0a0a08756837327777346 3aa013b0a390a2f302e33302e30'.replaceAll(
      ' ',
      '',
    )
    const { report } = await read(Buffer.from(head, 'hex'))
    // The record is longer than what is on record of it: nothing is believed yet, and nothing is wrong.
    expect(report).toMatchObject({ records: 0, crcErrors: 0, skippedBytes: 0, isTruncated: true, notes: [] })
  })

  it('keeps figures as they were logged, whatever JSON says of them', async () => {
    const values = {
      a: '1.79e+09',
      b: 'NaN',
      c: 'Infinity',
      d: '-Infinity',
      e: '"NaN"',
      f: '{"_type":"histogram"}',
      g: 'true',
    }
    const { columns } = await read(wandbLog([historyRecord(7, values)]))
    expect(points(columns)).toEqual({
      a: [[7, 1.79e9]],
      b: [[7, Number.NaN]],
      c: [[7, Number.POSITIVE_INFINITY]],
      d: [[7, Number.NEGATIVE_INFINITY]],
      e: [[7, Number.NaN]],
      g: [[7, 1]],
    })
  })

  it('says which bytes it begins with when it is no such log', async () => {
    const { report, columns } = await read(Buffer.from('PK\u0003\u0004 something else entirely'))
    expect(report.notes).toEqual(['This is no log of W&B: it begins with other bytes.'])
    expect(columns.all()).toEqual([])
  })

  it('is read at every place of a block border', async () => {
    for (let at = 32_740; at <= 32_775; at++) {
      const filler = bytesField(4, Buffer.alloc(Math.max(0, at - 14 - 5)))
      const records = [filler, historyRecord(1, { loss: '0.5' }), historyRecord(2, { loss: '0.25' })]
      const { columns, report } = await read(wandbLog(records))
      expect(points(columns), `border at ${at}`).toEqual({
        loss: [
          [1, 0.5],
          [2, 0.25],
        ],
      })
      expect(report).toMatchObject({ records: 3, crcErrors: 0, skippedBytes: 0, isTruncated: false })
    }
  })

  it('cut at any byte invents nothing, and read on is what it is when read at once', async () => {
    const big = historyRecord(3, { note: `"${'x'.repeat(70_000)}"`, loss: '0.125' })
    const log = wandbLog([
      historyRecord(1, { loss: '1' }),
      historyRecord(2, { loss: '0.5' }),
      big,
      historyRecord(4, { loss: '0' }),
    ])
    const whole = points((await read(log)).columns)
    expect(whole).toEqual({
      loss: [
        [1, 1],
        [2, 0.5],
        [3, 0.125],
        [4, 0],
      ],
    })
    for (let cut = 0; cut <= log.length; cut += cut < 200 || cut > log.length - 200 ? 1 : 997) {
      const file = growing()
      const columns = new Columns()
      const reader = renewing('wandb', () => wandbReader(file))
      file.bytes = log.subarray(0, cut)
      const [first] = await reader.advance(columns)
      const before = points(columns).loss ?? []
      expect(before).toEqual((whole.loss ?? []).slice(0, before.length))
      expect(first).toMatchObject({ crcErrors: 0, skippedBytes: 0 })
      file.bytes = log
      const [last] = await reader.advance(columns)
      expect(points(columns)).toEqual(whole)
      expect(last).toMatchObject({ records: 4, crcErrors: 0, skippedBytes: 0, isTruncated: false })
    }
  })

  it('a flipped bit costs at most its block and is counted', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) =>
      historyRecord(i, { loss: String(i / 4), acc: String(1 - i / 4800) }),
    )
    const log = wandbLog(rows)
    expect(log.length).toBeGreaterThan(2 * 32_768)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 7, max: log.length - 1 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        const bad = Buffer.from(log)
        bad[at] = (bad[at] as number) ^ (1 << bit)
        const { columns, report } = await read(bad)
        const loss = columns.column('loss')
        if (loss === null) throw new Error('everything was lost')
        for (let i = 0; i < loss.steps.length; i++) expect(loss.values[i]).toBe((loss.steps[i] as number) / 4)
        const isInPadding = report.records === rows.length
        if (!isInPadding) expect(report.skippedBytes + (report.isTruncated ? 1 : 0)).toBeGreaterThan(0)
        expect(loss.steps.length).toBeGreaterThan(400)
      }),
      { numRuns: 60 },
    )
  })

  it('that was replaced by another one is read anew', async () => {
    const file = growing()
    const columns = new Columns()
    const reader = renewing('wandb', () => wandbReader(file))
    file.bytes = wandbLog([historyRecord(1, { loss: '1' }), historyRecord(2, { loss: '2' })])
    await reader.advance(columns)
    file.bytes = wandbLog([historyRecord(1, { loss: '9' })])
    file.identity = 'b'
    await reader.advance(columns)
    expect(points(columns)).toEqual({ loss: [[1, 9]] })
  })

  it('decodes the points of no metric that nobody wants', async () => {
    const columns = new Columns((name) => name === 'acc')
    const log = wandbLog([historyRecord(1, { loss: '1', acc: '0.5' })])
    await wandbReader(memorySource('run-a.wandb', log)).advance(columns)
    expect([...columns.names]).toEqual(['loss', 'acc'])
    expect(points(columns)).toEqual({ acc: [[1, 0.5]] })
  })
})
