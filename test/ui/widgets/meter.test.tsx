import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import { asciiGlyphs, unicodeGlyphs } from '../../../src/ui/glyphs.ts'
import { Meter } from '../../../src/ui/meter.tsx'
import { meterBar, meterLines, meterText, meterToken } from '../../../src/ui/meter-model.ts'
import { Sparkline } from '../../../src/ui/sparkline.tsx'
import { extentOf, resample, shortNumber, sparklineLines, sparklineText } from '../../../src/ui/sparkline-model.ts'
import { textWidth } from '../../../src/ui/text-fit.ts'

const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')
const sample = fc.oneof(fc.constant(null), fc.double())

describe('meter', () => {
  it('is exactly as wide as it may be', () => {
    fc.assert(
      fc.property(
        fc.string(),
        sample,
        fc.integer({ min: 1, max: 100 }),
        fc.nat(20),
        (label, fraction, width, labelWidth) => {
          expect(textWidth(meterText({ label, fraction }, width, labelWidth))).toBe(width)
        },
      ),
    )
  })

  it('draws unknown as a word, never as zero', () => {
    for (const fraction of [null, Number.NaN, Number.POSITIVE_INFINITY]) {
      const line = meterText({ label: 'GPU 0', fraction }, 40, 6, asciiGlyphs)
      expect(line).toContain('unknown')
      expect(line).not.toContain('0 %')
      expect(line).not.toMatch(/[#.]{2}/)
    }
    expect(meterLines({ label: 'GPU 0', fraction: null, unknown: 'no probe yet' })).toEqual([
      'GPU 0: unknown: no probe yet',
    ])
    expect(meterToken({ label: '', fraction: null })).toBe('state.unknown')
  })

  it('tells something from nothing and almost from all', () => {
    expect(meterBar(0, 10, asciiGlyphs).full).toBe('')
    expect(meterBar(0.001, 10, asciiGlyphs).full).toBe('#')
    expect(meterBar(0.999, 10, asciiGlyphs).empty).toBe('.')
    expect(meterBar(1.7, 10, asciiGlyphs)).toEqual({ full: '##########', empty: '' })
    expect(meterText({ label: 'disk', fraction: 0.5 }, 24, 6, unicodeGlyphs)).toBe('disk   █████░░░░    50 %')
  })

  it('keeps its value at the right edge', () => {
    const { lastFrame } = render(<Meter label="mem" fraction={0.42} text="3.2 of 8 GB" width={40} />)
    expect(plain(lastFrame())).toMatch(/^mem {10}#+\.+ 3\.2 of 8 GB$/)
  })
})

describe('sparkline', () => {
  it('runs from the least to the greatest value with gaps for what is missing', () => {
    expect(sparklineText([0, 7, null, 3.5], 10)).toBe('▁█ ▅')
    expect(sparklineText([5, 5, 5], 10)).toBe('▅▅▅')
    expect(sparklineText([Number.NaN, 1, 2], 10, asciiGlyphs)).toBe(' _#')
    expect(sparklineText([null, null], 10)).toBe('no data')
    expect(sparklineText([-Number.MAX_VALUE, Number.MAX_VALUE], 10)).toBe('▁█')
  })

  it('is never wider than it may be', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 300 }), fc.nat(80), (values, width) => {
        expect(textWidth(sparklineText(values, width))).toBeLessThanOrEqual(width)
      }),
    )
  })

  it('means over stretches when there are more values than cells', () => {
    expect(resample([1, 3, null, null, 5, 7], 3)).toEqual([2, null, 6])
    expect(extentOf([null, Number.NaN])).toBeNull()
  })

  it('says in words what it shows', () => {
    expect(sparklineLines('loss', [2, null, 0.5], 'nat')).toEqual([
      'loss: last 0.5 nat, min 0.5 nat, max 2 nat, 3 values, 1 missing',
    ])
    expect(sparklineLines('loss', [])).toEqual(['loss: no data'])
    expect([shortNumber(123456789), shortNumber(0.00001234), shortNumber(2.50049)]).toEqual(['1.2e8', '1.2e-5', '2.5'])
  })

  it('draws one row', () => {
    const { lastFrame } = render(<Sparkline label="loss" labelWidth={6} values={[1, 2, 3]} text="3.0" width={30} />)
    expect(plain(lastFrame())).toBe(`loss   _+#${' '.repeat(17)}3.0`)
  })
})
