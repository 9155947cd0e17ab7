import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { modes, TerminalModes } from '../../../src/terminal/modes.ts'
import { RepaintLimiter, SETTLE_MS, Settler, watchClock } from '../../../src/terminal/repaint.ts'

describe('modes', () => {
  it('undoes every mode it enters, newest first, once', () => {
    const set = new TerminalModes(true)
    expect(set.restore()).toBe('')
    const entered = set.enter()
    const restored = set.restore()
    for (const mode of Object.values(modes)) {
      expect(entered).toContain(mode.enter)
      expect(restored).toContain(mode.restore)
    }
    expect(restored.endsWith(modes.alternateScreen.restore)).toBe(true)
    expect(set.restore()).toBe('')
  })

  it('pairs each private mode it sets with its reset', () => {
    for (const mode of Object.values(modes)) {
      const numbers = (text: string) => [...text.matchAll(/\?(\d+)/g)].map((match) => match[1]).sort()
      expect(numbers(mode.restore)).toEqual(numbers(mode.enter))
    }
  })

  it('lets go of the mouse at once and keeps it so when entered again', () => {
    const set = new TerminalModes(true)
    set.enter()
    expect(set.set('mouse', false)).toBe(modes.mouse.restore)
    expect(set.set('mouse', false)).toBe('')
    expect(set.enter()).not.toContain(modes.mouse.enter)
    expect(set.set('mouse', true)).toBe(modes.mouse.enter)
  })

  it('remembers a wish while the terminal is handed over', () => {
    const set = new TerminalModes(false)
    expect(set.set('mouse', true)).toBe('')
    expect(set.enter()).toContain(modes.mouse.enter)
  })
})

describe('repaint triggers', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  })
  afterEach(() => void vi.useRealTimers())

  it('serves at most one automatic repaint in 250 ms and never loses the last', () => {
    const repaint = vi.fn()
    const limiter = new RepaintLimiter(repaint)
    for (let request = 0; request < 50; request += 1) limiter.request()
    expect(repaint).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(249)
    expect(repaint).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(2)
    expect(repaint).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(2000)
    expect(repaint).toHaveBeenCalledTimes(2)
  })

  it('never holds back what a person asks for', () => {
    const repaint = vi.fn()
    const limiter = new RepaintLimiter(repaint)
    for (let press = 0; press < 5; press += 1) limiter.demand()
    expect(repaint).toHaveBeenCalledTimes(5)
  })

  it('repaints on focus only after a second', () => {
    const repaint = vi.fn()
    const limiter = new RepaintLimiter(repaint)
    limiter.focusIn()
    limiter.focusIn()
    vi.advanceTimersByTime(999)
    limiter.focusIn()
    expect(repaint).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(2)
    limiter.focusIn()
    expect(repaint).toHaveBeenCalledTimes(2)
  })

  it('settles once after a burst', () => {
    const repaint = vi.fn()
    const settler = new Settler(repaint)
    for (let signal = 0; signal < 100; signal += 1) {
      settler.signal()
      vi.advanceTimersByTime(SETTLE_MS - 1)
    }
    expect(repaint).toHaveBeenCalledTimes(0)
    vi.advanceTimersByTime(1)
    expect(repaint).toHaveBeenCalledTimes(1)
    settler.signal()
    settler.close()
    vi.advanceTimersByTime(1000)
    expect(repaint).toHaveBeenCalledTimes(1)
  })

  it('notices that the wall clock ran ahead, once, and not that it went back or drifted', () => {
    const repaint = vi.fn()
    const stop = watchClock(repaint, 1000)
    vi.advanceTimersByTime(60_000)
    expect(repaint).toHaveBeenCalledTimes(0)
    vi.setSystemTime(Date.now() + 4000)
    vi.advanceTimersByTime(2000)
    expect(repaint).toHaveBeenCalledTimes(0)
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(5000)
    expect(repaint).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() - 7_200_000)
    vi.advanceTimersByTime(5000)
    expect(repaint).toHaveBeenCalledTimes(1)
    stop()
  })
})
