import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Columns } from '../../../src/reader/columns.ts'
import { TfRecords } from '../../../src/reader/tfevents/framing.ts'
import { tfeventsReader } from '../../../src/reader/tfevents/reader.ts'
import { tfRecord } from '../../harness/event-file.ts'
import { GrowingFolder } from '../../harness/growing-folder.ts'
import { eventFile, scalarEvent } from '../../harness/tfevents-file.ts'

const pointsOf = (columns: Columns) =>
  Object.fromEntries(
    columns.all().map(({ name, steps, values }) => [name, [...steps].map((step, at) => [step, values[at]])]),
  )

async function read(files: Readonly<Record<string, Buffer>>) {
  const folder = new GrowingFolder()
  for (const [name, bytes] of Object.entries(files)) folder.write(name, bytes)
  const columns = new Columns()
  const reports = await tfeventsReader(folder, ['.']).advance(columns)
  return { columns, reports, points: pointsOf(columns) }
}

const rising = (from: number, to: number, value: (step: number) => Record<string, number>) =>
  eventFile(Array.from({ length: to - from + 1 }, (_, at) => scalarEvent(from + at, value(from + at))))

describe('event files', () => {
  it('every flipped bit is caught, and nothing behind it believed', async () => {
    const log = rising(0, 6, (step) => ({ loss: step / 4 }))
    const whole = (await read({ 'a.tfevents.1': log })).points.loss ?? []
    expect(whole.length).toBe(7)
    for (let at = 0; at < log.length; at++) {
      const bad = Buffer.from(log)
      bad[at] = (bad[at] as number) ^ (1 << (at % 8))
      const { points, reports } = await read({ 'a.tfevents.1': bad })
      const known = points.loss ?? []
      expect(known, `bit at ${at}`).toEqual(whole.slice(0, known.length))
      expect(known.length).toBeLessThan(7)
      expect(reports[0]).toMatchObject({ crcErrors: 1, isTruncated: false })
      expect(reports[0]?.skippedBytes).toBeGreaterThan(0)
      expect(reports[0]?.notes[0]).toContain('A checksum is wrong at byte')
    }
  })

  it('are taken apart alike wherever the pieces that are read end', () => {
    const payloads = [0, 1, 11, 12, 16, 255, 4096, 70_000].map((length) => Buffer.alloc(length, length % 251))
    const log = Buffer.concat(payloads.map(tfRecord))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 80_000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const records = new TfRecords()
        const found: Buffer[] = []
        let at = 0
        let upTo = 0
        for (let turn = 0; at < log.length; turn++) {
          upTo = Math.min(log.length, upTo + (sizes[turn % sizes.length] as number))
          at = records.read(log.subarray(at, upTo), at, (buffer, start, end) =>
            found.push(Buffer.from(buffer.subarray(start, end))),
          )
        }
        expect(found.map(({ length }) => length)).toEqual(payloads.map(({ length }) => length))
        expect(found.every((each, i) => each.equals(payloads[i] as Buffer))).toBe(true)
        expect(records).toMatchObject({ records: payloads.length, crcErrors: 0, brokenAt: null })
      }),
      { numRuns: 40 },
    )
  })

  it('of a run that began again: what stood behind that step is void, for every tag that goes on', async () => {
    const { points, columns } = await read({
      'events.out.tfevents.1': rising(0, 9, (step) => ({ loss: step, acc: -step })),
      'events.out.tfevents.2': rising(5, 7, (step) => ({ loss: 100 + step })),
    })
    expect(points.loss).toEqual([...[0, 1, 2, 3, 4].map((s) => [s, s]), [5, 105], [6, 106], [7, 107]])
    // The tag that the second file has not written yet: its points from step 5 on are of the attempt that was given up.
    expect(points.acc?.map(([step]) => step)).toEqual([0, 1, 2, 3, 4])
    expect(columns.events).toMatchObject([{ kind: 'restart', step: 5 }])
  })

  it('with other tags stand side by side: nothing is void', async () => {
    const { points, columns } = await read({
      'events.out.tfevents.1': rising(0, 9, (step) => ({ loss: step })),
      'events.out.tfevents.2': rising(0, 9, (step) => ({ 'val/loss': step })),
    })
    expect(points.loss?.length).toBe(10)
    expect(points['val/loss']?.length).toBe(10)
    expect(columns.events).toEqual([])
  })

  it('a restart is the same when it is read on as when it is read at once', async () => {
    const first = rising(0, 9, (step) => ({ loss: step, acc: -step }))
    const second = rising(5, 12, (step) => ({ loss: 100 + step, acc: -100 - step }))
    const whole = (await read({ 'a.tfevents.1': first, 'a.tfevents.2': second })).points
    for (let cut = 0; cut <= second.length; cut += 7) {
      const folder = new GrowingFolder()
      const columns = new Columns()
      const reader = tfeventsReader(folder, ['.'])
      folder.write('a.tfevents.1', first)
      await reader.advance(columns)
      folder.write('a.tfevents.2', second.subarray(0, cut))
      await reader.advance(columns)
      folder.write('a.tfevents.2', second)
      await reader.advance(columns)
      expect(pointsOf(columns), `cut at ${cut}`).toEqual(whole)
    }
  })
})
