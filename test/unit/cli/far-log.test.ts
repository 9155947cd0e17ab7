import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { farLogReader } from '../../../src/cli/far-log.ts'
import { createLocalHost } from '../../../src/host/local.ts'
import type { Host } from '../../../src/host/types.ts'
import type { UnitLog } from '../../../src/session/view.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-far-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let path = ''
let count = 0
beforeEach(() => {
  path = join(folder, `log-${count++}`)
})
const secrets = async () => null
const linesOf = ({ log }: UnitLog) =>
  log === null
    ? null
    : Array.from({ length: log.buffer.end() - log.buffer.first() }, (_, i) => log.buffer.line(log.buffer.first() + i))

/** This machine as a host, whose link can be down or silent; counts what is asked of it. */
function farHost() {
  const asked = { opened: 0, closed: 0, tails: 0, atOnce: 0, most: 0, beganAt: [] as number[] }
  let hold: Promise<void> = Promise.resolve()
  let isUp = true
  const open = async (): Promise<Host | null> => {
    if (!isUp) return null
    asked.opened += 1
    asked.beganAt.push(performance.now())
    const host = createLocalHost()
    return {
      ...host,
      tail: async (...args) => {
        asked.tails += 1
        asked.atOnce += 1
        asked.most = Math.max(asked.most, asked.atOnce)
        await hold
        asked.atOnce -= 1
        return host.tail(...args)
      },
      close: async () => {
        asked.closed += 1
        await host.close()
      },
    }
  }
  return {
    asked,
    open,
    up: (is: boolean) => {
      isUp = is
    },
    silent: () => {
      let answer: () => void = () => {}
      hold = new Promise((resolve) => {
        answer = resolve
      })
      return answer
    },
  }
}

describe('the log of a unit on another machine', () => {
  it('is no empty log while there is no link, and goes on where it was when there is one again', async () => {
    writeFileSync(path, 'one\n')
    const far = farHost()
    const reader = farLogReader({ open: far.open, secrets, betweenMs: 20 })
    const place = { unit: 'u1', host: 'box', path }
    far.up(false)
    expect(await reader.look(place)).toMatchObject({ log: null, far: { readAtMs: null, isLinked: false } })
    far.up(true)
    const first = await reader.look(place)
    expect([linesOf(first), first.far.isLinked, first.far.isThere]).toEqual([['one'], true, true])
    far.up(false)
    appendFileSync(path, 'two\n')
    const lost = await reader.look(place)
    expect([linesOf(lost), lost.far.isLinked, lost.far.readAtMs]).toEqual([['one'], false, first.far.readAtMs])
    far.up(true)
    const back = await reader.look(place)
    expect(linesOf(back)).toEqual(['one', 'two'])
    expect(back.log?.buffer).toBe(first.log?.buffer)
    expect(far.asked.closed).toBe(far.asked.opened)
  })

  it('is asked for at a bounded pace and one request at a time, however often and for whichever unit', async () => {
    writeFileSync(path, 'one\n')
    const far = farHost()
    const reader = farLogReader({ open: far.open, secrets, betweenMs: 300 })
    const looks = ['a', 'b', 'c', 'c', 'c'].map((unit) => reader.look({ unit, host: 'box', path }))
    const seen = await Promise.all(looks)
    expect(seen.slice(2).map(linesOf)).toEqual([['one'], ['one'], ['one']])
    expect(far.asked.opened).toBeLessThanOrEqual(2)
    expect(far.asked.most).toBe(1)
    await reader.look({ unit: 'c', host: 'box', path })
    const gaps = far.asked.beganAt.slice(1).map((at, i) => at - (far.asked.beganAt[i] ?? 0))
    // Timers count whole milliseconds.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(300 - 5)
  })

  it('says that nothing answers after the deadline, begins no second request, and takes the late answer', async () => {
    writeFileSync(path, 'one\n')
    const far = farHost()
    const reader = farLogReader({ open: far.open, secrets, deadlineMs: 50, betweenMs: 20 })
    const place = { unit: 'u1', host: 'box', path }
    const answer = far.silent()
    const late = await reader.look(place)
    expect([late.log, late.far.trouble]).toEqual([null, expect.stringContaining('box has not answered')])
    expect((await reader.look(place)).far.trouble).toContain('box has not answered')
    expect(far.asked.opened).toBe(1)
    answer()
    // The deadline is short for the silence above; a machine that does much else may miss it once more.
    await vi.waitFor(
      async () => {
        const seen = await reader.look(place)
        expect([linesOf(seen), seen.far.trouble]).toEqual([['one'], null])
      },
      { timeout: 30_000 },
    )
  })

  it('says why it cannot be read, and that there is no such file', async () => {
    const far = farHost()
    const reader = farLogReader({ open: far.open, secrets, betweenMs: 20 })
    expect(await reader.look({ unit: 'u1', host: 'box', path })).toMatchObject({
      log: null,
      far: { isThere: false, trouble: null, readAtMs: expect.any(Number) },
    })
    const odd = await reader.look({ unit: 'u2', host: 'box', path: folder })
    expect([odd.log, odd.far.trouble]).toEqual([null, expect.stringContaining(folder)])
  })
})
