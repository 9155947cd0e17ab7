import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PlainSegmenter } from '../../../src/terminal/plain-segmenter.ts'

const whole = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const plain = new PlainSegmenter(undefined, { granularity: 'grapheme' })
const pieces = (segments: Iterable<Intl.SegmentData>) => Array.from(segments, ({ segment, index }) => [segment, index])

// What the built program draws with is only right while it cuts text exactly where the tables of Unicode would.
it('cuts where Intl.Segmenter cuts', () => {
  const units = [
    ...'ab ~│─┌█⣿●✓…漢👍🏽👨‍👩‍👧\u0301\ufe0f\u200d\u001b한가🇩🇪\r\n\t',
    '\u001b[31m',
    '\u001b[0m',
    'row of text',
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...units), fc.string({ maxLength: 4 })), { maxLength: 16 })
  fc.assert(
    fc.property(text, (parts) => {
      const joined = parts.join('')
      expect(pieces(plain.segment(joined))).toEqual(pieces(whole.segment(joined)))
    }),
    { numRuns: 1000 },
  )
})

it('finds the segment at a place, and none outside', () => {
  for (const text of ['', 'abc', '│ ✓ pass', 'e\u0301x', '漢字']) {
    for (let index = -1; index <= text.length; index += 1) {
      expect(plain.segment(text).containing(index)?.segment).toBe(whole.segment(text).containing(index)?.segment)
    }
  }
})

it('leaves words and sentences to the tables', () => {
  const words = new PlainSegmenter('en', { granularity: 'word' })
  expect(Array.from(words.segment('two words'), (s) => s.segment)).toEqual(['two', ' ', 'words'])
  expect(words.resolvedOptions().granularity).toBe('word')
})
