import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { describe, expect, it, vi } from 'vitest'
import { defaultLogLimits, makeLogBuffer } from '../../../src/text/log-buffer.ts'
import { parseLogFilter } from '../../../src/ui/log-filter.ts'
import {
  followingLog,
  type LogState,
  logLines,
  logRows,
  logStatus,
  makeLogIndex,
  reduceLog,
} from '../../../src/ui/log-model.ts'
import { LogView } from '../../../src/ui/log-view.tsx'

const limits = { ...defaultLogLimits, lines: 100 }
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('')

describe('log buffer', () => {
  it('holds the newest lines whatever the chunks are', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'é') }), fc.array(fc.nat(20)), (text, cuts) => {
        const buffer = makeLogBuffer({ lines: 5, characters: 1000, lineCharacters: 50 })
        let at = 0
        for (const cut of cuts) {
          buffer.append(text.slice(at, at + cut))
          at += cut
        }
        buffer.append(text.slice(at))
        buffer.close()
        const lines = text.split('\n')
        if (lines.at(-1) === '') lines.pop()
        const held = Array.from({ length: buffer.end() - buffer.first() }, (_, i) => buffer.line(buffer.first() + i))
        expect(held).toEqual(lines.slice(-5))
        expect(buffer.end()).toBe(lines.length)
      }),
    )
  })

  it('is bounded by lines, by characters and by the length of one line', () => {
    const buffer = makeLogBuffer({ lines: 1000, characters: 10_000, lineCharacters: 4096 })
    buffer.append(`${'x'.repeat(1_000_000)}\n`)
    expect(buffer.line(0)).toHaveLength(4092)
    expect(buffer.line(0)).toMatch(/ \[cut\]$/)
    for (let i = 0; i < 50; i++) buffer.append(`${'y'.repeat(1000)}\n`)
    expect(buffer.end() - buffer.first()).toBe(10)
    for (let i = 0; i < 100; i++) buffer.append('z'.repeat(100_000))
    buffer.close()
    expect(buffer.line(buffer.end() - 1).length).toBeLessThanOrEqual(4096)
  })

  it('shows the last state of a progress line', () => {
    const buffer = makeLogBuffer(limits)
    buffer.append('10 %\r50 %\r100 %\nwindows\r\n')
    expect([buffer.line(0), buffer.line(1)]).toEqual(['100 %', 'windows'])
  })
})

describe('log filter', () => {
  const lines = ['loss=0.5 step 1', 'loss=nan step 2', 'DEBUG noise', 'saved checkpoint']
  const passing = (typed: string) => {
    const filter = parseLogFilter(typed)
    return lines.filter(filter.test).map((l) => lines.indexOf(l))
  }
  it.each([
    ['', [0, 1, 2, 3]],
    ['/loss=\\d', [0]],
    ['/LOSS=', []],
    ['!debug', [0, 1, 3]],
    ['!/step \\d$', [2, 3]],
    ['~svdck', [3]],
    ['!~svdck', [0, 1, 2]],
    ['debug', [2]],
    ['!', [0, 1, 2, 3]],
  ])('%s', (typed, expected) => expect(passing(typed)).toEqual(expected))

  it('shows all and says why when a pattern cannot be used', () => {
    expect(passing('/(')).toEqual([0, 1, 2, 3])
    expect(passing('!/(')).toEqual([0, 1, 2, 3])
    expect(parseLogFilter('/(').error()).toBe('missing ) in pattern')
  })
})

describe('log view', () => {
  const setUp = (typed = '', count = 50) => {
    const buffer = makeLogBuffer(limits)
    buffer.append(numbered(0, count))
    const index = makeLogIndex(buffer, typed)
    index.refresh()
    return { buffer, index }
  }
  const seen = (state: LogState, index: ReturnType<typeof makeLogIndex>) =>
    logRows(state, index, 10).map((r) => r.number)

  it('follows the end until one moves up, and again at the end', () => {
    const { buffer, index } = setUp()
    let state: LogState = followingLog
    expect(seen(state, index).at(-1)).toBe(49)
    state = reduceLog(state, { type: 'move', by: -5 }, index, 10)
    expect(seen(state, index)[0]).toBe(35)
    buffer.append(numbered(50, 60))
    expect(seen(state, index)[0]).toBe(35)
    state = reduceLog(state, { type: 'page', by: 5 }, index, 10)
    expect(state.top).toBeNull()
    expect(seen(state, index).at(-1)).toBe(59)
    expect(seen(reduceLog(state, { type: 'home' }, index, 10), index)[0]).toBe(0)
  })

  it('goes on from the oldest line that is left when the one at the top is dropped', () => {
    const { buffer, index } = setUp()
    const state = { top: 3, filter: '' }
    buffer.append(numbered(50, 140))
    expect(seen(state, index)[0]).toBe(40)
  })

  it('looks at each line once', () => {
    const buffer = makeLogBuffer(limits)
    const line = vi.fn(buffer.line)
    const index = makeLogIndex({ ...buffer, line }, '/[05]$')
    for (let i = 0; i < 300; i++) {
      buffer.append(`line ${i}\n`)
      index.refresh()
    }
    expect(line).toHaveBeenCalledTimes(300)
    expect(index.count()).toBe(20)
    expect(index.at(0)).toBe(200)
    expect(logStatus(followingLog, index)).toBe('following, 20 of 100 lines matching /[05]$/, 200 dropped')
  })

  it('keeps the same index right after thousands of dropped matches', () => {
    const buffer = makeLogBuffer(limits)
    const index = makeLogIndex(buffer, 'line')
    for (let i = 0; i < 100; i++) {
      buffer.append(numbered(i * 100, i * 100 + 100))
      index.refresh()
    }
    expect(index.count()).toBe(100)
    expect(index.at(0)).toBe(9900)
    expect(index.placeOf(9950)).toBe(50)
  })

  it('draws only what is seen', () => {
    const { index } = setUp('', 90)
    const { lastFrame } = render(<LogView state={followingLog} index={index} version={1} width={20} height={4} />)
    expect((lastFrame() ?? '').split('\n').map((l) => l.trim())).toEqual(['line 86', 'line 87', 'line 88', 'line 89'])
  })

  it('prints the end as lines', () => {
    const { index } = setUp('', 3)
    expect(logLines(followingLog, index, 80)).toEqual(['following, 3 lines', 'line 0', 'line 1', 'line 2'])
  })
})
