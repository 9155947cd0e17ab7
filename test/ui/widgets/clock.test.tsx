import { render } from 'ink-testing-library'
import { describe, expect, it, vi } from 'vitest'
import { Age, ageText, ClockProvider, makeLeafClock } from '../../../src/ui/clock.tsx'

describe('ages', () => {
  it('go in coarse steps', () => {
    expect([-5, 4999, 5000, 14_900, 59_999, 60_000, 3_599_000, 3_660_000, 90_000_000].map(ageText)).toEqual([
      'now',
      'now',
      '5 s',
      '10 s',
      '55 s',
      '1 min',
      '59 min',
      '1 h 1 min',
      '1 d 1 h',
    ])
    expect(ageText(Number.NaN)).toBe('unknown')
  })

  it('redraw only when their words change, and only while someone ticks', async () => {
    let now = 10_000
    const clock = makeLeafClock(() => now)
    const { frames, lastFrame } = render(
      <ClockProvider clock={clock}>
        <Age atMs={0} before="seen " after=" ago" />
      </ClockProvider>,
    )
    expect(lastFrame()).toBe('seen 10 s ago')
    const drawn = frames.length
    for (now = 10_000; now < 15_000; now += 1000) clock.tick()
    clock.tick()
    await vi.waitFor(() => expect(lastFrame()).toBe('seen 15 s ago'))
    // Had an earlier tick drawn anything, its frame would have come before this one.
    expect(frames.length).toBe(drawn + 1)
  })

  it('say never for what never was', () => {
    expect(render(<Age atMs={null} />).lastFrame()).toBe('never')
  })
})
