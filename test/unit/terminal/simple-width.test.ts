import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, it } from 'vitest'
import { isSimpleNarrow, isSimpleWide, simpleWidth } from '../../../src/terminal/simple-width.ts'

// The fast path skips string-width and grapheme segmentation. It must agree with both for every unit it claims.
it('agrees with string-width on every unit of the fast path', () => {
  const wrong: string[] = []
  for (let code = 0x20; code < 0x10000; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const text = String.fromCharCode(code)
    if (isSimpleNarrow(code) && stringWidth(text) !== 1)
      wrong.push(`${code.toString(16)} is ${stringWidth(text)}, not 1`)
    if (isSimpleWide(code) && stringWidth(text) !== 2) wrong.push(`${code.toString(16)} is ${stringWidth(text)}, not 2`)
  }
  expect(wrong).toEqual([])
})

it('claims no unit that joins its left neighbour', () => {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  const wrong: string[] = []
  for (let code = 0x20; code < 0x10000; code += 1) {
    if (!isSimpleNarrow(code) && !isSimpleWide(code)) continue
    for (const neighbour of ['a', '漢', '│']) {
      if ([...segmenter.segment(neighbour + String.fromCharCode(code))].length !== 2) wrong.push(code.toString(16))
    }
  }
  expect(wrong).toEqual([])
})

it('covers what panels draw with', () => {
  for (const glyph of 'az09~│─┌┐└┘█▇▁⣿⠁●○◆▲▼→←↑↓✓✗…·×°€') expect(isSimpleNarrow(glyph.charCodeAt(0))).toBe(true)
})

it('measures as string-width does whatever it claims', () => {
  const units = [...'az ~│─┌█⣿●✓…é漢字👍🏽👨‍👩‍👧\u0301\ufe0f\ufe0e\u200d\u001b[31m한ᄀ⌚🇩🇪0#*\u20e3']
  const text = fc.array(fc.oneof(fc.constantFrom(...units), fc.string({ unit: 'binary', maxLength: 3 })), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(text, (parts) => {
      const joined = parts.join('')
      const width = simpleWidth(joined)
      return width === null || width === stringWidth(joined)
    }),
    { numRuns: 500 },
  )
  expect(simpleWidth('│ ✓ passed …')).toBe(12)
  expect(simpleWidth('e\u0301')).toBeNull()
})
